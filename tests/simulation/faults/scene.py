"""What faults share: the cluster that they are done to, whom they choose, and the operations that belong to them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final

from kvtui.check import Kind, Recorder
from kvtui.check import Outcome as Told
from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.chance import SeededRandom
from tests.simulation.clients import Door
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import CoordinatorGone, SimCluster, settled
from tests.simulation.invariants import least_copies
from tests.simulation.launcher import SimLauncher
from tests.simulation.loop import until
from tests.simulation.machine import Machine
from tests.simulation.plan import Fault
from tests.simulation.tails import Tails
from tests.simulation.values import name_of, stored

LATE_CLIENT: Final = 1000
"""From here on count the clients whose operations belong to faults: each does one."""
HALF: Final = 0.5
DOWN_SHARE: Final = 0.3
RUNNING_SECONDS: Final = 1.0
WELL_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.05
"""Until then a fault waits for a coordinator, or for a cluster without a fault, and between two looks whether there is one."""
NOTICED: Final = 0.05
"""Until then a node that was killed is missed."""


async def _nothing(client: int) -> None:
    """Where nobody scans."""


class Scene:
    """One cluster under faults."""

    def __init__(
        self,
        cluster: SimCluster,
        keys: tuple[bytes, ...],
        seed: int,
        recorder: Recorder,
        further: tuple[bytes, ...] = (),
    ) -> None:
        """``recorder`` is told of the operations that belong to faults, those of coordinators that should not write included.
        ``further`` keys are only used many at a time."""
        self.cluster = cluster
        self.keys = keys
        self.further = further
        self.recorder = recorder
        self.opening = asyncio.Lock()
        """Who opens a coordinator holds it."""
        self.names = count(1)
        """Numbers for whatever must have a name of its own."""
        self.served_elsewhere: list[str] = []
        """What a coordinator answered that should have refused: for the story to complain of."""
        self.tails = Tails(cluster, recorder)
        self.wiped = False
        self.taken_over = False
        self.given_up = False
        """Whether a person went on without a node that was needed."""
        self.scan: Callable[[int], Awaitable[object]] = _nothing
        """Reads everything, as a client of that number."""
        self.on_rebalanced: Callable[[float], None] = lambda began: None
        """Told of each rebalance that says that it is done, and when it was asked for."""
        self._seed = seed

    # Who is chosen.

    def chosen(self, fault: Fault, further: int = 0) -> str | None:
        """A member that was started here, or the one so many ``further`` on."""
        if not self.cluster.running:
            return None
        members = self.cluster.coordinator.topology.members
        names = [name for name in members if name in self.cluster.launcher.processes]
        return names[(fault.node + further) % len(names)] if names else None

    def spared(self, first: str) -> str | None:
        """The next node, from ``first`` on, whose slots each have another clean copy and may go on with that alone."""
        if not self.cluster.running or self.cluster.coordinator._ledger.stopped:
            return None
        topology = self.cluster.coordinator.topology
        names = [name for name in topology.members if name in self.cluster.launcher.processes]
        names = names[names.index(first) :] + names[: names.index(first)] if first in names else names

        def spare(name: str) -> bool:
            return all(
                name not in place.clean or len(place.clean) > least_copies(len(place.replicas), topology.quorum)
                for place in topology.distinct
            )

        return next((name for name in names if spare(name)), None)

    def disk(self, path: Path) -> FaultyDisk:
        """The simulated disk of a directory."""
        disk = self.cluster.disks.disk(path)
        assert isinstance(disk, FaultyDisk)
        return disk

    async def until_running(self) -> None:
        """Until there is a coordinator, or a while has passed."""
        await until(lambda: self.cluster.running, RUNNING_SECONDS, LOOK_SECONDS)

    async def until_well(self) -> None:
        """Until every member is there and every replica clean, or a while has passed: for what only shows from there."""
        await until(lambda: self.cluster.running and settled(self.cluster.drawn()), WELL_SECONDS, LOOK_SECONDS)

    async def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Until something holds of the coordinator, in the moment in which it does, or so many seconds have passed."""
        end = asyncio.get_running_loop().time() + seconds
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                while self.cluster.running and not holds():
                    await self.cluster.coordinator._ledger.changed()

    # What follows a fault.

    async def revive(self, node: str) -> None:
        """Start a node again, if it is dead and there is somebody to do it."""
        if not self.cluster.process(node).alive and (self.cluster.attached or self.cluster.running):
            await self.cluster.revive(node)

    async def reopen(self, seconds: float) -> None:
        """Open the coordinator a part of so many seconds later, unless somebody else has: without one, little can go wrong."""
        await asyncio.sleep(DOWN_SHARE * seconds)
        async with self.opening:
            if not self.cluster.machine.alive:
                await self.cluster.open()

    async def write(
        self, key: bytes, what: str, kind: Kind = Kind.PUT, *, large: bool = False, door: Door | None = None
    ) -> None:
        """A put, whose value begins with ``what``, or a delete. ``door``: where it is asked for, if not at the coordinator."""
        door = door or self.cluster
        name = f"{what} {next(self.names)}" if kind is Kind.PUT else None
        pending = self.recorder.begin(LATE_CLIENT + next(self.names), kind, key.decode(), name)
        writing = door.delete(key) if name is None else door.put(key, stored(name, large))
        written = await writing
        version = written.version if written.version.epoch else None
        pending.end(Told(written.outcome), None, version, note=written.text)

    async def write_many(self, what: str) -> None:
        """A put of all keys, the further ones too, as one batch."""
        await self.write_some(what, (*self.keys, *self.further))

    async def write_some(self, what: str, keys: Sequence[bytes], door: Door | None = None) -> None:
        """A put of several keys, as one batch."""
        door = door or self.cluster
        names = {key: f"{what} {next(self.names)}" for key in keys}
        client = LATE_CLIENT + next(self.names)
        pending = {key: self.recorder.begin(client, Kind.PUT, key.decode(), name) for key, name in names.items()}
        written = await door.put_many([(key, name.encode()) for key, name in names.items()])
        versions = written.versions
        for key, each in pending.items():
            each.end(Told(written.others.get(key, Outcome.OK)), None, versions.get(key), note=written.text)

    async def delete(self, key: bytes, door: Door | None = None) -> None:
        """A delete."""
        await self.write(key, "", Kind.DELETE, door=door)

    async def delete_all(self) -> None:
        """Delete whatever a scan finds. Raises ClusterError, CoordinatorGone."""
        found: list[bytes] = []
        await self.cluster.scan(lambda page: found.extend(item.key for item in page))
        await asyncio.gather(*(self.delete(key) for key in found))

    async def begin_anew(self) -> None:
        """A node for a cluster that has none. Raises ClusterError, CoordinatorGone."""
        await self.cluster.join(f"z{next(self.names)}")

    async def read(self, key: bytes, door: Door | None = None) -> None:
        """A get."""
        door = door or self.cluster
        pending = self.recorder.begin(LATE_CLIENT + next(self.names), Kind.GET, key.decode())
        read = await door.get(key)
        text = None if read.value is None else name_of(read.value)
        pending.end(Told(read.outcome), text, read.version, read.stale)

    async def read_many(self, door: Door | None = None) -> None:
        """A get of all keys together."""
        door = door or self.cluster
        client = LATE_CLIENT + next(self.names)
        pending = [self.recorder.begin(client, Kind.GET, key.decode()) for key in self.keys]
        for each, read in zip(pending, await door.get_many(self.keys), strict=True):
            text = None if read.value is None else name_of(read.value)
            each.end(Told(read.outcome), text, read.version, read.stale)

    async def read_all(self) -> None:
        """A get of each key, one after the other."""
        for key in self.keys:
            await self.read(key)

    async def rebalance(self) -> None:
        """Ask for it. Raises ClusterError, CoordinatorGone."""

        async def asked(coordinator: Coordinator) -> None:
            began = asyncio.get_running_loop().time()
            await coordinator.rebalance()
            self.on_rebalanced(began)

        await self.cluster.call(asked)

    # Other coordinators.

    def settings(self, state: Path) -> Settings:
        """The cluster's, with another state directory."""
        return replace(self.cluster.settings, state=state)

    def other_seams(self) -> Seams:
        """Those of a machine of its own, on the same network and disks."""
        number = next(self.names)
        machine = Machine(f"second{number}")
        seams = self.cluster.seams_of(machine, self.cluster.secret)
        random = SeededRandom(self._seed * 1000 + number)
        launcher = SimLauncher(
            self.cluster.network, self.cluster.disks, self.cluster.clock, random, prefix=f"{machine.name}:"
        )
        return replace(seams, random=random, launcher=launcher)


Inflict = Callable[[Scene, Fault], Awaitable[bool]]
"""Begins a fault and ends it; whether there was anything to do it to."""


def to_node(hurt: Callable[[Scene, Fault, str], Awaitable[bool]]) -> Inflict:
    """What is done to one node, as a fault that chooses it."""

    async def inflict(scene: Scene, fault: Fault) -> bool:
        node = scene.chosen(fault)
        return node is not None and await hurt(scene, fault, node)

    return inflict


async def tried(asked: Coroutine[Any, Any, object], seconds: float) -> None:
    """What may be refused, or can't be carried out while nodes are away: it is not waited for any longer."""
    try:
        async with asyncio.timeout(seconds):
            await asked
    except (ClusterError, CoordinatorGone, TimeoutError):
        return
