"""Where clean replicas differ, the coordinator knows that they may: nothing it forgets is left for a read to find by luck."""

from kvtui.core.coordinator import Coordinator
from kvtui.core.version import NEVER
from tests.simulation.harness import SimCluster
from tests.simulation.known import disk_of
from tests.simulation.model import KEY_AT, VERSION, Head, Model, Where, packed, slot_at, told


class Suspicions:
    """Follows one cluster. What it finds wrong is the model's."""

    def __init__(self, cluster: SimCluster, model: Model) -> None:
        self._cluster = cluster
        self._model = model
        self._placed: object = None
        self._differing: set[Where] = set()
        """Entries of which clean replicas held different versions at the last look."""

    def look(self) -> None:
        """At any moment: look at what was written since the last time, and at what differed then."""
        if not self._cluster.running:
            return
        coordinator = self._cluster.coordinator
        ledger, places = coordinator._ledger, coordinator.topology.places
        changed, self._model.changed = self._model.changed, set()
        changed |= self._differing
        if places is not self._placed:
            self._placed = places
            changed.update(*(disk.held for disk in self._model.disks.values()))
        self._differing = set()
        if ledger.stopped or not places:
            self._differing = changed
            return
        for where in changed:
            self._look_at(coordinator, where)

    def _look_at(self, coordinator: Coordinator, where: Where) -> None:
        ledger, topology = coordinator._ledger, coordinator.topology
        slot = slot_at(where, len(topology.places))
        place = topology.places[slot]
        if len(place.clean) < 2:
            return
        held: dict[str, Head] = {}
        lost: dict[str, bytes] = {}
        for node in place.clean:
            disk = disk_of(self._cluster, self._model, topology, node)
            if disk is not None:
                held[node] = disk.held.get(where, b"")
                lost[node] = max(disk.missed.get(where, b""), self._model.gone.get(where, b""))[:VERSION]
        newest = max(held.values(), default=b"")[:VERSION]
        if all(newest in (head[:VERSION], b"") or lost[node] >= newest for node, head in held.items()):
            return
        self._differing.add(where)
        key = where[KEY_AT:]
        if (
            ledger.unverified[slot]
            or key in coordinator._writes.in_flight
            or packed(ledger.uncertain.get(key, NEVER)) >= newest
            or not ledger.may_place(place)
        ):
            return
        said = {node: told(head or None) for node, head in held.items()}
        self._model.complain(f"clean replicas differ, and nobody knows that they may: {key!r} is {said}: {place}")
