"""Connections of which the coordinator knows that they broke while a node still reads what was sent on them."""

import asyncio
import random
from typing import Final

from tests.simulation.faults.scene import Inflict, Scene
from tests.simulation.harness import COORDINATOR
from tests.simulation.plan import Fault, FaultKind

LATE_SECONDS: Final = (0.02, 1.5)
"""By which the last requests of a connection are late."""
WAITS: Final = 60
WAIT: Final = 0.1
"""How often, and how many seconds each time, a coordinator is waited for that was killed."""
LOOKS: Final = 500
LOOK: Final = 0.000_3
"""How often, and after how many seconds each time, it is looked whether a write has been sent."""


async def strand(scene: Scene, fault: Fault) -> bool:
    """Writes are on their way on a connection that breaks; the next one has said hello before they arrive."""
    cluster = scene.cluster
    dice = random.Random(f"stranded:{fault.at}:{fault.amount}")
    for _ in range(WAITS):
        if cluster.running:
            break
        await asyncio.sleep(WAIT)
    writing = [asyncio.ensure_future(scene.write(key, "stranded")) for key in scene.keys]
    stranded = 0
    for _ in range(LOOKS):
        node = _written_to(scene, dice)
        # Not a read, which any session may have answered.
        stranded = cluster.network.strand(COORDINATOR, node, dice.uniform(*LATE_SECONDS)) if node else 0
        if stranded:
            break
        await asyncio.sleep(LOOK)
    await asyncio.gather(*writing)
    return bool(stranded)


def _written_to(scene: Scene, dice: random.Random) -> str:
    """A node of those that hold a key of which a write is under way; empty where none is."""
    if not scene.cluster.running:
        return ""
    coordinator = scene.cluster.coordinator
    keys = [key for key in scene.keys if key in coordinator._writes.in_flight]
    nodes = sorted({name for key in keys for name in coordinator.topology.places[coordinator._ledger.slot(key)].clean})
    return dice.choice(nodes) if nodes else ""


OF_STREAMS: Final[dict[FaultKind, Inflict]] = {FaultKind.STRANDED: strand}
