"""Connections of which the coordinator knows that they broke while a node still reads what was sent on them."""

import asyncio
import random
from typing import Final

from tests.simulation.faults.scene import Inflict, Scene
from tests.simulation.harness import COORDINATOR
from tests.simulation.loop import until
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
    await until(lambda: cluster.running, WAITS * WAIT, WAIT)
    writing = [asyncio.ensure_future(scene.write(key, "stranded")) for key in scene.keys]

    def stranded() -> bool:
        node = _written_to(scene, dice)
        # Not a read, which any session may have answered.
        return bool(node and cluster.network.strand(COORDINATOR, node, dice.uniform(*LATE_SECONDS)))

    done = await until(stranded, LOOKS * LOOK, LOOK)
    await asyncio.gather(*writing)
    return done


def _written_to(scene: Scene, dice: random.Random) -> str:
    """A node of those that hold a key of which a write is under way; empty where none is."""
    if not scene.cluster.running:
        return ""
    coordinator = scene.cluster.coordinator
    keys = [key for key in scene.keys if key in coordinator._writes.in_flight]
    nodes = sorted({name for key in keys for name in coordinator.topology.places[coordinator._ledger.slot(key)].clean})
    return dice.choice(nodes) if nodes else ""


OF_STREAMS: Final[dict[FaultKind, Inflict]] = {FaultKind.STRANDED: strand}
