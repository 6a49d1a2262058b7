"""Writes that reach some of their replicas and not all: of small and large values and of tombstones; then they are read."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from kvtui.check import Kind
from kvtui.check import Outcome as Told
from kvtui.core.cluster import ClusterError
from tests.simulation.faults.scene import HALF, LATE_CLIENT, NOTICED, Inflict, Scene
from tests.simulation.harness import COORDINATOR, CoordinatorGone
from tests.simulation.plan import Fault, FaultKind
from tests.simulation.values import stored

CALM_SECONDS: Final = 3.0
"""Until then a moment is waited for at which two replicas of everything can be written to."""
LOOK_FOR_CALM: Final = 0.02
SENT_SECONDS: Final = (0.0, 0.002)
"""Within that after a write is sent, it reaches its replicas."""
LARGE_KEYS: Final = 2
AHEAD_SECONDS: Final = 0.1
SOON: Final = 0.000_3
"""Large values that are written at once, until when they are sent ahead to all replicas, and how often it is looked."""
ROUNDS: Final = 3
RECONNECTED: Final = 1.0
"""Until then links that broke are there again."""
LATE_BY: Final = 0.015
"""Seconds by which a node is slow that is being made equal, so that it takes long enough to be read meanwhile."""
WEIGHT_MOST: Final = 6
VERIFYING: Final = 1.5
LOOK: Final = 0.004
"""Until then slots are being verified, and how often it is looked."""


async def write_half(scene: Scene, fault: Fault) -> bool:
    """Links break amid writes, while nobody may be left behind; what was written half is then read. Every other time a replica is
    behind, or new, and is being verified when what was written half is written back."""
    cluster = scene.cluster
    if not await _calm(scene, CALM_SECONDS):
        return False
    dice = random.Random(f"halves:{fault.at}:{fault.amount}")
    late = scene.chosen(fault) if fault.flag else None
    topology = cluster.coordinator.topology
    usual = topology.quorum
    # Where all nodes hold everything nothing can move; where there are two copies none may be behind while both are written.
    everywhere, copies = len(topology.members) <= topology.planned.replication, topology.planned.replication
    behind = late is not None and copies > 2 and (everywhere or dice.random() < HALF)
    if late is not None and behind:
        cluster.kill(late)
        await asyncio.sleep(NOTICED)
    try:
        await cluster.call(lambda coordinator: coordinator.set_quorum(_clean(scene)))
        for _ in range(ROUNDS):
            if not await _calm(scene, CALM_SECONDS if behind else RECONNECTED):
                break
            writing = await _broken_writes(scene, dice)
            if late is not None:
                begun = asyncio.ensure_future(scene.revive(late) if behind else _weigh(scene, late, dice))
                await _read_while_verified(scene, dice)
                await asyncio.gather(begun, return_exceptions=True)
            await asyncio.gather(*writing)
            await scene.read_all()
    finally:
        if late is not None and behind:
            await scene.revive(late)
        with suppress(ClusterError, CoordinatorGone):
            await cluster.call(lambda coordinator: coordinator.set_quorum(usual))
    return True


async def _calm(scene: Scene, seconds: float) -> bool:
    """Whether there are two clean replicas of everything, that can be reached, within so many seconds."""
    for _ in range(int(seconds / LOOK_FOR_CALM)):
        cluster = scene.cluster
        if cluster.running and not cluster.coordinator._ledger.stopped and _clean(scene) > 1:
            nodes = cluster.coordinator._ledger.nodes
            if all(nodes[name].usable for place in cluster.coordinator.topology.distinct for name in place.clean):
                return True
        await asyncio.sleep(LOOK_FOR_CALM)
    return False


def _clean(scene: Scene) -> int:
    """Clean copies of the slots that have the fewest: of those none may be left behind, if a write needs so many."""
    places = scene.cluster.coordinator.topology.distinct
    return min((len(place.clean) for place in places), default=1)


async def _broken_writes(scene: Scene, dice: random.Random) -> list[asyncio.Task[None]]:
    """Write all keys at about the same time, and break links, of one node or all, amid that. The writes may go on."""
    cluster = scene.cluster
    large = dice.random() < HALF
    keys = dice.sample(scene.keys, LARGE_KEYS if large else len(scene.keys))
    writing = []
    for key in keys:
        kind = Kind.PUT if large else dice.choice([Kind.PUT, Kind.DELETE])
        writing.append(asyncio.ensure_future(_write(scene, key, kind, large=large)))
    await asyncio.sleep(0.0)
    if large:
        await _until_sent(scene, keys)
    await asyncio.sleep(dice.uniform(*SENT_SECONDS))
    nodes = list(cluster.coordinator.topology.members)
    for node in dice.sample(nodes, dice.randint(1, max(1, len(nodes) - 1))):
        cluster.network.cut(node, COORDINATOR)
    await asyncio.sleep(NOTICED)
    await _calm(scene, RECONNECTED)
    return writing


async def _until_sent(scene: Scene, keys: list[bytes]) -> None:
    """A large value is at every replica before it is stored anywhere: then one of them is about to be."""
    for _ in range(int(AHEAD_SECONDS / SOON)):
        if scene.cluster.running and any(key in scene.cluster.coordinator._writes.in_flight for key in keys):
            return
        await asyncio.sleep(SOON)


async def _weigh(scene: Scene, node: str, dice: random.Random) -> None:
    """Slots move."""
    weight = dice.randint(1, WEIGHT_MOST)
    await scene.cluster.call(lambda coordinator: coordinator.set_weight(node, weight))


async def _read_while_verified(scene: Scene, dice: random.Random) -> None:
    """Read each key at a moment at which a replica of it is being verified, which is late to answer."""
    loop, network = asyncio.get_running_loop(), scene.cluster.network
    end = loop.time() + VERIFYING
    left = dice.sample(scene.keys, len(scene.keys))
    late = ""
    while left and loop.time() < end:
        if scene.cluster.running:
            if not late and (late := _newcomer(scene)):
                network.slow(late, LATE_BY)
            key = next((key for key in left if late and _is_verified(scene, key, late)), None)
            if key is not None:
                left.remove(key)
                await scene.read(key)
                continue
        await asyncio.sleep(LOOK)
    if late:
        network.slow(late, 0.0)


def _newcomer(scene: Scene) -> str:
    """A node that is to become a clean replica of something."""
    places = scene.cluster.coordinator.topology.distinct
    return next((name for place in places for name in place.receiving + place.behind), "")


def _is_verified(scene: Scene, key: bytes, node: str) -> bool:
    ledger = scene.cluster.coordinator._ledger
    slot = ledger.slot(key)
    return any(counting.node == node and counting.covers((slot,)) for counting in ledger.counting)


async def _write(scene: Scene, key: bytes, kind: Kind, *, large: bool) -> None:
    name = f"half {next(scene.names)}" if kind is Kind.PUT else None
    pending = scene.recorder.begin(LATE_CLIENT + next(scene.names), kind, key.decode(), name)
    writing = scene.cluster.delete(key) if name is None else scene.cluster.put(key, stored(name, large))
    written = await writing
    version = written.version if written.version.epoch else None
    pending.end(Told(written.outcome), None, version, note=written.text)


OF_WRITES: Final[dict[FaultKind, Inflict]] = {FaultKind.HALVES: write_half}
