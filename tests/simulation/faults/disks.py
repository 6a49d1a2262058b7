"""Faults of nodes' disks, and of the coordinator's where its log lies."""

import asyncio
from typing import Final

from kvtui.node.record import AFTER_ENTRIES, ENTRY
from tests.simulation.engine import COMPACTION_SECONDS
from tests.simulation.faults.scene import HALF, NOTICED, Inflict, Scene, to_node
from tests.simulation.model import KEY_AT
from tests.simulation.plan import Fault, FaultKind

TOLD_SHARE: Final = 0.1
"""Wipes of a node that may hold the last copy of something."""
EVERYWHERE_FROM: Final = 0.8
"""From that ``amount`` on every clean copy of an entry is damaged."""


async def fill(scene: Scene, fault: Fault, node: str) -> bool:
    """A few writes still fit."""
    disk = scene.disk(scene.cluster.data_of(node))
    disk.free = int(600 * fault.amount)
    await asyncio.sleep(fault.seconds)
    disk.free = None
    return True


async def fail_sync(scene: Scene, fault: Fault, node: str) -> bool:
    """The node ends there; whether the batch is on the disk is anybody's guess."""
    disk = scene.disk(scene.cluster.data_of(node))
    disk.syncs_until_failure = int(4 * fault.amount)
    disk.failing_batch_survives = fault.flag
    await asyncio.sleep(fault.seconds)
    disk.syncs_until_failure = None
    await scene.revive(node)
    return True


async def compact(scene: Scene, fault: Fault, node: str) -> bool:
    """What runs meanwhile is asked for again, fails, or is cut off when the node dies."""
    cluster = scene.cluster
    disk = scene.disk(cluster.data_of(node))
    disk.compaction_fails = "a test says so" if fault.flag and fault.amount < HALF else ""
    if cluster.running:
        await cluster.call(lambda coordinator: coordinator.compact(node))
    if fault.flag:
        await asyncio.sleep(COMPACTION_SECONDS * fault.amount)
        cluster.kill(node)
        await asyncio.sleep(fault.seconds)
        await scene.revive(node)
    disk.compaction_fails = ""
    return True


async def wipe(scene: Scene, fault: Fault, node: str) -> bool:
    """Lose a node's data, now and then although nobody else has all of it."""
    if fault.amount > TOLD_SHARE:
        spare = scene.spared(node)
        if spare is None:
            return False
        node = spare
    scene.cluster.kill(node)
    scene.cluster.wipe(node)
    scene.wiped = True
    await asyncio.sleep(fault.seconds)
    await scene.revive(node)
    return True


async def flip(scene: Scene, fault: Fault, node: str) -> bool:
    """Damage one stored entry, of a node whose slots others hold as well."""
    spare = scene.spared(node)
    if spare is None or not scene.cluster.process(spare).alive:
        return False
    disk = scene.disk(scene.cluster.data_of(spare))
    entries = disk.stored(ENTRY, AFTER_ENTRIES)
    if not entries:
        return False
    where, record = entries[fault.node % len(entries)]
    disk.flip(where, int(fault.amount * len(record)), 1 << fault.node % 8)
    if fault.amount > EVERYWHERE_FROM:
        await _flip_everywhere(scene, fault, where, spare)
        return True
    other = _another_copy(scene, spare, where) if fault.flag else None
    if other is not None:
        # It is found while the other copy is away, and that one falls behind.
        cluster = scene.cluster
        cluster.kill(other)
        await asyncio.sleep(NOTICED)
        await scene.read_all()
        await asyncio.sleep(fault.seconds)
        await scene.revive(other)
    return True


async def _flip_everywhere(scene: Scene, fault: Fault, where: bytes, first: str) -> None:
    """The other clean copies of an entry are damaged as well: it is lost, and every get says so until it is put anew."""
    coordinator = scene.cluster.coordinator
    key = where[KEY_AT:]
    for name in coordinator.topology.places[coordinator._ledger.slot(key)].clean:
        disk = scene.disk(scene.cluster.data_of(name))
        record = dict(disk.stored(where, where + b"\0")).get(where)
        if name != first and record is not None and scene.cluster.process(name).alive:
            disk.flip(where, int(fault.amount * len(record)), 1 << fault.node % 8)
    await scene.read(key)
    await scene.read_many()


def _another_copy(scene: Scene, node: str, where: bytes) -> str | None:
    """A clean replica of an entry besides that node, whose slots may go on without it."""
    coordinator = scene.cluster.coordinator
    clean = coordinator.topology.places[coordinator._ledger.slot(where[KEY_AT:])].clean
    others = [name for name in clean if name != node and name in scene.cluster.launcher.processes]
    return next((name for name in others if scene.spared(name) == name), None)


async def fill_log(scene: Scene, fault: Fault) -> bool:
    """Every other time the nodes are on the same disk. A coordinator that could not be opened meanwhile is opened then."""
    state = scene.cluster.settings.state
    assert state is not None
    paths = [path for path in scene.cluster.disks.paths if fault.flag or path == state / "metadata"]
    disks = [scene.disk(path) for path in paths]
    for disk in disks:
        disk.free = max(0, int(800 * (fault.amount - HALF)))
    await asyncio.sleep(fault.seconds)
    for disk in disks:
        disk.free = None
    async with scene.opening:
        if not scene.cluster.machine.alive:
            await scene.cluster.open()
    return bool(disks)


OF_DISKS: Final[dict[FaultKind, Inflict]] = {
    FaultKind.FULL_DISK: to_node(fill),
    FaultKind.FAILED_SYNC: to_node(fail_sync),
    FaultKind.COMPACT: to_node(compact),
    FaultKind.WIPE: to_node(wipe),
    FaultKind.FLIP: to_node(flip),
    FaultKind.FULL_LOG: fill_log,
}
