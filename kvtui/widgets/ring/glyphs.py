"""Four colours of a cell's quarters become one glyph and two colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from rich.cells import cell_len

from kvtui.widgets.colour import RGB, blend, distance
from kvtui.widgets.signs import PLAIN

QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""Glyphs by which quarters are filled: upper left 1, upper right 2, lower left 4, lower right 8."""
ALIKE = 600
"""Colours nearer to each other than this (as ``distance`` counts) are drawn as one."""


class Glyphs(Enum):
    """What the terminal's font has."""

    QUADRANTS = "quadrants"
    HALVES = "halves"
    """Half blocks, as a Linux console has; dots are ``·``."""
    ASCII = "ascii"
    """Letters alone."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A glyph with its colours."""

    glyph: str
    colour: RGB
    background: RGB


def glyphs_for(environment: Mapping[str, str], encoding: str) -> Glyphs:
    """The richest glyphs that a terminal can be trusted with. ``KVTUI_GLYPHS`` overrules what is found."""
    wanted = environment.get("KVTUI_GLYPHS", "")
    if wanted in {glyphs.value for glyphs in Glyphs}:
        return Glyphs(wanted)
    if not encoding.lower().replace("-", "").startswith("utf8"):
        return Glyphs.ASCII
    return Glyphs.HALVES if environment.get("TERM", "") == "linux" else Glyphs.QUADRANTS


@lru_cache(maxsize=8192)
def quadrant(quarters: tuple[RGB, RGB, RGB, RGB]) -> Drawn:
    """The quadrant glyph and the two colours that come nearest to the colours of four quarters.

    Each of the seven ways to part four quarters in two groups is tried, each group in its mean colour; the least sum of
    squared errors wins.
    """
    first = quarters[0]
    if all(other == first or distance(first, other) < ALIKE for other in quarters[1:]):
        return Drawn(" ", first, _mean(quarters))
    best: tuple[int, int, RGB, RGB] | None = None
    for mask in range(1, 8):  # the lower right quarter is always background, so that each parting comes once
        filled = [colour for place, colour in enumerate(quarters) if mask >> place & 1]
        rest = [colour for place, colour in enumerate(quarters) if not mask >> place & 1]
        front, back = _mean(filled), _mean(rest)
        error = sum(distance(colour, front) for colour in filled) + sum(distance(colour, back) for colour in rest)
        if best is None or error < best[0]:
            best = error, mask, front, back
    assert best is not None
    return Drawn(QUADRANTS[best[1]], best[2], best[3])


def half_block(quarters: tuple[RGB, RGB, RGB, RGB]) -> Drawn:
    """The same with half blocks: the upper half's mean over the lower half's."""
    upper, lower = blend(quarters[0], quarters[1], 0.5), blend(quarters[2], quarters[3], 0.5)
    return Drawn(" " if upper == lower else "▀", upper, lower)


def _mean(colours: list[RGB] | tuple[RGB, ...]) -> RGB:
    count = len(colours)
    if count == 1:
        return colours[0]
    red = green = blue = 0
    for colour in colours:
        red += colour[0]
        green += colour[1]
        blue += colour[2]
    return red // count, green // count, blue // count


def plain(glyph: str) -> str:
    """A cell's text in ASCII, as wide as it was."""
    return glyph if glyph.isascii() else PLAIN.get(glyph, "?" * cell_len(glyph))
