"""Connections of which the coordinator knows that they broke while a node still reads what was sent on them."""

import asyncio
import random
from pathlib import Path
from typing import Final

from kvtui.core.malformed import MALFORMED
from kvtui.core.protocol import Del, Put, PutRun, decode_request, from_blob
from tests.simulation.faults.scene import Inflict, Scene
from tests.simulation.harness import COORDINATOR
from tests.simulation.loop import until
from tests.simulation.model import HEAD, KEY_AT, VERSION, packed, where
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
MOMENT: Final = 0.000_1
ARRIVED: Final = 0.003
"""Seconds before it arrives, and until after it did."""
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
    late, sent, node = dice.uniform(*LATE_SECONDS), b"", ""
    if greeted is not None:
        cluster.network.cut(greeted, COORDINATOR)
        late += GREETED_SECONDS
    writing = [asyncio.ensure_future(scene.write(key, "stranded")) for key in scene.keys]

    def stranded() -> bool:
        nonlocal sent, node
        # Not a read, which any session may have answered.
        node = greeted or _written_to(scene, dice)
        sent = cluster.network.strand(COORDINATOR, node, late, SESSION if greeted else b"") if node else b""
        return bool(sent)

    done = await until(stranded, WAITS_GREETED if greeted else LOOKS * LOOK, LOOK)
    if done:
        await _look_at_what_is_late(scene, node, sent, late)
    await asyncio.gather(*writing)
    return done


async def _look_at_what_is_late(scene: Scene, node: str, sent: bytes, late: float) -> None:
    """A node that obeys a newer session by then stores nothing of it."""
    cluster = scene.cluster
    path = cluster.data_of(node)
    await asyncio.sleep(late - MOMENT)
    machine = cluster.machine
    remote = cluster.coordinator._ledger.nodes.get(node) if cluster.running else None
    link = None if remote is None else remote.link
    if link is None or not cluster.disks.exists(path):
        return
    written = [(where(key), packed(version)) for key, version in _writes_in(sent)]
    before = {place: _version_at(scene, path, place) for place, _ in written}
    await asyncio.sleep(ARRIVED)
    if cluster.machine is not machine or remote is None or remote.link is not link or not cluster.disks.exists(path):
        return
    for place, version in written:
        if before[place] != version and _version_at(scene, path, place) == version:
            scene.served_elsewhere.append(f"{node} stored what an older session had sent: {place[KEY_AT:]!r}")


def _version_at(scene: Scene, path: Path, place: bytes) -> bytes:
    record = scene.disk(path).found(place)
    return b"" if record is None else record[HEAD][:VERSION]


def _writes_in(sent: bytes) -> list[tuple[bytes, tuple[int, int]]]:
    """The keys and versions of the whole requests in what was sent."""
    found: list[tuple[bytes, tuple[int, int]]] = []
    for line in sent.splitlines():
        try:
            request = decode_request(line)
        except MALFORMED:
            continue
        if isinstance(request, Put | Del) and request.version is not None:
            found.append((from_blob(request.key), request.version))
        elif isinstance(request, PutRun):
            epoch, first = request.first
            found += [(from_blob(key), (epoch, seq)) for seq, key in enumerate(request.keys, start=first)]
    return found


def _written_to(scene: Scene, dice: random.Random) -> str:
    """A node of those that hold a key of which a write is under way; empty where none is."""
    if not scene.cluster.running:
        return ""
    coordinator = scene.cluster.coordinator
    keys = [key for key in scene.keys if key in coordinator._writes.in_flight]
    nodes = sorted({name for key in keys for name in coordinator.topology.places[coordinator._ledger.slot(key)].clean})
    return dice.choice(nodes) if nodes else ""


OF_STREAMS: Final[dict[FaultKind, Inflict]] = {FaultKind.STRANDED: strand}
