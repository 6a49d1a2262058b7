from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kvtui.commands import Candidate
from kvtui.widgets.choices import Choices
from kvtui.widgets.panel import plain

WORDS = st.lists(st.text("abñ漢", min_size=1, max_size=60), min_size=1, max_size=60)
CHOICES = st.builds(
    lambda words, at: Choices([Candidate(f"get {word}", word, word) for word in words], at % len(words)),
    WORDS, st.integers(0, 1000),
)  # fmt: skip


@given(CHOICES, st.integers(1, 20))
def test_the_chosen_one_is_always_seen_and_rows_are_no_more_than_there_is_room_for(
    choices: Choices, height: int
) -> None:
    rows = choices.rows(height)
    assert choices.at in rows
    assert len(rows) <= height
    assert rows.start >= 0
    assert rows.stop <= len(choices.candidates)


@given(CHOICES, st.integers(2, 20), st.integers(4, 120))
def test_lines_fit(choices: Choices, height: int, most: int) -> None:
    width = choices.width(most)
    lines = choices.lines(width, height)
    assert width <= max(4, most)
    assert 0 < len(lines) <= height
    assert all(cell_len(plain(line)) <= max(width, len(f" {choices.at + 1} of 60")) for line in lines)


@given(CHOICES)
def test_moving_goes_round_through_all(choices: Choices) -> None:
    seen = choices
    for _ in choices.candidates:
        seen = seen.moved(1)
    assert seen == choices
    assert choices.moved(1).moved(-1) == choices


def test_narrowing_keeps_the_chosen_one_while_it_is_there() -> None:
    one, two, three = (Candidate(word, word) for word in ("one", "two", "three"))
    assert Choices([one, two, three], 1).narrowed([two, three]) == Choices([two, three], 0)
    assert Choices([one, two, three], 0).narrowed([two, three]) == Choices([two, three], 0)
    assert Choices([one]).narrowed([]) is None
