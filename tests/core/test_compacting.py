"""A cluster whose nodes give back the space of what was deleted, by themselves and when asked."""

import asyncio

import pytest

from kvtui.core.cluster import ClusterError, Compaction, Outcome
from kvtui.node import garbage
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

KEYS = [b"key %d" % number for number in range(300)]
VALUE = b"v" * 200
SOON_SECONDS = 30.0


def cluster_of(nodes: int, replication: int = 1) -> SimCluster:
    return SimCluster(nodes=nodes, replication=replication, slots=16, make_disk=FaultyDisk)


def disk_of(cluster: SimCluster, node: str) -> FaultyDisk:
    disk = cluster.disks.disk(cluster.data_of(node))
    assert isinstance(disk, FaultyDisk)
    return disk


def sizes(cluster: SimCluster) -> list[int]:
    return [disk_of(cluster, view.id).size for view in cluster.coordinator.snapshot().nodes]


async def compacted(cluster: SimCluster, node: str) -> Compaction:
    found = await cluster.call(lambda c: c.compact(node))
    while found.done < found.total:
        await asyncio.sleep(0.01)
        found = await cluster.call(lambda c: c.compact(node, begin=False))
    return found


async def put_all(cluster: SimCluster) -> None:
    written = await cluster.put_many([(key, VALUE) for key in KEYS])
    assert written.ok == len(KEYS)


def test_soon_after_everything_is_deleted_the_disks_are_small_again() -> None:
    async def main() -> None:
        async with cluster_of(3, replication=2) as cluster:
            await put_all(cluster)
            full = sizes(cluster)
            assert (await cluster.delete_many(KEYS)).ok == len(KEYS)
            assert all(now >= then for now, then in zip(sizes(cluster), full, strict=True))
            await asyncio.sleep(SOON_SECONDS)
            assert all(now < then / 5 for now, then in zip(sizes(cluster), full, strict=True))
            assert (await cluster.get(KEYS[0])).value is None

    run_virtual(main)


def test_a_node_that_gave_its_slots_away_shrinks() -> None:
    async def main() -> None:
        async with cluster_of(1) as cluster:
            await put_all(cluster)
            (full,) = sizes(cluster)
            for name in ("n2", "n3"):
                await cluster.join(name)
            await cluster.until(settled)
            await asyncio.sleep(SOON_SECONDS)
            assert disk_of(cluster, "n1").size < full / 2
            reads = await cluster.get_many(KEYS)
            assert all(read.outcome is Outcome.OK and read.value == VALUE for read in reads)

    run_virtual(main)


def test_a_node_is_compacted_when_it_is_asked_for() -> None:
    async def main() -> None:
        async with cluster_of(2) as cluster:
            for _ in range(4):
                await put_all(cluster)
            found = await compacted(cluster, "n1")
            assert (found.node, found.done) == ("n1", found.total)
            assert found.now == disk_of(cluster, "n1").size < found.before / 2
            assert (await cluster.get(KEYS[0])).value == VALUE

    run_virtual(main)


def test_who_can_not_be_compacted_is_told_in_words() -> None:
    async def main() -> None:
        async with cluster_of(2) as cluster:
            with pytest.raises(ClusterError, match="there is no node n9; nodes: n1, n2"):
                await cluster.call(lambda c: c.compact("n9"))
            cluster.kill("n1")
            await cluster.until(lambda snapshot: snapshot.behind > 0 or str(snapshot.nodes[0].state) == "DOWN")
            with pytest.raises(ClusterError, match="n1 is DOWN: start it first"):
                await cluster.call(lambda c: c.compact("n1"))
            disk_of(cluster, "n2").compaction_fails = "the disk is worn"
            with pytest.raises(ClusterError, match="n2: its space could not be given back: the disk is worn"):
                await compacted(cluster, "n2")
            assert (await cluster.call(lambda c: c.refresh())).nodes[1].state == "UP"

    run_virtual(main)


def test_a_compaction_that_fails_by_itself_is_told_once_and_ends_nothing() -> None:
    async def main() -> None:
        async with cluster_of(1) as cluster:
            heard: list[str] = []

            async def listen() -> None:
                async for event in cluster.coordinator.events():
                    heard.append(event.text)

            listening = asyncio.create_task(listen())
            disk_of(cluster, "n1").compaction_fails = "the disk is worn"
            for _ in range(3):
                await put_all(cluster)
                await asyncio.sleep(2 * garbage.RETRY_SECONDS)
            told = [text for text in heard if "space" in text]
            assert told == ["n1 can't give back the space of what was deleted: the disk is worn"]
            disk_of(cluster, "n1").compaction_fails = ""
            await put_all(cluster)
            await asyncio.sleep(2 * garbage.RETRY_SECONDS)
            listening.cancel()
            assert "n1 gives back the space of what was deleted again" in heard
            assert not any("DOWN" in text for text in heard)
            assert (await cluster.get(KEYS[0])).value == VALUE

    run_virtual(main)
