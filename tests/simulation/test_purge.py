"""Tombstones go once nobody needs them, and what they deleted never comes back."""

import asyncio

import pytest

from kvtui.core import purge as purging
from kvtui.core.cluster import Outcome
from kvtui.core.mover import PURGE_SECONDS
from kvtui.core.purge import _purge_some
from kvtui.core.work import Kind
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


def test_a_tombstone_that_comes_while_others_are_purged_goes_the_next_time() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            assert (await cluster.put(KEYS[1], b"value")).outcome is Outcome.OK
            assert (await cluster.delete(KEYS[0])).outcome is Outcome.OK
            await cluster.call(lambda coordinator: coordinator.rebalance())
            coordinator = cluster.coordinator
            cluster.network.slow("n2", 0.2)
            while not any(piece.kind is Kind.PURGE for piece in coordinator._mover._running):
                await asyncio.sleep(0.01)
            # The pages with what is to go are listed already, or about to be.
            await asyncio.sleep(0.5)
            assert any(piece.kind is Kind.PURGE for piece in coordinator._mover._running)
            assert (await cluster.delete(KEYS[1])).outcome is Outcome.OK
            cluster.network.slow("n2", 0.0)
            await asyncio.sleep(4 * PURGE_SECONDS)
            assert await tombstones(cluster) == 0

    run_virtual(main)


def test_a_purge_is_logged_before_it_and_asks_last_of_all_whether_it_may() -> None:
    """Who loses its tombstone later must be noticed. And replicas may have changed while their copies were compared."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            for key in KEYS[:3]:
                assert (await cluster.delete(key)).outcome is Outcome.OK
            await cluster.call(lambda coordinator: coordinator.rebalance())
            peers = [cluster.coordinator._mover._peer(name) for name in ("n1", "n2")]
            logged: list[int] = []
            changed = False

            def still() -> bool:
                return not changed

            def log() -> None:
                stores = [process.server.store for process in cluster.launcher.processes.values() if process.server]
                logged.append(sum(sum(store.table.dead) for store in stores))

            purging = asyncio.ensure_future(_purge_some(peers, KEYS[:3], still, lambda key: True, log))
            await asyncio.sleep(0)
            changed = True
            assert await purging == KEYS[:3]
            assert (logged, await tombstones(cluster)) == ([], 6)
            changed = False
            assert await _purge_some(peers, KEYS[:3], still, lambda key: key != KEYS[2], log) == [KEYS[2]]
            assert (logged, await tombstones(cluster)) == ([6], 2)

    run_virtual(main)


def test_what_must_wait_of_any_page_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "PAGE", 1)

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            for key in KEYS:
                assert (await cluster.delete(key)).outcome is Outcome.OK
            await cluster.call(lambda coordinator: coordinator.rebalance())
            peers = [cluster.coordinator._mover._peer(name) for name in ("n1", "n2")]
            waiting = await purging.purge(peers, 0, 8, lambda: True, lambda key: False, lambda: None)
            assert sorted(waiting) == sorted(KEYS)

    run_virtual(main)
