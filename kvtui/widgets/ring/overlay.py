"""The text layer: dots for keys, labels, the walk to the key that was looked up, and the words in the middle."""

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from rich.cells import cell_len

from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.cells import Overlay, write
from kvtui.widgets.ring.centre import centre_lines
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.dots import BRAILLE, dust, strewn
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.labels import Placed
from kvtui.widgets.ring.samples import STEPS
from kvtui.widgets.ring.trail import trail
from kvtui.widgets.ring.view import View
from kvtui.widgets.ring.walk import Walk
from kvtui.widgets.tints import Line

CENTRE_PART = 1.6
"""Part of the inner radius that the middle's words may be wide."""


def overlay(
    picture: Picture,
    view: View,
    arcs: Sequence[Arc],
    circle: Circle,
    band: AbstractSet[tuple[int, int]],
    glyphs: Glyphs,
    names: Sequence[Placed],
    walk: Walk | None,
    seconds: float,
) -> Overlay:
    """Everything that is written over and beside the band, so many seconds after the walk began."""
    rows: Overlay = {}
    _dots(rows, picture, view, arcs, circle, glyphs)
    for placed in names:
        words = f"node:{picture.colours.get(placed.label.node, 0)}" + (" bold" if placed.label.bold else "")
        write(rows, placed.x, placed.y, placed.text, words)
    if walk is not None:
        trail(rows, walk, seconds, picture, circle, band, glyphs)
    reached = reached_by(picture, walk, seconds)
    room = max(1, int(circle.inner * 0.62))
    _centred(rows, centre_lines(picture, centre_width(circle), room, reached), circle.columns, circle.rows)
    return rows


def reached_by(picture: Picture, walk: Walk | None, seconds: float) -> AbstractSet[str]:
    """The replicas of the key that was looked up which are shown by now: all of them once the walk rests."""
    if walk is None or seconds >= walk.seconds:
        return frozenset(picture.holders)
    return walk.reached(seconds)


def centre_width(circle: Circle) -> int:
    """Cells across that words in the middle may take."""
    return max(8, int(circle.inner * CENTRE_PART))


def words_only(picture: Picture, columns: int, rows: int) -> Overlay:
    """The middle's words, for a panel without room for a circle."""
    over: Overlay = {}
    _centred(over, centre_lines(picture, columns, rows, frozenset(picture.holders)), columns, rows)
    return over


def _owners(arcs: Sequence[Arc]) -> list[str]:
    """The node that serves each step."""
    owners = [""] * STEPS
    for arc in arcs:
        first, last = round(arc.start * STEPS), round(arc.stop * STEPS)
        owners[first:last] = [arc.node] * (last - first)
        if arc.hollow and arc.follower and not arc.dimmed:
            taken = round(arc.reach * (last - first))
            owners[first : first + taken] = [arc.follower] * taken
    return owners


def _dots(
    rows: Overlay, picture: Picture, view: View, arcs: Sequence[Arc], circle: Circle, glyphs: Glyphs
) -> None:
    density = _share_density(picture, arcs) if view is View.SHARE else picture.snapshot.density
    if not density or not any(density):
        return
    owners = _owners(arcs)
    centre_x, centre_y = circle.centre
    for (x, y), bits in strewn(density, dust(circle)).items():
        step = int(_position(x + 0.5 - centre_x, 2 * y + 1 - centre_y) * STEPS) % STEPS
        owner = owners[step]
        words = f"node:{picture.colours[owner]}" if owner in picture.colours else "dim"
        glyph = chr(BRAILLE | bits) if glyphs is Glyphs.QUADRANTS else "·" if glyphs is Glyphs.HALVES else "."
        rows.setdefault(y, {})[x] = glyph, words


def _position(x: float, y: float) -> float:
    return math.atan2(x, -y) / (2 * math.pi) % 1.0


def _share_density(picture: Picture, arcs: Sequence[Arc], parts: int = 128) -> list[int]:
    """Keys by share: where arcs are put together by node, a key's place says nothing but whose it is."""
    return [round(picture.snapshot.keys / parts)] * parts if arcs else []


def _centred(rows: Overlay, lines: Sequence[Line], columns: int, height: int) -> None:
    top = (height - len(lines)) // 2
    for y, line in enumerate(lines, top):
        width = sum(cell_len(text) for text, _ in line)
        x = (columns - width) // 2
        for gap in range(x - 1, x + width + 1):  # dots keep off the words
            rows.get(y, {}).pop(gap, None)
        for text, words in line:
            x = write(rows, x, y, text, words)
