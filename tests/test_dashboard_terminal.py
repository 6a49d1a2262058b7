"""The dashboard as a person uses it: the real program, real nodes, a real terminal."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.widgets.terminal import Terminal

QUIET_SECONDS = 1.5


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KVTUI", "TEXTUAL", "COLUMNS", "LINES"))
    }
    return {
        **kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "PYTHONUTF8": "1",
        "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "xdg"),
    }  # fmt: skip


@pytest.fixture
def dashboard(tmp_path: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    command = [sys.executable, "-m", "kvtui", "--state", str(tmp_path / "lab")]
    with Terminal(command, environment) as terminal:
        terminal.until("no nodes yet")
        yield terminal


def entered(terminal: Terminal, command: str, answer: str) -> str:
    """The screen once a command that was typed has its answer."""
    terminal.type(command + "\r")
    return terminal.until(answer)


def test_a_person_adds_a_node_puts_gets_and_leaves(dashboard: Terminal) -> None:
    port = free_port()
    dashboard.until("addnode A 5001")
    entered(dashboard, f"addnode A {port}", f"A joined at 127.0.0.1:{port}")
    dashboard.until("nothing had to move")
    dashboard.until("1 of 1 node up")
    entered(dashboard, "put apple 123", "put apple = 123 → A ✓")
    entered(dashboard, "get apple", "get apple = 123 ← A")
    dashboard.until("apple → 0x")
    dashboard.until(lambda text: "1 key\n" in text.replace("│", "\n").replace(" " * 4, "\n"))
    dashboard.type("exit\r")
    assert dashboard.end() == 0


def test_what_was_stored_and_typed_is_there_the_next_time(
    dashboard: Terminal, tmp_path: Path, environment: dict[str, str]
) -> None:
    entered(dashboard, f"addnode A {free_port()}", "nothing had to move")
    entered(dashboard, "put apple 123", "put apple = 123 →")
    dashboard.type("\x11")
    assert dashboard.end() == 0
    with Terminal([sys.executable, "-m", "kvtui", "--state", str(tmp_path / "lab")], environment) as again:
        again.until("1 of 1 node up")
        entered(again, "get apple", "get apple = 123 ← A")
        again.type("\x1b[A\x1b[A")
        again.until("> put apple 123")
        again.type("\x11")
        assert again.end() == 0


def test_a_mistyped_command_stays_with_what_is_wrong_beside_it(dashboard: Terminal) -> None:
    text = entered(dashboard, "put apple", "Usage: put <key> <value>")
    assert "> put apple" in text
    dashboard.type("\x7f" * 9)
    text = entered(dashboard, "puut apple 1", "is not a command")
    assert "> puut apple 1" in text
    assert "Traceback" not in text


def test_a_refused_command_is_one_line_and_no_traceback(dashboard: Terminal) -> None:
    dashboard.type("put apple 123\r")
    text = dashboard.until(lambda text: "put apple: " in text)
    assert "Traceback" not in text


def test_the_screen_follows_every_size(dashboard: Terminal) -> None:
    entered(dashboard, f"addnode A {free_port()}", "nothing had to move")
    dashboard.resize(80, 24)
    text = dashboard.until(lambda text: "Nodes" in text and "Stats" not in text and "● A" in text)
    assert max(len(line) for line in text.splitlines()) <= 80
    dashboard.resize(40, 15)
    dashboard.until(lambda text: "Nodes" not in text and "F6" in text)
    dashboard.resize(120, 36)
    dashboard.until(lambda text: "Nodes" in text and "Stats" in text and "Activity" in text)
    entered(dashboard, "put apple 123", "put apple = 123 →")


def test_idle_sends_not_a_byte(dashboard: Terminal) -> None:
    entered(dashboard, f"addnode A {free_port()}", "nothing had to move")
    assert dashboard.quiet(QUIET_SECONDS)
