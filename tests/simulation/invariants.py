"""What must hold at every moment, checked where it is cheapest to see: at each answer, each record of the log, each purge.

Who is said to be a clean replica is the product's word; what that means for the disks is not.
"""

import asyncio
import re
from collections import deque
from collections.abc import Iterator
from contextvars import copy_context
from math import inf
from typing import Any, Final

from kvtui.check import Kind, Operation, Outcome, Pending, Recorder
from kvtui.core.coordinator import Coordinator
from kvtui.core.placement import Placement
from kvtui.core.read_mode import ReadMode
from kvtui.core.rebuilding import HOME
from kvtui.core.seams.storage import Batch
from kvtui.core.topology import Topology
from tests.simulation.harness import COORDINATOR, SimCluster
from tests.simulation.holders import Holders
from tests.simulation.machine import machine_in
from tests.simulation.model import (
    HEAD,
    KEY_AT,
    LIVE,
    VERSION,
    KnownDisk,
    Model,
    Where,
    noted_on,
    packed,
    slot_at,
    told,
    where,
)
from tests.simulation.obedience import Obedience
from tests.simulation.progress import FULL_SECONDS, Progress, read_records
from tests.simulation.suspicions import Suspicions
from tests.simulation.values import name_of

TAKEN_OVER: Final = "took this cluster over"
OF_SLEEPERS: Final = "late "
"""Begins the values that superseded coordinators write: theirs is another table."""
KINDS: Final = ("wiped", "recovered", "cutover", "tuned", "behind", "seen", "opened", "dual", "forgotten")
FOLLOWED: Final = tuple(f'"type":"{kind}"'.encode() for kind in KINDS)
"""Records that say something about what is on a node, or who counts."""


ANNOUNCED_SECONDS: Final = 2.0
"""So long before it comes to count a node was announced, at most, unless what happens in between takes long."""
FORMER_MOST: Final = 200
"""Placements of former moments that are kept: more than there are while a batch is written."""


def least_copies(replicas: int, wanted: int) -> int:
    """Clean copies without which no write of a slot is acknowledged: what is wanted, where that many replicas are there; else
    one of one or two, and a majority of more."""
    return max(1, min(wanted, replicas) if wanted else replicas // 2 + 1 if replicas > 2 else 1)


REFUSED: Final = re.compile(r"(\S+): no space for")
SILENT: Final = "did not answer"
"""In what is said of a write in doubt: who had no space for it, and that somebody was lost, or late."""
SUPERSEDED: Final = ("took this cluster over", "does not know all that happened")
"""In what a coordinator says that is obeyed no more: whoever is, may give the same versions to other writes."""


class Invariants:
    """Follows one cluster. What it finds wrong is the model's."""

    def __init__(self, cluster: SimCluster, model: Model) -> None:
        self._cluster = cluster
        self._model = model
        self._mode_since = 0.0
        self._mode: ReadMode | None = None
        self._quorums: list[tuple[float, int]] = [(inf, 0)]
        """The write quorums so far, and until when each was in force."""
        self._seen: Topology | None = None
        self._members = False
        self._as_planned = True
        self._planned_at = 0.0
        """Whether all is as planned, and when it was so last."""
        self._former: deque[tuple[float, tuple[Placement, ...]]] = deque(maxlen=FORMER_MOST)
        """Placements that are in force no more, and until when each were."""
        self._lost: set[int] = set()
        self._logged_at = -1.0
        self._notes: dict[str, tuple[bytes, Topology | None]] = {}
        self._home = ""
        self._rebuilt = 0
        """The coordinator on the last log that was rebuilt from the nodes."""
        self._acknowledged_at: dict[Where, float] = {}
        self._progress = Progress(cluster, model)
        self._holders = Holders(cluster, model)
        self._suspicions = Suspicions(cluster, model)
        self._obedience = Obedience(cluster, model)
        self._opened: tuple[Coordinator, float] | None = None
        """The coordinator that is open, and since when it is known to be."""
        watch = cluster.disks.watch

        def written(machine: str, batch: Batch) -> None:
            if watch is not None:
                watch(machine, batch)
            if machine == COORDINATOR and machine_in(copy_context()) is cluster.machine:
                self._logged(batch)

        cluster.disks.watch = written
        model.is_clean = self._is_clean

    # What is on the disks.

    def _is_clean(self, disk: KnownDisk, place: Where) -> bool | None:
        if not self._cluster.running:
            return False
        topology = self._cluster.coordinator.topology
        if (disk.identity.epoch, disk.identity.coordinator) != (topology.epoch, topology.coordinator):
            # It obeys another one still, for whom it may be behind.
            return None
        places = topology.places
        return bool(places) and disk.path.name in places[slot_at(place, len(places))].clean

    def _disk(self, node: str) -> KnownDisk | None:
        """A node's disk; None when it has none any more."""
        path = self._cluster.data_of(node)
        disk = self._model.disks.get(path)
        return disk if disk is not None and self._cluster.disks.exists(path) else None

    def _lacks(self, topology: Topology, node: str, place: Where, version: bytes) -> str:
        """What a node holds of a key, in words, if that is older than ``version`` and no fault explains it; else empty."""
        disk = self._disk(node)
        if disk is None or disk.identity.data_id != topology.members[node].data_id:
            # It was wiped, and who says that it is clean does not know yet.
            return ""
        head = disk.held.get(place)
        if head is not None and head[:VERSION] >= version:
            return ""
        known = max(disk.missed.get(place, b""), self._model.gone.get(place, b""))
        return "" if known[:VERSION] >= version else told(head)

    def check_held(self, coordinator: Coordinator, key: bytes, version: tuple[int, int], what: str) -> None:
        """Every clean replica holds that version of the key, or a newer one."""
        topology = coordinator.topology
        if not topology.places:
            return
        place, bare = where(key), packed(version)
        placement = topology.places[slot_at(place, len(topology.places))]
        if coordinator._ledger.stopped or not coordinator._ledger.may_place(placement):
            # On an older copy of the log, which serves nothing: whoever answered has a newer one.
            return
        for node in placement.clean:
            lack = self._lacks(topology, node, place, bare)
            if lack:
                self._model.complain(
                    f"{key!r} was {what} at {version[0]}.{version[1]}, and {node}, a clean replica, holds {lack}: {placement}"
                )

    def check_promise(
        self, coordinator: Coordinator, key: bytes, version: tuple[int, int], since: float, together: bool
    ) -> None:
        """A write that began then and is acknowledged is on W disks at least; who lacks it is noted as behind on all that have it.

        Its answer may have been on its way to the client while W was changed, or it may have waited for others while a replica was
        lost.
        """
        topology = coordinator.topology
        place, bare = where(key), packed(version)
        placement = topology.places[slot_at(place, len(topology.places))]
        quorums = [quorum for until, quorum in self._quorums if until >= since]
        least = min(least_copies(len(placement.replicas), quorum) for quorum in quorums)
        clean = len(placement.clean)
        if together:
            clean = max(len(places[slot_at(place, len(places))].clean) for places in self._since(since) if places)
        if clean < least and self._logged_at < asyncio.get_running_loop().time():
            self._model.complain(
                f"{key!r} was acknowledged at {version[0]}.{version[1]} with {len(placement.clean)} clean replicas, and"
                f" {least} are promised: {placement}"
            )
        if len(placement.clean) == len(placement.replicas):
            return
        if together and any(
            places[slot_at(place, len(places))] != placement for places in self._since(since) if places
        ):
            # It may have ended before that changed.
            return
        # Who came to count while the answer was on its way to the client is only being told.
        counted = [places[slot_at(place, len(places))].clean for places in self._since(since) if places]
        for node in placement.clean:
            disk = self._disk(node)
            whole = disk is not None and not disk.hurt
            noted = self._note(node) if whole and all(node in clean for clean in counted) else None
            if noted is None or not noted.places:
                continue
            then = noted.places[slot_at(place, len(noted.places))]
            for other in then.clean:
                if (
                    other not in placement.clean
                    and other in topology.members
                    and self._lacks(topology, other, place, bare)
                ):
                    self._model.complain(
                        f"{key!r} was acknowledged at {version[0]}.{version[1]} without {other}, which is clean by the note of"
                        f" {node}: {then}"
                    )

    def _check_progress(self, coordinator: Coordinator, key: bytes, version: tuple[int, int]) -> None:
        topology, place = coordinator.topology, where(key)
        placement = topology.places[slot_at(place, len(topology.places))]
        if not coordinator._ledger.stopped and coordinator._ledger.may_place(placement):
            self._progress.acknowledged(coordinator, place, packed(version), placement)

    def _note(self, node: str) -> Topology | None:
        disk = self._disk(node)
        if disk is None or not disk.note:
            return None
        known = self._notes.get(node)
        if known is None or known[0] is not disk.note:
            known = self._notes[node] = (disk.note, noted_on(disk))
        return known[1]

    # What clients are told.

    def ended(self, operation: Operation, together: bool = False) -> None:
        """An operation has an end. ``together``: with others, of which one may have been waited for long after it."""
        self._progress.look()
        self._suspicions.look()
        coordinator = self._cluster.coordinator if self._cluster.running else None
        version, key = operation.version, operation.key.encode()
        if coordinator is not None and operation.outcome is Outcome.OK and not operation.stale:
            self._check_obeyed(coordinator, operation)
        if operation.kind is Kind.GET:
            if operation.outcome is Outcome.OK:
                self._read(coordinator, operation, key, version)
        elif version is not None and version[0]:
            if operation.outcome is Outcome.UNKNOWN:
                self._holders.doubt(key)
                # Keys of a batch are in doubt together.
                if coordinator is not None and not coordinator._ledger.cautious and not together:
                    self._check_left_out(coordinator, operation, key)
            if operation.outcome is Outcome.FAILED and not any(text in operation.note for text in SUPERSEDED):
                self._fail(operation, key, version)
            elif together and self._was_lost(where(key), operation.start):
                # When it ended of itself, before the others did, nothing was wrong.
                return
            elif operation.outcome is Outcome.OK:
                self._acknowledge(where(key), version)
                sleeper = (operation.value or "").startswith(OF_SLEEPERS)
                if coordinator is not None and coordinator.topology.epoch == version[0] and not sleeper:
                    self.check_held(coordinator, key, version, "acknowledged")
                    self.look()
                    self._check_progress(coordinator, key, version)
                    self.check_promise(coordinator, key, version, operation.start, together)

    def _check_obeyed(self, coordinator: Coordinator, operation: Operation) -> None:
        """Whoever answered, if it was the one that is open."""
        opened = self._opened
        if opened is None or opened[0] is not coordinator or operation.start < opened[1]:
            return
        if (operation.value or "").startswith(OF_SLEEPERS) or coordinator._ledger.stopped:
            return
        self._obedience.served(coordinator.topology, where(operation.key.encode()))

    def _check_left_out(self, coordinator: Coordinator, operation: Operation, key: bytes) -> None:
        """A write is in doubt that some had no space for: where enough others have it, it goes on without those."""
        refused = set(REFUSED.findall(operation.note))
        self.look()
        if not refused or SILENT in operation.note or not self._cluster.log_had_space(FULL_SECONDS):
            return
        place = where(key)
        placements = [places[slot_at(place, len(places))] for places in self._since(operation.start) if places]
        most = max(quorum for until, quorum in self._quorums if until >= operation.start)
        if not placements or any(each.clean != placements[0].clean or each.receiving for each in placements):
            # Who came to count meanwhile may have been made equal to one that did not have it.
            return
        placement = placements[0]
        left = set(placement.clean) - refused
        nodes, missed = coordinator._ledger.nodes, coordinator._notes.missed
        if any(node not in nodes or nodes[node].link is None or node in missed for node in left):
            # One that took it was lost since, and may not have noted who did not.
            return
        enough = least_copies(len(placement.replicas), most) <= len(left) < len(placement.clean)
        if enough and coordinator.topology.epoch == (operation.version or (0, 0))[0]:
            self._model.complain(f"{key!r} is in doubt ({operation.note}), and who refused it counts on: {placement}")

    def another_is_obeyed(self) -> bool:
        """Whether there is a node that obeys another coordinator than the one that is open."""
        return self._cluster.running and self._obedience.is_another_obeyed(self._cluster.coordinator.topology)

    def _was_lost(self, place: Where, since: float) -> bool:
        """Whether its slot had no clean replica at any time since then."""
        self.look()
        return any(not places[slot_at(place, len(places))].clean for places in self._since(since) if places)

    def _since(self, moment: float) -> Iterator[tuple[Placement, ...]]:
        """The placements that were in force since then, the present ones first."""
        if self._seen is not None:
            yield self._seen.places
        for until, places in reversed(self._former):
            if until < moment:
                return
            yield places

    def _acknowledge(self, place: Where, version: tuple[int, int]) -> None:
        acknowledged = self._model.acknowledged
        bare = packed(version)
        if bare > acknowledged.get(place, b""):
            acknowledged[place] = bare
            self._acknowledged_at[place] = asyncio.get_running_loop().time()

    def _read(
        self, coordinator: Coordinator | None, operation: Operation, key: bytes, version: tuple[int, int] | None
    ) -> None:
        if coordinator is None or version is None:
            return
        self.look()
        if operation.stale:
            if self._mode is ReadMode.STRICT and self._mode_since < operation.start:
                self._model.complain(f"{key!r} was read from a replica that is behind, and reads are strict")
        elif version[0] and version[0] <= coordinator.topology.epoch:
            self._acknowledge(where(key), version)
            self.check_held(coordinator, key, version, "read")
        elif not version[0] and not version[1] and operation.value is None:
            self._check_never(coordinator.topology, key, operation.start)

    def _check_never(self, topology: Topology, key: bytes, since: float) -> None:
        """It is said that there never was such a key: no clean replica has known better all the time."""
        place = where(key)
        acknowledged = self._model.acknowledged.get(place)
        if acknowledged is None or self._acknowledged_at.get(place, inf) >= since or not topology.places:
            return
        placement = topology.places[slot_at(place, len(topology.places))]
        disks = [self._disk(node) for node in placement.clean]
        if disks and all(
            # Where a newer one is under way, this one may have been purged before.
            disk is not None and place not in disk.purged and disk.held.get(place, b"")[:VERSION] == acknowledged
            for disk in disks
        ):
            self._model.complain(
                f"{key!r} was said never to have been written, and {told(acknowledged)} is on all replicas"
            )

    def _fail(self, operation: Operation, key: bytes, version: tuple[int, int]) -> None:
        place, bare = where(key), packed(version)
        if operation.value is None and TAKEN_OVER in operation.note:
            # Whoever took over may have given the same version to another delete.
            return
        topology = self._cluster.coordinator.topology if self._cluster.running else None
        giver = topology.coordinator if topology is not None and topology.epoch == version[0] else ""
        self._model.failed[place, bare] = operation.value, operation.note, giver
        for path, disk in self._model.disks.items():
            head = disk.held.get(place)
            if head is not None and head[:VERSION] == bare:
                records = dict(disk.stored(place, place + b"\0"))
                record = records.get(place, b"")[HEAD.stop :]
                if (
                    operation.value == name_of(record)
                    if head[VERSION] == LIVE
                    else operation.value is None and giver == disk.identity.coordinator
                ):
                    self._model.complain(f"{key!r} at {told(bare)} failed ({operation.note}), and {path.name} holds it")

    def forget(self, key: bytes) -> None:
        """What was promised of a key was lost in silence, as it may be."""
        place = where(key)
        self._model.acknowledged.pop(place, None)
        self._model.forget(place)

    # What the coordinator logs.

    def look(self) -> None:
        """See what has changed since the last look."""
        if not self._cluster.running:
            return
        topology = self._cluster.coordinator.topology
        if self._opened is None or self._opened[0] is not self._cluster.coordinator:
            self._opened = self._cluster.coordinator, asyncio.get_running_loop().time()
        if topology is self._seen:
            return
        if self._seen is not None and topology.places is not self._seen.places:
            self._former.append((asyncio.get_running_loop().time(), self._seen.places))
        self._seen = topology
        self._look_at_plan(topology)
        number, rebuilt = self._cluster.rebuilt
        if topology.home == HOME and number > self._rebuilt and self._cluster.settings.state == rebuilt:
            # Not an old copy of one.
            self._rebuilt = number
            self._check_rebuilt(topology, "a rebuilt log")
        if self._came_home(topology):
            self._check_rebuilt(topology, "a copy of the log that is at home")
        self._holders.look(self._cluster.coordinator, self._check_clean)
        if self._members and not topology.members:
            # The last one left, and what was deleted is forgotten with it: nobody is there who could know of a tombstone. What was
            # not deleted is missed by whoever reads it.
            for place in list(self._model.acknowledged):
                del self._model.acknowledged[place]
                self._model.forget(place)
        self._members = bool(topology.members)
        if topology.reads is not self._mode:
            self._mode, self._mode_since = topology.reads, asyncio.get_running_loop().time()
        if topology.quorum != self._quorums[-1][1]:
            self._quorums[-1] = asyncio.get_running_loop().time(), self._quorums[-1][1]
            self._quorums.append((inf, topology.quorum))
        # Lost, or empty: with the last node its tombstones leave.
        lost = {slot for slot, place in enumerate(topology.places) if not place.clean}
        if lost - self._lost:
            self._give_up(lost - self._lost, len(topology.places))
        self._lost = lost

    def _look_at_plan(self, topology: Topology) -> None:
        now = asyncio.get_running_loop().time()
        if self._as_planned:
            self._planned_at = now
        self._as_planned = all(
            place.clean == place.replicas == target and not place.target
            for place, target in zip(topology.places, topology.planned.table, strict=True)
        )
        if self._as_planned:
            self._planned_at = now

    def check_rebalanced(self, began: float) -> None:
        """A rebalance that was asked for then says that it is done: at one moment since, it was."""
        self.look()
        if not self._as_planned and self._planned_at < began:
            places = set(self._cluster.coordinator.topology.places)
            self._model.complain(f"a rebalance says that all is as planned, and never was since {began:.3f}: {places}")

    def _give_up(self, slots: set[int], of: int) -> None:
        """Nothing that was promised of these slots holds any more."""
        for place in [place for place in self._model.acknowledged if slot_at(place, of) in slots]:
            del self._model.acknowledged[place]
            self._model.forget(place)

    def _logged(self, batch: Batch) -> None:
        self._logged_at = asyncio.get_running_loop().time()
        self.look()
        coordinator = self._cluster.coordinator if self._cluster.running else None
        if coordinator is None or batch.cleared:
            return
        if coordinator._ledger.stopped:
            self._model.complain(f"a coordinator that has stopped logs something: {coordinator._ledger.stopped}")
        values = [value for _, value in batch.changes]
        if not any(kind in (value or b"") for value in values for kind in FOLLOWED):
            return
        records = read_records(values)
        for record in records:
            self._follow(coordinator.topology, record)
        self._progress.logged(coordinator.topology, records)
        self._obedience.logged(coordinator.topology, records)
        # Nor does anybody count of whom only a node knew that has lost what it knew.
        given_up = any(record["type"] in ("loss_accepted", "wiped") for record in records)
        for record in () if given_up else records:
            if record["type"] == "behind":
                self._check_left(coordinator.topology, record["node"], record["runs"])

    def _follow(self, topology: Topology, record: dict[str, Any]) -> None:
        """``topology`` is what was logged before the record."""
        match record["type"]:
            case "wiped":
                self._progress.wiped(record["node"])
                disk, member = self._disk(record["node"]), topology.members[record["node"]]
                had, left = member.data_id, member.data_id in self._model.left and not member.leaving
                if disk is not None:
                    disk.missed.clear()
                if left and had != record["data_id"] and topology.home != HOME:
                    self._model.complain(f"{record['node']} is taken for wiped, and was let go: {had}")
                path = self._cluster.data_of(record["node"])
                strangers = (known for known in self._model.disks.values() if known.path != path)
                self._model.mistaken |= any(known.identity.data_id == record["data_id"] for known in strangers)
                others = (other for other in topology.members.values() if other.id != record["node"])
                if any(other.data_id == record["data_id"] for other in others):
                    self._model.complain(f"{record['node']} is taken for wiped, and another node answered: {record}")
            case "forgotten":
                # If it joins again, what it had told before does not count.
                self._progress.wiped(record["node"])
            case "tuned":
                before = {"quorum": topology.quorum, "reads": topology.reads, "throttle": topology.throttle}
                changed = [name for name, value in before.items() if record.get(name, 0) != value]
                if len(changed) > 1:
                    self._model.complain(f"one setting was changed, and so were {', '.join(changed)}: {record}")
            case "recovered":
                slots = range(record["start"], record["stop"])
                self._check_clean(topology, dict.fromkeys(slots, (record["node"],)), "recovered")
                self._check_noted(topology, record["start"], (record["node"],))
            case "seen" if record["member"].get("leaving"):
                node = record["member"]["id"]
                remote = self._cluster.coordinator._ledger.nodes.get(node)
                if (
                    (remote is None or remote.link is None)
                    and topology.left_at(node)
                    and not topology.members[node].leaving
                ):
                    self._model.complain(f"{node} is let go while it is away, and may have what is left of lost slots")
            case "cutover":
                slots = range(record["start"], record["stop"])
                self._check_reach(topology.places[record["start"]])
                self._check_noted(topology, record["start"], topology.places[record["start"]].receiving)
                self._check_clean(topology, {slot: topology.places[slot].receiving for slot in slots}, "cut over")

    def _check_left(self, topology: Topology, node: str, runs: list[tuple[int, int]]) -> None:
        """A node is behind from here on: where it was a clean replica, as many others are left as a write needs."""
        for place in {place for start, stop in runs for place in topology.places[start:stop] if node in place.clean}:
            if len(place.clean) - 1 < least_copies(len(place.replicas), topology.quorum):
                self._model.complain(f"{node} is not to count any more, and too few are left without it: {place}")

    def _check_reach(self, place: Placement) -> None:
        """A move that ends leaves no fewer clean copies within reach than there were, as far as it has room for them."""
        nodes = self._cluster.coordinator._ledger.nodes
        before, after = (
            sum(node in nodes and nodes[node].link is not None for node in names)
            for names in (place.clean, place.target)
        )
        if after < min(before, len(place.target)):
            self._model.complain(f"of {before} copies within reach a move leaves {after}: {place}")

    def _check_noted(self, topology: Topology, slot: int, nodes: tuple[str, ...]) -> None:
        """Nodes come to count for a slot: one at least has noted that they may who counted as that was announced. It may have
        fallen behind since: whoever does not know of it counts on that one."""
        place = topology.places[slot]
        announced = self._since(asyncio.get_running_loop().time() - ANNOUNCED_SECONDS)
        said = []
        for node in dict.fromkeys(node for places in announced if places for node in places[slot].clean):
            noted = self._note(node)
            if noted is None or not noted.places:
                return
            then = noted.places[slot]
            if set(nodes) <= {*then.receiving, *then.returning, *then.clean}:
                return
            said.append((node, then))
        self._model.complain(f"slot {slot}: {nodes} come to count, and nobody has noted that they may: {place}, {said}")

    def _came_home(self, topology: Topology) -> bool:
        """Whether a log that may have been an old copy is known from here on to be none."""
        home, self._home = self._home, topology.home
        return topology.home == str(self._cluster.settings.state) != home

    def _check_rebuilt(self, topology: Topology, what: str) -> None:
        """A log that was rebuilt from the nodes, or is no old copy, gives up in silence nothing that was acknowledged and is
        there."""
        if not topology.places:
            return
        for place, version in self._model.acknowledged.items():
            slot = slot_at(place, len(topology.places))
            clean = topology.places[slot].clean
            # They are all asked until they were compared: one that has it is enough.
            if not clean or not all(self._lacks(topology, node, place, version) for node in clean):
                continue
            holders = [
                path.name
                for path, disk in self._model.disks.items()
                if self._cluster.disks.exists(path) and disk.held.get(place, b"")[:VERSION] >= version
            ]
            if holders:
                self._model.complain(
                    f"{what} gives slot {slot} to who lacks {place[KEY_AT:]!r}, and {told(version)} was acknowledged or read"
                    f" and is on {', '.join(holders)}: {topology.places[slot]}"
                )

    def _given(self, topology: Topology, place: Where, version: bytes) -> bool:
        """Whether a clean replica has it to give. What none has any more is no fault of who is made equal: it may have been purged
        by a batch that failed and is there all the same."""
        clean = topology.places[slot_at(place, len(topology.places))].clean
        disks = [disk for node in clean if (disk := self._disk(node)) is not None]
        return any(disk.held.get(place, b"")[:VERSION] >= version for disk in disks)

    def _inherits(self, topology: Topology, node: str, place: Where, version: bytes) -> bool:
        """Whether what a node lacks was lost, unnoticed so far, by one that it may have been made equal to."""
        clean = topology.places[slot_at(place, len(topology.places))].clean
        disks = [disk for other in clean if (disk := self._disk(other)) is not None]
        lost = max((disk.missed.get(place, b"") for disk in disks), default=b"")
        own = self._disk(node)
        if own is None or lost[:VERSION] < version:
            return False
        own.missed[place] = lost
        return True

    def _check_clean(self, topology: Topology, nodes: dict[int, tuple[str, ...]], what: str) -> None:
        """Nodes become clean replicas of slots: they hold all that was acknowledged or read of them, and no more than others."""
        for place, version in self._model.acknowledged.items():
            for node in nodes.get(slot_at(place, len(topology.places)), ()):
                lack = self._lacks(topology, node, place, version)
                if (
                    lack
                    and self._given(topology, place, version)
                    and not self._inherits(topology, node, place, version)
                ):
                    slot = slot_at(place, len(topology.places))
                    self._model.complain(
                        f"slot {slot} was {what} to {node}, which holds {lack} of {place[KEY_AT:]!r}, and {told(version)} was"
                        f" acknowledged or read: {topology.places[slot]}"
                    )


class WatchedRecorder(Recorder):
    """A recorder that has each operation looked at as it ends."""

    def __init__(self, now: Any, invariants: Invariants) -> None:
        super().__init__(now)
        self.invariants = invariants
        self._begun: tuple[int, float] = (0, -1.0)
        """Who began the last one, and when; and whether it was not alone."""
        self._together: list[bool] = [False]

    def begin(self, process: int, kind: Kind, key: str, value: str | None = None) -> Pending:
        self.invariants.look()
        begun = (process, self._now())
        if begun == self._begun:
            # What a client begins at one moment it has asked for as one.
            self._together[0] = True
        else:
            self._begun, self._together = begun, [False]
        pending = _WatchedPending(
            self,
            Operation(process, kind, key, value, self.tick(), None, Outcome.UNKNOWN),
            self.invariants,
            self._together,
        )
        self._pending.append(pending)
        return pending


class _WatchedPending(Pending):
    __slots__ = ("_invariants", "_together")

    def __init__(self, recorder: Recorder, begun: Operation, invariants: Invariants, together: list[bool]) -> None:
        super().__init__(recorder, begun)
        self._invariants = invariants
        self._together = together

    def end(
        self,
        outcome: Outcome,
        value: str | None = None,
        version: tuple[int, int] | None = None,
        stale: bool = False,
        note: str = "",
    ) -> Operation:
        if version is not None and not version[0] and version[1]:
            # What a newcomer brought has versions of its own, below all others, in a cluster that holds nothing any more.
            version = None
        if outcome is Outcome.FAILED and (
            any(text in note for text in SUPERSEDED) or self._invariants.another_is_obeyed()
        ):
            # Whoever is obeyed instead may give the same version to another write.
            version = None
        operation = super().end(outcome, value, version, stale, note)
        self._invariants.ended(operation, self._together[0])
        return operation
