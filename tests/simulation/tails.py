"""Lost tails: what was cut off nodes' disks, and which keys may have gone back in silence because of that.

What a coordinator knows to be acknowledged, or has logged, is missed when a node comes back without it. What was acknowledged just
before coordinator and node were killed at once may not be logged yet: the node then counts as clean, without its newest writes.
Nothing is lost by that as long as another clean replica has them. Where none has, the key goes back to what is left: from that
moment on its history is another one, which begins with that. Nothing else is excused.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from kvtui.check import Kind, Operation, Outcome, Recorder
from kvtui.core.ring import slot_of, token_of
from kvtui.core.seams.storage import Batch
from kvtui.core.topology import Topology
from kvtui.core.version import NEVER, Version
from kvtui.node.record import ENTRY, engine_key, is_live, value_of, version_of
from tests.simulation.engine import NOTE, FaultyDisk
from tests.simulation.harness import COORDINATOR, SimCluster
from tests.simulation.model import KnownDisk, noted_on
from tests.simulation.values import name_of

WINDOW_SECONDS: Final = 1.2
"""What was acknowledged so long ago is covered by a logged counter: one is logged every ``COUNTER_SECONDS``, low as they are in
simulations, at the next heartbeat."""
FULL_SECONDS: Final = 3.0
"""A log that had no space within that may not have caught up yet."""
REBUILDER: Final = "rebuilder"
RECORD: Final = re.compile(rb'\{"type":"(behind|wiped|forgotten)","node":"([^"]+)"')
FORMER: Final = -1
"""The client who wrote what a key goes back to."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What one node lost at one moment: the newest version of each key in the batches that are gone."""

    node: str
    at: float
    batches: int
    lost: dict[bytes, Version]
    noticed: bool
    """Whether the coordinator must miss it: it lived on, or had logged how far the node had got."""
    note: bool = False
    """Whether notes of who holds what are gone as well: a log that is rebuilt from them may not know that others were missed."""


@dataclass(frozen=True, slots=True)
class State:
    """What is left of a key on a replica: the name of a value, or None where there is none or a tombstone."""

    name: str | None
    version: Version


@dataclass(frozen=True, slots=True)
class Gap:
    """From ``at`` on a key is in one of those states."""

    at: float
    states: tuple[State, ...]


@dataclass(slots=True)
class _Lack:
    """A key whose newest acknowledged version some clean replicas have lost."""

    version: Version
    lacking: dict[str, bool]
    """Those who have; whether that must be noticed."""
    holders: set[str]


@dataclass(slots=True)
class Tails:
    """Follows one cluster."""

    cluster: SimCluster
    recorder: Recorder
    cuts: list[Cut] = field(default_factory=list)
    gaps: dict[bytes, list[Gap]] = field(default_factory=dict)
    """Where histories of keys begin anew."""
    on_gap: Callable[[bytes], None] = lambda key: None
    """Told of keys that went back."""
    _lacks: dict[bytes, _Lack] = field(default_factory=dict)
    _state: Path | None = None

    def __post_init__(self) -> None:
        watch = self.cluster.disks.watch

        def written(machine: str, batch: Batch) -> None:
            if watch is not None:
                watch(machine, batch)
            if self._lacks or machine == REBUILDER:
                self._follow(machine, batch)

        self.cluster.disks.watch = written

    def disk(self, node: str) -> FaultyDisk:
        """Of a node."""
        disk = self.cluster.disks.disk(self.cluster.data_of(node))
        assert isinstance(disk, FaultyDisk)
        return disk

    def cut(self, batches: dict[str, int], topology: Topology, *, dark: bool) -> list[str]:
        """Take the last batches off the disks of nodes that were killed now, under that topology; who lost any.

        ``dark``: the coordinator was killed in the same moment.
        """
        at = self.recorder.tick()
        told = self._told()
        self._state = self.cluster.settings.state
        cuts = []
        for node, number in batches.items():
            lost = self.disk(node).lose_tail(number)
            if lost:
                versions = _versions(lost)
                note = any(place == NOTE for batch in lost for place, _ in batch.changes)
                known = not dark and self._is_heard_of(node)
                cuts.append(Cut(node, at, len(lost), versions, known or self._is_covered(lost, told, at), note))
        self.cuts += cuts
        for key in {key for cut in cuts for key in cut.lost}:
            self._compare(key, cuts, topology, told)
        return [cut.node for cut in cuts]

    def loosen(self, nodes: Iterable[str]) -> None:
        """Whoever knew how far those nodes had got is gone without having logged it, or its log is."""
        names = set(nodes)
        for key, lack in list(self._lacks.items()):
            lack.lacking = {node: noticed and node not in names for node, noticed in lack.lacking.items()}
            self._settle(key)

    def split(self, operations: Sequence[Operation]) -> tuple[Operation, ...]:
        """The operations, with keys that went back as several keys, one after the other."""
        gaps = {key.decode(): gaps for key, gaps in self.gaps.items()}
        whole = [operation for operation in operations if operation.key not in gaps]
        for key, changes in gaps.items():
            rest = [operation for operation in operations if operation.key == key]
            for number, gap in enumerate(changes, start=1):
                before, rest = _split(rest, gap, f"{key}, after lost tail {number}")
                whole += before
            whole += rest
        return tuple(sorted(whole, key=lambda operation: operation.start))

    def log_takes_records(self) -> bool:
        """Whether there is space for it, and has been for a while."""
        return self.cluster.log_had_space(FULL_SECONDS + WINDOW_SECONDS)

    # What is known.

    def _told(self) -> dict[bytes, dict[Version, Operation]]:
        """The versions of each key that clients know to be stored, and who was first told so."""
        told: dict[bytes, dict[Version, Operation]] = {}
        for operation in self.recorder.history().operations:
            version = operation.version
            if operation.outcome is Outcome.OK and not operation.stale and version is not None and version != NEVER:
                told.setdefault(operation.key.encode(), {}).setdefault(Version(*version), operation)
        return told

    def _is_heard_of(self, node: str) -> bool:
        """Whether the coordinator that lives has had an answer of the node, and knows how far it had got."""
        return self.cluster.running and node in self.cluster.coordinator._ledger.granted

    def _is_covered(self, lost: list[Batch], told: dict[bytes, dict[Version, Operation]], at: float) -> bool:
        """Whether something in those batches was acknowledged so early in this life of the coordinator that it was logged."""
        if not self.log_takes_records():
            return False
        for batch in lost:
            for key, version in _versions([batch]).items():
                operation = told.get(key, {}).get(version)
                if operation is None or operation.kind is Kind.GET or operation.end is None:
                    continue
                if operation.start > self.cluster.opened_at and operation.end < at - WINDOW_SECONDS:
                    return True
        return False

    def _compare(
        self, key: bytes, cuts: list[Cut], topology: Topology, told: dict[bytes, dict[Version, Operation]]
    ) -> None:
        if not topology.places:
            return
        clean = topology.places[slot_of(token_of(key), len(topology.places))].clean
        lost = {cut.node: cut.lost.get(key, NEVER) for cut in cuts}
        had = [max(self._left(node, key).version, lost.get(node, NEVER)) for node in clean]
        # What all of them had may be read, though nobody was told yet that it is stored.
        newest = max([*told.get(key, ()), min(had, default=NEVER)], default=NEVER)
        former = self._lacks.get(key)
        lacking: dict[str, bool] = {}
        holders: set[str] = set()
        for node in clean:
            if self._left(node, key).version >= newest:
                holders.add(node)
            else:
                mine = [cut.noticed for cut in cuts if cut.node == node]
                lacking[node] = all(mine) and (former is None or former.lacking.get(node, True))
        if lacking:
            self._lacks[key] = _Lack(newest, lacking, holders)
            self._settle(key)

    def _left(self, node: str, key: bytes) -> State:
        return _state(self.disk(node), key)

    def _disks(self) -> list[FaultyDisk]:
        """All nodes'."""
        disks = [self.cluster.disks.disk(path) for path in self.cluster.disks.paths if path.name != "metadata"]
        return [disk for disk in disks if isinstance(disk, FaultyDisk)]

    def _settle(self, key: bytes) -> None:
        """A key that nobody has any more goes back, unless all who lost it are missed."""
        lack = self._lacks[key]
        if not lack.lacking:
            del self._lacks[key]
        elif not lack.holders and not all(lack.lacking.values()):
            states = dict.fromkeys(self._left(node, key) for node in lack.lacking)
            # Who is behind may have it still, and count again in a table that is rebuilt from the nodes.
            oldest = min(state.version for state in states)
            others = (_state(disk, key) for disk in self._disks())
            states.update(dict.fromkeys(state for state in others if state.version > oldest))
            self.gaps.setdefault(key, []).append(Gap(self.recorder.tick(), tuple(states)))
            del self._lacks[key]
            self.on_gap(key)

    def _rebuilt(self) -> None:
        """Of keys that a disk has lost a rebuilt log may not know that they were missed: if notes of that are gone, too, or if none
        says that the node had got further. That is in the log sooner than in notes."""
        forgotten = any(cut.note for cut in self.cuts)
        noticed = self._noticed() if self.cuts else set()
        told = self._told()
        for key in sorted({key for cut in self.cuts for key in cut.lost}):
            newest = max(told.get(key, ()), default=NEVER)
            states = tuple(dict.fromkeys(_state(disk, key) for disk in self._disks()))
            lost = {cut.node for cut in self.cuts if key in cut.lost} - noticed
            asked = states if forgotten else tuple(self._left(node, key) for node in lost)
            if any(state.version < newest for state in asked):
                # Who lacks it may count, and who has it be made equal to that one.
                self.gaps.setdefault(key, []).append(Gap(self.recorder.tick(), states))
                self.on_gap(key)

    def _noticed(self) -> set[str]:
        """Nodes of which some note says that they had got further than their disks have by now."""
        disks = [disk for disk in self._disks() if isinstance(disk, KnownDisk)]
        counters: dict[str, int] = {}
        for disk in disks:
            noted = noted_on(disk)
            for member in () if noted is None else noted.members.values():
                counters[member.data_id] = max(member.counter, counters.get(member.data_id, 0))
        short = (disk for disk in disks if disk.counter < counters.get(disk.identity.data_id, 0))
        return {disk.path.name for disk in short if disk.path == self.cluster.data_of(disk.path.name)}

    # What happens since.

    def _follow(self, machine: str, batch: Batch) -> None:
        if machine == REBUILDER or (machine == COORDINATOR and self.cluster.settings.state != self._state):
            # What goes on is another log, which may know less.
            self._state = self.cluster.settings.state
            self.loosen({node for lack in self._lacks.values() for node in lack.lacking})
        if machine == REBUILDER:
            self._rebuilt()
        if machine == COORDINATOR:
            if not batch.cleared:
                for _, value in batch.changes:
                    found = RECORD.search(value or b"")
                    if found is not None:
                        self._miss(found[2].decode(), value or b"")
            return
        for place, record in batch.changes:
            key = place[9:] if place[:1] == ENTRY else b""
            lack = self._lacks.get(key)
            if lack is not None and record is not None and version_of(record) >= lack.version:
                lack.lacking.pop(machine, None)
                self._settle(key)

    def _miss(self, node: str, record: bytes) -> None:
        """A node is not clean any more: who lost the newest is known to have, or who has it does not count."""
        wiped = b'"type":"wiped"' in record
        for key, lack in list(self._lacks.items()):
            if node in lack.holders:
                lack.holders.discard(node)
                self._settle(key)
            elif wiped:
                lack.lacking.pop(node, None)
                self._settle(key)


def _state(disk: FaultyDisk, key: bytes) -> State:
    record = disk.found(engine_key(key))
    if record is None:
        return State(None, NEVER)
    return State(name_of(value_of(record)) if is_live(record) else None, version_of(record))


def _versions(batches: Iterable[Batch]) -> dict[bytes, Version]:
    versions: dict[bytes, Version] = {}
    for batch in batches:
        for place, record in batch.changes:
            if place[:1] == ENTRY and record is not None:
                key = place[9:]
                versions[key] = max(version_of(record), versions.get(key, NEVER))
    return versions


def _split(operations: list[Operation], gap: Gap, name: str) -> tuple[list[Operation], list[Operation]]:
    """What came before the gap, and what came after it, as operations of a key of that name. A write that was under way may have
    taken effect on either side, a read may have seen either."""
    before: list[Operation] = []
    after: list[Operation] = [
        replace(_written(state, gap.at), key=name, outcome=Outcome.OK if len(gap.states) == 1 else Outcome.UNKNOWN)
        for state in gap.states
        if state.version != NEVER
    ]
    names, versions = {state.name for state in gap.states} - {None}, {state.version for state in gap.states}
    for operation in operations:
        if operation.start > gap.at:
            # What is stale may be of before.
            if not operation.stale:
                after.append(replace(operation, key=name))
        elif operation.end is not None and operation.end <= gap.at:
            before.append(operation)
        elif operation.kind is not Kind.GET:
            before.append(replace(operation, end=None, outcome=Outcome.UNKNOWN))
            if operation.value not in names and operation.version not in versions:
                # Whoever acknowledged it may have lost it before the client heard of that.
                after.append(replace(operation, key=name, end=None, outcome=Outcome.UNKNOWN))
    return before, after


def _written(state: State, at: float) -> Operation:
    kind = Kind.DELETE if state.name is None else Kind.PUT
    # What nodes brought has versions that each gave by itself.
    version = state.version if state.version.epoch else None
    return Operation(FORMER, kind, "", state.name, at, at, Outcome.OK, version)
