"""``kvtui bench`` as a person runs it: real processes, no screen."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kvtui.bench.result import decode
from kvtui.lifetime import uvloop_present
from tests.test_cli import ROOT, kvtui


def test_a_second_on_a_cluster_of_its_own(tmp_path: Path) -> None:
    saved = tmp_path / "my result.json"
    given = ("--memory", "--nodes", "2", "--replicas", "1", "--records", "200", "--clients", "8", "--seconds", "1")
    done = kvtui("bench", "B", *given, "--json", str(saved))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Workload B (95 % read, 5 % update): ")
    result = decode(saved.read_bytes())
    assert result.whole.ends.ok > 100
    assert result.whole.ends.good
    assert result.machine.loop == ("uvloop" if uvloop_present() else "asyncio")
    assert (result.guarantee.nodes, result.guarantee.durable) == (2, False)
    assert 1.0 <= result.elapsed < 5.0
    assert result.cpu > 0
    assert result.rate == pytest.approx(result.whole.ends.ok / result.elapsed, rel=0.01)
    again = kvtui("bench", "--memory", "--nodes", "1", "--records", "10", "--ops", "50", "--compare", str(saved))
    assert again.returncode == 0
    assert "not the same: workload A, was B" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["G"], 2, "'G'"),
        (["--records", "0"], 2, "--records"),
        (["--memory", "-c", "show"], 2, "leave out -c"),
        (["--memory"], 1, "no nodes to measure"),
        (["--memory", "--nodes", "1", "--seconds", "1", "--ops", "1"], 1, "give one of them"),
        (["--memory", "--nodes", "1", "--compare", "/nowhere/x.json"], 1, "can't be read"),
        (["--memory", "--nodes", "1", "--readonly"], 1, "refused"),
    ],
)
def test_wrong_use_is_told_in_one_line(arguments: list[str], status: int, words: str) -> None:
    done = kvtui("bench", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_ctrl_c_ends_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    state = tmp_path / "state"
    log = tmp_path / "result.json"
    command = [sys.executable, "-m", "kvtui", "bench", "--state", str(state), "--nodes", "1"]
    command += ["--records", "50", "--clients", "4", "--seconds", "600", "--json", str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            # The file's other name is there once clients are about to begin.
            while not any(name.startswith(".result.json") for name in os.listdir(tmp_path)):
                assert program.poll() is None
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=30)
        finally:
            program.kill()
    assert program.returncode == 130
    assert "Traceback" not in errors
    assert sorted(os.listdir(tmp_path)) == ["state"]
    assert kvtui("--state", str(state), "-c", "keys").stdout == "No keys\n"
