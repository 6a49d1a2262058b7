"""Runs on whole clusters under virtual time: each workload does what it says, and leaves nothing behind."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from random import Random

import anyio
import pytest

from kvtui.bench.drive import Bench
from kvtui.bench.view import BenchView, Phase
from kvtui.bench.workloads import WORKLOADS, Asked, Keys, Op
from kvtui.core.cluster import ClusterError, Outcome, Read, Written, WrittenMany
from kvtui.core.snapshot import NodeState
from kvtui.core.version import NEVER, Version
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual
from tests.widgets import frozen

SMALL = Asked(records=200, clients=4, operations=300)


def virtually(story: Callable[[SimCluster], Awaitable[None]], **cluster: object) -> None:
    async def main() -> None:
        async with SimCluster(1, **{"nodes": 3, "replication": 2, **cluster}) as live:  # type: ignore[arg-type]
            await story(live)

    run_virtual(main)


def benching(cluster: SimCluster, asked: Asked, views: list[BenchView] | None = None) -> Bench:
    tell = (lambda _: None) if views is None else views.append
    return Bench(
        cluster.coordinator, asked, Random(1), tell=tell, clock=asyncio.get_running_loop().time, cpu=lambda: 0.0
    )


async def keys_of(cluster: SimCluster) -> list[bytes]:
    return [item.key async for page in cluster.coordinator.scan() for item in page]


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_does_what_it_says_and_leaves_nothing_behind(name: str) -> None:
    workload = WORKLOADS[name]

    async def story(cluster: SimCluster) -> None:
        await cluster.put(b"mine", b"1")
        bench = benching(cluster, replace(SMALL, workload=workload, keys=workload.keys))
        done = await bench.run()
        assert done.phase is Phase.DONE
        assert done.ends.all == SMALL.operations
        assert done.ends.good
        counts = {one.op: one.ends.ok for one in done.ops}
        assert set(counts) == {op for op, _ in workload.mix}
        for op, percent in workload.mix:
            assert counts[op] / 300 == pytest.approx(percent / 100, abs=0.08)
        assert all(0 < one.latency.p50 <= one.latency.p99 <= one.latency.longest for one in done.ops if one.ends.all)
        assert {node.id for node in done.nodes} == {"n1", "n2", "n3"}
        assert bench.left_behind == 0
        assert await keys_of(cluster) == [b"mine"]

    virtually(story)


@pytest.mark.parametrize("keys", Keys)
def test_every_kind_of_keys_reads_records_that_are_there(keys: Keys) -> None:
    async def story(cluster: SimCluster) -> None:
        done = await benching(cluster, replace(SMALL, workload=WORKLOADS["D"], keys=keys)).run()
        assert done.ends.good
        assert done.ends.absent == 0

    virtually(story)


def test_records_that_are_kept_stay_with_values_of_their_size() -> None:
    async def story(cluster: SimCluster) -> None:
        bench = benching(cluster, replace(SMALL, keep=True, size=37))
        await bench.run()
        items = [item async for page in cluster.coordinator.scan() for item in page]
        assert {item.key for item in items} == {b"%b%d" % (bench.prefix, number) for number in range(200)}
        assert {item.size for item in items} == {37}

    virtually(story)


def test_it_runs_for_as_long_as_it_was_asked_to_and_tells_each_second() -> None:
    async def story(cluster: SimCluster) -> None:
        views: list[BenchView] = []
        done = await benching(cluster, replace(SMALL, operations=None, seconds=3, clients=2), views).run()
        assert done.elapsed == pytest.approx(3.0, abs=0.1)
        assert len(done.seconds) == 3
        assert sum(second.rate for second in done.seconds) == pytest.approx(done.ends.ok, rel=0.05)
        phases = list(dict.fromkeys(view.phase for view in views))
        assert phases == [Phase.LOADING, Phase.RUNNING, Phase.CLEANING, Phase.DONE]
        fractions = [view.fraction for view in views if view.phase is Phase.RUNNING]
        assert fractions == sorted(fractions)
        assert 10 <= len(fractions) <= 16

    virtually(story)


def test_a_rate_is_kept_and_late_operations_count_from_when_they_were_due() -> None:
    """A node that is paused for 2 s: without the schedule, few operations would know of it."""

    async def story(cluster: SimCluster) -> None:
        asked = Asked(records=100, clients=4, seconds=10, rate=100, workload=WORKLOADS["C"], keys=Keys.UNIFORM)
        running = asyncio.ensure_future(benching(cluster, asked).run())
        await asyncio.sleep(4.0)
        for node in ("n1", "n2", "n3"):
            await cluster.coordinator.slow_node(node, 0.5)
        await asyncio.sleep(2.0)
        await cluster.coordinator.heal()
        done = await running
        assert done.ends.all == pytest.approx(1_000, abs=5)
        (reads,) = done.ops
        assert reads.latency.p90 > 1.5 * reads.uncorrected.p90
        assert reads.latency.p50 < 100

    virtually(story)


async def interrupted(cluster: SimCluster, bench: Bench) -> BenchView:
    """A run of which n1 is dead for three seconds."""
    running = asyncio.ensure_future(bench.run())
    await asyncio.sleep(2.0)
    cluster.kill("n1")
    await asyncio.sleep(3.0)
    await cluster.revive("n1")
    return await running


LONGER = Asked(records=100, clients=4, seconds=8, keys=Keys.UNIFORM)


def test_a_rate_that_can_not_be_kept_is_told() -> None:
    async def story(cluster: SimCluster) -> None:
        for node in ("n1", "n2", "n3"):
            await cluster.coordinator.slow_node(node, 0.05)
        bench = benching(cluster, Asked(records=10, clients=2, seconds=5, rate=200, workload=WORKLOADS["C"]))
        done = await bench.run()
        assert done.ends.all < 150
        assert bench.unbegun == pytest.approx(1_000 - done.ends.all, abs=5)
        # It is as late as it is slow: what began last had waited for most of the run.
        assert done.whole.longest > 3_000
        kept = benching(cluster, Asked(records=10, clients=8, seconds=2, rate=20, workload=WORKLOADS["C"]))
        await kept.run()
        assert kept.unbegun <= 1

    virtually(story)


def test_operations_that_go_wrong_are_counted_and_told_second_by_second() -> None:
    async def story(cluster: SimCluster) -> None:
        done = await interrupted(cluster, benching(cluster, LONGER))
        wrong = done.ends.failed + done.ends.unknown
        assert wrong > 0
        assert wrong == sum(second.bad for second in done.seconds)
        assert done.ends.all == done.ends.ok + wrong

    virtually(story, nodes=2, replication=1)


def test_a_guarantee_that_weakens_meanwhile_is_told_though_it_is_whole_again_at_the_end() -> None:
    async def story(cluster: SimCluster) -> None:
        bench = benching(cluster, LONGER)
        done = await interrupted(cluster, bench)
        assert done.ends.ok > 0
        assert "1 node only" in bench.weakened
        assert not bench.picture.guarantee_weakened
        assert bench.picture.guarantee == "every acknowledged write on 2 nodes; no stale reads"

    virtually(story, nodes=2, replication=2)


def test_a_run_that_is_stopped_early_counts_what_it_measured() -> None:
    async def story(cluster: SimCluster) -> None:
        bench = benching(cluster, Asked(records=100, clients=64, seconds=600, rate=1))
        running = asyncio.ensure_future(bench.run())
        await asyncio.sleep(5.0)
        bench.stop()
        done = await running
        assert done.elapsed == pytest.approx(5.0, abs=0.6)
        assert 4 <= done.ends.ok <= 7
        assert await keys_of(cluster) == []

    virtually(story)


def test_a_run_that_is_cancelled_deletes_its_records() -> None:
    async def story(cluster: SimCluster) -> None:
        with anyio.move_on_after(3.0) as scope:
            await benching(cluster, Asked(records=500, clients=4, seconds=600)).run()
        assert scope.cancelled_caught
        assert await keys_of(cluster) == []

    virtually(story)


def test_without_nodes_there_is_nothing_to_measure() -> None:
    async def story(cluster: SimCluster) -> None:
        with pytest.raises(ClusterError, match="no nodes to measure"):
            benching(cluster, SMALL)

    virtually(story, nodes=0)


class Failing(frozen.FrozenCluster):
    """Stores nothing of a batch from the ``good``-th on; forgets what it was told to store otherwise; deletes nothing."""

    good = 0
    batches = 0

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        self.batches += 1
        if self.batches > self.good:
            return WrittenMany(0, failed=len(items), text="no node answers")
        return WrittenMany(len(items))

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        self.asked.append(f"delete {len(keys)}")
        return WrittenMany(0, unknown=len(keys), text="no node answers")

    async def put(self, key: bytes, value: bytes) -> Written:
        return Written(Outcome.FAILED, NEVER, text="refused")

    async def get(self, key: bytes) -> Read:
        return Read(Outcome.OK, None, Version(1, 1))


@pytest.mark.anyio
async def test_records_that_can_not_be_loaded_end_it_in_one_line() -> None:
    cluster = Failing(frozen.healthy())
    bench = Bench(cluster, Asked(records=2_500), Random(1))
    cluster.good = 1
    with pytest.raises(ClusterError, match=r"1,000 of 1,000 records could not be loaded: no node answers"):
        await bench.run()
    # Of what was begun, whose deletion is given up where nobody answers.
    assert cluster.asked == ["delete 1000"]
    assert bench.left_behind == 2_000


@pytest.mark.anyio
async def test_a_store_that_refuses_at_once_is_not_asked_in_a_tight_loop_and_lost_records_are_told() -> None:
    cluster = Failing(frozen.healthy())
    cluster.good = 1
    done = await Bench(cluster, Asked(records=10, clients=2, seconds=1, workload=WORKLOADS["F"]), Random(1)).run()
    modified = next(one.ends for one in done.ops if one.op is Op.MODIFY)
    assert 0 < modified.failed < 500
    assert done.ends.absent > 0
    assert not done.ends.good


@pytest.mark.anyio
async def test_a_node_that_is_down_from_the_start_is_told_with_the_guarantee() -> None:
    cluster = frozen.FrozenCluster(frozen.one_down())
    bench = Bench(cluster, Asked(records=10, clients=1, operations=100), Random(1))
    await bench.run()
    assert bench.weakened == bench.picture.guarantee
    assert "only" in bench.weakened
    assert any(node.state is NodeState.DOWN for node in bench.picture.nodes)
