"""What scenarios of whole clusters share."""

from kvtui.core.cluster import Outcome
from kvtui.core.link import Link
from kvtui.core.placement import Placement
from kvtui.core.ring import slot_of, token_of
from kvtui.core.snapshot import NodeState
from kvtui.core.version import Version
from kvtui.core.work import Kind, Work
from kvtui.node.store import Store
from tests.simulation.harness import SimCluster, settled


def key_in(slot: int, slots: int, number: int = 0) -> bytes:
    """A key of that slot: the first one, or another one by its ``number``."""
    found = (key for key in (b"key %d" % count for count in range(100_000)) if slot_of(token_of(key), slots) == slot)
    for _ in range(number):
        next(found)
    return next(found)


async def be_quiet(cluster: SimCluster, key: bytes = b"key") -> None:
    """``key`` is acknowledged as "old" and every slot compared; from here on the mover does nothing: the scenario does it."""
    assert (await cluster.put(key, b"old")).outcome is Outcome.OK
    await cluster.until(settled)
    await cluster.call(lambda coordinator: coordinator.rebalance())
    # What is under way on all slots is in the way of everything else.
    slots = len(cluster.coordinator.topology.places)
    cluster.coordinator._mover._running.append(Work(Kind.COMPARE, 0, slots, Placement()))


def link_of(cluster: SimCluster, node: str) -> Link:
    """The coordinator's link to a node."""
    link = cluster.coordinator._ledger.nodes[node].link
    assert link is not None
    return link


def store_of(cluster: SimCluster, node: str) -> Store:
    """What a node that runs here holds."""
    server = cluster.process(node).server
    assert server is not None
    return server.store


async def down(cluster: SimCluster, node: str) -> None:
    """Kill a node, and wait until the coordinator knows."""
    cluster.kill(node)

    await cluster.until(lambda snapshot: any(v.id == node and v.state is NodeState.DOWN for v in snapshot.nodes))


async def versions(cluster: SimCluster, key: bytes = b"key") -> dict[str, Version | None]:
    """What each replica of the key, and each newcomer, has of it."""
    location = await cluster.call(lambda coordinator: coordinator.locate(key))
    return {copy.node: copy.version for copy in location.replicas}
