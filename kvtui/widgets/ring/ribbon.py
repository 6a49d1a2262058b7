"""The colours round the ring: for every step a column of colours from the band's outer to its inner edge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kvtui.widgets.colour import RGB, blend
from kvtui.widgets.ring.arcs import FRACTIONS, Arc
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.samples import DEPTHS, STEPS, step_at

OUTLINE = 1.0
"""Thickness of a hollow arc's outline, in cell widths."""
HOLLOW_LEAST = 3.0
"""Thinner bands have no room inside an outline; there a hollow arc is dimmed instead."""
HATCH = 5.0
"""From stripe to stripe of a hatch, round the ring, in cell widths."""
SLANT = 0.5
"""How far a stripe moves on from the band's outer to its inner edge, in stripes."""
LOST = 0.5
"""Part of a lost arc that is striped: over its node's full colour."""
UNSERVED = 0.25
"""Part of an arc that waits for a node that is striped: it is hollow besides, so that the two differ without colours as well."""
DIMMED = 0.78
"""Part of background in a dimmed arc."""
LATER_COPY = 0.25
"""Part of the band that shows a copy which is not the first."""
STANDING_IN = 0.45
"""Part of the band that shows a later copy which serves in the place of the first."""

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
    for place, arc in enumerate(arcs):
        first, last = step_at(arc.start), step_at(arc.stop)
        if first < last:
            columns[first:last] = _columns(arc, first, last, circle, inks)
            if arc.hollow and not arc.lost and (arc.unserved or not arc.gaining):
                _close(columns, arc, arcs[place - 1], arcs[(place + 1) % len(arcs)], circle, inks)
    return columns


def _columns(arc: Arc, first: int, last: int, circle: Circle, inks: Inks) -> list[Column]:
    colour = inks.node(arc.node) if arc.node else inks.empty
    if arc.dimmed:
        colour = blend(colour, inks.background, DIMMED)
    full: Column = (colour,) * DEPTHS
    if arc.lost:
        return _hatched(full, (inks.bad,) * DEPTHS, LOST, first, last, circle)
    base = _emptied(colour, circle, inks) if arc.hollow else full
    if arc.unserved:
        return _striped_once(base, (inks.bad,) * DEPTHS, first, last, circle)
    rimmed = base
    if arc.follower:
        serves = arc.hollow and not arc.dimmed
        rimmed = _inner(base, inks.node(arc.follower), STANDING_IN if serves else LATER_COPY)
    if arc.gaining:
        return _gaining(arc, rimmed, first, last, circle, inks)
    length = last - first
    reached = round(arc.reach * length)
    return [rimmed] * reached + [base] * (length - reached)


def _emptied(colour: RGB, circle: Circle, inks: Inks) -> Column:
    """A hollow arc's column; in a thin band it is dimmed."""
    band = circle.outer - circle.inner
    if band < HOLLOW_LEAST:
        return (blend(colour, inks.background, 0.6),) * DEPTHS
    line = max(1, round(DEPTHS * OUTLINE / band))
    return (colour,) * line + (inks.background,) * (DEPTHS - 2 * line) + (colour,) * line


def _close(columns: Ribbon, arc: Arc, before: Arc, after: Arc, circle: Circle, inks: Inks) -> None:
    """Draw the ends of a hollow arc's outline, where the arc beside it is not hollow as well."""
    first, last = step_at(arc.start), step_at(arc.stop)
    ends = max(1, round(STEPS * OUTLINE / circle.circumference))
    if circle.outer - circle.inner < HOLLOW_LEAST or last - first <= 2 * ends:
        return
    colour = inks.node(arc.node)
    full: Column = (blend(colour, inks.background, DIMMED) if arc.dimmed else colour,) * DEPTHS
    for beside, low, high in ((before, first, first + ends), (after, last - ends, last)):
        if not (beside.hollow and beside.node == arc.node):
            columns[low:high] = [full] * ends


def _gaining(arc: Arc, base: Column, first: int, last: int, circle: Circle, inks: Inks) -> list[Column]:
    """Stripes of the receiving node over the giver's colour, as wide as it has come; a later copy has the inner rim alone."""
    newcomer = inks.node(arc.gaining)
    reach = 1.0 if arc.handing_over else LATER_COPY
    part = 0.3 + 0.55 * arc.filled / FRACTIONS
    return _hatched(base, _inner(base, newcomer, reach), part, first, last, circle)


def _inner(column: Column, colour: RGB, part: float) -> Column:
    """``column`` with ``part`` of it, from the inner edge, in another colour."""
    kept = DEPTHS - max(1, round(DEPTHS * part))
    return column[:kept] + (colour,) * (DEPTHS - kept)


def _striped_once(base: Column, stripe: Column, first: int, last: int, circle: Circle) -> list[Column]:
    """Stripes of ``UNSERVED``; an arc that is shorter than from one to the next has one in its middle."""
    period = max(4, round(STEPS * HATCH / circle.circumference))
    stripes = _stripes(base, stripe, UNSERVED, period)
    shift = 0 if last - first >= period else round((last - first - UNSERVED * period + SLANT * period) / 2)
    return [stripes[(step - first - shift) % period] for step in range(first, last)]


def _hatched(one: Column, other: Column, part: float, first: int, last: int, circle: Circle) -> list[Column]:
    """Slanting stripes of the other column over the one; they take ``part`` of the way round."""
    period = max(4, round(STEPS * HATCH / circle.circumference))
    stripes = _stripes(one, other, part, period)
    return [stripes[step % period] for step in range(first, last)]


@lru_cache(maxsize=64)
def _stripes(one: Column, other: Column, part: float, period: int) -> tuple[Column, ...]:
    """The columns of one stripe and what lies between it and the next."""
    slope = SLANT * period / DEPTHS
    return tuple(
        tuple((other if (step + depth * slope) % period < part * period else one)[depth] for depth in range(DEPTHS))
        for step in range(period)
    )
