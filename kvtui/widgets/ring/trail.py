"""A lookup as it is drawn inside the band: the key's place, the lines or the way so far, and what was reached."""

import math
from collections.abc import Set as AbstractSet

from kvtui.commands.legend import Sign
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.cells import Overlay, write
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.dots import BRAILLE
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.line import Cell, apart, braille_line, dotted_line
from kvtui.widgets.ring.lookup import Lookup, Stop

INSIDE = 1.0
"""From the band's inner edge to the signs, in cell widths."""
SPACING = 2.0
"""From dot to dot of a way, in cell widths; twice as much in a line to a copy that does not count now."""
WALKER, DOT = "●", "•"
KEY_DOTS = "·."
"""Dots of keys where there is no braille."""


def trail(
    rows: Overlay,
    lookup: Lookup,
    seconds: float,
    picture: Picture,
    circle: Circle,
    band: AbstractSet[Cell],
    glyphs: Glyphs,
) -> frozenset[Cell]:
    """Draw the lookup as it is so many seconds after it began, inside the ``band``; at rest, all of it. Returns the cells that its
    signs have, or will have."""
    if circle.inner <= INSIDE:
        return frozenset()
    key, stops = stop_cells(lookup, circle, band)
    signs = {cell: (stop.sign.value.sample, _words(stop, picture)) for stop, cell in stops if stop.seconds <= seconds}
    signs[key] = Sign.KEY.value.sample, "text bold"
    drawn: dict[Cell, tuple[str, str]] = {}
    if lookup.clockwise:
        now = lookup.position(seconds)
        if seconds < lookup.seconds and now > lookup.start:
            signs[_beside(now, circle, band)] = WALKER, "text bold"
        for cell in _way(lookup.start, now, circle, band):
            if all(apart(cell, other) >= SPACING for other in signs):
                drawn[cell] = DOT, "text"
    else:
        for stop, cell in stops:
            _line(drawn, key, cell, lookup.grown(stop, seconds), stop.clean, glyphs)
    drawn |= signs
    for cell in drawn:
        _clear(rows, cell)
    for (x, y), (glyph, words) in drawn.items():
        write(rows, x, y, glyph, words)
    return frozenset((key, *(cell for _, cell in stops)))


def stop_cells(lookup: Lookup, circle: Circle, band: AbstractSet[Cell]) -> tuple[Cell, list[tuple[Stop, Cell]]]:
    """The key's cell, and those of all stops that have a sign of their own.

    Where two would have one cell, what holds a copy moves inwards, and what is skipped is left out. A copy in whose range the key
    lies is shown by the key.
    """
    key = _beside(lookup.start, circle, band)
    taken = {key}
    placed: list[tuple[Stop, Cell]] = []
    for skipped in (False, True):
        for stop in lookup.stops:
            if (stop.sign is Sign.SKIPPED) is not skipped or (not lookup.clockwise and stop.position == lookup.start):
                continue
            depth = 0.0
            while (
                (cell := _beside(stop.position, circle, band, depth)) in taken and depth < circle.inner and not skipped
            ):
                depth += 0.5
            if cell not in taken:
                taken.add(cell)
                placed.append((stop, cell))
    return key, placed


def _words(stop: Stop, picture: Picture) -> str:
    return "dim" if stop.sign is Sign.SKIPPED else f"node:{picture.colours.get(stop.node, 0)} bold"


def _line(drawn: dict[Cell, tuple[str, str]], key: Cell, stop: Cell, part: float, clean: bool, glyphs: Glyphs) -> None:
    """Solid to a copy that counts, broken to another one."""
    if part <= 0:
        return
    words = "text" if clean else "dim"
    if glyphs is not Glyphs.QUADRANTS:
        drawn |= dict.fromkeys(dotted_line(key, stop, part, SPACING if clean else 2 * SPACING), (DOT, words))
        return
    for cell, bits in braille_line(key, stop, part, dashed=not clean).items():
        known = ord(drawn[cell][0]) if cell in drawn else BRAILLE
        drawn[cell] = chr(known | bits), words


def _way(start: float, stop: float, circle: Circle, band: AbstractSet[Cell]) -> list[Cell]:
    """Cells from one position to another, evenly spaced as far as cells can be."""
    pace = 0.5 / (2 * math.pi * (circle.inner - INSIDE))
    last = _beside(start, circle, band)
    cells = []
    for step in range(1, int((stop - start) / pace) + 1):
        cell = _beside(start + step * pace, circle, band)
        if apart(cell, last) >= SPACING:
            last = cell
            cells.append(last)
    return cells


def _beside(position: float, circle: Circle, band: AbstractSet[Cell], depth: float = 0.0) -> Cell:
    """The cell at a position that is nearest to the band from inside, or so much further in."""
    radius = circle.inner - INSIDE
    while radius > 0 and circle.cell_at(position, radius) in band:
        radius -= 0.5
    return circle.cell_at(position, max(0.0, radius - depth))


def _clear(rows: Overlay, cell: Cell) -> None:
    """Take dots of keys next to a cell away, and nothing else."""
    x, y = cell
    for column, row in ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)):
        glyph, _ = rows.get(row, {}).get(column, ("", ""))
        if (glyph and glyph in KEY_DOTS) or "\u2800" <= glyph <= "\u28ff":
            rows.get(row, {}).pop(column, None)
