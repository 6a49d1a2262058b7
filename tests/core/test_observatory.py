"""What a snapshot tells of each node, drawn by a real coordinator over simulated nodes."""

import asyncio

import pytest

from kvtui.core.snapshot import NodeState
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.transport import SimNetwork


def test_bytes_and_quota_of_each_node_are_told() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=64) as cluster:
            for number in range(50):
                await cluster.put(b"key-%d" % number, b"v" * number)
            snapshot = await cluster.until(lambda now: now.copies == 100)
            stored = sum(len(b"key-%d" % number) + number for number in range(50))
            assert sum(node.bytes for node in snapshot.nodes) == 2 * stored
            assert sum(node.quota for node in snapshot.nodes) == pytest.approx(2.0)
            assert all(node.quota == node.share for node in snapshot.nodes)
            assert len({node.data_id for node in snapshot.nodes} - {""}) == 3
            assert all(node.counter and node.epoch == snapshot.epoch for node in snapshot.nodes)

    run_virtual(main)


def test_the_quota_is_what_the_ring_plans_before_the_share_is_there() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=1, slots=64) as cluster:
            await cluster.put(b"a", b"1")
            await cluster.join("late")
            snapshot = cluster.coordinator.snapshot()
            late = snapshot.node("late")
            assert late is not None
            assert late.quota == pytest.approx(1 / 3, abs=1 / 64)
            assert late.share <= late.quota
            after = (await cluster.until(settled)).node("late")
            assert after is not None
            assert after.share == after.quota == late.quota

    run_virtual(main)


def test_operations_and_latencies_rise_with_a_load_and_rest_after_it() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            for _ in range(30):
                await cluster.put(b"a", b"1")
                await asyncio.sleep(0.1)
            busy = cluster.coordinator.snapshot()
            for node in busy.nodes:
                assert node.operations > 1
                assert 0 < node.p50 <= node.p99
            assert 0 < busy.puts.p50 <= busy.puts.p99 <= busy.puts.p999 <= busy.puts.longest
            await asyncio.sleep(100)
            idle = cluster.coordinator.snapshot()
            assert [(node.operations, node.p50, node.p99) for node in idle.nodes] == [(0.0, 0.0, 0.0)] * 2
            await asyncio.sleep(100)
            assert cluster.coordinator.snapshot() is idle

    run_virtual(main)


def test_a_state_has_a_time_from_which_on_it_holds_and_hints_are_counted_by_node() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            up = cluster.coordinator.snapshot().node("n2")
            assert up is not None
            await asyncio.sleep(50)
            cluster.kill("n2")
            for number in range(5):
                await cluster.put(b"key-%d" % number, b"1")
            down = (await cluster.until(lambda now: now.hints == 5)).node("n2")
            assert down is not None
            assert (down.state, down.hints) == (NodeState.DOWN, 5)
            assert down.since >= up.since + 49
            await asyncio.sleep(50)
            later = cluster.coordinator.snapshot().node("n2")
            assert later is not None
            assert later.since == down.since

    run_virtual(main)


def test_a_node_that_is_a_replica_of_nothing_any_more_misses_no_keys() -> None:
    """Only a replica that was made equal was said to miss nothing: one whose slots went elsewhere missed its keys for ever."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            cluster.kill("n3")
            await cluster.put_many([(b"key %d" % number, b"value") for number in range(40)])
            await cluster.until(lambda now: now.hints > 0)
            await cluster.call(lambda coordinator: coordinator.remove_node("n3", force=True))
            assert (await cluster.until(settled)).hints == 0

    run_virtual(main)


def test_a_move_has_a_rate() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1024, network=SimNetwork(0, latency=(0.1, 0.2))) as cluster:
            items = [(b"key-%d" % number, b"v" * 2000) for number in range(1000)]
            await cluster.call(lambda coordinator: coordinator.put_many(items))
            joining = asyncio.ensure_future(cluster.join("late"))
            rates = []
            while not joining.done() or not settled(cluster.coordinator.snapshot()):
                node = cluster.coordinator.snapshot().node("late")
                if node is not None and node.receiving is not None:
                    rates.append((node.receiving.rate, node.receiving.left))
                await asyncio.sleep(0.05)
            assert any(rate > 0 and left is not None for rate, left in rates), rates
            settled_node = cluster.coordinator.snapshot().node("late")
            assert settled_node is not None
            assert settled_node.receiving is None

    run_virtual(main)
