"""An output that can't be written: never a traceback, what was carried out stays so, and the status says what happened."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_SECONDS = 60
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
NO_SPACE = "the output can't be written: No space left on device"


def run(module: str, *arguments: str, output: int | None = None) -> "subprocess.CompletedProcess[str]":
    """The program, with its output into a full disk, or into ``output``."""
    command = [sys.executable, "-m", module, *arguments]
    with FULL.open("wb") as full:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=full if output is None else output,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )


@needs_full
@pytest.mark.parametrize(
    ("module", "arguments"),
    [("kvtui", ["config"]), ("kvtui", ["--help"]), ("kvtui.node", ["--help"]), ("kvtui.check", ["history.jsonl"])],
)
def test_a_full_disk_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("history.jsonl").touch()
    program = {"kvtui.node": "kvtui-node"}.get(module, module)
    done = run(module, *arguments)
    assert (done.returncode, done.stderr) == (1, f"{program}: {NO_SPACE}\n")


@needs_full
def test_what_was_carried_out_before_the_output_was_lost_stays_so(tmp_path: Path) -> None:
    state = ["--state", str(tmp_path / "lab")]
    done = run("kvtui", *state, "--nodes", "1", "-c", "put a 1", "-c", "put b 2")
    assert (done.returncode, done.stderr) == (1, f"kvtui: {NO_SPACE} (1 of 2 commands done)\n")
    reading, writing = os.pipe()
    os.close(reading)  # as where "head" has seen enough
    done = run("kvtui", *state, "-c", "get a", "-c", "put c 3", output=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
    command = [sys.executable, "-m", "kvtui", *state, "-c", "get a", "-c", "get b", "-c", "get c"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert found.stdout.splitlines() == ["a -> 1", "b -> [not found]", "c -> [not found]"]


def test_an_input_that_can_not_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    """It was called a defect."""
    with (tmp_path / "file").open("wb") as only_for_writing:
        done = subprocess.run(
            [sys.executable, "-m", "kvtui", "shell", "--memory"],
            stdin=only_for_writing,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "kvtui: the input can't be read: Bad file descriptor\n"
