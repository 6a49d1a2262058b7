"""Arcs of a node that goes down, or comes back, while that is seen to happen: a sweep along each of them, clockwise.

Going down, an arc turns hollow; then the next clean replica's colour comes in at its inner rim: that one serves it now. Coming
back, it is filled again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.motion import TURN_SECONDS, Turn

HOLLOWED = 0.45 * TURN_SECONDS
"""Seconds until an arc is hollow all along."""


def turning(arcs: Sequence[Arc], turns: Mapping[str, Turn]) -> tuple[Arc, ...]:
    """The arcs as they look in the middle of turns; at the end of them, the same arcs."""
    if not turns:
        return tuple(arcs)
    seen: list[Arc] = []
    for (node, hollow), group in groupby(arcs, key=lambda arc: (arc.node, arc.hollow)):
        turn = turns.get(node)
        run = list(group)
        if turn is None or turn.down != hollow:
            seen += run
        else:
            seen += _emptied(run, turn.seconds) if hollow else _filled(run, turn.seconds)
    return tuple(seen)


def _emptied(run: Sequence[Arc], seconds: float) -> Iterator[Arc]:
    start, length = run[0].start, run[-1].stop - run[0].start
    emptied = start + length * _part(seconds, 0.0, HOLLOWED)
    taken = start + length * _part(seconds, HOLLOWED, TURN_SECONDS)
    for arc in run:
        first, second = _cut(arc, emptied)
        if first:
            yield replace(first, reach=min(1.0, max(0.0, (taken - first.start) / first.length)))
        if second:
            yield replace(second, hollow=False, unserved=False, follower="")


def _filled(run: Sequence[Arc], seconds: float) -> Iterator[Arc]:
    filled = run[0].start + (run[-1].stop - run[0].start) * _part(seconds, 0.0, TURN_SECONDS)
    for arc in run:
        first, second = _cut(arc, filled)
        if first:
            yield first
        if second:
            yield replace(second, hollow=True, follower="")


def _cut(arc: Arc, position: float) -> tuple[Arc | None, Arc | None]:
    """The arc before a position, and behind it."""
    if position <= arc.start:
        return None, arc
    if position >= arc.stop:
        return arc, None
    return replace(arc, stop=position), replace(arc, start=position)


def _part(seconds: float, begin: float, end: float) -> float:
    return min(1.0, max(0.0, (seconds - begin) / (end - begin)))
