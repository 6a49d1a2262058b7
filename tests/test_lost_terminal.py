"""A terminal that is gone ends the program in order: nodes too, with a status that says so, and without a word but the log's."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kvtui.log import FILE
from tests.widgets.terminal import Terminal

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a SIGHUP has to do")
ENDED = 128 + signal.SIGHUP
PATIENCE = 20.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KVTUI", "TEXTUAL", "XDG"))}
    return {**kept, "TERM": "xterm-256color", "HOME": str(tmp_path), "PYTHONUTF8": "1"}


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("controlling", [True, False], ids=["with SIGHUP", "without"])
@pytest.mark.parametrize("arguments", [[], ["shell"]], ids=["dashboard", "shell"])
def test_a_closed_terminal_ends_program_and_nodes_in_order(
    tmp_path: Path, environment: dict[str, str], arguments: list[str], controlling: bool
) -> None:
    command = [
        sys.executable,
        "-m",
        "kvtui",
        "--state",
        str(tmp_path / "lab"),
        "--nodes",
        "2",
        "--replicas",
        "1",
        *arguments,
    ]
    with Terminal(command, environment, controlling=controlling) as terminal:
        terminal.until("> " if arguments else "2 of 2 nodes up")
        terminal.type("put secretkey secretvalue\r")
        terminal.until('{"status":"ok"}' if arguments else "secretvalue → ")
        nodes = children(terminal.process)
        assert len(nodes) == 2
        terminal.close()
        assert terminal.process.wait(PATIENCE) == ENDED
    deadline = time.monotonic() + PATIENCE
    while not all(gone(node) for node in nodes):
        assert time.monotonic() < deadline, "a node goes on"
    log = (tmp_path / "lab" / FILE).read_text()
    assert log.splitlines()[-1].endswith("ends by SIGHUP")
    assert "ERROR" not in log
    assert "secret" not in log


def test_a_terminal_that_nobody_reads_stops_nobody(tmp_path: Path, environment: dict[str, str]) -> None:
    """With the terminal full, the program still obeys, and ends when told to."""
    file = tmp_path / "cities.csv"
    file.write_text("".join(f"city{number},{number}\n" for number in range(30_000)))
    command = [sys.executable, "-m", "kvtui", "--state", str(tmp_path / "lab"), "--nodes", "2", "--replicas", "1"]
    with Terminal(command, environment, columns=250, rows=70) as terminal:
        terminal.until("2 of 2 nodes up")
        for _ in range(100):  # each turns the ring's view: a picture for a queue that nobody reads
            terminal.type("\x1bOQ")
            time.sleep(0.05)
        terminal.type(f"load {file}\r")
        terminal.type(f"save {tmp_path / 'saved.csv'}\r")
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "saved.csv").exists():
            assert time.monotonic() < deadline, "the commands are not obeyed"
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGTERM
