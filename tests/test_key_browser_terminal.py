"""The key browser as a person uses it: the real program, a real node, a real terminal."""

from tests.test_dashboard_terminal import dashboard, entered, environment, free_port
from tests.widgets.terminal import Terminal

__all__ = ["dashboard", "environment"]


def test_a_person_searches_views_edits_and_deletes_a_key(dashboard: Terminal) -> None:
    entered(dashboard, f"addnode A {free_port()}", "nothing had to move")
    entered(dashboard, 'put user:1 {"name":"Ada"}', "put user:1 =")
    entered(dashboard, "put order:1 second", "put order:1 =")
    dashboard.type("\x1bOR")
    dashboard.until("2 keys, in ring order; no more follow")
    dashboard.type("us")
    dashboard.until("1 key, in ring order; no more follow")
    dashboard.type("\x1b[B")
    dashboard.until("View")
    dashboard.type("\r")
    text = dashboard.until('"name": "Ada"')
    assert "14 bytes, JSON" in text
    dashboard.type("e")
    dashboard.until("^S Put")
    dashboard.type("\x1b[F\rand more\x13")
    dashboard.until("stored user:1, version")
    dashboard.until(lambda text: "23 bytes, text" in text and "and more" in text)
    dashboard.type("d")
    dashboard.until("Delete this key")
    dashboard.type("\r")
    dashboard.until(lambda text: "user:1: not deleted" in text and "Delete this key" not in text)
    dashboard.type("d")
    dashboard.until("Delete this key")
    dashboard.type("y")
    dashboard.until("deleted user:1")
    dashboard.type("\x1b")
    dashboard.until("Activity")
    entered(dashboard, "get user:1", "get user:1 not found")
    entered(dashboard, "get order:1", "get order:1 = second")
    dashboard.type("exit\r")
    assert dashboard.end() == 0


def test_the_command_and_f3_work_in_a_small_terminal(dashboard: Terminal) -> None:
    entered(dashboard, f"addnode A {free_port()}", "nothing had to move")
    entered(dashboard, "put user:1 abc", "put user:1 =")
    dashboard.resize(40, 15)
    dashboard.until(lambda text: "F6" in text)
    dashboard.type("browse user\r")
    text = dashboard.until("no more follow")
    assert max(len(line) for line in text.splitlines()) <= 40
    dashboard.type("\r")
    dashboard.until("View")
    dashboard.type("\r")
    dashboard.until("3 bytes, text")
    dashboard.type("\x1bOR")
    dashboard.until("View")
    dashboard.type("\x1bOR")
    dashboard.until(lambda text: "prefix" not in text)
    dashboard.type("\x11")
    assert dashboard.end() == 0
