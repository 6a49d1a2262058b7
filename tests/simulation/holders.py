"""Who holds entries of a slot is known to: nobody stops being marked who still does, and no tombstone goes that somebody needs."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Final

from kvtui.core.coordinator import Coordinator
from kvtui.core.placement import Placement
from kvtui.core.topology import Topology
from tests.simulation.harness import SimCluster
from tests.simulation.known import disk_of
from tests.simulation.model import KEY_AT, LIVE, VERSION, Head, KnownDisk, Model, Where, slot_at, sound, told

ON_ITS_WAY: Final = 0.02
"""Seconds that a request takes at most, where nothing is slow."""
Lacking = Callable[[Topology, dict[int, tuple[str, ...]], str], None]


class Holders:
    """Follows one cluster. What it finds wrong is the model's."""

    def __init__(self, cluster: SimCluster, model: Model) -> None:
        self._cluster = cluster
        self._model = model
        self._coordinator: Coordinator | None = None
        self._before = Topology()
        self._whole = False
        """Whether all that all members hold was looked at once since the coordinator serves."""
        self._doubts: dict[bytes, float] = {}
        model.on_purge = self._purged
        model.on_drop = self._dropped

    def look(self, coordinator: Coordinator, check_clean: Lacking) -> None:
        """The topology is another one than at the last look."""
        topology, before = coordinator.topology, self._before
        if coordinator is not self._coordinator or len(before.places) != len(topology.places):
            self._coordinator, self._before, self._whole = coordinator, topology, False
            return
        self._before = topology
        ledger = coordinator._ledger
        if not self._whole and not ledger.cautious and ledger.granted.issuperset(topology.members):
            # What a table that was rebuilt, or an old copy, does not know of is found by then.
            self._whole = True
            self._check_unmarked(topology, dict.fromkeys(topology.members, range(len(topology.places))))
            return
        gone: dict[str, list[int]] = {}
        counting: dict[int, tuple[str, ...]] = {}
        for slot, (place, was) in enumerate(zip(topology.places, before.places, strict=True)):
            if place is was:
                continue
            for node in _marked(was) - _marked(place):
                gone.setdefault(node, []).append(slot)
            newly = set(place.clean).difference(was.clean, was.receiving, was.returning)
            if newly and was.clean:
                counting[slot] = tuple(sorted(newly))
            if place.clean and not was.replicas:
                self._check_empty(topology, place, slot)
        begun = any(place.replicas for place in before.places)
        # The first node of a cluster may bring keys, which are there from then on.
        for node in set(topology.members).difference(before.members) if begun else ():
            gone[node] = list(range(len(topology.places)))
        if gone:
            self._check_unmarked(topology, gone)
        if counting:
            check_clean(topology, counting, "given")

    def _disk(self, topology: Topology, node: str) -> KnownDisk | None:
        """The disk of a member that obeys, with the data that it is known to have."""
        disk = disk_of(self._cluster, self._model, topology, node)
        if disk is None or topology.members[node].leaving:
            return None
        obeys = (disk.identity.epoch, disk.identity.coordinator) == (topology.epoch, topology.coordinator)
        return disk if obeys else None

    def _check_unmarked(self, topology: Topology, nodes: Mapping[str, Iterable[int]]) -> None:
        for node, slots in nodes.items():
            disk, remote = self._disk(topology, node), self._cluster.coordinator._ledger.nodes.get(node)
            if disk is None or (disk.hurt and (remote is None or remote.link is None)):
                # What was cleared may be back with a lost tail, until it is heard of.
                continue
            asked = set(slots)
            for place, head in disk.held.items():
                slot = slot_at(place, len(topology.places))
                if slot in asked and node not in _marked(topology.places[slot]):
                    self._model.complain(
                        f"{node} holds {told(head)} of {place[KEY_AT:]!r} in slot {slot}, and nobody knows: {topology.places[slot]}"
                    )
                    return

    def _check_empty(self, topology: Topology, place: Placement, slot: int) -> None:
        """Who is a clean replica of a slot that begins holds nothing of an earlier life of it."""
        for node in place.clean:
            disk = self._disk(topology, node)
            for where, head in () if disk is None else disk.held.items():
                former = 0 < int.from_bytes(head[:8], "big") < topology.epoch
                if former and slot_at(where, len(topology.places)) == slot:
                    self._model.complain(
                        f"slot {slot} begins, and {node}, clean, holds {told(head)} of {where[KEY_AT:]!r}: {place}"
                    )

    def _purged(self, disk: KnownDisk, where: Where, head: Head) -> None:
        """A clean replica removed a tombstone: nobody holds what it buried."""
        topology = self._cluster.coordinator.topology
        self._check_quiet(disk, where)
        for node in topology.members:
            other = self._disk(topology, node)
            if other is None or other is disk:
                continue
            held = other.held.get(where)
            if held == head and other.stored_in.get(where, 0) > topology.members[node].counter:
                self._model.complain(
                    f"{disk.path.name} purged {told(head)} of {where[KEY_AT:]!r}, and {node}, which has it in batch"
                    f" {other.stored_in[where]}, is logged as being at {topology.members[node].counter}"
                )
            if (
                held is not None
                and held[VERSION] == LIVE
                and held[:VERSION] < head[:VERSION]
                and where not in other.missed
            ):
                slot = slot_at(where, len(topology.places))
                self._model.complain(
                    f"{disk.path.name} purged {told(head)} of {where[KEY_AT:]!r}, and {node} holds {told(held)}:"
                    f" {topology.places[slot]}"
                )

    def doubt(self, key: bytes) -> None:
        """A client was told that it is not known how a write of that key ended."""
        self._doubts[key] = asyncio.get_running_loop().time()

    def _check_quiet(self, disk: KnownDisk, where: Where) -> None:
        """Nothing older can still arrive: no write of the key is under way, or ended unknown, since before the purge was sent."""
        coordinator, network, key = self._cluster.coordinator, self._cluster.network, where[KEY_AT:]
        if not network.prompt:
            return
        sent = asyncio.get_running_loop().time() - ON_ITS_WAY
        write = coordinator._writes.in_flight.get(key)
        if write is not None and write.began < sent:
            self._model.complain(
                f"{disk.path.name} purged {key!r}, of which a write is under way since {write.began:.3f}"
            )
        if key in coordinator._ledger.uncertain and self._doubts.get(key, inf) < sent:
            self._model.complain(f"{disk.path.name} purged {key!r}, of which a write ended unknown")

    def _dropped(self, disk: KnownDisk, where: Where, head: Head) -> None:
        """What was acknowledged is dropped from who is behind only if somebody has it who can read it."""
        if not self._cluster.running or self._model.acknowledged.get(where) != head[:VERSION]:
            return
        topology = self._cluster.coordinator.topology
        others = [self._disk(topology, node) for node in topology.members]
        holding = [other for other in others if other is not None and other is not disk and where in other.held]
        records = [record for other in holding for _, record in other.stored(where, where + b"\0")]
        if records and not any(sound(where, record) for record in records):
            self._model.complain(
                f"{disk.path.name} dropped {told(head)} of {where[KEY_AT:]!r}, and others have damage of it"
            )


def _marked(place: Placement) -> set[str]:
    """Who may hold something of the slot, by what is logged."""
    return {*place.replicas, *place.receiving, *place.garbage}
