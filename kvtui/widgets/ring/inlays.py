"""What lies over the arcs, in pieces that can be seen: a rim or stripes thinner than a cell are put together with their like.

Drawn as they are, pieces of a fraction of a cell would be a mixture of colours that stands for nobody. So the band is cut into
units of about two cells, and of each few neighbouring units every inlay gets as many as it has of their length, those first where
it has most. What is seen is right in sum, and at most that far from its place.
"""

import math
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby, pairwise

from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.samples import STEPS

UNIT = 1.9
"""Least length of a unit at the band's inner edge, in cell widths."""
TOGETHER = 8
"""Units that are shared out together."""
DEPTH = 0.6
"""From the band's inner edge to where cells are told apart, in cell widths."""

Piece = tuple[float, float]
Inlay = tuple[str, bool, str]
"""The node that gains it, whether as the first, and the follower."""
NONE: Inlay = "", False, ""


def merged(arcs: Sequence[Arc], circle: Circle) -> tuple[Arc, ...]:
    """The same arcs with inlays of whole units; a function of them and the size alone."""
    if all(_inlay(arc) == NONE for arc in arcs):
        return tuple(arcs)
    seen: list[Arc] = []
    for _, group in groupby(arcs, key=_kept_apart):
        run = list(group)
        seen += run if len({_inlay(arc) for arc in run}) == 1 else _merged(run, circle)
    return tuple(seen)


def _inlay(arc: Arc) -> Inlay:
    return arc.gaining, arc.handing_over, arc.follower


def _kept_apart(arc: Arc) -> Hashable:
    """Who serves a hollow arc has nothing to do with its neighbours."""
    return (arc.node, arc.lost, arc.unserved) if (arc.hollow and not arc.dimmed) or arc.lost or arc.unserved else ""


def _merged(run: Sequence[Arc], circle: Circle) -> Iterator[Arc]:
    """A run of arcs, each unit under one inlay; what looks alike is one arc again."""
    kinds = [_inlay(arc) for arc in run]
    first = {kind: arc for arc, kind in zip(reversed(run), reversed(kinds), strict=True)}
    pieces: list[tuple[float, float, Arc, Inlay]] = []
    place = 0
    for sector in _sectors(run[0].start, run[-1].stop, circle):
        while run[place].stop <= sector[0][0]:
            place += 1
        parts = _parts(run, place, sector)
        given = _shared_out([(unit, kinds[at], length) for unit, at, length in parts], len(sector))
        for unit, at, _ in parts:
            arc, inlay = run[at], given[unit]
            if first[inlay].handing_over and first[inlay].node != arc.node:
                inlay = kinds[at]  # a neighbour in the same unit, which gives nothing away
            stop = min(arc.stop, sector[unit][1])
            if pieces and pieces[-1][3] == inlay and _alike(pieces[-1][2], arc):
                pieces[-1] = pieces[-1][0], stop, arc, inlay
            else:
                pieces.append((max(arc.start, sector[unit][0]), stop, arc, inlay))
    for start, stop, arc, inlay in pieces:
        gaining, handing_over, follower = inlay
        yield replace(
            arc, start=start, stop=stop, gaining=gaining, handing_over=handing_over, follower=follower,
            filled=first[inlay].filled,
        )  # fmt: skip


def _alike(one: Arc, other: Arc) -> bool:
    return one is other or (one.node, one.hollow, one.dimmed, one.reach) == (
        other.node, other.hollow, other.dimmed, other.reach,
    )  # fmt: skip


def _parts(run: Sequence[Arc], place: int, units: Sequence[Piece]) -> list[tuple[int, int, float]]:
    """Which arcs lie in which units, in order: the unit, the arc's place in its run, and the length that they share."""
    parts: list[tuple[int, int, float]] = []
    for unit, (low, high) in enumerate(units):
        while place < len(run) and run[place].start < high:
            arc = run[place]
            length = min(arc.stop, high) - max(arc.start, low)
            if length > 0:
                parts.append((unit, place, length))
            if arc.stop > high:
                break
            place += 1
    return parts


def _sectors(start: float, stop: float, circle: Circle) -> list[list[Piece]]:
    """The units between two positions, in groups that do not depend on them."""
    edges = unit_edges(circle)
    first, last = bisect_right(edges, start), bisect_right(edges, stop)
    inner = [edge for edge in edges[first:last] if start < edge < stop]
    marks = [start, *inner, stop]
    least = 0.5 / len(edges)  # what is less than half a unit at either end goes with its neighbour
    if len(marks) > 2 and marks[1] - marks[0] < least:
        del marks[1]
    if len(marks) > 2 and marks[-1] - marks[-2] < least:
        del marks[-2]
    units = list(pairwise(marks))
    place = {unit: bisect_right(edges, (unit[0] + unit[1]) / 2) // TOGETHER for unit in units}
    return [list(group) for _, group in groupby(units, key=lambda unit: place[unit])]


@lru_cache(maxsize=4)
def unit_edges(circle: Circle) -> tuple[float, ...]:
    """Positions at which units end, 0 and 1 among them: at borders of cells, as far as there are some."""
    radius = circle.inner + DEPTH
    least = UNIT / (2 * math.pi * radius)
    edges = [0.0]
    before = circle.cell_at(0.0, radius)
    for step in range(1, STEPS):
        position = step / STEPS
        cell = circle.cell_at(position, radius)
        if cell != before and position - edges[-1] >= least and 1.0 - position >= least:
            edges.append(position)
        before = cell
    return (*edges, 1.0)


def _shared_out(parts: Sequence[tuple[int, Inlay, float]], units: int) -> list[Inlay]:
    """One inlay a unit: in all as many as each has of the length, first where it has most."""
    lengths: dict[Inlay, float] = {}
    overlaps: dict[tuple[int, Inlay], float] = {}
    for unit, inlay, length in parts:
        lengths[inlay] = lengths.get(inlay, 0.0) + length
        overlaps[unit, inlay] = overlaps.get((unit, inlay), 0.0) + length
    order = list(lengths)
    if len(order) == 1:
        return order * units
    whole = sum(lengths.values())
    wanted = [length / whole * units for length in lengths.values()]
    counts = [math.floor(share) for share in wanted]
    for which in sorted(range(len(order)), key=lambda each: counts[each] - wanted[each])[: units - sum(counts)]:
        counts[which] += 1
    claims = sorted(
        (-overlaps.get((unit, inlay), 0.0), unit, which)
        for which, inlay in enumerate(order)
        if counts[which]
        for unit in range(units)
    )
    given: dict[int, Inlay] = {}
    for _, unit, which in claims:
        if unit not in given and counts[which]:
            given[unit] = order[which]
            counts[which] -= 1
    return [given[unit] for unit in range(units)]
