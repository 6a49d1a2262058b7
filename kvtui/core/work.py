"""What there is to do so that placement becomes what is planned and every replica clean. Pure decisions.

``wanted`` looks at the topology and says the next pieces of work; carrying one out changes the topology, and then it is asked
again. So nothing needs to be remembered between a crash and the next start: the logged topology is the state of every migration.
A piece covers at most ``CHUNK`` slots, so that a move cuts over bit by bit and a crash repeats little.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from itertools import chain, groupby
from typing import Final, NamedTuple

from kvtui.core.graves import RIPE, eligible
from kvtui.core.placement import Placement
from kvtui.core.records import Runs
from kvtui.core.topology import Topology, described

CHUNK: Final = 256
"""Most slots of one piece of work, none of which lies on both sides of a multiple of it."""

NOT_REACHED: Final = "can't be reached"


class Kind(StrEnum):
    """In the order of urgency."""

    PLACE = "place"
    """Give slots that hold nothing their replicas."""
    CLEAR = "clear"
    """CLEANUP: remove entries from a node that is no replica of them."""
    COMPARE = "compare"
    """Verify clean replicas against each other, and bring all to the newest version."""
    RECOVER = "recover"
    """Make a replica that was away equal to the clean set."""
    MOVE = "move"
    """DUAL, COPY, VERIFY, CUTOVER of slots whose planned replicas differ."""
    PURGE = "purge"
    """Remove tombstones that no replica needs any more."""


class Work(NamedTuple):
    """One piece of work on slots ``start``..``stop``, which have equal placements."""

    kind: Kind
    start: int
    stop: int
    place: Placement
    node: str = ""
    """The node that is cleared or recovered."""
    target: tuple[str, ...] = ()
    """The planned replicas."""

    def overlaps(self, other: "Work") -> bool:
        return self.start < other.stop and other.start < self.stop


def wanted(
    topology: Topology, usable: Collection[str], unverified: Sequence[int], graves: bytes | bytearray = b""
) -> list[Work]:
    """Everything that can be done now with the nodes that are ``usable``, most urgent first, in ring order.

    ``unverified`` says (not 0) which slots' clean replicas are to be compared, ``graves`` (RIPE) where tombstones may go.
    """
    outlook = Outlook()
    outlook.look(topology, usable, unverified, graves)
    return list(outlook)


class Outlook:
    """What is ``wanted`` on one ring, remembered for each block of ``CHUNK`` slots: to look again costs what changed."""

    def __init__(self) -> None:
        self._blocks: list[dict[Kind, list[Work]]] = []
        self._seen: list[object] = []
        """What each block's work was found from."""
        self._nodes: object = None

    def look(
        self, topology: Topology, usable: Collection[str], unverified: Sequence[int], graves: bytes | bytearray = b""
    ) -> None:
        """Look at everything that changed since the last look."""
        places, table = topology.places, topology.planned.table
        leaving = {member.id for member in topology.members.values() if member.leaving}
        nodes = (frozenset(usable), leaving)
        blocks = -(-len(places) // CHUNK)
        if nodes != self._nodes:
            self._nodes = nodes
            self._blocks = [{} for _ in range(blocks)]
            self._seen = [None] * blocks
        for block, start in enumerate(range(0, len(places), CHUNK)):
            stop = start + CHUNK
            columns = (places[start:stop], table[start:stop], bytes(unverified[start:stop]), bytes(graves[start:stop]))
            if columns != self._seen[block]:
                self._seen[block] = columns
                self._blocks[block] = _work_of(start, *columns, usable, leaving)

    def __iter__(self) -> Iterator[Work]:
        """Most urgent first, in ring order."""
        return chain.from_iterable(self.of(kind) for kind in Kind)

    def of(self, kind: Kind) -> Iterator[Work]:
        """All of one kind, in ring order."""
        return chain.from_iterable(block.get(kind, ()) for block in self._blocks)


def _work_of(
    first: int,
    places: Sequence[Placement],
    table: Sequence[tuple[str, ...]],
    unverified: bytes,
    graves: bytes,
    usable: Collection[str],
    leaving: Collection[str],
) -> dict[Kind, list[Work]]:
    """The work of slots ``first`` and on, by its kind."""
    found: dict[Kind, list[Work]] = {}
    start = first
    for (place, target, suspect), group in groupby(zip(places, table, unverified, strict=True)):
        stop = start + len(list(group))
        for piece in _for_stretch(start, stop, place, target, suspect, usable):
            # A node that leaves empties itself as it goes: clearing its slots one by one would only be in its way.
            if piece.kind is not Kind.CLEAR or piece.node not in leaving:
                found.setdefault(piece.kind, []).append(piece)
        start = stop
    if RIPE in graves:
        found[Kind.PURGE] = list(_purges(first, places, table, unverified, graves, usable))
    return found


def _purges(
    start: int,
    places: Sequence[Placement],
    table: Sequence[tuple[str, ...]],
    unverified: bytes,
    graves: bytes,
    usable: Collection[str],
) -> Iterator[Work]:
    for (place, target, suspect, grave), group in groupby(zip(places, table, unverified, graves, strict=True)):
        stop = start + len(list(group))
        reached = not suspect and all(node in usable for node in place.clean)
        if grave == RIPE and reached and eligible(place, target):
            yield Work(Kind.PURGE, start, stop, place)
        start = stop


def unfinished(topology: Topology, unverified: Sequence[int], usable: Collection[str] | None = None) -> str:
    """Why the cluster is not as planned, in words; empty when it is, with every replica clean and verified. ``usable``: the nodes
    that can be reached; None: all that matter."""
    if topology.lost:
        return f"{described(topology.lost)} have no clean copy left; start the nodes that held them, or: accept-loss"
    waiting = [] if usable is None else _out_of_reach(topology, usable)
    if waiting:
        sought = sorted({node for start, _ in waiting for node in topology.places[start].clean})
        return f"{described(waiting)} can't be served and wait for {', '.join(sought)}"
    usable = usable or ()
    behind = sorted({node for place in topology.distinct for node in place.behind})
    if behind:
        away = [node for node in behind if node not in usable]
        lacking = ", ".join(away or behind)
        verb = "are" if len(away or behind) > 1 else "is"
        return f"{lacking} {verb} behind and {NOT_REACHED if away else 'not made equal yet'}"
    for (place, target, suspect), _ in groupby(zip(topology.places, topology.planned.table, unverified, strict=True)):
        if place.replicas != target or place.target:
            waited = move_waits_for(place, target, usable)
            if waited:
                return f"slots wait to be moved until {', '.join(waited)} can be reached"
            return "slots are still to be moved"
        if suspect and len(place.clean) > 1:
            return f"{', '.join(place.clean)} could not be compared"
    return ""


def _out_of_reach(topology: Topology, usable: Collection[str]) -> Runs:
    """Slots with clean copies none of which can be reached."""
    return topology.runs(lambda place: bool(place.clean) and not any(node in usable for node in place.clean))


def move_waits_for(place: Placement, target: tuple[str, ...], usable: Collection[str]) -> tuple[str, ...]:
    """The nodes that must be reached before slots of that placement can be moved to ``target``; none where nothing is to be moved,
    or nothing keeps it from going on."""
    if not place.clean or (place.replicas == target and not place.target):
        return ()
    if not any(node in usable for node in place.clean):
        return place.clean
    needed = tuple(node for node in target if node not in usable and node not in place.clean)
    if needed or keeps_reach(place, target, usable):
        return needed
    return tuple(node for node in target if node not in usable)


def _for_stretch(
    start: int, stop: int, place: Placement, target: tuple[str, ...], suspect: int, usable: Collection[str]
) -> list[Work]:
    if not place.replicas:
        # Who holds something of an earlier life of the slot is no clean replica of the new one.
        leftovers = [Work(Kind.CLEAR, start, stop, place, node) for node in place.garbage if node in usable]
        fresh = any(node not in place.garbage for node in target)
        return [*leftovers, *([Work(Kind.PLACE, start, stop, place, target=target)] if fresh else [])]
    sources = [node for node in place.clean if node in usable]
    if not sources:
        # Not even garbage is removed while nothing better can be reached.
        return []
    work = [
        Work(Kind.CLEAR, start, stop, place, node)
        for node in place.garbage
        if node in usable and node not in place.replicas and node not in place.receiving
    ]
    if suspect and len(sources) == len(place.clean):
        work.append(Work(Kind.COMPARE, start, stop, place))
    returning = [node for node in place.behind if node in usable and (not target or node in target)]
    work += [Work(Kind.RECOVER, start, stop, place, node) for node in returning]
    if target and _can_move(place, target, usable):
        work.append(Work(Kind.MOVE, start, stop, place, target=target))
    return work


def _can_move(place: Placement, target: tuple[str, ...], usable: Collection[str]) -> bool:
    if place.replicas == target and not place.target:
        return False
    # Who stays must be clean already, so that leaving replicas are never the last clean ones.
    staying = [node for node in target if node in place.replicas]
    newcomers = [node for node in target if node not in place.replicas]
    return (
        all(node in place.clean for node in staying)
        and all(node in usable for node in newcomers)
        and keeps_reach(place, target, usable)
    )


def keeps_reach(place: Placement, target: tuple[str, ...], usable: Collection[str]) -> bool:
    """Whether no fewer clean copies can be reached after the move than before, as far as ``target`` has room for them."""
    before = sum(node in usable for node in place.clean)
    return sum(node in usable for node in target) >= min(before, len(target))
