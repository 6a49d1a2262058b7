"""What can be done with the nodes that can be reached now: which slots are served, which wait, and for whom. Pure decisions.

Three things that are not the same: a slot is *under-replicated* while it has fewer clean copies than wanted and is served all
the same; *unavailable* while it has clean copies and none of them can be reached: it waits for who has them; *lost* when no clean
copy is left.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kvtui.core.placement import Placement
from kvtui.core.quorum import write_quorum
from kvtui.core.records import Runs
from kvtui.core.topology import Topology
from kvtui.core.work import move_waits_for

Stretch = tuple[int, int, Placement]
"""Slots ``start`` up to but without ``stop``, and where they are."""


class Standing(NamedTuple):
    """What slots of one placement wait for; for nothing, where they are served or lost."""

    waits_for: tuple[str, ...] = ()
    """Nodes one of which at least must be back before the slots can be read or written."""
    writes_wait_for: tuple[str, ...] = ()
    """Nodes without which they can be read, but take no writes: too few clean copies can be reached."""
    stale: bool = False
    """Of those that can't be served: whether a replica is there that may lack writes, and can answer as ``available`` reads do."""

    @property
    def waits(self) -> bool:
        return bool(self.waits_for or self.writes_wait_for)


SERVED: Final = Standing()


def standing(place: Placement, away: Collection[str], least: int, unheard: tuple[str, ...] = ()) -> Standing:
    """What slots of that placement wait for. ``away`` can't be reached; ``least``: clean copies that a write needs; ``unheard`` may
    hold newer writes of another coordinator, so that nothing is served before they obey."""
    if not place.replicas or not place.clean:
        return SERVED
    if unheard:
        return Standing(unheard, stale=any(node not in away for node in place.replicas))
    reached = sum(node not in away for node in place.clean)
    if not reached:
        return Standing(place.clean, stale=any(node not in away for node in place.replicas))
    if reached < least:
        return Standing(
            writes_wait_for=tuple(node for node in place.replicas if node in away or node not in place.clean)
        )
    return SERVED


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of the ring can be reached. Nodes come in the order of how many slots wait for them, most first."""

    unavailable: int = 0
    """Slots with clean copies none of which can be reached."""
    unavailable_by_copies: Mapping[int, int] = field(default_factory=dict)
    """The same by how many clean copies they have."""
    waits_for: tuple[str, ...] = ()
    stale: int = 0
    """Slots of those of which a replica that may lack writes can be reached."""
    unwritable: int = 0
    """Slots that can be read, but take no writes."""
    writes_wait_for: tuple[str, ...] = ()
    awaited: Mapping[str, int] = field(default_factory=dict)
    """Slots that can't be served or written, by the nodes that they wait for."""
    runs: Runs = field(default_factory=list)
    """Those that can't be served, in ring order."""
    waiting: tuple[tuple[int, int, Standing], ...] = ()
    """All that wait, in ring order."""


def reach(
    topology: Topology, away: Collection[str], unheard: Callable[[Placement], tuple[str, ...]] | None = None
) -> Reach:
    """What can be reached without those that are ``away``. ``unheard``: who of a placement's nodes may obey another coordinator;
    None: nobody does.

    There can be as many stretches as slots: one look at each, no more.
    """
    least = {count: max(1, write_quorum(count, topology.quorum)) for count in range(9)}
    waiting: list[tuple[int, int, Standing]] = []
    copies: Counter[int] = Counter()
    for start, stop, place in topology.stretches:
        if (
            unheard is None
            and len(place.clean) >= least[len(place.replicas)]
            and not any(n in away for n in place.clean)
        ):
            continue
        found = standing(place, away, least[len(place.replicas)], unheard(place) if unheard is not None else ())
        if found.waits:
            waiting.append((start, stop, found))
        if found.waits_for:
            copies[len(place.clean)] += stop - start
    return _summed(waiting, copies) if waiting else NOTHING_WAITS


def _summed(waiting: Sequence[tuple[int, int, Standing]], copies: Mapping[int, int]) -> Reach:
    unavailable = stale = unwritable = 0
    reads: Counter[str] = Counter()
    writes: Counter[str] = Counter()
    runs: Runs = []
    for start, stop, found in waiting:
        width = stop - start
        if not found.waits_for:
            unwritable += width
            writes.update(dict.fromkeys(found.writes_wait_for, width))
            continue
        unavailable += width
        stale += width if found.stale else 0
        reads.update(dict.fromkeys(found.waits_for, width))
        if runs and runs[-1][1] == start:
            runs[-1] = runs[-1][0], stop
        else:
            runs.append((start, stop))
    return Reach(
        unavailable=unavailable,
        unavailable_by_copies=copies,
        waits_for=_most_first(reads),
        stale=stale,
        unwritable=unwritable,
        writes_wait_for=_most_first(writes),
        awaited=reads + writes,
        runs=runs,
        waiting=tuple(waiting),
    )


def _most_first(slots: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(slots, key=lambda node: (-slots[node], node)))


NOTHING_WAITS: Final = Reach()


@dataclass(frozen=True, slots=True)
class MovesWait:
    """Moves that can't go on without nodes that can't be reached."""

    slots: int = 0
    waits_for: tuple[str, ...] = ()
    by_node: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For whom the slots wait that are to come to a node, or to leave it."""


def moves_wait(moves: Iterable[tuple[int, Placement, tuple[str, ...]]], usable: Collection[str]) -> MovesWait:
    """``moves``: so many slots are placed so, and are to be on those nodes."""
    slots = 0
    waited: Counter[str] = Counter()
    by_node: dict[str, dict[str, None]] = {}
    for width, place, target in moves:
        needed = move_waits_for(place, target, usable)
        if not needed:
            continue
        slots += width
        waited.update(dict.fromkeys(needed, width))
        for node in set(place.replicas).symmetric_difference(target):
            by_node.setdefault(node, {}).update(dict.fromkeys(needed))
    return MovesWait(slots, _most_first(waited), {node: tuple(sorted(needed)) for node, needed in by_node.items()})
