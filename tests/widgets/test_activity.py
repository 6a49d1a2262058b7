from rich.cells import cell_len

from kvtui.widgets.activity_log import Entry, wrapped
from kvtui.widgets.panel import plain


def test_long_entries_wrap_at_spaces_and_lose_nothing() -> None:
    text = "Moved 170 slots to C; the last of them took 3.2 seconds, as B was slow to answer"
    lines = [plain(line) for line in wrapped(Entry(text, "text"), 30)]
    assert all(cell_len(line) <= 30 for line in lines)
    assert " ".join(lines) == text


def test_a_word_longer_than_the_line_is_broken() -> None:
    lines = [plain(line) for line in wrapped(Entry("x" * 95, "text"), 30)]
    assert [len(line) for line in lines] == [30, 30, 30, 5]


def test_the_time_stands_before_the_first_line_alone() -> None:
    lines = [plain(line) for line in wrapped(Entry("one two three four five six seven eight", "text", "12:00:00"), 30)]
    assert lines[0].startswith("12:00:00 one")
    assert all(line.startswith(" " * 9) for line in lines[1:])


def test_wide_characters_count_as_two_cells() -> None:
    lines = [plain(line) for line in wrapped(Entry("鍵" * 40, "text"), 30)]
    assert all(cell_len(line) <= 30 for line in lines)
    assert "".join(lines) == "鍵" * 40
