"""A node that stays away is replaced, where that helps and not before; one that only came and went is not."""

import asyncio

import pytest

from kvtui.core.replacement import LOOK_SECONDS, overdue
from kvtui.core.snapshot import NodeState
from tests.core.clusters import settled as planned_and_placed
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

GRACE = 5.0


@pytest.mark.parametrize(
    ("usable", "replication", "replaced"),
    [("ABC", 2, "D"), ("AB", 2, None), ("AB", 1, None), ("ABC", 3, "D"), ("ABC", 4, None), ("ABCD", 2, None)],
)
def test_it_helps_only_while_more_than_half_are_there_and_as_many_as_there_are_to_be_copies(
    usable: str, replication: int, replaced: str | None
) -> None:
    """Where half are away it is rather the coordinator that is cut off: those on the other side have another one, perhaps."""
    topology = planned_and_placed("ABCD", replication)
    away = {name: 2 * GRACE for name in "ABCD" if name not in usable}
    found = overdue(topology, usable, away, GRACE)
    assert found == replaced
    assert overdue(topology, usable, dict.fromkeys(away, GRACE / 2), GRACE) is None


def test_the_time_away_counts_anew_with_each_absence() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8, grace=GRACE) as cluster:
            members = cluster.coordinator.topology.members

            async def is_down() -> None:
                cluster.kill("n3")
                await cluster.until(lambda snapshot: any(view.state is NodeState.DOWN for view in snapshot.nodes))

            await is_down()
            await asyncio.sleep(GRACE / 2)
            await cluster.revive("n3")
            await cluster.until(settled)
            await asyncio.sleep(2 * GRACE)
            await is_down()
            await asyncio.sleep(GRACE / 2)
            members = cluster.coordinator.topology.members
            assert not members["n3"].replaced
            await asyncio.sleep(GRACE)
            members = cluster.coordinator.topology.members
            assert members["n3"].replaced

    run_virtual(main)


def test_a_node_that_was_back_for_a_moment_is_away_anew() -> None:
    """It came and went between two looks, and was replaced as if it had been away all along."""

    async def main() -> None:
        async with SimCluster(nodes=4, replication=2, slots=8, grace=2 * LOOK_SECONDS) as cluster:
            loop = asyncio.get_running_loop()
            for _ in range(2):
                cluster.kill("n1")
                await cluster.until(lambda snapshot: any(view.state is NodeState.DOWN for view in snapshot.nodes))
                await asyncio.sleep(LOOK_SECONDS)
                await cluster.revive("n1")
                await cluster.until(settled)
            lost_at = loop.time()
            cluster.kill("n1")
            while not cluster.coordinator.topology.members["n1"].replaced:
                await cluster.coordinator._ledger.changed()
            assert loop.time() - lost_at >= 2 * LOOK_SECONDS

    run_virtual(main)
