"""Quorum, read mode and deadlines, as operations feel them."""

import asyncio

import pytest

from kvtui.core.cluster import ClusterError, Outcome, ReadMode
from kvtui.core.protocol import INLINE_BYTES
from kvtui.core.writes import DEADLINE_SECONDS
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

KEY = b"key"


def test_with_a_quorum_of_two_no_write_is_acknowledged_by_one() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=16) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
            assert (await cluster.put(KEY, b"on both")).outcome is Outcome.OK
            cluster.kill("n2")
            await cluster.until(lambda snapshot: any(view.state == "DOWN" for view in snapshot.nodes))
            refused = await cluster.put(KEY, b"on one")
            assert refused.outcome is Outcome.FAILED
            assert "it needs 2 clean copies" in refused.text
            assert (await cluster.get(KEY)).value == b"on both"
            await cluster.call(lambda coordinator: coordinator.set_quorum(0))
            assert (await cluster.put(KEY, b"on one")).outcome is Outcome.OK
            weaker = await cluster.until(lambda snapshot: snapshot.guarantee_weakened)
            assert weaker.guarantee == "every acknowledged write on 1 node only; no stale reads"

    run_virtual(main)


def test_the_quorum_outlives_the_coordinator() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=16) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_quorum(3))
            await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
            await cluster.close()
            await cluster.open()
            snapshot = cluster.coordinator.snapshot()
            assert (snapshot.write_quorum, snapshot.reads) == (3, ReadMode.AVAILABLE)

    run_virtual(main)


def test_a_quorum_above_the_copies_is_refused() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=16) as cluster:
            with pytest.raises(ClusterError, match="can't need 3 copies: every key has 2 copies"):
                await cluster.call(lambda coordinator: coordinator.set_quorum(3))

    run_virtual(main)


async def one_replica_behind_the_other_gone(cluster: SimCluster) -> None:
    """n2 misses the newest write, then n1, which alone has it, goes away."""
    assert (await cluster.put(KEY, b"old")).outcome is Outcome.OK
    cluster.kill("n2")
    await cluster.until(lambda snapshot: snapshot.behind > 0)
    assert (await cluster.put(KEY, b"new")).outcome is Outcome.OK
    cluster.network.partition("coordinator", ["n1"])
    cluster.kill("n1")
    await cluster.until(lambda snapshot: all(view.state == "DOWN" for view in snapshot.nodes))
    await cluster.revive("n2")


def test_strict_reads_fail_where_only_a_replica_that_is_behind_answers() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=16) as cluster:
            await one_replica_behind_the_other_gone(cluster)
            read = await cluster.get(KEY)
            assert (read.outcome, read.value) == (Outcome.FAILED, None)
            assert "it waits for " in read.text

    run_virtual(main)


def test_available_reads_answer_from_it_and_say_so() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=16) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
            await cluster.put(KEY, b"first")
            fresh = await cluster.get(KEY)
            assert not fresh.stale
            await one_replica_behind_the_other_gone(cluster)
            read = await cluster.get(KEY)
            assert (read.outcome, read.value, read.stale) == (Outcome.OK, b"old", True)

    run_virtual(main)


@pytest.mark.parametrize("delay", [0.7, 1.4, 4.0])
def test_no_operation_outlives_its_deadline_or_the_arrival_of_its_pieces_however_slow_a_node_is(delay: float) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with SimCluster(nodes=2, replication=2, slots=16) as cluster:
            await cluster.put(KEY, b"first")
            cluster.network.slow("n2", delay)
            large = b"x" * 1_000_000
            values = [b"small", large, b"again"]
            # A long value goes in pieces, and its clock counts from the last one that arrived.
            pieces = len(large) // INLINE_BYTES + 1
            for value in values:
                moving = 2 * delay * pieces if value is large and 2 * delay < DEADLINE_SECONDS else 0.0
                for operation, longest in (
                    (cluster.put(KEY, value), moving),
                    (cluster.get(KEY), moving),
                    (cluster.delete(KEY), 0.0),
                ):
                    began = loop.time()
                    await operation
                    assert loop.time() - began <= DEADLINE_SECONDS + longest + 0.01
            cluster.network.calm()
            await cluster.until(settled)
            assert (await cluster.put(KEY, b"last")).outcome is Outcome.OK
            assert (await cluster.get(KEY)).value == b"last"

    run_virtual(main)
