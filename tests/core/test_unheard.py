"""On what may be an old copy of the log, the one node that knew better is wiped: what the others hold may be old, and says so."""

import asyncio
from pathlib import Path

import pytest

from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.placement import Placement
from kvtui.core.records import Behind
from kvtui.core.unheard import discredited
from tests.core.clusters import after, placed_as, settled
from tests.simulation.harness import COORDINATOR, SimCluster
from tests.simulation.harness import settled as all_well
from tests.simulation.loop import run_virtual

COPY = Path("copy")


@pytest.mark.parametrize(
    ("place", "others"),
    [
        (Placement(("A", "B"), ("A", "B")), ["A"]),
        (Placement(("A", "B"), ("A",), returning=("B",)), ["A"]),
        (Placement(("A", "C"), ("A", "C"), receiving=("B",), target=("B", "C")), ["A", "C"]),
        (Placement(("A", "B"), ("A",)), []),
        (Placement(("A", "C"), ("A", "C"), garbage=("B",)), []),
    ],
)
def test_whoever_counts_beside_a_node_that_may_have_gone_on_alone_counts_no_more(
    place: Placement, others: list[str]
) -> None:
    topology = after(placed_as(settled("ABC"), place))
    assert discredited(topology, "B") == [Behind(node, [(0, len(topology.places))]) for node in others]


async def open_a_copy_that_only_a_wiped_node_knew_to_be_old(cluster: SimCluster) -> None:
    """n2 went on without n1, which missed a write, and is down and wiped now; n1 is there."""
    await cluster.join("n1")
    await cluster.join("n2")
    await cluster.until(all_well)
    await cluster.put(b"key", b"old")
    cluster.copy_log(COPY)
    cluster.kill("n1")
    assert (await cluster.put(b"key", b"new")).outcome is Outcome.OK
    cluster.crash()
    await cluster.revive("n1")
    cluster.kill("n2")
    cluster.wipe("n2")
    await cluster.open_at(COPY)


def test_a_write_that_only_a_wiped_node_had_is_not_lost_in_silence_by_an_old_copy_of_the_log() -> None:
    async def main() -> None:
        async with SimCluster(nodes=0, attached=True, replication=2, slots=4) as cluster:
            await open_a_copy_that_only_a_wiped_node_knew_to_be_old(cluster)
            # Until it is back it may be asked.
            with pytest.raises(ClusterError, match="n2 may hold newer writes"):
                await cluster.call(lambda coordinator: coordinator.remove_node("n2", force=True))
            why = "this log may be an old copy, and n2 may have known of newer writes"
            told = anext(event async for event in cluster.coordinator.events() if why in event.text)
            telling = asyncio.ensure_future(told)
            await cluster.revive("n2")
            await telling
            assert (await cluster.get(b"key")).outcome is Outcome.FAILED
            await cluster.call(lambda coordinator: coordinator.accept_loss())
            await cluster.until(all_well)
            assert (await cluster.get(b"key")).value == b"old"

    run_virtual(main)


def test_a_wiped_node_that_had_said_that_it_knew_nothing_newer_costs_nothing() -> None:
    async def main() -> None:
        async with SimCluster(nodes=0, attached=True, replication=2, slots=4) as cluster:
            for name in ("n1", "n2", "n3"):
                await cluster.join(name)
            await cluster.until(all_well)
            await cluster.put(b"key", b"value")
            cluster.copy_log(COPY)
            cluster.crash()
            cluster.network.partition(COORDINATOR, "n3")
            await cluster.open_at(COPY)
            await cluster.until(lambda now: "n2" in cluster.coordinator._ledger.granted)
            cluster.kill("n2")
            cluster.wipe("n2")
            await cluster.revive("n2")
            cluster.network.heal()
            await cluster.until(all_well)
            assert not cluster.coordinator.topology.lost
            assert (await cluster.get(b"key")).value == b"value"

    run_virtual(main)
