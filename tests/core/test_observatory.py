"""What a snapshot tells of each node, drawn by a real coordinator over simulated nodes."""

import asyncio

import pytest

from kvtui.core.cluster import Outcome
from kvtui.core.snapshot import NodeState
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.transport import SimNetwork


class Telling:
    """Hears the events of a cluster."""

    def __init__(self, cluster: SimCluster) -> None:
        self.texts: list[str] = []
        self._listening = asyncio.create_task(self._listen(cluster))

    async def _listen(self, cluster: SimCluster) -> None:
        async for event in cluster.coordinator.events():
            self.texts.append(event.text)

    def over(self) -> None:
        self._listening.cancel()


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


def test_with_two_of_five_nodes_away_it_says_what_waits_for_whom_and_how_many_keys_that_are() -> None:
    """Gets and puts of some keys failed, the middle of the ring showed fewer keys, and the header told of copies alone."""

    async def main() -> None:
        async with SimCluster(nodes=5, replication=2, slots=64) as cluster:
            keys = [b"key-%d" % number for number in range(2_000)]
            await cluster.put_many([(key, b"v") for key in keys])
            calm = await cluster.until(lambda now: now.copies == 4_000 and now.keys == 2_000)
            assert (calm.unavailable, calm.waits_for, calm.unreachable_keys) == (0, (), 0)
            await asyncio.sleep(5)
            told = Telling(cluster)
            cluster.kill("n1")
            cluster.kill("n2")
            away = await cluster.until(lambda now: now.unavailable > 0 and now.unreachable_keys != 0)
            await asyncio.sleep(5)
            later = cluster.coordinator.snapshot()
            assert (later.unavailable, later.keys, later.waits_for) == (away.unavailable, away.keys, away.waits_for)
            failed = [key for key in keys if (await cluster.coordinator.get(key)).outcome is not Outcome.OK]
            assert failed
            assert (away.unreachable_keys, away.keys, away.known_keys) == (len(failed), 2_000 - len(failed), 2_000)
            assert away.unreachable_sure
            assert set(away.waits_for) <= {"n1", "n2"}
            assert away.unavailable == sum(node.awaited for node in away.nodes)
            assert away.unavailable + away.under_replicated == sum(n for size, n in away.clean_copies if size == 1)
            written = await cluster.coordinator.put(failed[0], b"w")
            assert written.outcome is Outcome.FAILED
            assert any(node in written.text for node in away.waits_for)
            waiting = [part for part in away.ranges if part.waits_for]
            assert round(sum(part.stop - part.start for part in waiting) * 64) == away.unavailable
            assert f"can't be served: they wait for {away.waits_for[0]}" in away.guarantee
            assert any("weaker now" in text and "can't be served" in text for text in told.texts)
            await cluster.call(lambda coordinator: coordinator.start_node(away.waits_for[0]))
            back = await cluster.until(lambda now: not now.unavailable and now.keys == 2_000)
            assert (back.waits_for, back.unreachable_keys, back.guarantee_weakened) == ((), 0, True)
            assert any(text.startswith("every slot is served again: ") for text in told.texts)
            told.over()

    run_virtual(main)


def test_keys_written_just_before_a_node_went_are_not_counted_as_if_they_were_not_there() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=1, slots=8) as cluster:
            await cluster.put_many([(b"key-%d" % number, b"v") for number in range(100)])
            await cluster.until(lambda now: now.keys == 100)
            await asyncio.sleep(5)
            await cluster.put_many([(b"more-%d" % number, b"v") for number in range(100)])
            cluster.kill("n2")
            away = await cluster.until(lambda now: now.unavailable > 0)
            assert not away.unreachable_sure

    run_virtual(main)


def test_a_move_that_waits_for_a_node_says_for_whom() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=64) as cluster:
            await cluster.put_many([(b"key-%d" % number, b"v") for number in range(100)])
            told = Telling(cluster)
            cluster.kill("n3")
            await cluster.until(lambda now: now.behind > 0)
            leaving = asyncio.create_task(cluster.call(lambda coordinator: coordinator.remove_node("n2")))
            waiting = await cluster.until(lambda now: now.moves_waiting > 0)
            assert waiting.moves_wait_for == ("n3",)
            assert "n3" in next(node.waits_for for node in waiting.nodes if node.id == "n2")
            await asyncio.sleep(1)
            assert any("wait for n3" in text for text in told.texts)
            leaving.cancel()
            told.over()

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
