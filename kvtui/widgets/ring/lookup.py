"""A key's lookup as it is drawn: on a classic ring the way clockwise over the virtual nodes that are met, else lines from the key
straight to the nodes that were chosen for its copies, one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kvtui.commands.legend import Sign
from kvtui.core.ring_walk import Met, Step
from kvtui.core.snapshot import NodeState
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc

PAUSE_SECONDS = 0.4
"""How long only the key's place shows."""
LAP_SECONDS = 2.4
"""Once round the ring."""
LEG_SECONDS = 0.3
"""Least time between two replicas that are met on a way."""
LINE_SECONDS = 0.6
"""How long a line grows."""

MET = {Met.REPLICA: Sign.COPY, Met.SKIPPED: Sign.SKIPPED, Met.COMING: Sign.FILLING}


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a lookup comes to: a ring position (of a way: one that goes on above 1 past the top), and when."""

    node: str
    position: float
    seconds: float
    sign: Sign = Sign.COPY
    """What it finds there: a copy, a virtual node to skip, a node that is being filled, or one that is down."""
    clean: bool = True
    """Its copy can be asked now, and holds every acknowledged write."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """All of it, from the key's position on; ``stops`` in the order in which they are reached."""

    start: float
    stops: tuple[Stop, ...]
    clockwise: bool
    """A way along the ring; else a line to each stop."""

    @property
    def seconds(self) -> float:
        """When it has come to its end, and rests."""
        return self.stops[-1].seconds if self.stops else 0.0

    def reached(self, seconds: float) -> frozenset[str]:
        """The nodes that it has come to."""
        return frozenset(stop.node for stop in self.stops if stop.seconds <= seconds)

    def position(self, seconds: float) -> float:
        """Where a way is; not below ``start``, and above 1 past the top."""
        before, since = self.start, 0.0
        for stop in self.stops:
            if seconds < stop.seconds:
                part = max(0.0, (seconds - since) / (stop.seconds - since))
                return before + part * (stop.position - before)
            before, since = stop.position, stop.seconds
        return before

    def grown(self, stop: Stop, seconds: float) -> float:
        """How much of the line to a stop is there, 0..1."""
        return min(1.0, max(0.0, 1.0 - (stop.seconds - seconds) / LINE_SECONDS))


def lookup_of(picture: Picture, main: Mapping[str, Arc], steps: Sequence[Step]) -> Lookup | None:
    """The lookup of a picture; None without one. ``steps`` are the virtual nodes that are met, if the replicas were found so;
    ``main`` has each node's arc that a line leads to: nodes that have none are left out."""
    if picture.located is None or not picture.snapshot.ranges:
        return None
    start = picture.located.position
    return Lookup(start, _way(picture, start, steps) if steps else _lines(picture, start, main), bool(steps))


def _way(picture: Picture, start: float, steps: Sequence[Step]) -> tuple[Stop, ...]:
    """Replicas take a moment each to be met; virtual nodes that are skipped are passed in between."""
    stops: list[Stop] = []
    at, since = start, PAUSE_SECONDS
    passed: list[Step] = []
    for step in steps:
        passed.append(step)
        if step.met is Met.SKIPPED:
            continue
        places = [max(at, _ahead(each.position, start, picture.snapshot.slots)) for each in passed]
        seconds = since + max(LEG_SECONDS, LAP_SECONDS * (places[-1] - at))
        for place, each in zip(places, passed, strict=True):
            part = (place - at) / (places[-1] - at) if places[-1] > at else 1.0
            stops.append(_stop(picture, each.node, place, since + part * (seconds - since), MET[each.met]))
        at, since = places[-1], seconds
        passed = []
    return tuple(stops)


def _ahead(position: float, start: float, slots: int) -> float:
    """A point's position as it is reached from the key on: a slot is placed by its first token, so that a point which lies before
    the key in the key's own slot is no lap away."""
    if position < start and int(position * slots) == int(start * slots):
        return start
    return start + (position - start) % 1.0


def _lines(picture: Picture, start: float, main: Mapping[str, Arc]) -> tuple[Stop, ...]:
    if not picture.holders:
        return ()
    own, *others = picture.holders  # the key lies in its first replica's range: no line leads there
    stops = [_stop(picture, own, start, PAUSE_SECONDS, Sign.COPY)]
    for node in (*others, *picture.newcomers):
        if node in main:
            place = (main[node].start + main[node].stop) / 2 % 1.0
            seconds = stops[-1].seconds + LINE_SECONDS
            stops.append(_stop(picture, node, place, seconds, Sign.COPY if node in others else Sign.FILLING))
    return tuple(stops)


def _stop(picture: Picture, node: str, position: float, seconds: float, sign: Sign) -> Stop:
    view = picture.snapshot.node(node)
    if sign is not Sign.COPY:
        return Stop(node, position, seconds, sign, False)
    down = view is None or view.state is NodeState.DOWN
    return Stop(node, position, seconds, Sign.DOWN if down else sign, node in picture.clean_holders and not down)
