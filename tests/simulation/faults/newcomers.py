"""Nodes that come with keys of their own, and a cluster whose last node leaves."""

import asyncio
from collections.abc import Sequence
from typing import Final

from kvtui.check import Kind
from kvtui.check import Outcome as Told
from kvtui.core.cluster import ClusterError, NodeAdded, OwnData
from kvtui.core.coordinator import Coordinator
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.node_access import NodeAccess
from kvtui.core.protocol import Put
from kvtui.core.remote_node import NotANode
from kvtui.core.seams.transport import Unreachable
from tests.simulation.faults.changes import NODES_MOST, PATIENCE
from tests.simulation.faults.scene import LATE_CLIENT, Inflict, Scene
from tests.simulation.happened import Event
from tests.simulation.harness import CoordinatorGone
from tests.simulation.machine import Machine
from tests.simulation.plan import Fault, FaultKind

BROUGHT: Final = 3
"""Keys that a newcomer brings along."""
JOIN_TRIES: Final = 4
WIPED_SHARE: Final = 0.35
"""Newcomers that join without their keys."""
EMPTYING_SECONDS: Final = 4.0
AGAIN_SECONDS: Final = 0.1
AMID_WRITES: Final = 8
"""Times that the last node leaves while something is written, if it takes so many."""
LEAVES_SECONDS: Final = 0.5
MOMENTS: Final = 40
MOMENT: Final = 0.000_2
STRIDE: Final = 7
"""Moments within which it is written then, seconds of one, and by how many they differ from one time to the next."""


async def join_with_keys(scene: Scene, fault: Fault) -> bool:
    """A node that stood alone, with keys of its own: it is refused first, then joins with them, or without them."""
    cluster = scene.cluster
    if not cluster.attached or not cluster.running or len(cluster.coordinator.topology.members) >= NODES_MOST:
        return False
    node = f"own{next(scene.names)}"
    await cluster.launch_to_stay(node)
    keys = [scene.keys[(fault.node + at) % len(scene.keys)] for at in range(BROUGHT)]
    if not await _fill(scene, node, keys):
        return False
    if await _joined(scene, fault, node, OwnData.REFUSE) is not None:
        scene.served_elsewhere.append(f"{node} joined with keys of its own, and nobody was asked about them")
    cluster.happened[Event.JOIN_REFUSED] += 1
    if fault.amount < WIPED_SHARE:
        # None of its keys was ever put into the cluster: who reads one of them says so.
        added, _ = await _joined_at_last(scene, fault, node, OwnData.WIPE)
        if added is None:
            return False
        cluster.happened[Event.JOIN_WIPED] += 1
        return True
    if not any(place.replicas for place in cluster.coordinator.topology.distinct):
        # The first node keeps its keys, at the versions that it gave them: below those of a cluster that all nodes had left.
        return False
    pending = [
        scene.recorder.begin(LATE_CLIENT + next(scene.names), Kind.PUT, key.decode(), _value(node, key)) for key in keys
    ]
    added, again = await _joined_at_last(scene, fault, node, OwnData.IMPORT)
    if added is None:
        return False
    cluster.happened[Event.JOIN_IMPORTED] += 1
    if again:
        # What is kept may have been imported when it was tried before.
        return True
    if added.imported == len(keys):
        for each in pending:
            each.end(Told.OK)
    elif added.kept == len(keys):
        for each in pending:
            each.end(Told.FAILED)
    return True


async def begin_with_keys(scene: Scene, node: str) -> None:
    """The first node of a cluster stood alone before, and brings keys, which the cluster begins with."""
    cluster = scene.cluster
    await cluster.launch_to_stay(node)
    keys = scene.keys[:BROUGHT]
    filled = await _fill(scene, node, keys)
    assert filled, "a node that stands alone takes keys"
    pending = [
        scene.recorder.begin(LATE_CLIENT + next(scene.names), Kind.PUT, key.decode(), _value(node, key)) for key in keys
    ]
    added = await cluster.add(node, OwnData.IMPORT)
    for each in pending:
        each.end(Told.OK)
    if added.imported != len(keys):
        scene.served_elsewhere.append(
            f"the first node brought {len(keys)} keys, and {added.imported} of them are there"
        )


def _value(node: str, key: bytes) -> str:
    return f"{node} of {key.decode()}"


async def _fill(scene: Scene, node: str, keys: Sequence[bytes]) -> bool:
    """Put the keys into a node that stands alone, as a client of its own would; whether it took them."""
    seams = scene.cluster.seams_of(Machine(f"owner of {node}"), scene.cluster.secret)
    access = NodeAccess(seams.transport, seams.secret, seams.random, seams.clock)
    link = Link(scene.cluster.clock, lambda _link, _reason: None)
    try:
        await access.connect(*scene.cluster.process(node).address, lambda: link)
        for key in keys:
            await link.ask(Put(key=key.decode(), value=_value(node, key)))
    except (Unreachable, NotANode, LinkLost, LinkFull):
        return False
    finally:
        link.close("it has its keys")
    return True


async def _joined(scene: Scene, fault: Fault, node: str, own_data: OwnData) -> NodeAdded | None:
    """The node as it joined; None: it was refused."""
    try:
        async with asyncio.timeout(fault.seconds + PATIENCE):
            return await scene.cluster.add(node, own_data)
    except ClusterError:
        return None


async def _joined_at_last(scene: Scene, fault: Fault, node: str, own_data: OwnData) -> tuple[NodeAdded | None, bool]:
    """As a person would, who tries again when something was in the way; and whether that was necessary."""
    for number in range(JOIN_TRIES):
        await scene.until_running()
        added = await _joined(scene, fault, node, own_data)
        if added is not None:
            return added, number > 0
        await asyncio.sleep(AGAIN_SECONDS)
    return None, True


async def leave_to_the_last(scene: Scene, fault: Fault) -> bool:
    """All nodes leave, and the last one once all keys are deleted. It comes back later, and the cluster begins with nothing."""
    cluster = scene.cluster
    if not cluster.running:
        return False
    last, *others = list(cluster.coordinator.topology.members) or [""]
    if not last:
        return False
    tries = 0
    async with asyncio.timeout(EMPTYING_SECONDS):
        # The first times something is written just as it leaves.
        while not await _emptied(scene, last, others, amid_writes=tries < AMID_WRITES):
            tries += 1
            await asyncio.sleep(AGAIN_SECONDS)
    cluster.happened[Event.LAST_LEFT] += 1
    await asyncio.sleep(fault.seconds)
    if cluster.running and not cluster.coordinator.topology.members:
        await scene.begin_anew()
    return True


async def _emptied(scene: Scene, last: str, others: Sequence[str], *, amid_writes: bool) -> bool:
    """Whether all have left. Raises CoordinatorGone."""
    cluster = scene.cluster
    if not cluster.running:
        raise CoordinatorGone("the coordinator is not running")
    try:
        for other in others:
            await cluster.call(lambda coordinator, name=other: _gone(coordinator, name))  # type: ignore[misc]
        await scene.delete_all()
        leaving = asyncio.ensure_future(cluster.call(lambda coordinator: coordinator.remove_node(last)))
        try:
            if amid_writes:
                await _write_as_it_leaves(scene, last)
            await leaving
        finally:
            leaving.cancel()
    except ClusterError:
        # Somebody is away, or wrote: again.
        return False
    return True


async def _write_as_it_leaves(scene: Scene, last: str) -> None:
    """A moment after it is said to be leaving: nobody knows whether it has been let go."""
    await scene.until(lambda: _is_leaving(scene, last), LEAVES_SECONDS)
    key = scene.keys[next(scene.names) % len(scene.keys)]
    await asyncio.sleep(next(scene.names) * STRIDE % MOMENTS * MOMENT)
    await scene.write(key, "as it leaves")
    await scene.read(key)


def _is_leaving(scene: Scene, node: str) -> bool:
    member = scene.cluster.coordinator.topology.members.get(node)
    return member is not None and member.leaving


async def _gone(coordinator: Coordinator, node: str) -> None:
    if node in coordinator.topology.members:
        await coordinator.remove_node(node)


OF_NEWCOMERS: Final[dict[FaultKind, Inflict]] = {
    FaultKind.JOIN_WITH_KEYS: join_with_keys,
    FaultKind.LEAVE_TO_THE_LAST: leave_to_the_last,
}
