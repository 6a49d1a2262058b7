"""Several kvtui on one ring: real processes that attach, end, are killed, and take the coordinator up."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kvtui.control.sockets import NAME
from kvtui.core.seams.rocksdb import open_rocksdb
from tests.processes.test_kvtui_killed import node_processes
from tests.shell.terminal import Terminal
from tests.widgets.terminal import Terminal as Screen

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets on this system"),
]
ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 60


class Running:
    """A kvtui with pipes."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kvtui", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.name = f"(process {self.process.pid})"

    def says(self, line: str, answers: str) -> None:
        """Type a line; what is answered must begin so."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.hears(answers)

    def hears(self, answers: str) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        while line and not line.startswith(answers):
            line = self.process.stdout.readline()
        assert line.startswith(answers), f"{answers!r} did not come"
        return line

    def complains(self, *words: str) -> None:
        """The next line on its standard error."""
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert all(word in line for word in words), line

    def ends(self) -> int:
        """Close its input and wait; the status."""
        self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    kvtui = Running(*arguments)
    try:
        yield kvtui
    finally:
        if kvtui.process.poll() is None:
            kvtui.process.kill()
        kvtui.process.communicate(timeout=TIMEOUT)


@contextmanager
def serving(state: Path, *options: str) -> Iterator[Running]:
    with running("serve", "--state", str(state), *options) as holder:
        holder.hears(f"kvtui: serving {state} {holder.name}; attach with: kvtui --state {state}")
        yield holder


def script(state: Path, *commands: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    given = [part for command in commands for part in ("-c", command)]
    return subprocess.run(
        [sys.executable, "-m", "kvtui", "--state", str(state), *options, *given],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def test_shells_and_scripts_work_on_one_ring_at_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running("shell", "--state", str(state), "--nodes", "2", "--replicas", "1") as holder:
        holder.says("put apple 1", "[n")
        with running("shell", "--state", str(state)) as guest:
            guest.says("get apple", "apple -> 1")
            guest.complains(f"kvtui: attached to kvtui shell {holder.name}, which holds the coordinator")
            guest.says("put pear 2", "[n")
            done = script(state, "get pear", "put plum 3", options=("--nodes", "5", "--replicas", "2"))
            assert (done.returncode, done.stdout.splitlines()[0]) == (0, "pear -> 2")
            assert done.stderr == (
                f"kvtui: attached to kvtui shell {holder.name}, which holds the coordinator;"
                " no effect have: --nodes, --replicas\n"
            )
            holder.says("get plum", "plum -> 3")
            assert guest.ends() == 0
        holder.says("get pear", "pear -> 2")
        assert holder.ends() == 0
    assert node_processes(state) == []


def test_a_readonly_one_refuses_at_its_own_end_alone(tmp_path: Path) -> None:
    with serving(tmp_path / "state", "--nodes", "1"):
        refused = script(tmp_path / "state", "put apple 1", options=("--readonly",))
        assert refused.returncode == 1
        assert "--readonly" in refused.stderr
        assert script(tmp_path / "state", "put apple 1").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serve_holds_without_a_terminal_and_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    state = tmp_path / "state"
    with serving(state, "--nodes", "2", "--replicas", "1") as holder:
        mode = (state / NAME).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert script(state, "put apple 1").returncode == 0
        assert len(node_processes(state)) == 2
        holder.process.send_signal(number)
        assert holder.process.wait(TIMEOUT) == 0
        assert holder.process.stderr is not None
        assert holder.process.stderr.read() == ""
    assert node_processes(state) == []
    assert not (state / NAME).exists()
    assert f"ends by {number.name}" in (state / "kvtui.log").read_text()


def test_a_node_that_died_by_itself_is_started_again_under_serve_and_one_that_was_stopped_is_not(
    tmp_path: Path,
) -> None:
    """It stayed DOWN until somebody looked."""
    state = tmp_path / "state"
    with serving(state, "--nodes", "2", "--replicas", "1"):
        assert script(state, "put apple 1", "stop n2").returncode == 0
        (victim,) = node_processes(state)
        os.kill(victim, signal.SIGKILL)
        deadline = time.monotonic() + TIMEOUT
        while "n1 is UP" not in (log := (state / "kvtui.log").read_text()).partition("n1 is started again")[2]:
            assert time.monotonic() < deadline, log
            time.sleep(0.05)  # another process writes it: there is nothing to wait for
        assert script(state, "get apple").stdout
        (back,) = node_processes(state)
        assert back != victim
        assert "n2 is started again" not in log
        assert "its process was ended by SIGKILL" in log


def test_a_state_directory_that_is_held_is_not_served_twice(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(state) as holder, running("serve", "--state", str(state)) as second:
        assert second.process.wait(TIMEOUT) == 2
        second.complains(f"kvtui: the state directory {state} is in use by kvtui serve {holder.name}")


def test_a_holder_that_can_not_be_attached_to_is_told_in_one_line_with_status_2(tmp_path: Path) -> None:
    state = tmp_path / "state"
    engine = open_rocksdb(state / "metadata", "an old kvtui (process 1)")
    try:
        done = script(state, "show")
    finally:
        engine.close()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"{state} is in use by an old kvtui (process 1), which can't be attached to" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_coordinator_is_taken_up_after_its_process_ended(tmp_path: Path, number: signal.Signals) -> None:
    state = tmp_path / "state"
    with serving(state, "--nodes", "2", "--replicas", "1") as holder, running("shell", "--state", str(state)) as guest:
        guest.says("put apple 1", "[n")
        guest.complains("attached to")
        with running("shell", "--state", str(state)) as other:
            other.says("get apple", "apple -> 1")
            other.complains("attached to")
            nodes = node_processes(state)
            holder.process.send_signal(number)
            holder.process.wait(TIMEOUT)
            guest.says("takeup", "The coordinator is here now")
            guest.says("get apple", "apple -> 1")
            assert not set(nodes) & set(node_processes(state))
            # By then it attached by itself, or does now.
            other.says("takeup\nget apple", "apple -> 1")
            assert other.ends() in (0, 1)
        assert script(state, "get apple").stdout == "apple -> 1\n"
        assert guest.ends() == 0
    assert node_processes(state) == []


def test_operations_of_those_attached_fail_with_the_reason_until_it_is_taken_up(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(state, "--nodes", "1") as holder, running("shell", "--state", str(state)) as guest:
        guest.says("put apple 1", "[n")
        guest.complains("attached to")
        holder.process.kill()
        holder.process.wait(TIMEOUT)
        guest.says("put apple 2\nget apple\nhelp exit", "exit")
        guest.complains(f"the coordinator in kvtui serve {holder.name} ended")
        guest.complains(f"the coordinator in kvtui serve {holder.name} ended")
        guest.says("takeup", "The coordinator is here now")
        guest.says("get apple", "apple -> 1")
        assert guest.ends() == 1


def test_a_script_ends_with_one_line_when_the_holder_does(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with (
        serving(state, "--nodes", "1") as holder,
        running(
            "--state", str(state), "-c", "pause n1", "-c", "rebalance", "-c", "get apple", "-c", "help exit"
        ) as one,
    ):
        one.hears("[Coordinator] Starting rebalance")
        # What it did not begin the script would ask of the next holder: by the time another one came and went, it has.
        assert script(state, "help exit").returncode == 0
        holder.process.kill()
        one.complains("attached to")
        one.complains(f"the coordinator in kvtui serve {holder.name} ended")
        out, err = one.process.communicate(timeout=TIMEOUT)
        assert (one.process.returncode, err) == (1, "")
        assert "exit" not in out


def test_a_person_at_a_prompt_is_told_and_takes_it_up(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(state, "--nodes", "1") as holder, Terminal("shell", "--state", str(state)) as terminal:
        terminal.until(f"attached to kvtui serve {holder.name}")
        terminal.until("> ")
        holder.process.kill()
        terminal.until(f"the coordinator in kvtui serve {holder.name} ended: takeup opens it here")
        terminal.types("takeup\n")
        terminal.until("The coordinator is here now")
        terminal.types("put apple 1\n")
        terminal.until("[n1] PUT apple = 1")
        terminal.types("exit\n")
        assert terminal.ends() == 0


def test_dashboards_on_one_cluster_are_each_live(tmp_path: Path) -> None:
    state = tmp_path / "state"
    environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1", "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "kvtui", "--state", str(state)]
    with (
        serving(state, "--nodes", "1") as holder,
        Screen(command, environment) as one,
        Screen(command, environment) as two,
    ):
        for screen in (one, two):
            screen.until(lambda text: "attached" in text and "1 of 1 node up" in text)
        one.type("addnode B 0\r")
        for screen in (one, two):
            screen.until("2 of 2 nodes up")
        holder.process.kill()
        for screen in (one, two):
            screen.until("coordinator ended: takeup")
        one.type("takeup\r")
        one.until(lambda text: "2 of 2 nodes up" in text and "coordinator ended" not in text)
        two.until(lambda text: "2 of 2 nodes up" in text and "coordinator ended" not in text)
        for screen in (two, one):
            screen.type("\x11")
            assert screen.end() == 0
