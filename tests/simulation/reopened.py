"""A log that is opened again says what it said: followed record by record, as the disk took them."""

from contextvars import copy_context
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from kvtui.core.coordinator import Coordinator
from kvtui.core.rebuilding import HOME
from kvtui.core.records import Opened, Wiped, read_record
from kvtui.core.seams.storage import Batch
from kvtui.core.topology import Topology, apply
from tests.simulation.harness import COORDINATOR, SimCluster
from tests.simulation.machine import Machine, machine_in
from tests.simulation.model import Model

REBUILDER: Final = "rebuilder"
SEAL: Final = 8
"""Bytes of a record's checksum, before its text."""


@dataclass(slots=True)
class _Known:
    """What a log said, and what was written to it since."""

    topology: Topology
    batches: list[Batch]


class Reopened:
    """Follows the logs of one cluster. What it finds wrong is the model's."""

    def __init__(self, cluster: SimCluster, model: Model) -> None:
        self._cluster = cluster
        self._model = model
        self._logs: dict[Path, _Known] = {}
        self._states: dict[Machine | None, Path] = {}
        """The log of each coordinator, those that have ended or sleep included."""
        self._looked_at: Coordinator | None = None
        watch = cluster.disks.watch

        def written(machine: str, batch: Batch) -> None:
            if watch is not None:
                watch(machine, batch)
            if machine == COORDINATOR:
                self._written(batch)
            elif machine == REBUILDER:
                self._logs.clear()

        cluster.disks.watch = written
        cluster.disks.on_copy = self._copied

    def look(self) -> None:
        """See whether another coordinator serves, and what its log says."""
        if self._cluster.running and self._cluster.coordinator is not self._looked_at:
            self._looked_at = self._cluster.coordinator
            known = self._logs.get(self._state)
            if known is not None:
                self._compare(known, self._looked_at.topology)

    @property
    def _state(self) -> Path:
        state = self._cluster.settings.state
        assert state is not None
        return state

    def _written(self, batch: Batch) -> None:
        if batch.cleared:
            # A log that is rewritten says the same.
            return
        machine = machine_in(copy_context())
        current = machine is self._cluster.machine
        if current:
            self._states[machine] = self._state
        if current and self._cluster.running:
            self.look()
            self._logs[self._state] = _Known(self._cluster.coordinator.topology, [batch])
        elif (state := self._states.get(machine)) in self._logs:
            self._logs[state].batches.append(batch)

    def _copied(self, source: Path, target: Path) -> None:
        known = self._logs.get(source.parent)
        if known is not None:
            self._logs[target.parent] = _Known(known.topology, list(known.batches))

    def _compare(self, known: _Known, found: Topology) -> None:
        said, last, ends = known.topology, 0, known.topology.ends
        for batch in known.batches:
            for key, value in batch.changes:
                record = read_record((value or b"")[SEAL:])
                if isinstance(record, Opened):
                    if record.epoch > said.epoch and record.ends != (*ends, (said.epoch, last)):
                        self._complain(f"ended at {(*ends, (said.epoch, last))}, and says {record.ends}")
                    ends = record.ends
                if isinstance(record, Wiped):
                    self._check_wiped(said, record)
                said, last = apply(said, record), int.from_bytes(key[1:], "big")
        if found.ends != ends:
            self._complain(f"ended at {ends}, and says {found.ends}")
        for one in fields(Topology):
            if one.compare and getattr(said, one.name) != getattr(found, one.name):
                self._complain(f"said {one.name} {getattr(said, one.name)}, and says {getattr(found, one.name)}")

    def _check_wiped(self, said: Topology, record: Wiped) -> None:
        """Who was let go by a newer coordinator is not taken for wiped: its log is an old copy."""
        member = said.members[record.node]
        let_go = member.data_id in self._model.left and record.data_id != member.data_id
        if let_go and not member.leaving and said.home != HOME:
            self._model.complain(
                f"{record.node} is taken for wiped as a log is opened, and was let go: {member.data_id}"
            )

    def _complain(self, what: str) -> None:
        self._model.complain(f"a log that was opened again {what}")
