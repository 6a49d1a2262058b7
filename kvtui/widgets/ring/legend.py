"""The legend in the corners that the circle leaves free: the signs that are on the screen now, and what each says."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rich.cells import cell_len

from kvtui.commands.legend import Sign
from kvtui.commands.placed import chosen_for_balance
from kvtui.core.snapshot import NodeState
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.cells import Overlay, write
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.letters import LOST, UNSERVED, letter_of
from kvtui.widgets.ring.lookup import Lookup
from kvtui.widgets.ring.view import View

LEAST = 2
"""Signs that must fit: less explains nothing."""
FIRST = (Sign.ARC, Sign.SHARE)
"""Without one of them the others are not understood."""
DOTTED, LINED = "\u28a8\u2822", "\u2812\u2812"
"""Samples of keys' dots and of a line, in braille."""
MARGIN = 1
"""Columns that stay free at either edge."""
APART = 3
"""Cells between a line and a name, so that the two are not read as one."""
FIRST_TOLD = (
    Sign.ARC, Sign.SHARE, Sign.LOST, Sign.WAITING, Sign.HOLLOW, Sign.STANDS_IN, Sign.STRIPES, Sign.KEY, Sign.COPY,
    Sign.CHOSEN, Sign.CLOCKWISE, Sign.SKIPPED, Sign.FILLING, Sign.RIM, Sign.DOTS,
)  # fmt: skip
"""Who gets room first: what is out of the ordinary before what is always there."""
HALVES = {Sign.HOLLOW: "[]", Sign.WAITING: "[]", Sign.STRIPES: "▀▄", Sign.LOST: "▀▄"}
"""Samples where there are no quadrants."""


Cell = tuple[int, int]
Row = tuple[int, int]
"""A row, and how many cells it has for a line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A sign of the legend, with the node in whose colour (and letter) its sample is; none: ``words`` alone."""

    sign: Sign
    node: str = ""
    words: str = "text"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an entry's line begins."""

    x: int
    y: int
    entry: Entry


def width_of(entry: Entry) -> int:
    """Cells of a legend's line."""
    return 3 + cell_len(entry.sign.value.brief)


def entries(
    picture: Picture, view: View, arcs: Sequence[Arc], lookup: Lookup | None, *, dots: bool
) -> tuple[Entry, ...]:
    """The signs that such a picture has, in the order in which they get room."""
    found = {entry.sign: entry for entry in _entries(picture, view, arcs, lookup, dots=dots)}
    order = [*FIRST_TOLD, *(sign for sign in Sign if sign not in FIRST_TOLD)]
    return tuple(found[sign] for sign in order if sign in found)


def _entries(
    picture: Picture, view: View, arcs: Sequence[Arc], lookup: Lookup | None, *, dots: bool
) -> Iterator[Entry]:
    snapshot = picture.snapshot
    for arc in reversed(arcs):  # of several, the first one's colour stays
        yield from _of_arc(arc, view)
    if dots:
        yield Entry(Sign.DOTS, words="dim")
    if any(node.state is NodeState.DOWN for node in snapshot.nodes):
        yield Entry(Sign.DOWN)
    if picture.located is not None:
        yield Entry(Sign.KEY, words="text bold")
        down = {node.id for node in snapshot.nodes if node.state is NodeState.DOWN}
        held = picture.holders if lookup is not None and lookup.clockwise else picture.holders[1:]
        if not down.issuperset(held):
            yield Entry(Sign.COPY, words="text bold")
    if lookup is not None:
        yield from (Entry(stop.sign) for stop in lookup.stops if stop.sign is Sign.FILLING)
        yield from (Entry(stop.sign, words="dim") for stop in lookup.stops if stop.sign is Sign.SKIPPED)
        if lookup.clockwise:
            yield Entry(Sign.CLOCKWISE)
        elif len(lookup.stops) > 1 and chosen_for_balance(snapshot):
            yield Entry(Sign.CHOSEN)


def _of_arc(arc: Arc, view: View) -> Iterator[Entry]:
    if arc.lost:
        yield Entry(Sign.LOST, words="bad")
    elif arc.unserved:
        yield Entry(Sign.WAITING, words="bad")
    elif arc.gaining and arc.handing_over:
        yield Entry(Sign.STRIPES, arc.gaining)
    elif arc.gaining:
        yield Entry(Sign.RIM, arc.gaining)
    elif arc.hollow and not arc.dimmed:
        yield Entry(Sign.HOLLOW, arc.node)
        if arc.follower:
            yield Entry(Sign.STANDS_IN, arc.follower)
    elif arc.follower:
        yield Entry(Sign.RIM, arc.follower)
    elif arc.node and not arc.dimmed:
        yield Entry(Sign.SHARE if view is View.SHARE else Sign.ARC, arc.node)


def spots(
    shown: Sequence[Entry], circle: Circle, taken: AbstractSet[Cell], names: AbstractSet[Cell]
) -> tuple[Spot, ...]:
    """Where the entries stand: in the lower corners, then in the upper ones, beside what is ``taken`` and, further away, names.

    The first ones are the last to go; where hardly any fits there is no legend at all.
    """
    left = list(shown)
    placed: list[Spot] = []
    beside = taken | {(x + shift, y) for x, y in names for shift in range(1 - APART, APART)}
    for rows, right in _corners(circle, beside):
        block: list[Entry] = []
        for entry in left:
            if _fits([*block, entry], rows):
                block.append(entry)
        left = [entry for entry in left if entry not in block]
        longest = max(map(width_of, block), default=0)
        for (y, room), entry in zip(rows, _arranged(block, rows), strict=False):
            placed.append(Spot(circle.columns - MARGIN - min(longest, room) if right else MARGIN, y, entry))
    explained = any(spot.entry.sign in FIRST for spot in placed)
    return tuple(placed) if explained and len(placed) >= min(LEAST, len(shown)) else ()


def _arranged(block: Sequence[Entry], rows: Sequence[Row]) -> list[Entry]:
    """From the edge on: in their own order, from top to bottom, where that fits, else the longest first."""
    upwards = len(rows) > 1 and rows[0][0] > rows[1][0]
    own = list(reversed(block)) if upwards else list(block)
    if all(width_of(entry) <= room for entry, (_, room) in zip(own, rows, strict=False)):
        return own
    return sorted(block, key=width_of, reverse=True)


def _fits(block: Sequence[Entry], rows: Sequence[Row]) -> bool:
    widths = sorted(map(width_of, block), reverse=True)
    return len(widths) <= len(rows) and all(width <= room for width, (_, room) in zip(widths, rows, strict=False))


def _corners(circle: Circle, taken: AbstractSet[Cell]) -> Iterator[tuple[list[Row], bool]]:
    """The rows of each corner with their free cells, from the edge on, as long as these become fewer; whether it is a right one."""
    middle = circle.columns // 2
    first, last = [middle] * circle.rows, [middle] * circle.rows
    for x, y in taken:
        if 0 <= y < circle.rows:
            first[y] = min(first[y], x)
            last[y] = max(last[y], x)
    for rows in (range(circle.rows - 1, circle.rows // 2, -1), range(circle.rows // 2)):
        yield _narrowing([(y, first[y] - 1 - MARGIN) for y in rows]), False
        yield _narrowing([(y, circle.columns - 2 - last[y] - MARGIN) for y in rows]), True


def _narrowing(free: Sequence[Row]) -> list[Row]:
    """Rows that a block may have, none wider than the one before; a row that has no room ends them."""
    rows: list[Row] = []
    most = free[0][1] if free else 0
    for y, room in free:
        most = min(most, room)
        if most <= 0:
            break
        rows.append((y, most))
    return rows


def write_legend(rows: Overlay, placed: Sequence[Spot], colours: Mapping[str, int], glyphs: Glyphs) -> None:
    """Write the lines."""
    for spot in placed:
        entry = spot.entry
        words = f"node:{colours.get(entry.node, 0)}" if entry.node else entry.words
        write(rows, spot.x, spot.y, _sample(entry, glyphs), words)
        write(rows, spot.x + 3, spot.y, entry.sign.value.brief, "dim")


def _sample(entry: Entry, glyphs: Glyphs) -> str:
    sign = entry.sign
    if glyphs is Glyphs.QUADRANTS:
        return {Sign.DOTS: DOTTED, Sign.CHOSEN: LINED}.get(sign, sign.value.sample)
    if glyphs is Glyphs.HALVES:
        return HALVES.get(sign, sign.value.sample)
    letters = {Sign.LOST: LOST, Sign.WAITING: UNSERVED}
    letter = letters.get(sign) or (letter_of(entry.node) if entry.node else "")
    if sign is Sign.HOLLOW:
        return letter
    return 2 * letter if letter else sign.value.sample
