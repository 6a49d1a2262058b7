"""A key's lookup as a walk: from the key's place clockwise to each of its replicas, one after the other."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.circle import Circle

PAUSE_SECONDS = 0.4
"""How long only the key's place shows."""
LAP_SECONDS = 2.4
"""Once round the ring."""
LEG_SECONDS = 0.3
"""Least time between two replicas."""
INTO = 3.0
"""How far into a replica's arc the walk goes, in cell widths, or to the middle of a short one."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A replica's place on the walk: a ring position that goes on above 1 past the top, and when it is reached."""

    node: str
    position: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Walk:
    """The whole walk, from the key's position on; ``stops`` in the order in which they are reached."""

    start: float
    stops: tuple[Stop, ...]

    @property
    def seconds(self) -> float:
        """When it has come to its end, and rests."""
        return self.stops[-1].seconds if self.stops else 0.0

    def reached(self, seconds: float) -> frozenset[str]:
        """The replicas that it has come to."""
        return frozenset(stop.node for stop in self.stops if stop.seconds <= seconds)

    def position(self, seconds: float) -> float:
        """Where it is; not below ``start``, and above 1 past the top."""
        before, since = self.start, 0.0
        for stop in self.stops:
            if seconds < stop.seconds:
                part = max(0.0, (seconds - since) / (stop.seconds - since))
                return before + part * (stop.position - before)
            before, since = stop.position, stop.seconds
        return before


def walk_of(picture: Picture, arcs: Sequence[Arc], circle: Circle) -> Walk | None:
    """The walk to the key that was looked up; None without one. Replicas that have no arc of their own are not on it."""
    if picture.located is None or not arcs:
        return None
    start = picture.located.position
    missing = set(picture.holders)
    stops: list[Stop] = []
    first = min(len(arcs) - 1, bisect_right(arcs, start, key=lambda arc: arc.stop))
    at, seconds = start, PAUSE_SECONDS
    for place in range(first, first + len(arcs) + 1):
        if not missing:
            break
        arc, lap = arcs[place % len(arcs)], place // len(arcs)
        if arc.node not in missing:
            continue
        missing.discard(arc.node)
        if place > first:
            position = lap + arc.start + min(arc.length / 2, INTO / circle.circumference)
            seconds += max(LEG_SECONDS, LAP_SECONDS * (position - at))
            at = position
        stops.append(Stop(arc.node, at, seconds))
    return Walk(start, tuple(stops))
