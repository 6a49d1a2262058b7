"""Whoever is replaced has been away for long enough, while more than half of the others were there."""

import asyncio
from contextvars import copy_context
from typing import Any, Final

from kvtui.core.coordinator import Coordinator
from kvtui.core.seams.storage import Batch
from tests.simulation.harness import COORDINATOR, SimCluster
from tests.simulation.machine import machine_in
from tests.simulation.model import Model
from tests.simulation.progress import read_records

FOLLOWED: Final = (b'"type":"opened"', b'"type":"seen"')
"""Records that say that a coordinator began, or that a node was replaced."""
FULL_SECONDS: Final = 6.0
"""For so long after a log was full, losses may not be in it."""
SLACK_SECONDS: Final = 0.1


class Absences:
    """Follows the log of one cluster, in which each loss of a node is noted at once. What it finds wrong is the model's."""

    def __init__(self, cluster: SimCluster, model: Model) -> None:
        self._cluster = cluster
        self._model = model
        self._lost_at: dict[str, float] = {}
        """Nodes that were lost while a coordinator was there; of all others it is known alone when that one began."""
        self._there: set[str] = set()
        """Who was there when something was logged last."""
        self._opened_at = 0.0
        self._opened_by = ""
        watch = cluster.disks.watch

        def written(machine: str, batch: Batch) -> None:
            if watch is not None:
                watch(machine, batch)
            if machine == COORDINATOR and machine_in(copy_context()) is cluster.machine:
                self._written(batch)

        cluster.disks.watch = written

    def _written(self, batch: Batch) -> None:
        now = asyncio.get_running_loop().time()
        if self._cluster.running:
            self._look(self._cluster.coordinator, now)
        values = [value or b"" for _, value in batch.changes]
        if batch.cleared or not any(kind in value for value in values for kind in FOLLOWED):
            return
        for record in read_records(values):
            # The same one logs it once more when it is at home.
            if record["type"] == "opened" and record["coordinator"] != self._opened_by:
                self._opened_by = record["coordinator"]
                self._lost_at.clear()
                self._there.clear()
                self._opened_at = now
            elif record["type"] == "seen" and self._cluster.running:
                self._check_replaced(self._cluster.coordinator, record["member"], now)

    def _look(self, coordinator: Coordinator, now: float) -> None:
        for name in coordinator.topology.members:
            if self._is_there(coordinator, name):
                self._there.add(name)
            elif name in self._there:
                self._there.discard(name)
                self._lost_at[name] = now

    def _is_there(self, coordinator: Coordinator, name: str) -> bool:
        remote = coordinator._ledger.nodes.get(name)
        return remote is not None and remote.link is not None

    def _check_replaced(self, coordinator: Coordinator, member: dict[str, Any], now: float) -> None:
        topology, name = coordinator.topology, member["id"]
        if not member.get("replaced") or name not in topology.members or topology.members[name].replaced:
            return
        planned = [other for other in topology.members if other in topology.planned.weights]
        there = [other for other in planned if self._is_there(coordinator, other)]
        if name in there or len(there) * 2 <= len(planned):
            self._model.complain(f"{name} is replaced while {there} of {planned} are there")
        since = self._lost_at.get(name, self._opened_at)
        grace = self._cluster.settings.grace
        if now - since < grace - SLACK_SECONDS and self._cluster.log_had_space(FULL_SECONDS):
            self._model.complain(f"{name} is replaced after {now - since:.2f} s, not {grace:g}")
