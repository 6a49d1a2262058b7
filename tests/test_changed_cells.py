"""What a terminal shows is the same, whether it gets all that is written or only what changed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.changed_cells import ChangedCells

SIZE = COLUMNS, ROWS = 12, 4
TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(.)", re.DOTALL)
STYLES = ("", "1", "31", "41", "1;31;41", "38;2;1;2;3;48;2;4;5;6", "38;2;9;9;9;48;2;4;5;6", "38;5;31", "7;48;5;1")


class Terminal:
    """Cells and their colours, obeyed one sequence at a time."""

    def __init__(self) -> None:
        self.cells = {(y, x): ("", "", "", " ") for y in range(ROWS) for x in range(COLUMNS)}
        self.at = (0, 0)

    def feed(self, text: str) -> None:
        attributes, colour, ground = "", "", ""
        for y, x, parameters, char in TOKEN.findall(text):
            if y:
                self.at = int(y) - 1, min(COLUMNS, int(x)) - 1 if int(x) <= COLUMNS else COLUMNS
            elif char == "\n":
                self.at = self.at[0] + 1, 0
            elif char:
                row, column = self.at
                wide = char == "漢"
                self.cells[row, column] = (attributes, colour, ground, char)
                if wide and column + 1 < COLUMNS:
                    self.cells[row, column + 1] = (attributes, colour, ground, "")
                self.at = row, column + 1 + wide
            else:
                for part in re.findall(r"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+", parameters):
                    if part == "0":
                        attributes = colour = ground = ""
                    elif part.startswith("3"):
                        colour = part
                    elif part.startswith("4"):
                        ground = part
                    else:
                        attributes += part
        assert (attributes, colour, ground) == ("", "", "")


def styled(style: str, text: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style else text


def at(y: int, x: int, *pieces: tuple[str, str]) -> str:
    return f"\x1b[{y + 1};{x + 1}H" + "".join(styled(*piece) for piece in pieces)


@st.composite
def pictures(draw: st.DrawFn) -> str:
    runs = []
    for _ in range(draw(st.integers(0, 4))):
        x = draw(st.integers(0, COLUMNS - 1))
        pieces, room = [], COLUMNS - x
        while room > 1 and draw(st.booleans()):
            text = draw(st.text("ab─漢", min_size=1, max_size=room // 2))
            pieces.append((draw(st.sampled_from(STYLES)), text))
            room -= len(text) + text.count("漢")
        runs.append(at(draw(st.integers(0, ROWS - 1)), x, *pieces))
    return draw(st.sampled_from(["", "\n"])).join(runs) + at(draw(st.integers(0, ROWS - 1)), draw(st.integers(0, 11)))


@given(st.lists(pictures(), max_size=12))
def test_the_screen_is_the_same_as_with_all_that_was_written(shown: list[str]) -> None:
    plain, spared, changed = Terminal(), Terminal(), ChangedCells()
    for picture in shown:
        plain.feed(picture)
        spared.feed(changed.of(picture, SIZE))
        assert spared.cells == plain.cells
        assert spared.at == plain.at


def test_only_what_changed_is_written() -> None:
    changed = ChangedCells()
    row = [("31", "keys "), ("1", "12,408"), ("31", " more")]
    changed.of(at(0, 0, *row), (80, 24))
    row[1] = ("1", "12,409")
    assert changed.of(at(0, 0, *row) + at(3, 3), (80, 24)) == "\x1b[1;11H\x1b[1m9\x1b[0m\x1b[4;4H"


def test_a_colour_that_stays_is_said_once() -> None:
    changed = ChangedCells()
    text = changed.of(at(0, 0, ("38;2;1;1;1;48;2;5;5;5", "a"), ("38;2;2;2;2;48;2;5;5;5", "b")) + at(0, 0), (80, 24))
    assert text == "\x1b[1;1H\x1b[38;2;1;1;1;48;2;5;5;5ma\x1b[38;2;2;2;2mb\x1b[0m\x1b[1;1H"


def test_a_whole_picture_is_written_whole() -> None:
    changed = ChangedCells()
    whole = "\n".join(at(y, 0, ("31", "x" * COLUMNS)) for y in range(ROWS))
    changed.of(whole, SIZE)
    assert changed.of(whole, SIZE).count("x") == COLUMNS * ROWS


@pytest.mark.parametrize(
    "other", ["\x1b[?1049h", "\x1b[2J", "\x1b]52;c;aGk=\x07", "text without a place", "\x1b[1;1H\tx"]
)
def test_after_what_is_more_than_text_at_places_all_is_written_again(other: str) -> None:
    changed = ChangedCells()
    row = at(0, 0, ("31", "abc"))
    changed.of(row, SIZE)
    assert "a" not in changed.of(row, SIZE)
    assert changed.of(other, SIZE) == other
    assert "abc" in changed.of(row, SIZE)


def test_another_size_of_the_screen_is_another_screen() -> None:
    changed = ChangedCells()
    row = at(0, 0, ("31", "abc"))
    changed.of(row, SIZE)
    assert "abc" in changed.of(row, (COLUMNS + 1, ROWS))


def test_the_frame_of_a_picture_makes_nothing_forgotten() -> None:
    changed = ChangedCells()
    row = at(0, 0, ("31", "abc"))
    changed.of(row, SIZE)
    assert changed.of("\x1b[?2026h", SIZE) == "\x1b[?2026h"
    assert "a" not in changed.of(row, SIZE)
