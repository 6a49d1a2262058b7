"""Lines and keys remembered, and how many."""

from pathlib import Path

import pytest

from kvtui.commands import History, RecentKeys, parse
from kvtui.commands.history import KEPT_LINES, LONGEST_LINE
from kvtui.commands.recent import KEPT_KEYS


def test_lines_are_there_again_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    History(path).add("put grün 1")
    later = History(path)
    later.add("get a")
    assert History(path).lines == ("put grün 1", "get a")
    assert path.stat().st_mode & 0o777 == 0o600


def test_bytes_and_odd_line_ends_in_a_line_are_there_again_too(tmp_path: Path) -> None:
    lines = (b"get \xff".decode("utf-8", "surrogateescape"), "get a\u2028b\x0bc")
    for line in lines:
        History(tmp_path / "history").add(line)
    assert History(tmp_path / "history").lines == lines


def test_repetitions_blanks_and_huge_lines_are_not_kept(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    for line in ("get a", "get a", "  ", "put a " + "x" * LONGEST_LINE, "get b", "get a"):
        history.add(line)
    assert history.lines == ("get a", "get b", "get a")


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("".join(f"get {number}\n" for number in range(2 * KEPT_LINES + 1)))
    assert len(History(path).lines) == KEPT_LINES
    assert path.read_text().splitlines() == [f"get {number}" for number in range(KEPT_LINES + 1, 2 * KEPT_LINES + 1)]


def test_memory_of_lines_is_bounded() -> None:
    history = History(None)
    for number in range(KEPT_LINES + 5):
        history.add(f"get {number}")
    assert len(history.lines) == KEPT_LINES
    assert history.lines[-1] == f"get {KEPT_LINES + 4}"


def test_a_directory_that_cannot_be_written_costs_only_the_memory_of_lines(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    history = History(tmp_path / "file" / "history")
    history.add("get a")
    assert history.lines == ("get a",)


def test_recent_keys_are_newest_first_and_bounded() -> None:
    recent = RecentKeys()
    for line in ("put a 1", "get b", "get a", "show", "keys c", 'del "two words"'):
        invocation = parse(line)
        assert invocation is not None
        recent.note(invocation)
    assert recent.keys == ("two words", "a", "b")
    for number in range(2 * KEPT_KEYS):
        invocation = parse(f"get {number}")
        assert invocation is not None
        recent.note(invocation)
    assert len(recent.keys) == KEPT_KEYS


@pytest.mark.parametrize("name", ["history", "history.new"])
def test_no_line_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    """In a directory that somebody else prepared it led to a file of the person's."""
    precious = tmp_path / "precious"
    precious.write_text("precious\n")
    lines = "".join(f"get {number}\n" for number in range(2 * KEPT_LINES + 1))
    (tmp_path / "history").write_text(lines)
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to(precious)
    history = History(tmp_path / "history")
    history.add("put a 1")
    assert history.lines[-1] == "put a 1"
    assert precious.read_text() == "precious\n"
