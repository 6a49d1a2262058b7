"""Tombstones go once nobody needs them, and what they deleted never comes back."""

import asyncio

from kvtui.core.cluster import Outcome
from kvtui.core.mover import PURGE_SECONDS
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

KEYS = [b"key %d" % number for number in range(20)]


async def tombstones(cluster: SimCluster) -> int:
    """On all nodes that are up, as they tell."""
    await cluster.call(lambda coordinator: coordinator.refresh())
    stores = [process.server.store for process in cluster.launcher.processes.values() if process.server]
    return sum(sum(store.table.dead) for store in stores)


async def put_and_delete_all(cluster: SimCluster) -> None:
    for key in KEYS:
        assert (await cluster.put(key, b"value")).outcome is Outcome.OK
        assert (await cluster.delete(key)).outcome is Outcome.OK


async def all_absent(cluster: SimCluster) -> bool:
    reads = [await cluster.get(key) for key in KEYS]
    return all(read.outcome is Outcome.OK and read.value is None for read in reads)


def test_tombstones_go_once_every_copy_is_clean() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=16) as cluster:
            await put_and_delete_all(cluster)
            assert await tombstones(cluster) == 2 * len(KEYS)
            await asyncio.sleep(2 * PURGE_SECONDS + 1)
            assert await tombstones(cluster) == 0
            assert await all_absent(cluster)

    run_virtual(main)


def test_a_tombstone_stays_while_a_replica_is_away_that_holds_the_value() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=16) as cluster:
            for key in KEYS:
                await cluster.put(key, b"value")
            cluster.kill("n2")
            await cluster.until(lambda snapshot: snapshot.behind > 0)
            for key in KEYS:
                assert (await cluster.delete(key)).outcome is Outcome.OK
            await asyncio.sleep(3 * PURGE_SECONDS)
            server = cluster.process("n1").server
            assert server is not None
            assert sum(server.store.table.dead) == len(KEYS)
            await cluster.revive("n2")
            await cluster.until(settled)
            assert await all_absent(cluster)
            await asyncio.sleep(2 * PURGE_SECONDS + 1)
            assert await tombstones(cluster) == 0
            assert await all_absent(cluster)

    run_virtual(main)


def test_a_delete_of_unknown_outcome_is_not_purged_before_it_is_settled() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, replication=1, slots=16) as cluster:
            await cluster.put(KEYS[0], b"value")
            cluster.network.partition("n1", "coordinator", one_way=True)
            deleted = await cluster.delete(KEYS[0])
            assert deleted.outcome is Outcome.UNKNOWN
            cluster.network.heal(late=False)
            await cluster.until(settled)
            await asyncio.sleep(3 * PURGE_SECONDS)
            assert await tombstones(cluster) == 1
            assert await all_absent(cluster)
            await asyncio.sleep(3 * PURGE_SECONDS)
            assert await tombstones(cluster) == 0

    run_virtual(main)
