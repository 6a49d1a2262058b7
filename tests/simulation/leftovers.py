"""What must not be left when all is calm: what is under way, room that is never given back, things remembered of nobody."""

from collections.abc import Iterator
from typing import Final

from kvtui.core.coordinator import Coordinator
from kvtui.node.server import NodeServer
from tests.simulation.harness import SimCluster

SLACK_BYTES: Final = 10_000
"""What nodes keep about themselves, and write again and again, is counted roughly."""


def leftover(cluster: SimCluster) -> str:
    """What is left in a cluster whose clients are silent, in words: the first that is found; empty where nothing is."""
    left = list(_of_coordinator(cluster.coordinator))
    for name in cluster.coordinator.topology.members:
        server = cluster.process(name).server
        if server is not None:
            left += [f"{name} {what}" for what in _of_node(server)]
    return left[0] if left else ""


def _of_coordinator(coordinator: Coordinator) -> Iterator[str]:
    writes, reads, ledger = coordinator._writes, coordinator._reads, coordinator._ledger
    if writes.in_flight or writes._unsettled:
        yield f"writes of {list(writes.in_flight)} never settled, nor did {len(writes._unsettled)} in all"
    if writes._large.locked() or reads._large.locked() or coordinator._mover._large.locked():
        yield "a large value is still said to be sent"
    if reads._room.used:
        yield f"{reads._room.used} bytes of values are still said to be fetched"
    if any(ledger.repairs.values()):
        yield f"repairs are still said to be under way: {ledger.repairs}"
    if ledger.counting and not coordinator._mover._running:
        yield f"replicas are still said to be verified: {ledger.counting}"
    behind = {node for place in ledger.topology.distinct for node in place.behind}
    if set(ledger.hints) - behind:
        yield f"keys are remembered as missing on {set(ledger.hints) - behind}, who misses nothing"


def _of_node(server: NodeServer) -> Iterator[str]:
    held = sum(upload.total for each in server._connections for upload in each.peer.uploads._open.values())
    counted = next((each.peer.uploads._space.used for each in server._connections), held)
    if counted != held:
        yield f"has {held} bytes of values under way, and counts {counted}"
    store = server.store
    wasted = store._engine.disk_bytes - store.held_bytes
    # While it is compacted, more is said than there is: what is done is subtracted at the end.
    if store.garbage < wasted - SLACK_BYTES:
        yield f"says that {store.garbage} bytes could be given back, and those are {wasted}"
