"""A real terminal that sends what no terminal should, is resized as the dashboard opens, and sees a defect."""

import os
import signal
import sys
from pathlib import Path

import pytest

from kvtui.log import FILE
from tests.widgets.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
QUIET_SECONDS = 0.5
BAD = [
    b"\xe9", b"\xf0", b"\x1b[M \xff\xff", b"\x1b[1114112u", b"\x1b[55296u", b"\x1b[" + b"9" * 5000 + b"u",
    b"\x1b[48;9999;9999;0;0t", b"\x1b[200~\xff\x1b[201~", b"\x1b]11;rgb:0/0/0\x07", b"\x1b[12\xff",
]  # fmt: skip
DYING = """
from kvtui.terminal_messages import TerminalMessages
feed = TerminalMessages.feed
def dying(self, data):
    if b"\\x1c" in data:
        raise ValueError("topsecret")
    return feed(self, data)
TerminalMessages.feed = dying
from kvtui.cli import main
main()
"""


def environment(tmp_path: Path, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KVTUI", "TEXTUAL", "XDG"))}
    return {**kept, "TERM": "xterm-256color", "HOME": str(tmp_path), "PYTHONUTF8": "1", **variables}


def test_no_input_ends_the_dashboard_and_a_reader_that_dies_ends_it_in_one_line(tmp_path: Path) -> None:
    state = tmp_path / "lab"
    command = [sys.executable, "-c", DYING, "--state", str(state), "--nodes", "1"]
    with Terminal(command, environment(tmp_path), 100, 30) as terminal:
        while not terminal.received:
            terminal.read_for(0.01)
        terminal.resize(160, 40)  # as a window manager does; two sizes at once were drawn in turn, for ever
        terminal.until("1 of 1 node up")
        assert terminal.quiet(QUIET_SECONDS)
        for number, bad in enumerate(BAD):
            terminal.type(f"put secretkey{number} secret")
            os.write(terminal._master, bad)
            terminal.type("value\r")
            terminal.until(f"put secretkey{number} = secretvalue → n1 ✓")
        terminal.type("put typedkey begun\x1c")
        assert terminal.end() == 1
        assert "kvtui: the dashboard ended by a defect of kvtui (ValueError at <string>:6)" in terminal.screen.text
        assert "Traceback" not in terminal.screen.text
    log = (state / FILE).read_text()
    (entry,) = [line for line in log.splitlines() if "ERROR" in line]
    assert "the dashboard ended by a defect: ValueError at <string>:6 dying" in entry
    assert "secret" not in log
    assert "typedkey" not in log


@pytest.mark.parametrize("name", ["dumb", "vt52"])
def test_a_terminal_that_can_not_show_it_is_told_so_before_anything_starts(tmp_path: Path, name: str) -> None:
    with Terminal([sys.executable, "-m", "kvtui"], environment(tmp_path, TERM=name), 250, 24) as terminal:
        assert terminal.end() == 2
        (line,) = terminal.screen.text.split("\n")[:1]
        assert line.startswith(f"kvtui: this terminal (TERM={name}) can't place its cursor")
        assert terminal.screen.text.strip() == line
    assert list(tmp_path.iterdir()) == []


def test_errors_that_go_to_a_file_leave_the_screen_where_it_is(tmp_path: Path) -> None:
    """It was drawn into the file."""
    shell = f'exec {sys.executable} -m kvtui --memory 2>"{tmp_path}/errors"'
    with Terminal(["/bin/sh", "-c", shell], environment(tmp_path)) as terminal:
        terminal.until("no nodes yet")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 128 + signal.SIGTERM
    assert (tmp_path / "errors").read_bytes() == b""
