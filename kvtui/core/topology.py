"""Who holds what: members, the planned ring and the placement of every slot, as a value that records change.

Replaying the metadata log's records from nothing gives the same topology again: ``apply`` is a pure function.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Final

import msgspec

from kvtui.core.placement import Placement, begin_move, cut_over, union, without
from kvtui.core.quorum import may_shrink
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import (
    Behind,
    Cleaned,
    Counted,
    Created,
    CutOver,
    Dual,
    Forgotten,
    Joined,
    LossAccepted,
    Member,
    Opened,
    Placed,
    Planned,
    Record,
    Recovered,
    Returning,
    Runs,
    Seen,
    Stray,
    Tuned,
    Wiped,
)
from kvtui.core.ring import Ring
from kvtui.core.version import Version

OPENINGS_KEPT: Final = 200
"""Openings that are remembered; a node that has been away for longer is not asked whom it obeyed."""
RUNS_NAMED: Final = 4
"""Runs of slots that are named in a message."""
INTERNED_MOST: Final = 4
"""Placements that are kept a slot, those that no slot has any more included; above it, the latter are forgotten."""
_NOT_CREATED: Final = "the metadata log does not begin with the creation of a cluster"


@dataclass(frozen=True)
class Topology:
    """The metadata log's sum. ``places`` has one placement a slot; equal ones are one object, whatever records they came from."""

    cluster: str = ""
    name: str = ""
    epoch: int = 0
    coordinator: str = ""
    ring: Ring | None = None
    members: Mapping[str, Member] = field(default_factory=dict)
    places: tuple[Placement, ...] = ()
    quorum: int = 0
    """The wanted write quorum; 0: the default for the number of replicas."""
    reads: ReadMode = ReadMode.STRICT
    throttle: int = 0
    """Keys a second that may be copied between nodes; 0: any number."""
    openings: tuple[tuple[int, str], ...] = ()
    """(epoch, coordinator) of the last openings, oldest first: whoever else was granted the cluster has another log."""
    ends: tuple[tuple[int, int], ...] = ()
    """(epoch, number of the newest record) at each opening since all members obeyed at once, oldest first: a node that noted more
    in one of those epochs, or anything in another one since, proves the log to be an old copy."""
    home: str = ""
    """Where the log was when it was last opened."""
    interned: dict[Placement, Placement] = field(default_factory=dict, compare=False, repr=False)
    """Every placement that was made on the way here, each once. Only added to, and handed on to the topologies that follow."""

    @property
    def planned(self) -> Ring:
        """The ring that placement works towards. Raises ValueError before the cluster is created."""
        if self.ring is None:
            raise ValueError(_NOT_CREATED)
        return self.ring

    def runs(self, wanted: Callable[[Placement], bool]) -> Runs:
        """The runs of slots whose placement is ``wanted``."""
        return [(start, stop) for start, stop, place in self.stretches if wanted(place)]

    @cached_property
    def stretches(self) -> tuple[tuple[int, int, Placement], ...]:
        """Maximal runs of neighbouring slots with equal placements: (start, stop, placement)."""
        runs: list[tuple[int, int, Placement]] = []
        start = 0
        for place, group in groupby(self.places):
            stop = start + len(list(group))
            runs.append((start, stop, place))
            start = stop
        return tuple(runs)

    @cached_property
    def distinct(self) -> tuple[Placement, ...]:
        """The placements that occur, each once."""
        return tuple(dict.fromkeys(place for _, _, place in self.stretches))

    def outdated_by(self, noted: Version) -> bool:
        """Whether a node can't have noted that much from this log: then it is an old copy."""
        if not self.ends or noted.epoch >= self.epoch:
            return False
        known = dict(self.ends)
        if noted.epoch in known:
            return noted.seq > known[noted.epoch]
        return noted.epoch > self.ends[0][0]

    def only_at(self, node: str) -> Runs:
        """Slots of which the node has the last clean copy."""
        return self.runs(lambda place: place.clean == (node,))

    def left_at(self, node: str) -> Runs:
        """Slots without a clean copy of which the node, a replica, may hold a part."""
        return self.runs(lambda place: not place.clean and node in place.replicas)

    def shrinkable(self, node: str) -> Runs:
        """Slots whose clean set may go on without ``node``."""
        return self.runs(lambda place: node in place.clean and self._may_shrink(place))

    def _may_shrink(self, place: Placement) -> bool:
        return may_shrink(len(place.clean), len(place.replicas), self.quorum)

    @property
    def lost(self) -> Runs:
        """Slots that have replicas and no clean copy."""
        return self.runs(lambda place: bool(place.replicas) and not place.clean)


def described(runs: Runs) -> str:
    """Runs of slots in words: how many, and the first of them."""
    slots = sum(stop - start for start, stop in runs)
    first = ", ".join(f"{start}" if stop == start + 1 else f"{start}-{stop - 1}" for start, stop in runs[:RUNS_NAMED])
    more = ", ..." if len(runs) > RUNS_NAMED else ""
    return f"{slots:,} {'slot' if slots == 1 else 'slots'} ({first}{more})"


def apply(topology: Topology, record: Record) -> Topology:
    """The topology after ``record``. Raises ValueError for a record that can't follow (a damaged log)."""
    if (topology.ring is None) != isinstance(record, Created):
        raise ValueError(_NOT_CREATED if topology.ring is None else f"cluster {topology.cluster} is created twice")
    match record:
        case Created():
            ring = Ring.from_record(record.ring)
            return placed_anew(Topology(record.cluster, record.name, ring=ring), (Placement(),) * ring.slots)
        case Opened():
            return _open(topology, record)
        case Joined() | Seen():
            return replace(topology, members={**topology.members, record.member.id: record.member})
        case Counted():
            member = msgspec.structs.replace(topology.members[record.node], counter=record.counter)
            return replace(topology, members={**topology.members, member.id: member})
        case Forgotten():
            return _forget(topology, record.node)
        case Planned():
            ring = Ring.from_record(record.ring)
            if ring.slots != len(topology.places):
                raise ValueError(f"a plan for {ring.slots} slots does not fit {len(topology.places)}")
            return replace(topology, ring=ring)
        case Wiped():
            return _wipe(topology, record)
        case Tuned():
            return replace(topology, quorum=record.quorum, reads=record.reads, throttle=record.throttle)
        case Behind():
            return _change(topology, record.runs, lambda place: _without_clean(place, record.node))
        case Stray():
            return _change(topology, record.runs, lambda place: _with_garbage(place, record.node))
        case Returning():
            return _change(topology, record.runs, lambda place: _returning(place, record.node))
        case _:
            return _change(topology, [(record.start, record.stop)], lambda place: _next_place(place, record))


def _open(topology: Topology, record: Opened) -> Topology:
    opening = (record.epoch, record.coordinator)
    openings = (*topology.openings, *record.before, *([opening] if opening not in topology.openings else []))
    return replace(
        topology,
        epoch=record.epoch,
        coordinator=record.coordinator,
        home=record.home,
        openings=openings[-OPENINGS_KEPT:],
        ends=record.ends[-OPENINGS_KEPT:],
    )


def _next_place(place: Placement, record: Placed | Dual | CutOver | Cleaned | Recovered | LossAccepted) -> Placement:
    match record:
        case Placed():
            return record.place
        case Dual():
            return begin_move(place, record.target)
        case CutOver():
            if not place.target:
                raise ValueError(f"slots {record.start}..{record.stop} can't be cut over: no move is under way")
            return cut_over(place)
        case Cleaned():
            return place._replace(garbage=without(place.garbage, (record.node,)))
        case Recovered():
            clean = (*place.clean, record.node)
            return _with_clean(place, clean)
        case LossAccepted() if not record.clean:
            return Placement(garbage=union(union(place.garbage, place.replicas), place.receiving))
        case LossAccepted():
            return _with_clean(place, record.clean)


def _with_clean(place: Placement, nodes: tuple[str, ...]) -> Placement:
    clean = tuple(node for node in place.replicas if node in nodes)
    return place._replace(clean=clean, returning=without(place.returning, clean))


def _without_clean(place: Placement, node: str) -> Placement:
    return place._replace(clean=without(place.clean, (node,)), returning=without(place.returning, (node,)))


def _with_garbage(place: Placement, node: str) -> Placement:
    if node in place.replicas or node in place.receiving:
        # There it is made equal to a clean replica before it counts.
        return place
    return place._replace(garbage=union(place.garbage, (node,)))


def _returning(place: Placement, node: str) -> Placement:
    return place._replace(returning=union(place.returning, (node,))) if node in place.behind else place


def _wipe(topology: Topology, record: Wiped) -> Topology:
    member = msgspec.structs.replace(topology.members[record.node], data_id=record.data_id, counter=record.counter)

    def wiped(place: Placement) -> Placement:
        place = _without_clean(place, record.node)
        if record.empty:
            return place._replace(garbage=without(place.garbage, (record.node,)))
        # What it holds is not known: entries of slots that it left, or never had, in a directory that is not the one it had.
        return _with_garbage(place, record.node)

    after = replace(topology, members={**topology.members, record.node: member})
    return _change(after, [(0, len(topology.places))], wiped)


def _forget(topology: Topology, node: str) -> Topology:
    members = {name: member for name, member in topology.members.items() if name != node}

    def forgotten(place: Placement) -> Placement:
        return Placement(*(without(nodes, (node,)) for nodes in place))

    return _change(replace(topology, members=members), [(0, len(topology.places))], forgotten)


def placed_anew(topology: Topology, places: Iterable[Placement]) -> Topology:
    """The topology with those placements instead of its own."""
    interned: dict[Placement, Placement] = {}
    return replace(topology, places=tuple([interned.setdefault(place, place) for place in places]), interned=interned)


def _change(topology: Topology, runs: Iterable[tuple[int, int]], change: Callable[[Placement], Placement]) -> Topology:
    places = list(topology.places)
    interned = topology.interned
    # Equal placements are one object: one change serves all slots that have it, and what comes of it may be there already.
    changed: dict[int, Placement] = {}
    for start, stop in runs:
        if not 0 <= start <= stop <= len(places):
            raise ValueError(f"slots {start}..{stop} are outside the ring")
        for slot in range(start, stop):
            place = places[slot]
            after = changed.get(id(place))
            if after is None:
                after = change(place)
                after = changed[id(place)] = interned.setdefault(after, after)
            places[slot] = after
    if len(interned) > INTERNED_MOST * len(places):
        return placed_anew(topology, places)
    return replace(topology, places=tuple(places))
