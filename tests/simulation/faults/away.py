"""Nodes that are away while others go on: several at once, one that nothing may go on without, one that holds what is deleted."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from kvtui.core import mover
from kvtui.core.cluster import ClusterError
from kvtui.core.coordinator import Coordinator
from tests.simulation.faults.changes import weigh
from tests.simulation.faults.scene import HALF, NOTICED, Inflict, Scene, tried
from tests.simulation.harness import CoordinatorGone
from tests.simulation.plan import Fault, FaultKind

AT_ONCE_SECONDS: Final = 0.003
"""Within that several nodes die."""
CHANGE_SECONDS: Final = 0.5
"""So long a change is waited for."""
ASKED_SECONDS: Final = (0.0, 0.004)
"""Within that a node dies after a rebalance was asked for."""
TRIES: Final = 4
"""Times that it is waited until all is well."""
ROUNDS: Final = 3
"""Of writes, while nodes die."""
PURGES: Final = 2.5
"""Looks for tombstones that are waited for, and most seconds for it."""
PURGE_SECONDS: Final = 4.0
GARBAGE_SECONDS: Final = 1.0
"""Until then somebody holds garbage."""


async def die_at_once(scene: Scene, fault: Fault) -> bool:
    """About half of the nodes die within a moment, as when one machine that holds them does, amid writes."""
    cluster = scene.cluster
    names = await _alive(scene)
    if len(names) < 2:
        return False
    dice = random.Random(f"at once:{fault.at}:{fault.amount}")
    dying = dice.sample(names, max(1 + fault.flag, len(names) // 2))
    writing = asyncio.ensure_future(_write_on(scene))
    for node in dying:
        await asyncio.sleep(dice.uniform(0.0, AT_ONCE_SECONDS))
        cluster.kill(node)
    await writing
    await scene.read_many()
    await asyncio.sleep(fault.seconds)
    for node in dying:
        with suppress(ClusterError, CoordinatorGone):
            await scene.revive(node)
    return True


async def _alive(scene: Scene) -> list[str]:
    """The members that run, once all is well and there are two, or a while has passed."""
    cluster = scene.cluster
    names: list[str] = []
    for _ in range(TRIES):
        await scene.until_well()
        if cluster.running and not cluster.coordinator._ledger.stopped:
            names = [name for name in cluster.coordinator.topology.members if name in cluster.launcher.processes]
            names = [name for name in names if cluster.process(name).alive]
        if len(names) > 1:
            break
    return names


async def _write_on(scene: Scene) -> None:
    for _ in range(ROUNDS):
        await asyncio.gather(*(scene.write(key, "amid deaths") for key in scene.keys))


async def change_without_one(scene: Scene, fault: Fault) -> bool:
    """A write needs all copies, so that no slot may go on without a node that dies; a person changes this and that all the same."""
    cluster = scene.cluster
    names = await _alive(scene)
    if not names:
        return False
    node = names[fault.node % len(names)]
    dice = random.Random(f"without one:{fault.at}:{fault.amount}")
    topology = cluster.coordinator.topology
    usual, copies = topology.quorum, topology.planned.replication
    changes: list[Callable[[Coordinator], Coroutine[Any, Any, object]]] = [
        lambda coordinator: coordinator.set_replication(1 + fault.node % 3),
        lambda coordinator: coordinator.set_weight(dice.choice(names), dice.randint(1, 6)),
        lambda coordinator: coordinator.remove_node(dice.choice(names)),
    ]
    try:
        await cluster.call(lambda coordinator: coordinator.set_quorum(copies))
        # Now and then it dies while replicas are compared.
        comparing = asyncio.ensure_future(tried(scene.rebalance(), CHANGE_SECONDS))
        await asyncio.sleep(dice.uniform(*ASKED_SECONDS) if fault.flag else CHANGE_SECONDS)
        cluster.kill(node)
        await asyncio.gather(comparing, *(scene.write(key, "without one") for key in scene.keys))
        for change in dice.sample(changes, 2):
            await tried(cluster.call(change), CHANGE_SECONDS)
            await tried(scene.rebalance(), CHANGE_SECONDS)
        await asyncio.gather(*(scene.read(key) for key in scene.keys))
    finally:
        with suppress(ClusterError, CoordinatorGone):
            await scene.revive(node)
        with suppress(ClusterError, CoordinatorGone):
            await cluster.call(lambda coordinator: coordinator.set_quorum(usual))
    return True


async def delete_without_one(scene: Scene, fault: Fault) -> bool:
    """A node that is behind, or holds garbage, is away while keys are deleted, and until tombstones are looked for again."""
    cluster = scene.cluster
    names = await _alive(scene)
    spare = scene.spared(names[fault.node % len(names)]) if names else None
    if spare is None:
        return False
    await asyncio.gather(*(scene.write(key, "to be deleted") for key in scene.keys))
    gone = {spare}
    if fault.flag or fault.amount < HALF:
        await tried(weigh(scene, fault), CHANGE_SECONDS)
        gone = await _who_holds_garbage(scene) or gone
    for name in gone:
        cluster.kill(name)
    await asyncio.sleep(NOTICED)
    await asyncio.gather(*(scene.delete(key) for key in scene.keys))
    await asyncio.sleep(min(PURGES * mover.PURGE_SECONDS, PURGE_SECONDS))
    for name in sorted(gone):
        with suppress(ClusterError, CoordinatorGone):
            await scene.revive(name)
    await scene.read_all()
    return True


async def _who_holds_garbage(scene: Scene) -> set[str]:
    """Those who do, as soon as somebody does."""

    def holders() -> set[str]:
        return {name for place in scene.cluster.coordinator.topology.distinct for name in place.garbage}

    await scene.until(lambda: bool(holders()), GARBAGE_SECONDS)
    return holders() & set(scene.cluster.launcher.processes) if scene.cluster.running else set()


OF_ABSENCES: Final[dict[FaultKind, Inflict]] = {
    FaultKind.AT_ONCE: die_at_once,
    FaultKind.UNSPARED: change_without_one,
    FaultKind.BURIED: delete_without_one,
}
