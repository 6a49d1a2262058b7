"""What the coordinator makes of what nodes say of themselves: damage is repaired, a lost tail is noticed."""

from kvtui.core.cluster import Outcome
from kvtui.node.record import engine_key
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import STATE, SimCluster, settled
from tests.simulation.loop import run_virtual

KEY, VALUE = b"apple", b"a value that is damaged on one node"


def disk_of(cluster: SimCluster, node: str) -> FaultyDisk:
    disk = cluster.disks.disk(STATE / "nodes" / node)
    assert isinstance(disk, FaultyDisk)
    return disk


def test_a_damaged_entry_is_never_served_and_is_repaired_without_being_asked_to() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=lambda path: FaultyDisk()) as cluster:
            await cluster.put(KEY, VALUE)
            first = (await cluster.call(lambda coordinator: coordinator.locate(KEY))).replicas[0].node
            disk_of(cluster, first).flip(engine_key(KEY), -1)
            read = await cluster.get(KEY)
            assert (read.outcome, read.value) == (Outcome.OK, VALUE)
            other = next(view.id for view in cluster.coordinator.snapshot().nodes if view.id != first)
            # Told first, then repaired.
            coordinator = cluster.coordinator
            told = anext(event async for event in coordinator.events() if "damaged" in event.text)
            assert first in (await told).nodes
            await cluster.until(lambda snapshot: coordinator._ledger.nodes[first].facts.damaged == 0)
            cluster.kill(other)
            read = await cluster.get(KEY)
            assert (read.outcome, read.value, read.node) == (Outcome.OK, VALUE, first), read.text

    run_virtual(main)


def test_a_tail_that_a_node_lost_while_the_coordinator_was_dead_is_noticed() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, replication=1, slots=8) as cluster:
            await cluster.put(KEY, VALUE)
            counter = cluster.coordinator._ledger.nodes["n1"].counter
            before = cluster.coordinator._ledger.topology.members["n1"].counter
            assert before < counter
            await cluster.until(lambda snapshot: cluster.coordinator._ledger.topology.members["n1"].counter == counter)
            await cluster.until(settled)

    run_virtual(main)
