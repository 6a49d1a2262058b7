"""The walk of a lookup as it is drawn, just inside the band: the key's place, the way so far, the replicas reached."""

import math
from collections.abc import Set as AbstractSet

from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.cells import Overlay, write
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.walk import Walk

INSIDE = 1.0
"""From the band's inner edge to the way, in cell widths."""
SPACING = 2.0
"""From step to step of the way, in cell widths."""
KEY, REPLICA, WALKER, STEP = "◆", "◇", "●", "•"
KEY_DOTS = "·."
"""Dots of keys where there is no braille."""


def trail(
    rows: Overlay,
    walk: Walk,
    seconds: float,
    picture: Picture,
    circle: Circle,
    band: AbstractSet[tuple[int, int]],
) -> None:
    """Draw the walk as it is so many seconds after it began, beside the ``band``; at rest, the whole way without a walker."""
    radius = circle.inner - INSIDE
    if radius <= 0:
        return
    now = walk.position(seconds)
    signs = [(walk.start, KEY, "text bold")]
    signs += [
        (stop.position, REPLICA, f"node:{picture.colours.get(stop.node, 0)} bold")
        for stop in walk.stops
        if stop.seconds <= seconds and stop.position > walk.start
    ]
    if seconds < walk.seconds and now > walk.start:
        signs.append((now, WALKER, "text bold"))
    places = [(_beside(position, radius, circle, band), sign, words) for position, sign, words in signs]
    for x, y in _way(walk.start, now, radius, circle, band):
        if all(math.hypot(x - there[0], 2 * (y - there[1])) >= SPACING for there, _, _ in places):
            write(rows, *_cleared(rows, x, y), STEP, "text")
    for (x, y), sign, words in places:
        write(rows, *_cleared(rows, x, y), sign, words)


def _way(
    start: float, stop: float, radius: float, circle: Circle, band: AbstractSet[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Cells from one position to another, evenly spaced as far as cells can be."""
    pace = 0.5 / (2 * math.pi * radius)
    last = _beside(start, radius, circle, band)
    cells = []
    for step in range(1, int((stop - start) / pace) + 1):
        x, y = _beside(start + step * pace, radius, circle, band)
        if math.hypot(x - last[0], 2 * (y - last[1])) >= SPACING:
            last = x, y
            cells.append(last)
    return cells


def _beside(position: float, radius: float, circle: Circle, band: AbstractSet[tuple[int, int]]) -> tuple[int, int]:
    """The cell at a position that is nearest to the band from inside."""
    while radius > 0 and circle.cell_at(position, radius) in band:
        radius -= 0.5
    return circle.cell_at(position, radius)


def _cleared(rows: Overlay, x: int, y: int) -> tuple[int, int]:
    """The same cell, after dots of keys next to it are taken away, and nothing else."""
    for column, row in ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)):
        glyph, _ = rows.get(row, {}).get(column, ("", ""))
        if (glyph and glyph in KEY_DOTS) or "\u2800" <= glyph <= "\u28ff":
            rows.get(row, {}).pop(column, None)
    return x, y
