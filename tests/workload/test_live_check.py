"""A check on a live cluster, under virtual time: its verdict, the faults it injects, and that it leaves all as it was."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import anyio
import pytest

from kvtui.check import History, Report, Verdict, check
from kvtui.core.cluster import ClusterError
from kvtui.core.ledger import Ledger
from kvtui.core.pending_write import PendingWrite
from kvtui.core.protocol import Reply
from kvtui.core.read_mode import ReadMode
from kvtui.core.snapshot import NodeState
from kvtui.workload import CheckView, LiveCheck, Phase
from kvtui.workload.live_check import CLIENTS, KEYS
from kvtui.workload.live_faults import LiveFault
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual


async def at_once(history: History) -> Report:
    return check(history)


def virtually(story: Callable[[SimCluster], Awaitable[None]], **cluster: object) -> None:
    async def main() -> None:
        async with SimCluster(1, **{"nodes": 3, "replication": 2, **cluster}) as live:  # type: ignore[arg-type]
            await story(live)

    run_virtual(main)


def checking(cluster: SimCluster, seconds: float, views: list[CheckView], *, faults: bool, seed: int = 1) -> LiveCheck:
    return LiveCheck(cluster.coordinator, seconds, Random(seed), faults=faults, tell=views.append, decide=at_once)


async def keys_of(cluster: SimCluster) -> list[bytes]:
    return [item.key async for page in cluster.coordinator.scan() for item in page]


def test_a_healthy_cluster_passes_and_nothing_of_the_check_stays_behind() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.put(b"mine", b"1")
        views: list[CheckView] = []
        done = await checking(cluster, 5.0, views, faults=False).run()
        assert done.report is not None
        assert done.report.verdict is Verdict.LINEARIZABLE
        assert (done.report.keys, done.failed, done.unknown, done.faults) == (KEYS, 0, 0, ())
        assert done.operations > 100 * 5
        assert [view.phase for view in views][-3:] == [Phase.READING, Phase.CHECKING, Phase.DONE]
        assert await keys_of(cluster) == [b"mine"]

    virtually(story)


def test_faults_are_injected_survived_and_healed() -> None:
    async def story(cluster: SimCluster) -> None:
        views: list[CheckView] = []
        done = await checking(cluster, 60.0, views, faults=True).run()
        assert done.report is not None
        assert done.report.verdict is Verdict.LINEARIZABLE
        assert done.unreadable == 0
        assert {text.split()[0] for _, text in done.faults} >= set(LiveFault)
        picture = cluster.coordinator.snapshot()
        assert all(view.state is NodeState.UP and not view.fault for view in picture.nodes)
        assert not picture.guarantee_weakened
        assert any(view.faults and view.report is None for view in views)

    virtually(story)


def test_nodes_without_disks_are_not_killed() -> None:
    async def story(cluster: SimCluster) -> None:
        done = await checking(cluster, 60.0, [], faults=True).run()
        words = {text.split()[0] for _, text in done.faults}
        assert words
        assert LiveFault.KILL not in words

    virtually(story, memory=True)


def test_a_check_that_is_cancelled_heals_what_it_harmed_and_deletes_its_keys() -> None:
    async def story(cluster: SimCluster) -> None:
        live: LiveCheck | None = None
        with anyio.CancelScope() as scope:

            def tell(view: CheckView) -> None:
                if any(node.fault or node.state is NodeState.DOWN for node in cluster.coordinator.snapshot().nodes):
                    scope.cancel()

            live = LiveCheck(cluster.coordinator, 600.0, Random(3), faults=True, tell=tell, decide=at_once)
            await live.run()
        assert scope.cancelled_caught
        assert live is not None
        assert all(view.state is NodeState.UP and not view.fault for view in cluster.coordinator.snapshot().nodes)
        assert await keys_of(cluster) == []

    virtually(story)


def test_a_store_that_takes_silence_for_agreement_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = PendingWrite.feed

    def trusting(self: PendingWrite, node: str, reply: Reply | None, now: float) -> bool:
        return feed(self, node, Reply(status="ok") if reply is None else reply, now)

    monkeypatch.setattr(PendingWrite, "feed", trusting)
    monkeypatch.setattr(Ledger, "exclude", lambda self, node, runs: None)

    async def story(cluster: SimCluster) -> None:
        done = await checking(cluster, 60.0, [], faults=True).run()
        assert done.report is not None
        assert done.report.verdict is Verdict.VIOLATED
        assert done.report.violations[0].lines()

    virtually(story)


def test_stale_answers_are_counted_while_it_runs() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
        views: list[CheckView] = []
        live = checking(cluster, 20.0, views, faults=False)
        running = asyncio.ensure_future(live.run())
        await asyncio.sleep(2.0)
        # The second replica misses writes, and then is the only one.
        cluster.kill("n2")
        await asyncio.sleep(4.0)
        cluster.kill("n1")
        await cluster.revive("n2")
        await asyncio.sleep(8.0)
        await cluster.revive("n1")
        done = await running
        assert done.report is not None
        assert done.report.verdict is Verdict.LINEARIZABLE
        assert done.staleness.reads > 0
        assert done.staleness.versions > 0
        assert any(view.staleness.reads for view in views if view.phase is Phase.RUNNING)

    virtually(story, nodes=2)


@pytest.mark.parametrize(
    ("cluster", "words"),
    [({"replication": 1}, "setreplica 2 first"), ({"nodes": 1}, "setreplica 2 first")],
)
def test_faults_are_refused_where_they_would_do_more_than_test(cluster: dict[str, int], words: str) -> None:
    async def story(live: SimCluster) -> None:
        with pytest.raises(ClusterError, match=words):
            checking(live, 1.0, [], faults=True)
        done = await checking(live, 1.0, [], faults=False).run()
        assert done.operations > CLIENTS

    virtually(story, **cluster)


def test_nodes_that_others_started_are_not_harmed() -> None:
    async def story(cluster: SimCluster) -> None:
        for name in ("a", "b"):
            await cluster.join(name)
        with pytest.raises(ClusterError, match="no node was started by kvtui"):
            checking(cluster, 1.0, [], faults=True)

    virtually(story, nodes=0, attached=True)
