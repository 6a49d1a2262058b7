"""Writes that reach some of their replicas and not all: of small and large values and of tombstones; then they are read."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from kvtui.check import Kind
from kvtui.core.cluster import ClusterError
from kvtui.core.ledger import Counting
from kvtui.core.writes import DEADLINE_SECONDS, SWEEP_SECONDS
from tests.simulation.engine import holds_entries, holds_note
from tests.simulation.faults.scene import HALF, NOTICED, Inflict, Scene
from tests.simulation.harness import COORDINATOR, CoordinatorGone
from tests.simulation.loop import until
from tests.simulation.plan import Fault, FaultKind

CALM_SECONDS: Final = 3.0
"""Until then a moment is waited for at which two replicas of everything can be written to."""
LOOK_FOR_CALM: Final = 0.05
SENT_SECONDS: Final = (0.0, 0.002)
"""Within that after a write is sent, it reaches its replicas."""
LARGE_KEYS: Final = 4
AHEAD_SECONDS: Final = 0.1
SOON: Final = 0.000_3
"""Large values that are written at once, until when they are sent ahead to all replicas, and how often it is looked."""
VERIFIED_KEYS: Final = 3
"""Keys that are written while they are verified, and read when they are verified again."""
ROUNDS: Final = 3
RECONNECTED: Final = 1.0
"""Until then links that broke are there again."""
LATE_BY: Final = 0.015
"""Seconds by which a node is slow that is being made equal, so that it takes long enough to be read meanwhile."""
WRITES: Final = 4
"""Of one key, one soon after the other."""
READS: Final = 15
"""Reads amid writes."""
WEIGHT_MOST: Final = 6
VERIFYING: Final = 1.5
LOOK: Final = 0.006
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
    reading: list[asyncio.Task[None]] = []
    try:
        for _ in range(ROUNDS):
            if not await _calm(scene, CALM_SECONDS if behind else RECONNECTED):
                break
            if late is not None and behind and cluster.process(late).alive:
                cluster.kill(late)
                await asyncio.sleep(NOTICED)
                await _ask_too_much(scene)
            await cluster.call(lambda coordinator: coordinator.set_quorum(clean_copies(scene)))
            writing = await _broken_writes(scene, dice)
            if late is not None:
                begun = asyncio.ensure_future(scene.revive(late) if behind else _weigh(scene, late, dice))
                await _read_while_verified(scene, dice)
                await asyncio.gather(begun, return_exceptions=True)
            await asyncio.gather(*writing, *reading)
            # Every other time what follows is written while what was written half is still being written back.
            reading = [asyncio.ensure_future(scene.read(key)) for key in scene.keys]
            await asyncio.sleep(dice.choice([NOTICED, dice.uniform(*SENT_SECONDS)]))
    finally:
        await asyncio.gather(*reading)
        if late is not None and behind:
            await scene.revive(late)
        with suppress(ClusterError, CoordinatorGone):
            await cluster.call(lambda coordinator: coordinator.set_quorum(usual))
    return True


async def _ask_too_much(scene: Scene) -> None:
    """Write while a copy more is needed than there are clean ones."""
    cluster = scene.cluster
    topology = cluster.coordinator.topology
    usual, copies = topology.quorum, topology.planned.replication
    await cluster.call(lambda coordinator: coordinator.set_quorum(copies))
    try:
        await asyncio.gather(*(scene.write(key, "too much") for key in scene.keys))
    finally:
        with suppress(ClusterError, CoordinatorGone):
            await cluster.call(lambda coordinator: coordinator.set_quorum(usual))


async def _calm(scene: Scene, seconds: float) -> bool:
    """Whether there are two clean replicas of everything, that can be reached, within so many seconds."""
    cluster = scene.cluster

    def calm() -> bool:
        if not cluster.running or cluster.coordinator._ledger.stopped or clean_copies(scene) < 2:
            return False
        nodes = cluster.coordinator._ledger.nodes
        return all(nodes[name].usable for place in cluster.coordinator.topology.distinct for name in place.clean)

    return await until(calm, seconds, LOOK_FOR_CALM)


def clean_copies(scene: Scene) -> int:
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
        writing.append(asyncio.ensure_future(scene.write(key, "half", kind, large=large)))
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
    cluster = scene.cluster
    await until(
        lambda: cluster.running and any(key in cluster.coordinator._writes.in_flight for key in keys),
        AHEAD_SECONDS,
        SOON,
    )


async def _weigh(scene: Scene, node: str, dice: random.Random) -> None:
    """Slots move."""
    weight = dice.randint(1, WEIGHT_MOST)
    await scene.cluster.call(lambda coordinator: coordinator.set_weight(node, weight))


async def _read_while_verified(scene: Scene, dice: random.Random) -> None:
    """While a replica is being verified, which is late to answer, keys are written of which the one that it is compared with takes
    nothing; and when it is compared again they are read."""
    loop, network = asyncio.get_running_loop(), scene.cluster.network
    end = loop.time() + VERIFYING
    left = dice.sample(scene.keys, VERIFIED_KEYS)
    late, seen = "", {key: list[Counting]() for key in left}
    verified: list[bytes] = []

    def look() -> bool:
        nonlocal late
        if not scene.cluster.running:
            return False
        if not late and (late := _newcomer(scene)):
            network.slow(late, LATE_BY)
        verified[:] = [next((key for key in left if late and _is_verified(scene, key, late, seen[key])), b"")]
        return verified != [b""]

    while left and await until(look, end - loop.time(), LOOK):
        (key,) = verified
        if len(seen[key]) == 1:
            await _write_refused(scene, key)
        else:
            left.remove(key)
            await scene.read(key)
    if late:
        network.slow(late, 0.0)


async def _write_refused(scene: Scene, key: bytes) -> None:
    """Write what the first clean replica has no room for."""
    cluster = scene.cluster
    coordinator = cluster.coordinator
    clean = coordinator.topology.places[coordinator._ledger.slot(key)].clean
    if not clean or clean[0] not in cluster.launcher.processes:
        return
    disk = scene.disk(cluster.data_of(clean[0]))
    # Its room is up to others, who may end what they have begun meanwhile.
    disk.refuses = holds_entries
    try:
        await scene.write(key, "refused")
    finally:
        disk.take_all()


def _newcomer(scene: Scene) -> str:
    """A node that is to become a clean replica of something."""
    places = scene.cluster.coordinator.topology.distinct
    return next((name for place in places for name in place.receiving + place.behind), "")


def _is_verified(scene: Scene, key: bytes, node: str, seen: list[Counting]) -> bool:
    """Whether a node is being verified for a key's slot, anew since the last look. ``seen``: by what it was before."""
    ledger = scene.cluster.coordinator._ledger
    slot = ledger.slot(key)
    for counting in ledger.counting:
        if counting.node == node and counting.covers((slot,)) and counting not in seen:
            seen.append(counting)
            return True
    return False


async def write_twice(scene: Scene, fault: Fault) -> bool:
    """Several writes of a key are under way at once, one of its replicas being late; it is read all the while. Every other time a
    quick one dies, and the links of the late one break."""
    cluster = scene.cluster
    if not await _calm(scene, CALM_SECONDS):
        return False
    dice = random.Random(f"twice:{fault.at}:{fault.amount}")
    nodes = list(cluster.coordinator.topology.members)
    late = dice.choice(nodes)
    cluster.network.slow(late, LATE_BY)
    keys = dice.sample(scene.keys, 2)
    writing = [asyncio.ensure_future(_twice(scene, key, dice.uniform(0.0, 2 * LATE_BY))) for key in keys]
    keys = dice.choices(keys, k=READS)
    for key in keys[READS // 3 :]:
        await asyncio.sleep(LATE_BY / 4)
        reading = scene.read(key) if dice.random() < HALF else scene.read_many()
        await asyncio.wait([asyncio.ensure_future(reading)], timeout=LATE_BY / 4)
    quick = next((node for node in nodes if node != late and fault.flag and cluster.process(node).alive), None)
    if quick is not None:
        cluster.kill(quick)
        cluster.network.cut(late, COORDINATOR)
    cluster.network.slow(late, 0.0)
    await asyncio.gather(*writing)
    await scene.read_all()
    if quick is not None and cluster.running:
        await _ask_too_much(scene)
    if quick is not None:
        await scene.revive(quick)
    return True


async def _twice(scene: Scene, key: bytes, later: float) -> None:
    writing = [asyncio.ensure_future(scene.write(key, "once"))]
    for _ in range(WRITES - 1):
        await asyncio.sleep(later)
        kind = Kind.DELETE if later < LATE_BY / 2 else Kind.PUT
        writing.append(asyncio.ensure_future(scene.write(key, "twice", kind)))
    await asyncio.gather(*writing)


async def write_overdue(scene: Scene, fault: Fault) -> bool:
    """A node is gone, and the disks of the others have no room for a note of that: what is written then waits for it too long."""
    cluster = scene.cluster
    if not await _calm(scene, CALM_SECONDS):
        return False
    gone = scene.chosen(fault)
    if gone is None:
        return False
    disks = [scene.disk(cluster.data_of(name)) for name in cluster.coordinator.topology.members if name != gone]
    for disk in disks:
        disk.refuses = holds_note
    cluster.kill(gone)
    await asyncio.sleep(NOTICED)
    writing = [asyncio.ensure_future(scene.write(key, "overdue")) for key in scene.keys]
    await asyncio.wait(writing, timeout=DEADLINE_SECONDS + 2 * SWEEP_SECONDS)
    for disk in disks:
        disk.take_all()
    await scene.read_all()
    await scene.revive(gone)
    return True


OF_WRITES: Final[dict[FaultKind, Inflict]] = {
    FaultKind.HALVES: write_half,
    FaultKind.TWICE: write_twice,
    FaultKind.OVERDUE: write_overdue,
}
