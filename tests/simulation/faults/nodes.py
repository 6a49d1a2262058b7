"""Faults of nodes' processes and of what lies between them and the coordinator."""

import asyncio
import signal
from typing import Final

from kvtui.core.authentication import Secret
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.node_access import NodeAccess
from kvtui.core.protocol import ERROR, Get, Hello, Put
from kvtui.core.remote_node import NotANode
from kvtui.core.seams.transport import Unreachable
from tests.simulation.faults.scene import LATE_CLIENT, NOTICED, Inflict, Scene, to_node
from tests.simulation.harness import COORDINATOR
from tests.simulation.machine import Machine
from tests.simulation.plan import Fault, FaultKind

LATE_BY: Final = 0.01
READS: Final = 4
"""Seconds by which a node is late that returns, and times that all is read meanwhile."""
SWAP_SHARE: Final = 0.4
"""Of half of the moves, those for which a node answers at another one's address first."""
WRONG_SECRET: Final = Secret(b"known to a stranger alone")


async def kill(scene: Scene, fault: Fault, node: str) -> bool:
    """It is started again later; every other time it lacks something, is late, and all is read until it is equal."""
    cluster = scene.cluster
    cluster.kill(node)
    if fault.flag:
        await asyncio.sleep(NOTICED)
        await asyncio.gather(*(scene.write(key, "without it") for key in scene.keys))
        cluster.network.slow(node, LATE_BY)
    await asyncio.sleep(fault.seconds)
    returning = asyncio.ensure_future(scene.revive(node))
    for _ in range(READS if fault.flag else 0):
        await scene.scan(LATE_CLIENT + next(scene.names))
        await asyncio.gather(*(scene.read(key) for key in scene.keys))
    if fault.flag:
        cluster.network.slow(node, 0.0)
    await returning
    return True


async def pause(scene: Scene, fault: Fault, node: str) -> bool:
    """It goes on with all that waited."""
    # Another process may go by that name by then.
    process = scene.cluster.process(node)
    process.signal(signal.SIGSTOP)
    await asyncio.sleep(fault.seconds)
    process.signal(signal.SIGCONT)
    return True


async def cut(scene: Scene, fault: Fault, node: str) -> bool:
    """Its streams break, wherever they are within a request."""
    return bool(scene.cluster.network.cut(node, COORDINATOR))


async def separate(scene: Scene, fault: Fault, node: str) -> bool:
    """Nothing arrives, in both directions or in one."""
    one, other = (node, COORDINATOR) if fault.kind is FaultKind.MUTE else (COORDINATOR, node)
    scene.cluster.network.partition(one, other, one_way=fault.kind is not FaultKind.PARTITION)
    await asyncio.sleep(fault.seconds)
    scene.cluster.network.heal()
    return True


async def slow(scene: Scene, fault: Fault, node: str) -> bool:
    """Everything to and from it takes longer."""
    scene.cluster.network.slow(node, 0.01 + fault.amount)
    await asyncio.sleep(fault.seconds)
    scene.cluster.network.slow(node, 0.0)
    return True


async def crash_at_a_write(scene: Scene, fault: Fault, node: str) -> bool:
    """Before or after one of its next writes reached the disk."""
    scene.cluster.disks.crash_at(node, 1 + int(8 * fault.amount), written=fault.flag)
    await asyncio.sleep(fault.seconds)
    await scene.revive(node)
    return True


async def start_elsewhere(scene: Scene, fault: Fault, node: str) -> bool:
    """Where the coordinator is gone, or declines, a person says it again once all is calm."""
    cluster = scene.cluster
    if not cluster.attached:
        return False
    cluster.kill(node)
    other = scene.chosen(fault, 1)
    if fault.flag and fault.amount < SWAP_SHARE and other is not None and other != node:
        # Nobody looks for either elsewhere meanwhile.
        async with scene.opening:
            await _swap(scene, node, other, fault.seconds)
    else:
        await asyncio.sleep(fault.seconds)
    if cluster.process(node).alive:
        return False
    await cluster.start_elsewhere(node)
    await asyncio.sleep(fault.amount)
    await cluster.take_back(node)
    return True


async def _swap(scene: Scene, node: str, other: str, seconds: float) -> None:
    """For a while a node answers where another one is looked for, which is away as well."""
    cluster = scene.cluster
    cluster.kill(node)
    cluster.kill(other)
    await asyncio.sleep(NOTICED)
    await cluster.launch(node, cluster.port_of(other))
    await asyncio.sleep(seconds)
    cluster.kill(node)
    if not cluster.process(other).alive:
        await cluster.revive(other)


async def intrude(scene: Scene, fault: Fault, node: str) -> bool:
    """A stranger who knows another secret, or none, must not be told anything, nor change anything."""
    process = scene.cluster.process(node)
    if not process.alive or process.server is None:
        return False
    seams = scene.cluster.seams_of(Machine(f"stranger{next(scene.names)}"), WRONG_SECRET if fault.flag else None)
    access = NodeAccess(seams.transport, seams.secret, seams.random, seams.clock)
    link = Link(scene.cluster.clock, lambda _link, _reason: None)
    key = scene.keys[0].decode()
    try:
        await access.connect(*process.address, lambda: link)
        for request in (Hello(), Get(key=key), Put(key=key, value="of a stranger")):
            reply = await link.ask(request)
            if reply.status != ERROR:
                scene.served_elsewhere.append(f"{node} answered a stranger's {type(request).__name__}")
    except (Unreachable, NotANode, LinkLost, LinkFull):
        return True
    finally:
        link.close("asked enough")
    return True


OF_NODES: Final[dict[FaultKind, Inflict]] = {
    FaultKind.KILL: to_node(kill),
    FaultKind.PAUSE: to_node(pause),
    FaultKind.CUT: to_node(cut),
    FaultKind.PARTITION: to_node(separate),
    FaultKind.DEAF: to_node(separate),
    FaultKind.MUTE: to_node(separate),
    FaultKind.SLOW: to_node(slow),
    FaultKind.NODE_CRASH: to_node(crash_at_a_write),
    FaultKind.READDRESS: to_node(start_elsewhere),
    FaultKind.INTRUDER: to_node(intrude),
}
