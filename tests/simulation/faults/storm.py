"""Much at once on few keys: what otherwise meets once in a thousand runs meets all the time.

Messages take as long as chance has it, disks refuse what they are given now and then, links break, replicas are compared or move,
and several clients write and read the same keys without a pause.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final

from kvtui.core.cluster import ClusterError
from kvtui.core.coordinator import Coordinator
from kvtui.core.seams.storage import Batch
from tests.simulation.clients import Door
from tests.simulation.engine import holds_entries
from tests.simulation.faults.half_written import clean_copies
from tests.simulation.faults.scene import HALF, LATE_CLIENT, LOOK_SECONDS, Inflict, Scene, tried
from tests.simulation.harness import COORDINATOR, CoordinatorGone
from tests.simulation.loop import until
from tests.simulation.plan import Fault, FaultKind

CALM_SECONDS: Final = 2.0
SECONDS: Final = (0.15, 0.6)
GUSTS: Final = (0.001, 0.004, 0.012)
"""Seconds that a message takes longer, on average, one of these."""
REFUSED: Final = (0.0, 0.04, 0.15)
"""Share of what disks are given that they have no room for, one of these."""
KEYS: Final = 2
CLIENTS: Final = 4
OPERATIONS: Final = 14
"""Of each client at most."""
USES: Final = {"put": 6, "put a large value": 1, "delete": 3, "get": 5, "get several": 2, "put several": 2, "scan": 1.5}
"""What clients do, and how often each beside the others."""
PAUSE: Final = 0.004
"""Seconds between two, on average."""
TURN: Final = 0.04
"""Seconds between two comparisons or moves, on average."""
COPIES_SHARE: Final = 0.15
COPIES: Final = (1, 2, 2, 3, 3)
"""How often that is another number of copies, and which: with two more at once a slot has two newcomers."""
BREAKS: Final = (0, 1, 2, 3)
"""Times that a node's links break, one of these."""
WEIGHT_MOST: Final = 6


async def storm(scene: Scene, fault: Fault) -> bool:
    """Do all of that for a moment; every other time nobody may be left behind."""
    cluster = scene.cluster
    keys: list[bytes] = []

    def found() -> bool:
        keys[:] = _in_two(scene)
        return len(keys) >= KEYS

    if not await until(found, CALM_SECONDS, LOOK_SECONDS):
        return False
    dice = random.Random(f"storm:{fault.at}:{fault.amount}")
    usual = cluster.coordinator.topology.quorum
    keys = dice.sample(keys, KEYS)
    loop = asyncio.get_running_loop()
    end = loop.time() + dice.uniform(*SECONDS)
    if fault.flag:
        await cluster.call(lambda coordinator: coordinator.set_quorum(clean_copies(scene)))
    cluster.network.gust(dice.choice(GUSTS))
    share = dice.choice(REFUSED)
    # One client is in another process.
    attached = cluster.attached_client(f"attached to the storm {next(scene.names)}")
    doors = [attached, *[None] * (CLIENTS - 1)]
    disks = [scene.disk(cluster.data_of(name)) for name in cluster.coordinator.topology.members]
    for disk in disks:
        disk.refuses = _moody(share, dice.random())
    try:
        await asyncio.gather(
            *(_use(scene, keys, random.Random(dice.random()), end, door) for door in doors),
            _turn(scene, random.Random(dice.random()), end),
            _break(scene, random.Random(dice.random()), end),
        )
    finally:
        attached.sever()
        cluster.network.gust(0.0)
        for disk in disks:
            disk.take_all()
        with suppress(ClusterError, CoordinatorGone):
            await cluster.call(lambda coordinator: coordinator.set_quorum(usual))
    await scene.read_many()
    return True


def _in_two(scene: Scene) -> list[bytes]:
    """Keys of which two clean replicas at least can be reached."""
    if not scene.cluster.running or scene.cluster.coordinator._ledger.stopped:
        return []
    ledger = scene.cluster.coordinator._ledger
    clean = {key: ledger.topology.places[ledger.slot(key)].clean for key in scene.keys}
    return [key for key, nodes in clean.items() if sum(ledger.nodes[node].usable for node in nodes) > 1]


def _moody(share: float, seed: float) -> Callable[[Batch], bool]:
    dice = random.Random(seed)
    return lambda batch: holds_entries(batch) and dice.random() < share


async def _use(scene: Scene, keys: list[bytes], dice: random.Random, end: float, door: Door | None) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(OPERATIONS):
        await asyncio.sleep(dice.expovariate(1 / PAUSE))
        if loop.time() > end:
            return
        await _operate(scene, dice, keys, door)


async def _operate(scene: Scene, dice: random.Random, keys: list[bytes], door: Door | None) -> None:
    key, use = dice.choice(keys), dice.choices(list(USES), list(USES.values()))[0]
    match use:
        case "put":
            await scene.write(key, "storm", door=door)
        case "put a large value":
            await scene.write(key, "storm", large=True, door=door)
        case "delete":
            await scene.delete(key, door)
        case "get":
            await scene.read(key, door)
        case "get several":
            await scene.read_many(door)
        case "put several":
            await scene.write_some("storm", keys, door)
        case _:
            await scene.scan(LATE_CLIENT + next(scene.names))


async def _turn(scene: Scene, dice: random.Random, end: float) -> None:
    """Replicas are compared, or slots move."""
    loop, asked = asyncio.get_running_loop(), list[asyncio.Task[None]]()
    while True:
        await asyncio.sleep(dice.expovariate(1 / TURN))
        if loop.time() > end or not scene.cluster.running:
            break
        names = list(scene.cluster.coordinator.topology.members)
        change: Coroutine[Any, Any, object]
        lot = dice.random()
        if lot < COPIES_SHARE:
            change = scene.cluster.call(partial(_copy, copies=dice.choice(COPIES)))
        elif names and lot < HALF:
            node, weight = dice.choice(names), dice.randint(1, WEIGHT_MOST)
            change = scene.cluster.call(partial(_weigh, node=node, weight=weight))
        else:
            change = scene.rebalance()
        asked.append(asyncio.ensure_future(tried(change, TURN)))
    await asyncio.gather(*asked)


async def _copy(coordinator: Coordinator, copies: int) -> None:
    await coordinator.set_replication(copies)


async def _weigh(coordinator: Coordinator, node: str, weight: int) -> None:
    await coordinator.set_weight(node, weight)


async def _break(scene: Scene, dice: random.Random, end: float) -> None:
    loop = asyncio.get_running_loop()
    for at in sorted(dice.uniform(loop.time(), end) for _ in range(dice.choice(BREAKS))):
        await asyncio.sleep(max(0.0, at - loop.time()))
        if not scene.cluster.running:
            return
        names = list(scene.cluster.coordinator.topology.members)
        if names:
            scene.cluster.network.cut(dice.choice(names), COORDINATOR)


OF_STORMS: Final[dict[FaultKind, Inflict]] = {FaultKind.STORM: storm}
