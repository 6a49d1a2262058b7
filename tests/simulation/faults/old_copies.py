"""Old copies of the log that are opened while those who know better are out of reach."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from kvtui.core.coordinator import Coordinator
from kvtui.core.placement import Placement
from tests.simulation.faults.changes import weigh
from tests.simulation.faults.rebuilt import in_office, rebuild
from tests.simulation.faults.scene import HALF, NOTICED, Inflict, Scene, tried
from tests.simulation.harness import COORDINATOR, CoordinatorGone
from tests.simulation.plan import Fault, FaultKind

CHANGE_SECONDS: Final = 0.6
"""So long a change is waited for."""
UNDER_WAY_SECONDS: Final = 1.0
"""Until then something is under way, and until then it has ended."""
SERVES_SECONDS: Final = (0.2, 1.0)
"""So long a log is used."""
RETURN_SHARE: Final = 0.35
MOVE_SHARE: Final = 0.35
"""How often a node was away, and how often slots move, when the log is copied."""
BEHIND_SHARE: Final = 0.35
LEAVE_SHARE: Final = 0.35
"""How often a node falls behind afterwards, or leaves; else slots move."""
IN_VAIN: Final = (0, 0, 0, 1, 2)
"""Times that the copy is opened while nobody can be reached."""
Places = tuple[Placement, ...]


async def open_an_old_copy(scene: Scene, fault: Fault) -> bool:
    """The log is copied, now and then while a replica is about to count. Then who holds something changes, and writes go on. The
    old copy is opened, now and then more than once, where those can be reached that held it, and those that hold it now can't."""
    cluster = scene.cluster
    dice = random.Random(f"old copy:{fault.at}:{fault.amount}")
    async with scene.opening:
        if not await in_office(scene):
            return False
        scene.taken_over = True
        # Who leaves while it is in office has nothing any more: a log that counts on it can't be rebuilt without giving that up.
        scene.wiped = True
        if dice.random() < HALF:
            # Where each key has one copy, who has it changes with each move.
            await tried(
                cluster.call(lambda coordinator: coordinator.set_replication(dice.choice([1, 2]))), CHANGE_SECONDS
            )
            await asyncio.sleep(dice.uniform(*SERVES_SECONDS))
        state = Path(f"old{next(scene.names)}")
        before = await _copy_amid(scene, fault, state, dice)
        await _go_on(scene, fault, before, dice)
        if not cluster.running:
            return False
        away = _who_knows_better(scene, before, dice)
        cluster.crash()
        for node in sorted(cluster.launcher.processes):
            await scene.revive(node)
        cluster.network.partition(COORDINATOR, sorted(cluster.launcher.processes))
        try:
            for _ in range(dice.choice(IN_VAIN)):
                await cluster.open_at(state)
                await asyncio.sleep(NOTICED)
                cluster.crash()
            cluster.network.heal()
            cluster.network.partition(COORDINATOR, away)
            await cluster.open_at(state)
            await _use(scene, fault, away, dice)
        finally:
            cluster.network.heal()
            if not cluster.machine.alive:
                await cluster.open_at(state)
        await asyncio.sleep(dice.uniform(*SERVES_SECONDS))
        if cluster.running and cluster.coordinator._ledger.stopped:
            await rebuild(scene)
    return True


async def _copy_amid(scene: Scene, fault: Fault, state: Path, dice: random.Random) -> Places:
    """Copy the log: as it is, or while a replica that returns, or is new, may count soon; then those that counted before are killed
    in the moment in which it does. Who held what by the copy."""
    cluster = scene.cluster
    node, lot = scene.chosen(fault), dice.random()
    if node is not None and lot < RETURN_SHARE:
        cluster.kill(node)
        await asyncio.sleep(NOTICED)
        await asyncio.gather(*(scene.write(key, "before the copy") for key in scene.keys))
        await scene.revive(node)
    elif node is not None and lot < RETURN_SHARE + MOVE_SHARE:
        await tried(weigh(scene, fault), CHANGE_SECONDS)
    await _until(scene, lambda place: bool(place.returning or place.receiving) or lot >= RETURN_SHARE + MOVE_SHARE)
    if not cluster.running:
        raise CoordinatorGone("there is no log to copy")
    cluster.copy_log(state)
    before = cluster.coordinator.topology.places
    if lot < RETURN_SHARE + MOVE_SHARE:
        await _until_others_count(scene, before)
    return before


async def _until(scene: Scene, holds: Callable[[Placement], bool]) -> None:
    """Until some slots are placed so, or a while has passed."""
    await scene.until(lambda: any(map(holds, scene.cluster.coordinator.topology.distinct)), UNDER_WAY_SECONDS)


async def _until_others_count(scene: Scene, before: Places) -> None:
    """Once others count for a slot, who did before is killed, in this moment."""

    def gained() -> set[str]:
        now = scene.cluster.coordinator.topology.places
        return {
            node
            for place, was in zip(now, before, strict=True)
            for node in was.clean
            if set(place.clean).difference(was.clean)
        }

    await scene.until(lambda: bool(gained()), UNDER_WAY_SECONDS)
    for node in gained() if scene.cluster.running else ():
        scene.cluster.kill(node)
    await asyncio.sleep(NOTICED)


async def _go_on(scene: Scene, fault: Fault, before: Places, dice: random.Random) -> None:
    """What the copy does not know of: nodes fall behind, or leave, or slots move; and writes go on."""
    cluster = scene.cluster
    if cluster.running and cluster.coordinator.topology.places == before:
        node, lot = scene.chosen(fault, 1), dice.random()
        spare = None if node is None else scene.spared(node)
        if spare is not None and lot < BEHIND_SHARE:
            cluster.kill(spare)
            await asyncio.sleep(NOTICED)
        elif node is not None and lot < BEHIND_SHARE + LEAVE_SHARE and len(cluster.coordinator.topology.members) > 1:
            await tried(cluster.call(lambda coordinator: coordinator.remove_node(node)), CHANGE_SECONDS)
            await asyncio.sleep(dice.uniform(*SERVES_SECONDS))
        else:
            await tried(weigh(scene, fault), CHANGE_SECONDS)
            await asyncio.sleep(dice.uniform(*SERVES_SECONDS))
    await asyncio.gather(*(scene.write(key, "after the copy") for key in scene.keys))


def _who_knows_better(scene: Scene, before: Places, dice: random.Random) -> list[str]:
    """Of a slot that others hold than the copy says those who do, or all who don't hold it by the copy; else anybody."""
    now = scene.cluster.coordinator.topology.places
    differing = [(place, was) for place, was in zip(now, before, strict=True) if place.clean != was.clean]
    nodes = set(scene.cluster.launcher.processes)
    if not differing:
        return dice.sample(sorted(nodes), 1)
    place, was = dice.choice(differing)
    return sorted(set(place.clean) if dice.random() < HALF else nodes.difference(was.clean).union(place.clean))


async def _use(scene: Scene, fault: Fault, away: list[str], dice: random.Random) -> None:
    """Ask it everything, and have it change what it can."""
    cluster = scene.cluster
    await asyncio.sleep(dice.uniform(*SERVES_SECONDS))
    await asyncio.gather(*(scene.read(key) for key in scene.keys))
    names, gone = sorted(cluster.launcher.processes), dice.choice(away) if away else ""
    changes: list[Callable[[Coordinator], Coroutine[Any, Any, object]]] = [
        lambda coordinator: coordinator.set_replication(1 + fault.node % 2),
        lambda coordinator: coordinator.remove_node(gone, force=True),
        lambda coordinator: coordinator.set_weight(names[fault.node % len(names)], 4),
    ]
    for change in dice.sample(changes, 2):
        await tried(cluster.call(change), CHANGE_SECONDS)
    await asyncio.sleep(CHANGE_SECONDS)
    await asyncio.gather(*(scene.write(key, "on an old copy") for key in scene.keys[::2]))
    await asyncio.gather(*(scene.read(key) for key in scene.keys))


OF_OLD_COPIES: Final[dict[FaultKind, Inflict]] = {FaultKind.OLD_COPY: open_an_old_copy}
