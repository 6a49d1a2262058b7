"""On what may be an old copy of the log nothing is done, or said, before all obey who may know better: by what their disks say."""

from collections.abc import Iterable
from typing import Any, Final

from kvtui.core.topology import Topology
from tests.simulation.harness import SimCluster
from tests.simulation.known import disk_of
from tests.simulation.model import Model, Where, slot_at

STEPS: Final = ("dual", "cutover", "recovered")
"""Records that change who holds slots."""


class Obedience:
    """Follows one cluster. What it finds wrong is the model's."""

    def __init__(self, cluster: SimCluster, model: Model) -> None:
        self._cluster = cluster
        self._model = model

    def served(self, topology: Topology, place: Where) -> None:
        """A get or a write of that entry was answered."""
        if not topology.places or self._is_at_home(topology):
            return
        placement = topology.places[slot_at(place, len(topology.places))]
        others = self._others(topology, placement.counted)
        if others:
            self._model.complain(f"a copy of the log serves a slot while {others} obey another one: {placement}")

    def logged(self, topology: Topology, records: list[dict[str, Any]]) -> None:
        """What was logged at once, ``topology`` before it."""
        if self._is_at_home(topology):
            return
        wiped = {record["node"] for record in records if record["type"] == "wiped"}
        for record in records:
            kind = record["type"]
            if kind == "opened" and topology.epoch == record["epoch"] and record["home"] == self._home:
                others = self._others(topology, set(topology.members) - wiped)
                if others:
                    self._model.complain(f"a copy of the log is at home while {others} obey another one")
            elif kind in STEPS:
                places = set(topology.places[record["start"] : record["stop"]])
                others = self._others(topology, {node for place in places for node in place.counted} - wiped)
                if others:
                    self._model.complain(f"a copy of the log moves slots while {others} obey another one: {record}")
            elif kind == "behind" and not wiped:
                others = self._others(topology, (record["node"],))
                if others:
                    self._model.complain(f"a copy of the log goes on without {others}, who obey another one: {record}")

    def is_another_obeyed(self, topology: Topology) -> bool:
        """Whether some member obeys another coordinator."""
        return bool(self._others(topology, topology.members))

    @property
    def _home(self) -> str:
        return str(self._cluster.settings.state)

    def _is_at_home(self, topology: Topology) -> bool:
        return topology.home == self._home

    def _others(self, topology: Topology, nodes: Iterable[str]) -> list[str]:
        """Those of the nodes whose disks hold the data that is known of them, and were given to another coordinator last."""
        others = []
        for node in sorted(nodes):
            disk = disk_of(self._cluster, self._model, topology, node)
            if disk is None or disk.hurt:
                # What a fault took may have been that it obeyed.
                continue
            if (disk.identity.epoch, disk.identity.coordinator) != (topology.epoch, topology.coordinator):
                others.append(node)
        return others
