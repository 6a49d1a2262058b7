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
AHEAD = 1.0
"""Steps so near to a sign give way to it, in cell widths."""

KEY, REPLICA, WALKER, STEP = "◆", "◇", "●", "•"


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
    around = 2 * math.pi * radius
    now = walk.position(seconds)
    signs = [(walk.start, KEY, "text bold")]
    signs += [
        (stop.position, REPLICA, f"node:{picture.colours.get(stop.node, 0)} bold")
        for stop in walk.stops
        if stop.seconds <= seconds and stop.position > walk.start
    ]
    if seconds < walk.seconds and now > walk.start:
        signs.append((now, WALKER, "text bold"))
    for step in range(1, int((now - walk.start) * around / SPACING) + 1):
        position = walk.start + step * SPACING / around
        if all(abs(position - place) * around > AHEAD for place, _, _ in signs):
            signs.insert(0, (position, STEP, "text"))
    for position, sign, words in signs:
        x, y = _beside(position, radius, circle, band)
        for column in (x - 1, x + 1):  # dots of keys keep off
            _clear(rows, column, y)
        if sign is STEP:
            for row in (y - 1, y + 1):
                _clear(rows, x, row)
        write(rows, x, y, sign, words)


def _beside(position: float, radius: float, circle: Circle, band: AbstractSet[tuple[int, int]]) -> tuple[int, int]:
    """The cell at a position that is nearest to the band from inside."""
    while radius > 0 and circle.cell_at(position, radius) in band:
        radius -= 0.5
    return circle.cell_at(position, radius)


def _clear(rows: Overlay, x: int, y: int) -> None:
    """Take away a dot of keys, and nothing else."""
    glyph, _ = rows.get(y, {}).get(x, ("", ""))
    if glyph in "·." or "\u2800" <= glyph <= "\u28ff":
        rows.get(y, {}).pop(x, None)
