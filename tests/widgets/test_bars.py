import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.widgets.bars import bar, marked, progress_bar, scale, sparkline


@pytest.mark.parametrize("width", [1, 7, 20])
def test_a_bar_fills_its_width_whatever_the_fraction(width: int) -> None:
    for percent in range(-10, 120):
        filled, empty = bar(percent / 100, width)
        assert len(filled + empty) == width
        done, left = progress_bar(percent / 100, width)
        assert len(done + left) == width


def test_a_bar_grows_by_eighths() -> None:
    assert bar(0.5, 2) == ("█", "░")
    assert bar(9 / 16, 2) == ("█▏", "")
    assert bar(1, 2) == ("██", "")


def test_a_single_key_among_millions_is_seen() -> None:
    assert bar(1 / 5_000_000, 10)[0] == "▏"
    assert bar(0, 10)[0] == ""


@pytest.mark.parametrize(
    ("most", "end"), [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (4_161, 5_000), (50_001, 100_000)]
)
def test_the_scale_ends_at_the_next_round_number(most: int, end: int) -> None:
    assert scale(most) == end


def test_a_sparkline_goes_from_zero_to_its_largest_value() -> None:
    assert sparkline((0, 50, 100), 3) == "▁▅█"
    assert sparkline((0, 0), 3) == " ▁▁"
    assert sparkline((), 4) == "    "
    assert sparkline((1, 2, 3), 2) == "▆█", "the oldest go first"


def test_a_mark_takes_the_place_of_one_cell() -> None:
    filled, empty = bar(0.5, 10)
    assert marked(filled, empty, 0.25) == ("██", "", "██", "░░░░░")
    assert marked(filled, empty, 0.85) == ("█████", "░░░", "", "░")
    assert marked(filled, empty, 0.5) == ("████", "", "", "░░░░░")


@given(st.floats(0, 1), st.floats(0, 2), st.integers(1, 60))
def test_a_marked_bar_is_as_long_as_the_bar(fraction: float, mark: float, width: int) -> None:
    filled, empty = bar(fraction, width)
    before, space, behind, rest = marked(filled, empty, mark)
    assert len(before + space + behind + rest) == width - 1
    assert not behind or not space
