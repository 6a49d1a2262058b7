"""Whether the coordinator knows how far nodes got, and has logged it where it must: what a node loses is noticed by that alone."""

import asyncio
import json
import re
from collections.abc import Iterable
from typing import Any, Final

from kvtui.core.coordinator import Coordinator
from kvtui.core.link import Link
from kvtui.core.placement import Placement
from kvtui.core.topology import Topology
from tests.simulation.harness import SimCluster
from tests.simulation.known import disk_of
from tests.simulation.model import KEY_AT, VERSION, KnownDisk, Model, Where, slot_at

FULL_SECONDS: Final = 4.0
"""A log that had no space within that may not have caught up yet."""
LOST_SECONDS: Final = 0.05
"""So long after a node was lost it is logged how far it had got."""
REPLACED: Final = re.compile(r"session (\d+) was replaced by session (\d+)")
CHANGES: Final = frozenset({"behind", "recovered", "cutover"})
"""Records with which it is logged how far those got who count from then on."""


class Progress:
    """Follows one cluster. What it finds wrong is the model's."""

    def __init__(self, cluster: SimCluster, model: Model) -> None:
        self._cluster = cluster
        self._model = model
        self._lost_at: dict[str, float] = {}
        self._told: dict[str, tuple[Coordinator, str, int, Link | None]] = {}
        """How far each node, in this life of its data, told a coordinator that it got."""

    def _disk(self, topology: Topology, node: str) -> KnownDisk | None:
        """The disk of a node, with the data that the coordinator knows it to have."""
        return disk_of(self._cluster, self._model, topology, node)

    def acknowledged(self, coordinator: Coordinator, place: Where, version: bytes, placement: Placement) -> None:
        """A write was acknowledged by all clean replicas: each told how far it had got with that."""
        topology = coordinator.topology
        for node in placement.clean:
            disk, remote = self._disk(topology, node), coordinator._ledger.nodes.get(node)
            if disk is None or remote is None or disk.held.get(place, b"")[:VERSION] != version:
                continue
            number = disk.stored_in.get(place, 0)
            if remote.counter < number:
                self._model.complain(
                    f"{node} acknowledged {place[KEY_AT:]!r} in its batch {number}, and is known to be at {remote.counter}"
                )
            if disk.identity.epoch < topology.epoch:
                self._model.complain(
                    f"{node} acknowledged a write of epoch {topology.epoch}, and its disk says {disk.identity.epoch}"
                )

    def logged(self, topology: Topology, records: Iterable[dict[str, Any]]) -> None:
        """What was logged at once, ``topology`` before it: who counts where a clean set changed is logged as far as it got."""
        known = {name: member.counter for name, member in topology.members.items()}
        changed: list[tuple[str, dict[str, Any]]] = []
        for record in records:
            if record["type"] == "counted":
                known[record["node"]] = max(known.get(record["node"], 0), record["counter"])
            elif record["type"] in CHANGES:
                changed.append((record["type"], record))
        for kind, record in changed:
            runs = record["runs"] if kind == "behind" else [(record["start"], record["stop"])]
            where: dict[str, set[int]] = {}
            for slot in (slot for start, stop in runs for slot in range(start, stop)):
                place = topology.places[slot]
                more = (record["node"],) if kind == "recovered" else place.receiving if kind == "cutover" else ()
                for node in (*place.clean, *more):
                    where.setdefault(node, set()).add(slot)
            if kind == "behind":
                where.pop(record["node"], None)
            for node, slots in where.items():
                self._check_logged(topology, node, slots, known.get(node, 0), kind)

    def _check_logged(self, topology: Topology, node: str, slots: set[int], known: int, kind: str) -> None:
        disk = self._disk(topology, node)
        if disk is None:
            return
        acknowledged, gone, of = self._model.acknowledged, self._model.gone, len(topology.places)
        # What an earlier coordinator acknowledged it may have known alone.
        own = topology.epoch.to_bytes(8, "big")
        needed = max(
            (
                disk.stored_in.get(place, 0)
                for place, head in disk.held.items()
                if head.startswith(own)
                and slot_at(place, of) in slots
                and acknowledged.get(place) == head[:VERSION]
                # A tombstone that it had purged, and got again from who had not yet, may go once more.
                and gone.get(place, b"") < head[:VERSION]
            ),
            default=0,
        )
        if needed > known:
            self._model.complain(
                f"a {kind} is logged, and {node} as being at {known}, which holds what was acknowledged in batch {needed}"
            )

    def look(self) -> None:
        """Of nodes that are lost it is logged how far they had got."""
        if not self._cluster.running:
            self._lost_at.clear()
            return
        coordinator, now = self._cluster.coordinator, asyncio.get_running_loop().time()
        ledger = coordinator._ledger
        for name, member in ledger.topology.members.items():
            remote = ledger.nodes.get(name)
            if remote is not None and remote.link is not None:
                self._check_known(coordinator, name, remote.counter)
            replaced = None if remote is None else REPLACED.search(remote.trouble)
            if replaced is not None and int(replaced[2]) < int(replaced[1]):
                self._model.complain(f"{name} obeys an older session again: {replaced[0]}")
            if remote is None or remote.link is not None or ledger.stopped:
                self._lost_at.pop(name, None)
                continue
            if self._lost_at.setdefault(name, now) > now - LOST_SECONDS or not self._cluster.log_had_space(
                FULL_SECONDS
            ):
                continue
            if remote.counter > member.counter and not remote.parting:
                self._model.complain(
                    f"{name} is lost, logged as being at {member.counter}, and had told {remote.counter}"
                )

    def wiped(self, node: str) -> None:
        """It is logged that a node lost something."""
        self._told.pop(node, None)

    def _check_known(self, coordinator: Coordinator, node: str, counter: int) -> None:
        """A node that is used has all that it told of."""
        disk = self._disk(coordinator.topology, node)
        if disk is None:
            return
        link = coordinator._ledger.nodes[node].link
        former, data_id, told, on = self._told.get(node, (None, "", 0, None))
        known = told if former is coordinator and data_id == disk.identity.data_id else 0
        if disk.counter < known and link is not on:
            # On the same connection it was killed just now, lost something, and its coordinator has yet to hear of it.
            self._model.complain(f"{node} is used, has got to batch {disk.counter}, and had told {known}")
        self._told[node] = coordinator, disk.identity.data_id, max(known, counter), link


def read_records(values: Iterable[bytes | None]) -> list[dict[str, Any]]:
    """The records in what was written to a log."""
    found = []
    for value in values:
        start = -1 if value is None else value.find(b'{"type":"')
        if value is not None and start >= 0:
            found.append(json.loads(value[start:]))
    return found
