"""Does to a cluster what a plan says, and afterwards ends all of it."""

import asyncio
from collections import Counter
from typing import Final

from kvtui.check import Recorder
from kvtui.core.cluster import ClusterError
from kvtui.core.seams.launcher import LaunchFailed
from tests.simulation.faults.away import OF_ABSENCES
from tests.simulation.faults.changes import OF_CHANGES, SURGED, surge
from tests.simulation.faults.coordinators import OF_COORDINATORS
from tests.simulation.faults.disks import OF_DISKS
from tests.simulation.faults.half_written import OF_WRITES
from tests.simulation.faults.newcomers import OF_NEWCOMERS
from tests.simulation.faults.nodes import OF_NODES
from tests.simulation.faults.old_copies import OF_OLD_COPIES
from tests.simulation.faults.rebuilt import OF_REBUILT
from tests.simulation.faults.scene import Inflict, Scene
from tests.simulation.faults.storm import OF_STORMS
from tests.simulation.faults.stranded import OF_STREAMS
from tests.simulation.faults.tails import OF_TAILS
from tests.simulation.harness import CoordinatorGone, SimCluster
from tests.simulation.plan import Fault, FaultKind

MENDING_TRIES: Final = 6
MENDING_SECONDS: Final = 2.0
BY_KIND: Final[dict[FaultKind, Inflict]] = {
    **OF_NODES,
    **OF_DISKS,
    **OF_COORDINATORS,
    **OF_CHANGES,
    **OF_WRITES,
    **OF_NEWCOMERS,
    **OF_TAILS,
    **OF_REBUILT,
    **OF_STREAMS,
    **OF_OLD_COPIES,
    **OF_ABSENCES,
    **OF_STORMS,
}
"""What each kind of fault does."""


class Nemesis(Scene):
    """Inflicts faults on one cluster. ``done`` counts those that took place, ``refused`` those that the cluster declined."""

    def __init__(
        self,
        cluster: SimCluster,
        keys: tuple[bytes, ...],
        seed: int,
        recorder: Recorder,
        further: tuple[bytes, ...] = (),
    ) -> None:
        super().__init__(cluster, keys, seed, recorder, further)
        self.done: Counter[FaultKind] = Counter()
        self.refused: Counter[FaultKind] = Counter()

    async def inflict(self, fault: Fault) -> None:
        """Begin the fault at its time, and end it."""
        await asyncio.sleep(fault.at)
        surging = asyncio.create_task(surge(self)) if fault.flag and fault.kind in SURGED else None
        try:
            await self.until_running()
            if await BY_KIND[fault.kind](self, fault):
                self.done[fault.kind] += 1
        except (ClusterError, CoordinatorGone, LaunchFailed, TimeoutError):
            # A refused change changes nothing; a slow one goes on behind.
            self.refused[fault.kind] += 1
        if surging is not None:
            await surging

    async def end_all(self) -> None:
        """A calm network, sound disks, and everybody running again."""
        for path in self.cluster.disks.paths:
            self.disk(path).free = None
            self.disk(path).take_all()
            self.disk(path).syncs_until_failure = None
            self.disk(path).compaction_fails = ""
        for attempt in range(MENDING_TRIES):
            try:
                async with self.opening:
                    await self.cluster.mend()
                    if self.cluster.running and not self.cluster.coordinator.topology.members:
                        await self.begin_anew()
                return
            except (ClusterError, CoordinatorGone, LaunchFailed):
                # A coordinator that was just killed may find its nodes on their way out; one that was fenced stays so.
                await asyncio.sleep(MENDING_SECONDS)
                if self.cluster.running and self.cluster.coordinator._ledger.stopped:
                    return
                if attempt == MENDING_TRIES - 1:
                    raise
