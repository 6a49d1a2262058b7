import pytest

from kvtui.widgets.colour import RGB
from kvtui.widgets.ring.glyphs import QUADRANTS, Drawn, Glyphs, glyphs_for, half_block, quadrant

RED, BLUE, NEAR_RED = (220, 40, 40), (40, 40, 220), (214, 44, 40)


BY_QUARTERS = {
    "": " ", "1": "▘", "2": "▝", "3": "▖", "4": "▗", "12": "▀", "34": "▄", "13": "▌", "24": "▐", "14": "▚", "23": "▞",
    "123": "▛", "124": "▜", "134": "▙", "234": "▟", "1234": "█",
}  # fmt: skip
"""Upper left 1, upper right 2, lower left 3, lower right 4."""


def test_the_table_of_glyphs_is_in_the_order_of_their_quarters() -> None:
    for mask, glyph in enumerate(QUADRANTS):
        assert BY_QUARTERS["".join(str(place + 1) for place in range(4) if mask >> place & 1)] == glyph


def shown(drawn: Drawn) -> tuple[RGB, ...]:
    """The colours of the four quarters as the eye sees them."""
    mask = QUADRANTS.index(drawn.glyph)
    return tuple(drawn.colour if mask >> place & 1 else drawn.background for place in range(4))


@pytest.mark.parametrize("mask", range(16))
def test_two_colours_come_out_as_they_went_in(mask: int) -> None:
    quarters = tuple(RED if mask >> place & 1 else BLUE for place in range(4))
    assert shown(quadrant(quarters)) == quarters


def test_a_cell_of_one_colour_is_background_alone() -> None:
    assert quadrant((RED, RED, RED, RED)) == Drawn(" ", RED, RED)
    assert quadrant((RED, NEAR_RED, RED, NEAR_RED)).glyph == " "


def test_of_three_colours_the_two_that_are_alike_become_one() -> None:
    drawn = shown(quadrant((RED, NEAR_RED, BLUE, BLUE)))
    assert drawn[2] == drawn[3] == BLUE
    assert drawn[0] == drawn[1] == (217, 42, 40)


def test_half_blocks_keep_upper_and_lower_apart() -> None:
    assert half_block((RED, RED, BLUE, BLUE)) == Drawn("▀", RED, BLUE)
    assert half_block((RED, RED, RED, RED)).glyph == " "


@pytest.mark.parametrize(
    ("environment", "encoding", "glyphs"),
    [
        ({"TERM": "xterm-256color"}, "utf-8", Glyphs.QUADRANTS),
        ({"TERM": "linux"}, "UTF-8", Glyphs.HALVES),
        ({"TERM": "xterm"}, "ascii", Glyphs.ASCII),
        ({"TERM": "xterm", "KVTUI_GLYPHS": "halves"}, "utf-8", Glyphs.HALVES),
        ({"TERM": "xterm", "KVTUI_GLYPHS": "nonsense"}, "utf-8", Glyphs.QUADRANTS),
    ],
)
def test_glyphs_are_those_that_the_terminal_has(environment: dict[str, str], encoding: str, glyphs: Glyphs) -> None:
    assert glyphs_for(environment, encoding) is glyphs
