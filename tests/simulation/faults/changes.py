"""What a person changes while the cluster is used: members, copies, quorum, policy, weights."""

import asyncio
from contextlib import suppress
from typing import Final

from kvtui.core.cluster import ClusterError, OwnData
from kvtui.core.read_mode import ReadMode
from tests.simulation.faults.scene import HALF, NOTICED, Inflict, Scene, to_node
from tests.simulation.harness import CoordinatorGone
from tests.simulation.plan import Fault, FaultKind

NODES_MOST: Final = 7
THROTTLE_MOST: Final = 60
NODES_LEAST: Final = 1
PATIENCE: Final = 2.0
"""Seconds beyond a fault's own until which a change is waited for."""
SURGE_ROUNDS: Final = 8
"""Times that all keys are written at once, and read, while slots move."""
SURGE_LOOK: Final = 0.05
SURGE_PATIENCE: Final = 1.0
"""Seconds between two looks whether slots move, if no record says so before, and until it is given up."""
FULL_SECONDS: Final = 0.004
"""Long enough for a write to be refused, and for most of the time that a range moves there is space."""
SURGED: Final = frozenset(
    {FaultKind.JOIN, FaultKind.LEAVE, FaultKind.WEIGHT, FaultKind.POLICY, FaultKind.COPIES, FaultKind.THROTTLE}
)
"""Changes that make slots move: every other one amid a surge of writes."""


async def change(scene: Scene, fault: Fault) -> bool:
    """One that a cluster is told in one call."""
    cluster = scene.cluster
    if not cluster.running:
        raise CoordinatorGone("the coordinator is not running")
    copies = 1 + fault.node % 3
    async with asyncio.timeout(fault.seconds + PATIENCE):
        match fault.kind:
            case FaultKind.JOIN:
                if len(cluster.coordinator.topology.members) < NODES_MOST:
                    await cluster.join(f"x{next(scene.names)}")
            case FaultKind.COPIES:
                await cluster.call(lambda coordinator: coordinator.set_replication(copies))
            case FaultKind.QUORUM:
                await cluster.call(lambda coordinator: coordinator.set_quorum(copies - 1))
            case FaultKind.READS:
                mode = ReadMode.STRICT if fault.flag else ReadMode.AVAILABLE
                await cluster.call(lambda coordinator: coordinator.set_reads(mode))
            case FaultKind.REBALANCE:
                await scene.rebalance()
    return True


async def place_anew(scene: Scene, fault: Fault) -> bool:
    """The other policy, or the same one once more."""
    policy = "classic" if fault.flag else "balanced"
    await scene.cluster.call(lambda coordinator: coordinator.set_policy(policy, 4 if fault.flag else 0))
    return True


async def weigh(scene: Scene, fault: Fault) -> bool:
    """Another weight for one node."""
    node = scene.chosen(fault)
    if node is None:
        return False
    await scene.cluster.call(lambda coordinator: coordinator.set_weight(node, 2 + int(4 * fault.amount)))
    return True


async def throttle(scene: Scene, fault: Fault) -> bool:
    """Slots move while only so many keys a second may be copied."""
    if not scene.cluster.running:
        return False
    limit = 1 + int(THROTTLE_MOST * fault.amount)
    await scene.cluster.call(lambda coordinator: coordinator.set_throttle(limit))
    await weigh(scene, fault)
    await asyncio.sleep(fault.seconds)
    await scene.cluster.call(lambda coordinator: coordinator.set_throttle(0))
    return True


async def remove(scene: Scene, fault: Fault, node: str, *, force: bool = False) -> bool:
    """A node leaves; the last one stays."""
    if not scene.cluster.running:
        return False
    staying = [member for member in scene.cluster.coordinator.topology.members.values() if not member.leaving]
    if len(staying) <= NODES_LEAST:
        return False
    async with asyncio.timeout(fault.seconds + PATIENCE):
        await scene.cluster.call(lambda coordinator: coordinator.remove_node(node, force=force))
    return True


async def remove_by_force(scene: Scene, fault: Fault, node: str) -> bool:
    """A node that is down. Every other time it is back later, with what it held, and joins again without that."""
    cluster = scene.cluster
    cluster.kill(node)
    await asyncio.sleep(fault.seconds)
    if not await remove(scene, fault, node, force=True):
        return False
    if cluster.attached and fault.flag and cluster.running and node not in cluster.coordinator.topology.members:
        await cluster.launch(node, cluster.port_of(node))
        with suppress(ClusterError):
            await cluster.add(node, OwnData.WIPE)
    return True


async def remove_what_stays(scene: Scene, fault: Fault, node: str) -> bool:
    """A node leaves, or is removed by force, and what it stored stays; then one of its name begins there."""
    cluster = scene.cluster
    if cluster.attached:
        return False
    path = cluster.data_of(node)
    cluster.disks.undeletable[path] = fault.amount < HALF
    try:
        if fault.flag:
            cluster.kill(node)
            await asyncio.sleep(NOTICED)
        if not await remove(scene, fault, node, force=fault.flag):
            return False
        with suppress(ClusterError):
            await cluster.join(node)
            return True
    finally:
        cluster.disks.undeletable.pop(path, None)
    async with asyncio.timeout(fault.seconds + PATIENCE):
        await cluster.call(lambda c: c.add_node(node, "127.0.0.1", 0, own_data=OwnData.WIPE))
    return True


async def surge(scene: Scene) -> None:
    """Once slots move, all keys are written at once, again and again, and read."""
    end = asyncio.get_running_loop().time() + SURGE_PATIENCE
    rounds = 0
    while rounds < SURGE_ROUNDS and asyncio.get_running_loop().time() < end:
        if _moving(scene):
            rounds += 1
            if rounds % 3 == 1:
                _fill_a_newcomer(scene, rounds)
            if rounds % 2:
                await asyncio.gather(*(scene.write(key, "surge") for key in scene.keys))
            else:
                # So long a batch that slots move between its being cut to requests and its last one.
                await scene.write_many("surge")
            await asyncio.gather(*(scene.read(key) for key in scene.keys))
        else:
            await _next_record(scene)


def _fill_a_newcomer(scene: Scene, number: int) -> None:
    """For a moment the disk of a node that is to hold slots is full: it refuses what the others take, and stays connected."""
    places = scene.cluster.coordinator.topology.distinct
    names = sorted({name for place in places for name in (*place.receiving, *place.returning)})
    if not names:
        return
    disk = scene.disk(scene.cluster.data_of(names[number % len(names)]))
    if disk.free is None:
        disk.free = 0

        def emptied() -> None:
            disk.free = None

        asyncio.get_running_loop().call_later(FULL_SECONDS, emptied)


async def _next_record(scene: Scene) -> None:
    """Return when the coordinator has logged something, or a moment later."""
    if not scene.cluster.running:
        await asyncio.sleep(SURGE_LOOK)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(SURGE_LOOK):
            await scene.cluster.coordinator._ledger.changed()


def _moving(scene: Scene) -> bool:
    return scene.cluster.running and any(place.receiving for place in scene.cluster.coordinator.topology.distinct)


OF_CHANGES: Final[dict[FaultKind, Inflict]] = {
    FaultKind.JOIN: change,
    FaultKind.COPIES: change,
    FaultKind.QUORUM: change,
    FaultKind.READS: change,
    FaultKind.REBALANCE: change,
    FaultKind.POLICY: place_anew,
    FaultKind.WEIGHT: weigh,
    FaultKind.THROTTLE: throttle,
    FaultKind.LEAVE: to_node(remove),
    FaultKind.FORCE: to_node(remove_by_force),
    FaultKind.STUCK: to_node(remove_what_stays),
}
