"""Faults of coordinators: killed, replaced, doubled, and without their log."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from kvtui.check import Kind
from kvtui.check import Outcome as Told
from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import open_cluster
from tests.simulation.faults.changes import weigh
from tests.simulation.faults.scene import DOWN_SHARE, HALF, LATE_CLIENT, NOTICED, Inflict, Scene
from tests.simulation.happened import Event
from tests.simulation.harness import COORDINATOR, STATE
from tests.simulation.machine import Machine
from tests.simulation.plan import Fault, FaultKind

LATE_SECONDS: Final = 8.0
"""Until then a sleeper that woke up has written, or was refused."""
BURST_SECONDS: Final = 0.003
"""Within that the writes of a burst reach some of their replicas, and not all."""
LATE_BY: Final = 0.01
LATE_READS: Final = 60
"""Seconds by which a node that returns is slow, and between two of so many reads meanwhile."""
SLOWLY: Final = 0.05
"""Seconds by which a node is slow that must not be compared at once."""
GRANT_SECONDS: Final = 3.0
OLD_SHARE: Final = 0.5
"""Part of half of the takeovers that begin with an old copy of the log."""


async def end(scene: Scene, fault: Fault) -> bool:
    """Killed at any time, or before or after one of its next records."""
    if not scene.cluster.running:
        return False
    if fault.kind is FaultKind.COORDINATOR_KILL:
        scene.cluster.crash()
    else:
        scene.cluster.disks.crash_at(COORDINATOR, 1 + int(5 * fault.amount), written=fault.flag)
    await scene.reopen(fault.seconds)
    return True


async def end_amid_writes(scene: Scene, fault: Fault) -> bool:
    """What was written half is read after the restart, and again when a node is gone that may have answered. Every other time a
    node was behind before, and is made equal, slowly, while what was written half is written back."""
    cluster = scene.cluster
    if not cluster.running:
        return False
    late = scene.chosen(fault) if fault.flag else None
    if late is not None:
        cluster.kill(late)
        cluster.network.slow(late, LATE_BY)
        await asyncio.sleep(NOTICED)
        if not cluster.running:
            return False
    machine, coordinator = cluster.machine, cluster.coordinator
    for key in scene.keys:
        value = f"burst {next(scene.names)}"
        scene.recorder.begin(LATE_CLIENT + next(scene.names), Kind.PUT, key.decode(), value)
        machine.spawn(coordinator.put(key, value.encode()))
    await asyncio.sleep(BURST_SECONDS * fault.amount)
    if late is None or fault.amount < HALF:
        machine.crash()
        await scene.reopen(fault.seconds)
    else:
        cluster.network.cut(COORDINATOR)
    if late is not None:
        await _read_while_it_returns(scene, late)
    await scene.read_all()
    node = scene.chosen(fault)
    if node is not None:
        cluster.kill(node)
        await scene.read_all()
        await scene.revive(node)
    return True


async def _read_while_it_returns(scene: Scene, late: str) -> None:
    reviving = asyncio.ensure_future(scene.revive(late))
    for number in range(LATE_READS):
        await scene.read(scene.keys[number % len(scene.keys)])
        await asyncio.sleep(LATE_BY)
    await asyncio.gather(reviving, return_exceptions=True)
    scene.cluster.network.slow(late, 0.0)


async def lose_state(scene: Scene, fault: Fault) -> bool:
    """What can't be rebuilt, because a node is away or was wiped, is found in a cupboard: the log as it was."""
    async with scene.opening:
        if not scene.cluster.running or scene.cluster.coordinator._ledger.stopped:
            return False
        scene.cluster.crash()
        await asyncio.sleep(DOWN_SHARE * fault.seconds)
        await scene.cluster.until_orphans_end()
        try:
            await scene.cluster.recover(Path(f"lost{next(scene.names)}"))
        except ClusterError:
            await scene.cluster.open()
            raise
    return True


async def lose_state_after_a_miss(scene: Scene, fault: Fault) -> bool:
    """The log is lost right after a node fell behind and writes went on without it. That it is behind must be known from the nodes:
    it is slow to be compared, and whoever has the writes is gone again before it was."""
    cluster = scene.cluster
    await scene.until_well()
    async with scene.opening:
        node = scene.chosen(fault)
        behind = None if node is None else scene.spared(node)
        if behind is None or not cluster.process(behind).alive:
            return False
        cluster.kill(behind)
        await asyncio.sleep(NOTICED)
        await asyncio.gather(*(scene.write(key, "missed") for key in scene.keys))
        if not cluster.running:
            return False
        cluster.crash()
        await cluster.until_orphans_end()
        cluster.network.slow(behind, SLOWLY)
        try:
            await cluster.recover(Path(f"lost{next(scene.names)}"))
        except ClusterError:
            cluster.network.slow(behind, 0.0)
            await cluster.open()
            raise
    cluster.happened[Event.FORGOTTEN] += 1
    await _until_granted(scene)
    others = [name for name in cluster.coordinator.topology.members if name != behind] if cluster.running else []
    gone = others[fault.node % len(others)] if others else None
    if gone is not None and gone in cluster.launcher.processes:
        cluster.kill(gone)
        await scene.read_all()
        await scene.revive(gone)
    cluster.network.slow(behind, 0.0)
    return True


async def _until_granted(scene: Scene) -> None:
    """Until all members obey the coordinator that was just opened, or a while has passed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(GRANT_SECONDS):
            while scene.cluster.running:
                ledger = scene.cluster.coordinator._ledger
                if ledger.granted.issuperset(ledger.topology.members):
                    return
                await ledger.changed()


async def hand_over(scene: Scene, fault: Fault) -> bool:
    """Every other time the next one is killed some time later: what it found when it opened must hold for the one after it."""
    async with scene.opening:
        if not scene.cluster.running or scene.cluster.coordinator._ledger.stopped:
            return False
        await scene.cluster.hand_over()
    if fault.flag:
        await asyncio.sleep(fault.amount)
        scene.cluster.crash()
        await scene.reopen(fault.seconds)
    return True


async def second_on_the_same(scene: Scene, fault: Fault) -> bool:
    """Must be refused while the first one lives."""
    if not scene.cluster.running:
        return False
    try:
        async with open_cluster(scene.cluster.settings, scene.other_seams()):
            scene.served_elsewhere.append("a second coordinator opened the same state directory")
    except ClusterError:
        return True
    return True


async def second_on_a_copy(scene: Scene, fault: Fault) -> bool:
    """A copy of the log without the nodes' data: whatever it does, it answers nothing as if it knew."""
    cluster = scene.cluster
    if cluster.attached or not cluster.running:
        return False
    if not any(place.replicas for place in cluster.coordinator.topology.distinct):
        # It would begin a ring of its own, with nodes of its own.
        return False
    copy = Path(f"copy{next(scene.names)}")
    cluster.disks.copy(STATE / "metadata", copy / "metadata")
    await asyncio.sleep(fault.seconds)
    async with open_cluster(scene.settings(copy), scene.other_seams()) as other:
        await _ask_all(scene, other)
    return True


async def _ask_all(scene: Scene, other: Coordinator) -> None:
    for key in scene.keys:
        read = await other.get(key)
        if read.outcome is Outcome.OK and not read.stale:
            scene.served_elsewhere.append(f"a coordinator on a copy, without the nodes' data, read {key!r}")
        written = await other.put(key, b"from a copy")
        if written.outcome is Outcome.OK:
            scene.served_elsewhere.append(f"a coordinator on a copy, without the nodes' data, wrote {key!r}")


async def take_over(scene: Scene, fault: Fault) -> bool:
    """The sleeper wakes up later, and goes on with what it was about to do. The log's copy may be some seconds old."""
    cluster = scene.cluster
    state = Path(f"taken{next(scene.names)}")
    if not cluster.attached or not cluster.running:
        return False
    if fault.flag and fault.amount < OLD_SHARE:
        # Slots move to where the copy does not know them to be.
        cluster.copy_log(state)
        await weigh(scene, fault)
        await asyncio.sleep(fault.seconds)
    async with scene.opening:
        if not cluster.running:
            return False
        scene.taken_over = True
        former, sleeper = await cluster.take_over(state)
    await asyncio.sleep(fault.seconds)
    former.resume()
    key = scene.keys[fault.node % len(scene.keys)]
    if former.alive:
        await late_write(scene, former, sleeper, key)
        former.crash()
    return True


async def late_write(scene: Scene, former: Machine, sleeper: Coordinator, key: bytes) -> None:
    """What the sleeper acknowledges counts like any other write."""
    value = f"late {next(scene.names)}"
    pending = scene.recorder.begin(LATE_CLIENT + next(scene.names), Kind.PUT, key.decode(), value)
    writing = former.spawn(sleeper.put(key, value.encode()))
    done, _ = await asyncio.wait([writing], timeout=LATE_SECONDS)
    if done:
        written = writing.result()
        pending.end(Told(written.outcome), None, written.version if written.version.epoch else None, note=written.text)
    await _ask_who_stopped(scene, former, sleeper)


async def _ask_who_stopped(scene: Scene, former: Machine, sleeper: Coordinator) -> None:
    """A coordinator that knows that it is superseded answers nothing and changes nothing."""
    stopped, before = sleeper._ledger.stopped, sleeper.topology
    if not stopped or not former.alive:
        return

    async def asked() -> None:
        reads = [*(await sleeper.get_many(scene.keys)), *[await sleeper.get(key) for key in scene.keys]]
        for key, read in zip((*scene.keys, *scene.keys), reads, strict=True):
            if read.outcome is Outcome.OK and not read.stale:
                scene.served_elsewhere.append(f"a coordinator that had stopped ({stopped}) read {key!r}")
        with suppress(ClusterError):
            async for _ in sleeper.scan():
                scene.served_elsewhere.append(f"a coordinator that had stopped ({stopped}) scanned")
        for change in (sleeper.set_quorum(1), sleeper.set_replication(2), sleeper.accept_loss()):
            with suppress(ClusterError):
                await change
                scene.served_elsewhere.append(f"a coordinator that had stopped ({stopped}) changed something")

    done, _ = await asyncio.wait([former.spawn(asked())], timeout=LATE_SECONDS)
    for task in done:
        if not task.cancelled() and task.exception() is None and sleeper.topology is not before:
            scene.served_elsewhere.append(f"a coordinator that had stopped ({stopped}) has another topology")


OF_COORDINATORS: Final[dict[FaultKind, Inflict]] = {
    FaultKind.COORDINATOR_KILL: end,
    FaultKind.COORDINATOR_CRASH: end,
    FaultKind.BURST: end_amid_writes,
    FaultKind.LOST_STATE: lose_state,
    FaultKind.FORGET: lose_state_after_a_miss,
    FaultKind.HAND_OVER: hand_over,
    FaultKind.SECOND: second_on_the_same,
    FaultKind.STALE_COPY: second_on_a_copy,
    FaultKind.TAKEOVER: take_over,
}
