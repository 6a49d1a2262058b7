import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from kvtui.commands import EVERYTHING, ActivityFilter
from kvtui.core.events import Level
from kvtui.widgets.activity_log import KEPT_ENTRIES, ActivityLog, Change, Entry, Source, copied, wrapped
from kvtui.widgets.panel import plain


def test_long_entries_wrap_at_spaces_and_lose_nothing() -> None:
    text = "Moved 170 slots to C; the last of them took 3.2 seconds, as B was slow to answer"
    lines = [plain(line) for line in wrapped(Entry(text, "text"), 30)]
    assert all(cell_len(line) <= 30 for line in lines)
    assert " ".join(line.strip() for line in lines) == text


def test_a_word_longer_than_the_line_is_broken() -> None:
    lines = [plain(line) for line in wrapped(Entry("x" * 95, "text"), 30)]
    assert [line.count("x") for line in lines] == [28, 26, 26, 15]


LONG = "one two three four five six seven eight"


@pytest.mark.parametrize(
    ("source", "time", "width", "lines"),
    [
        (
            Source.HAPPENED,
            "12:00:00",
            30,
            ["12:00:00 · one two three four", "           five six seven", "           eight"],
        ),
        (
            Source.TYPED,
            "12:00:00",
            30,
            ["12:00:00 > one two three four", "           five six seven", "           eight"],
        ),
        (Source.ANSWERED, "", 30, ["  one two three four five six", "    seven eight"]),
        (Source.HAPPENED, "12:00:00", 18, ["· one two three", "  four five six", "  seven eight"]),
        (Source.ANSWERED, "", 18, ["  one two three", "    four five six", "    seven eight"]),
    ],
)
def test_time_and_mark_stand_before_the_first_line_and_what_goes_on_is_indented(
    source: Source, time: str, width: int, lines: list[str]
) -> None:
    assert [plain(line) for line in wrapped(Entry(LONG, "text", source, time), width)] == lines


def test_a_line_that_is_indented_itself_goes_on_below_its_own_text() -> None:
    lines = [plain(line) for line in wrapped(Entry("    A one two three four", "text"), 20)]
    assert lines == ["      A one two", "        three four"]


def test_wide_characters_count_as_two_cells() -> None:
    lines = [plain(line) for line in wrapped(Entry("鍵" * 40, "text"), 30)]
    assert all(cell_len(line) <= 30 for line in lines)
    assert "".join(line.strip() for line in lines) == "鍵" * 40


def entry(number: int, level: Level = Level.INFO) -> Entry:
    return Entry(f"line {number}", "text", level=level)


def shown(log: ActivityLog) -> list[str]:
    return [plain(line) for line in log.lines]


def test_a_log_adds_only_what_is_new() -> None:
    log = ActivityLog()
    log.add(entry(1))
    assert log.arrange(40).anew
    log.add(entry(2))
    assert log.arrange(40) == Change(gone=0, came=1)
    assert log.arrange(40) == Change()
    assert shown(log) == ["  line 1", "  line 2"]


def test_a_log_forgets_the_oldest_and_says_how_many_lines_went() -> None:
    log = ActivityLog()
    log.add(Entry("a long line that takes two rows", "text"))
    for number in range(KEPT_ENTRIES - 1):
        log.add(entry(number))
    log.arrange(24)
    assert len(log.lines) == KEPT_ENTRIES + 1
    log.add(entry(7777))
    assert log.arrange(24) == Change(gone=2, came=1)
    assert shown(log)[0] == "  line 0"
    assert shown(log)[-1] == "  line 7777"
    assert len(log.entries) == KEPT_ENTRIES


def test_a_filter_hides_and_shows_again_and_forgetting_goes_on_behind_it() -> None:
    log = ActivityLog()
    for number in range(10):
        log.add(entry(number, Level.BAD if number == 3 else Level.INFO))
    log.arrange(40)
    log.show_only(ActivityFilter(level=Level.BAD))
    assert log.arrange(40).anew
    assert shown(log) == ["  line 3"]
    for number in range(10, KEPT_ENTRIES + 3):
        log.add(entry(number))
    assert log.arrange(40).came == 0
    assert shown(log) == ["  line 3"]
    log.add(entry(9999, Level.BAD))
    assert log.arrange(40) == Change(gone=1, came=1)
    assert shown(log) == ["  line 9999"]
    log.show_only(EVERYTHING)
    log.arrange(40)
    assert len(log.lines) == KEPT_ENTRIES


@settings(deadline=None)
@given(st.lists(st.integers(0, 400), max_size=30), st.integers(10, 60))
def test_lines_added_bit_by_bit_are_those_of_all_at_once(bursts: list[int], width: int) -> None:
    bit_by_bit, at_once = ActivityLog(), ActivityLog()
    number = 0
    for burst in bursts:
        for _ in range(burst):
            number += 1
            for log in (bit_by_bit, at_once):
                log.add(Entry(f"entry {number} " * (number % 4), "text", Source.HAPPENED, "12:00:00", nodes=("A",)))
        bit_by_bit.arrange(width)
    bit_by_bit.arrange(width)
    at_once.arrange(width)
    assert bit_by_bit.lines == at_once.lines


def test_a_copy_takes_the_newest_that_fit() -> None:
    entries = [Entry("one", "text", Source.TYPED, "12:00:00"), Entry("two", "text"), Entry("three", "text")]
    assert copied(entries, 1000) == ("12:00:00 > one\n  two\n  three", 3)
    assert copied(entries, 14) == ("  two\n  three", 2)
    assert copied([], 10) == ("", 0)


def test_lines_of_entries_that_are_gone_are_none() -> None:
    log = ActivityLog()
    for number in range(KEPT_ENTRIES + 5):
        log.add(Entry(f"line {number}", "text"))
    log.arrange(40)
    assert (log.lines_before(4), log.lines_before(7)) == (0, 2)
    assert log.lines_of([0, 4, 5, KEPT_ENTRIES + 4]) == 2
