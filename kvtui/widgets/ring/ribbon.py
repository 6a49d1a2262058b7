"""The colours round the ring: for every step a column of colours from the band's outer to its inner edge."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvtui.widgets.colour import RGB, blend
from kvtui.widgets.ring.arcs import FRACTIONS, Arc
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.samples import DEPTHS, STEPS

OUTLINE = 1.0
"""Thickness of a hollow arc's outline, in cell widths."""
HOLLOW_LEAST = 3.0
"""Thinner bands have no room inside an outline; there a hollow arc is dimmed instead."""
STRIPE = 2.4
"""Width of a hatch's stripes round the ring, in cell widths."""
DIMMED = 0.78
"""Part of background in a dimmed arc."""
LATER_COPY = 0.4
"""Part of the band that shows a copy which is not the first."""

Column = tuple[RGB, ...]
"""``DEPTHS`` colours."""
Ribbon = list[Column]
"""``STEPS`` columns; equal ones are mostly the same object."""


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours that a ribbon is made of."""

    node: Callable[[str], RGB]
    background: RGB
    empty: RGB
    """The band where no node serves."""
    bad: RGB


def ribbon(arcs: Sequence[Arc], circle: Circle, inks: Inks) -> Ribbon:
    """One column a step, each of the arc that covers the middle of the step."""
    columns: Ribbon = [(inks.empty,) * DEPTHS] * STEPS
    for arc in arcs:
        first, last = _step(arc.start), _step(arc.stop)
        if first < last:
            columns[first:last] = _columns(arc, first, last, circle, inks)
    return columns


def _step(position: float) -> int:
    """The first step whose middle is at or after a position."""
    return min(STEPS, max(0, math.ceil(position * STEPS - 0.5)))


def _columns(arc: Arc, first: int, last: int, circle: Circle, inks: Inks) -> list[Column]:
    band = circle.outer - circle.inner
    colour = inks.node(arc.node) if arc.node else inks.empty
    if arc.dimmed:
        colour = blend(colour, inks.background, DIMMED)
    base: Column = (colour,) * DEPTHS
    edge = base
    ends = 0
    if arc.lost:
        return _hatched(base, (inks.bad,) * DEPTHS, first, last, circle)
    if arc.hollow and band >= HOLLOW_LEAST:
        line = max(1, round(DEPTHS * OUTLINE / band))
        inside = inks.background
        base = (colour,) * line + (inside,) * (DEPTHS - 2 * line) + (colour,) * line
        ends = max(1, round(STEPS * OUTLINE / circle.circumference))
    elif arc.hollow:
        base = edge = (blend(colour, inks.background, 0.6),) * DEPTHS
    if arc.follower:
        base = edge = _inner(base, inks.node(arc.follower), LATER_COPY)
    if arc.gaining:
        return _gaining(arc, base, first, last, circle, inks)
    length = last - first
    if ends and length > 2 * ends:
        return [edge] * ends + [base] * (length - 2 * ends) + [edge] * ends
    return [base] * length


def _gaining(arc: Arc, base: Column, first: int, last: int, circle: Circle, inks: Inks) -> list[Column]:
    """Stripes of the receiving node over the giver's colour, and a solid lip that grows from inside with its progress."""
    newcomer = inks.node(arc.gaining)
    reach = 1.0 if arc.handing_over else LATER_COPY
    solid = _inner(base, newcomer, reach * (0.15 + 0.85 * arc.filled / FRACTIONS))
    return _hatched(solid, _inner(solid, newcomer, reach), first, last, circle)


def _inner(column: Column, colour: RGB, part: float) -> Column:
    """``column`` with ``part`` of it, from the inner edge, in another colour."""
    kept = DEPTHS - max(1, round(DEPTHS * part))
    return column[:kept] + (colour,) * (DEPTHS - kept)


def _hatched(one: Column, other: Column, first: int, last: int, circle: Circle) -> list[Column]:
    """Stripes askew across the band: the two columns take turns, shifted a little at every depth."""
    width = max(2, round(STEPS * STRIPE / circle.circumference))
    slope = width / DEPTHS  # a stripe moves on by its own width from edge to edge
    variants: dict[int, Column] = {}
    columns = []
    for step in range(first, last):
        phase = step % (2 * width)
        if phase not in variants:
            variants[phase] = tuple(
                (one if (phase + depth * slope) // width % 2 < 1 else other)[depth] for depth in range(DEPTHS)
            )
        columns.append(variants[phase])
    return columns
