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
SESSION: Final = b'"session":'
"""In a hello that makes a node obey."""
WAITS_GREETED: Final = 1.0
GREETED_SECONDS: Final = 0.6
"""Until when it is waited for such a hello, and by which it is late at least: by then the next one was said."""
LOOKS: Final = 500
LOOK: Final = 0.000_3
"""How often, and after how many seconds each time, it is looked whether a write has been sent."""


async def strand(scene: Scene, fault: Fault) -> bool:
    """Writes are on their way on a connection that breaks, or every other time a hello; the next one has said hello before they
    arrive, and what comes late changes nothing."""
    cluster = scene.cluster
    dice = random.Random(f"stranded:{fault.at}:{fault.amount}")
    await until(lambda: cluster.running, WAITS * WAIT, WAIT)
    greeted = scene.chosen(fault) if fault.flag else None
    late = dice.uniform(*LATE_SECONDS)
    if greeted is not None:
        cluster.network.cut(greeted, COORDINATOR)
        late += GREETED_SECONDS
    writing = [asyncio.ensure_future(scene.write(key, "stranded")) for key in scene.keys]

    def stranded() -> bool:
        # Not a read, which any session may have answered.
        node = greeted or _written_to(scene, dice)
        return bool(node and cluster.network.strand(COORDINATOR, node, late, SESSION if greeted else b""))

    done = await until(stranded, WAITS_GREETED if greeted else LOOKS * LOOK, LOOK)
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
