"""Whole clusters under virtual time: they work, they repeat, and each way of breaking them does what it says."""

import asyncio
import time
from pathlib import Path

import pytest

from kvtui.core.cluster import Outcome
from kvtui.core.snapshot import NodeState
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import STATE, CoordinatorGone, SimCluster, settled
from tests.simulation.launcher import FAILED_STATUS
from tests.simulation.loop import run_virtual
from tests.simulation.other_processes import printed
from tests.simulation.seeds import seeded

ROOT = Path(__file__).parents[2]
KEYS = [b"key %d" % number for number in range(40)]


async def put_all(cluster: SimCluster, value: bytes) -> None:
    for key in KEYS:
        assert (await cluster.put(key, value)).outcome is Outcome.OK


async def read_all(cluster: SimCluster) -> set[bytes | None]:
    return {(await cluster.get(key)).value for key in KEYS}


@seeded(5)
def test_a_cluster_survives_a_node_s_death_and_the_coordinator_s(seed: int) -> None:
    async def main() -> None:
        async with SimCluster(seed, nodes=3, replication=2) as cluster:
            await put_all(cluster, b"first")
            cluster.kill("n2")
            await put_all(cluster, b"second")
            await cluster.revive("n2")
            await cluster.until(settled)
            assert await read_all(cluster) == {b"second"}
            cluster.crash()
            assert (await cluster.put(b"a", b"b")).outcome is Outcome.FAILED
            assert (await cluster.get(b"a")).outcome is Outcome.FAILED
            with pytest.raises(CoordinatorGone):
                await cluster.call(lambda coordinator: coordinator.refresh())
            await cluster.open()
            await cluster.until(settled)
            assert await read_all(cluster) == {b"second"}

    run_virtual(main, seed=seed)


async def story(seed: int) -> tuple[int, int, float]:
    """Everything that a cluster goes through; the fingerprint of what arrived anywhere."""
    async with SimCluster(seed, nodes=3, replication=2, slots=8) as cluster:
        await put_all(cluster, b"first")
        await cluster.launch("n4", 7400)
        await cluster.call(lambda coordinator: coordinator.add_node("n4", "127.0.0.1", 7400))
        cluster.pause("n1")
        writes = [asyncio.create_task(cluster.put(key, b"second")) for key in KEYS]
        await asyncio.sleep(3)
        cluster.network.partition("n3", "coordinator")
        cluster.resume("n1")
        await asyncio.sleep(3)
        cluster.network.heal()
        await asyncio.gather(*writes)
        cluster.kill("n2")
        await asyncio.sleep(1)
        await cluster.revive("n2")
        cluster.crash()
        await asyncio.sleep(1)
        await cluster.open()
        await cluster.until(settled)
        await cluster.call(lambda coordinator: coordinator.remove_node("n1"))
        assert await read_all(cluster) <= {b"first", b"second"}
    return cluster.network.fingerprint, cluster.network.deliveries, asyncio.get_running_loop().time()


def test_a_seed_is_a_story() -> None:
    stories = [run_virtual(story, seed, seed=seed) for seed in range(4)]
    assert len(set(stories)) == 4
    assert stories == [run_virtual(story, seed, seed=seed) for seed in range(4)]


def test_a_story_does_not_depend_on_the_process() -> None:
    code = (
        "from tests.simulation.loop import run_virtual; from tests.simulation.test_harness import story;"
        "print([run_virtual(story, seed, seed=seed) for seed in range(3)])"
    )
    assert printed(code) == {f"{[run_virtual(story, seed, seed=seed) for seed in range(3)]}\n"}


def test_ten_minutes_of_a_quiet_cluster_take_seconds() -> None:
    async def main() -> float:
        async with SimCluster(nodes=3, replication=2) as cluster:
            await put_all(cluster, b"kept")
            before = time.perf_counter()
            await asyncio.sleep(600)
            took = time.perf_counter() - before
            assert await read_all(cluster) == {b"kept"}
            return took

    assert run_virtual(main) < 30


def test_a_paused_node_is_seen_down_and_comes_back() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            cluster.pause("n2")
            await cluster.until(lambda snapshot: snapshot.nodes[1].state is NodeState.DOWN)
            await put_all(cluster, b"without n2")
            cluster.resume("n2")
            await cluster.until(settled)
            cluster.kill("n1")
            assert await read_all(cluster) == {b"without n2"}

    run_virtual(main)


def test_a_write_during_the_coordinator_s_crash_is_unknown() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1) as cluster:
            cluster.network.slow("n1", 0.2)
            write = asyncio.create_task(cluster.put(b"a", b"b"))
            await asyncio.sleep(0.1)
            cluster.crash()
            assert (await write).outcome is Outcome.UNKNOWN

    run_virtual(main)


def test_the_coordinator_crashes_at_each_of_its_writes_and_opens_again() -> None:
    async def main(write: int, written: bool) -> bool:
        cluster = SimCluster(nodes=2, replication=1, slots=8)
        await cluster.open()
        await put_all(cluster, b"kept")
        await cluster.launch("n3", 7400)
        cluster.disks.crash_at("coordinator", write, written=written)
        try:
            await cluster.call(lambda coordinator: coordinator.add_node("n3", "127.0.0.1", 7400))
            await cluster.until(settled)
        except CoordinatorGone:
            await asyncio.sleep(1)
            await cluster.open()
            await cluster.until(settled)
            crashed = True
        else:
            crashed = False
        assert await read_all(cluster) == {b"kept"}
        return crashed

    crashes = 0
    while run_virtual(main, crashes + 1, crashes % 2 == 0):
        crashes += 1
    assert crashes >= 3


def test_a_wiped_node_is_filled_again() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            await put_all(cluster, b"kept")
            cluster.kill("n1")
            cluster.wipe("n1")
            await cluster.revive("n1")
            await cluster.until(settled)
            cluster.kill("n2")
            assert await read_all(cluster) == {b"kept"}

    run_virtual(main)


def test_a_cluster_in_memory_uses_no_disk() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, memory=True) as cluster:
            await put_all(cluster, b"here")
            assert await read_all(cluster) == {b"here"}
            assert cluster.disks.paths == []

    run_virtual(main)


def test_all_is_mended_at_once() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=3) as cluster:
            await cluster.launch("n3", 7400)
            await cluster.call(lambda coordinator: coordinator.add_node("n3", "127.0.0.1", 7400))
            await put_all(cluster, b"kept")
            await cluster.until(settled)
            cluster.network.slow("n1", 1)
            cluster.network.refuse("n1")
            cluster.network.partition("coordinator")
            cluster.disks.crash_at("n2", 1, written=True)
            cluster.pause("n1")
            cluster.kill("n3")
            cluster.crash()
            await cluster.mend()
            await cluster.until(settled)
            await put_all(cluster, b"anew")

    run_virtual(main)


def test_a_node_whose_disk_fails_stops_and_the_others_serve() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, make_disk=FaultyDisk) as cluster:
            await put_all(cluster, b"before")
            disk = cluster.disks.disk(STATE / "nodes" / "n1")
            assert isinstance(disk, FaultyDisk)
            disk.syncs_until_failure = 0
            await put_all(cluster, b"after")
            assert await cluster.process("n1").wait() == FAILED_STATUS
            assert await read_all(cluster) == {b"after"}
            disk.syncs_until_failure = None
            await cluster.mend()
            await cluster.until(settled)

    run_virtual(main)
