"""Commands that are piped, or given with ``-c``, on real nodes: what comes out, and the exit status."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 60


def kvtui(*arguments: str, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    command = [sys.executable, "-m", "kvtui", *arguments]
    done = subprocess.run(command, cwd=ROOT, input=data, capture_output=True, timeout=TIMEOUT, check=False)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_piped_commands_run_without_banner_or_prompt() -> None:
    done = kvtui("shell", "--memory", "--nodes", "1", stdin="# a comment\n\nput apple 123\nget apple\nget nope\n")
    assert done.stdout.splitlines() == [
        "Replicas for key apple: n1",
        '[n1] PUT apple = 123 -> {"status":"ok"}',
        "apple -> 123",
        "nope -> [not found]",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_piped_command_that_fails_makes_the_status_1_and_the_next_ones_run() -> None:
    done = kvtui("shell", "--memory", "--nodes", "1", stdin="put apple 1\npot apple 2\nremovenode X\nget apple\n")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "apple -> 1"
    assert len(done.stderr.splitlines()) == 2


def test_exit_ends_a_script() -> None:
    done = kvtui("shell", "--memory", stdin="exit\npot\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_bytes_that_are_not_utf8_are_stored_as_they_are() -> None:
    done = kvtui("shell", "--memory", "--nodes", "1", stdin=b"put k \xff\xfe\nget k\n")
    assert done.stdout.splitlines()[-1] == r'k -> "\xff\xfe"'


def test_raw_bytes_come_out_alone_and_a_key_that_is_not_there_is_a_failure_apart() -> None:
    script = 'put "two words" "\\x1b[2J\\ta\\n"\nget "two words"\nget --raw "two words"\nget --raw nope\n'
    done = kvtui("shell", "--memory", "--nodes", "1", stdin=script)
    shown, raw = done.stdout.splitlines(keepends=True)[2:4]
    assert shown == '"two words" -> "\\x1b[2J\\ta\\n"\n'
    assert raw == "\x1b[2J\ta\n"
    assert (done.returncode, done.stderr) == (1, "nope -> [not found]\n")


def test_commands_as_arguments_run_on_one_state(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    done = kvtui(
        "--state", state, "--nodes", "2", "--replicas", "1", "-c", "put greeting hello world", "-c", "get greeting"
    )
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "greeting -> hello world"
    done = kvtui("shell", "--state", state, "-c", "get greeting")
    assert (done.returncode, done.stdout) == (0, "greeting -> hello world\n")


@pytest.mark.parametrize("command", ["pot", "put apple", "put apple 1"])
def test_a_command_argument_that_fails_makes_the_status_1(command: str) -> None:
    done = kvtui("--memory", "-c", command, "-c", "help exit")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout.startswith("exit   ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_script_in_order(tmp_path: Path, number: signal.Signals) -> None:
    state = str(tmp_path / "state")
    command = [sys.executable, "-m", "kvtui", "shell", "--state", state, "--nodes", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            running.stdin.write(b"put apple 1\n")
            running.stdin.flush()
            assert running.stdout.readline() == b"Replicas for key apple: n1\n"
            running.send_signal(number)
            assert running.wait(TIMEOUT) == 128 + number
        finally:
            running.kill()
    assert kvtui("--state", state, "-c", "get apple").stdout == "apple -> 1\n"


def test_a_reader_that_goes_away_ends_the_script_without_a_trace() -> None:
    command = [sys.executable, "-m", "kvtui", "shell", "--memory"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        try:
            running.stdout.close()
            running.stdin.write(b"help\n" * 10)
            running.stdin.flush()
            assert running.wait(TIMEOUT) == 141  # as by a SIGPIPE
            assert running.stderr.read() == b""
        finally:
            running.kill()
            try:
                running.stdin.close()
            except BrokenPipeError:
                pass
