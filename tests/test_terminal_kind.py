"""Which terminals get the dashboard."""

import pytest

from kvtui.terminal_kind import why_unfit

ANSI, VT52 = b"\x1b[%i%p1%d;%p2%dH", b"\x1bY%p1%' '%+%c%p2%' '%+%c"


@pytest.mark.parametrize("name", ["xterm", "screen.xterm-256color", "linux", "vt100", "xterm-ghostty", "a-new-one"])
def test_one_that_places_its_cursor_or_is_not_described_here_does(name: str) -> None:
    assert why_unfit(name, lambda _: ANSI + b"$<5>") == ""
    assert why_unfit(name, lambda _: None) == ""


@pytest.mark.parametrize("name", ["dumb", "DUMB", "unknown", "vt52", "emacs", "dumb-emacs-ansi"])
def test_one_that_can_not_is_refused_whether_it_is_described_or_not(name: str) -> None:
    for known in (b"", VT52, None):
        assert f"TERM={name}" in why_unfit(name, {name: known}.get)


def test_what_draws_knows_two_names_as_no_terminals() -> None:
    assert why_unfit("dumb", lambda _: ANSI)
    assert why_unfit("unknown", lambda _: ANSI)


@pytest.mark.parametrize("name", [None, "", "vt52\x1b[2J\n", "vt52" * 1000])
def test_it_is_one_line_whatever_the_name_is(name: str | None) -> None:
    line = why_unfit(name)
    assert line
    assert line.isprintable()
    assert len(line) < 250
    assert "kvtui shell" in line
