"""The coordinator's disk is full: nothing that it does by itself stops it, nothing is acknowledged that had to be logged first, and
all that waited goes on once there is space."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.events import Event
from kvtui.core.log_space import RETRY_SECONDS
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import STATE, SimCluster, settled
from tests.simulation.loop import run_virtual

KEYS = [b"key %d" % number for number in range(12)]
A_WHILE = 60.0


def log_of(cluster: SimCluster) -> FaultyDisk:
    disk = cluster.disks.disk(STATE / "metadata")
    assert isinstance(disk, FaultyDisk)
    return disk


@asynccontextmanager
async def cluster_of(nodes: int = 3, replication: int = 2, grace: float = 0.0) -> AsyncIterator[SimCluster]:
    async with SimCluster(nodes=nodes, replication=replication, slots=8, grace=grace, make_disk=FaultyDisk) as cluster:
        for key in KEYS:
            assert (await cluster.put(key, b"first")).outcome is Outcome.OK
        await cluster.until(settled)
        yield cluster


async def values(cluster: SimCluster) -> set[bytes | None]:
    reads = [await cluster.get(key) for key in KEYS]
    assert {read.outcome for read in reads} == {Outcome.OK}, [read.text for read in reads]
    return {read.value for read in reads}


def is_down(node: str) -> Callable[[ClusterSnapshot], bool]:
    def holds(snapshot: ClusterSnapshot) -> bool:
        view = snapshot.node(node)
        return view is not None and view.state is NodeState.DOWN

    return holds


def said(cluster: SimCluster) -> list[str]:
    """What was told of the log so far."""
    past: list[Event] = list(cluster.coordinator._happenings._past)
    return [event.text for event in past if "metadata log" in event.text]


def test_an_idle_coordinator_lives_serves_and_says_so_once() -> None:
    """It stopped by itself, with nobody asking for anything: a counter could not be logged."""

    async def main() -> None:
        async with cluster_of() as cluster:
            log_of(cluster).free = 0
            assert (await cluster.put(KEYS[0], b"second")).outcome is Outcome.OK
            await cluster.until(lambda snapshot: bool(snapshot.log_full))
            await asyncio.sleep(A_WHILE)
            assert not cluster.coordinator.snapshot().stopped
            assert (await cluster.put(KEYS[0], b"first")).outcome is Outcome.OK
            assert await values(cluster) == {b"first"}
            (once,) = said(cluster)
            assert "no space for" in once
            log_of(cluster).free = None
            await cluster.until(lambda snapshot: not snapshot.log_full, RETRY_SECONDS + 1)
            assert said(cluster)[1:] == ["the metadata log takes records again: what waited goes on"]
            assert log_of(cluster).path == STATE / "metadata"

    run_virtual(main)


def test_a_write_that_would_go_on_without_a_node_is_not_acknowledged_before_that_is_logged() -> None:
    async def main() -> None:
        async with cluster_of() as cluster:
            log_of(cluster).free = 0
            cluster.kill("n2")
            await cluster.until(is_down("n2"))
            ends = [await cluster.put(key, b"second") for key in KEYS]
            touched = [end for end in ends if any(answer.node == "n2" for answer in end.replicas) or "n2" in end.text]
            assert touched
            assert Outcome.OK not in {end.outcome for end in touched}
            assert any("has to be logged" in end.text and "no space for" in end.text for end in touched)
            assert not cluster.coordinator.snapshot().stopped
            for key, end in zip(KEYS, ends, strict=True):
                read = await cluster.get(key)
                assert (
                    read.value == (b"second" if end.outcome is Outcome.OK else b"first")
                    or end.outcome is Outcome.UNKNOWN
                )
            log_of(cluster).free = None
            await cluster.until(lambda snapshot: not snapshot.log_full)
            for key in KEYS:
                assert (await cluster.put(key, b"third")).outcome is Outcome.OK
            await cluster.revive("n2")
            await cluster.until(settled)
            assert await values(cluster) == {b"third"}

    run_virtual(main)


def test_a_write_under_way_when_its_node_dies_is_unknown_where_that_can_not_be_logged() -> None:
    async def main() -> None:
        async with cluster_of(nodes=2) as cluster:
            cluster.network.slow("n2", 0.2)
            log_of(cluster).free = 0
            writing = asyncio.ensure_future(cluster.put(KEYS[0], b"second"))
            await asyncio.sleep(0.1)
            cluster.kill("n2")
            assert (await writing).outcome is Outcome.UNKNOWN

    run_virtual(main)


def test_a_node_that_lost_its_data_is_not_used_before_that_is_logged() -> None:
    async def main() -> None:
        async with cluster_of() as cluster:
            cluster.kill("n2")
            cluster.wipe("n2")
            log_of(cluster).free = 0
            with pytest.raises(
                ClusterError, match=r"n2 runs, but .* is not logged yet; it is not used before: .*: no space for"
            ):
                await cluster.revive("n2")
            await asyncio.sleep(A_WHILE)
            view = cluster.coordinator.snapshot().node("n2")
            assert view is not None
            assert (view.state, cluster.process("n2").alive) == (NodeState.DOWN, True)
            assert "is not logged yet; it is not used before" in view.note
            assert await values(cluster) == {b"first"}
            log_of(cluster).free = None
            await cluster.until(settled)
            assert await values(cluster) == {b"first"}

    run_virtual(main)


def test_who_leaves_leaves_once_that_can_be_logged() -> None:
    async def main() -> None:
        async with cluster_of() as cluster:
            coordinator, log = cluster.coordinator, log_of(cluster)
            leaving = asyncio.ensure_future(cluster.call(lambda coordinator: coordinator.remove_node("n3")))
            while not coordinator.topology.members["n3"].leaving:
                await asyncio.sleep(0.01)
            log.free = 0
            await asyncio.sleep(A_WHILE)
            assert (leaving.done(), "n3" in coordinator.topology.members) == (False, True)
            assert await values(cluster) == {b"first"}
            log.free = None
            async with asyncio.timeout(A_WHILE):
                assert await leaving == ""
            assert await values(cluster) == {b"first"}

    run_virtual(main)


def test_a_node_that_is_away_is_replaced_once_that_can_be_logged() -> None:
    async def main() -> None:
        async with cluster_of(nodes=4, grace=5.0) as cluster:
            log_of(cluster).free = 0
            cluster.kill("n4")
            await asyncio.sleep(A_WHILE)
            assert not any("copied to the other nodes" in event.text for event in cluster.coordinator._happenings._past)
            log_of(cluster).free = None
            await cluster.until(lambda snapshot: bool(snapshot.under_replicated))
            await cluster.until(lambda snapshot: not snapshot.under_replicated)
            assert cluster.coordinator.topology.members["n4"].replaced

    run_virtual(main)


ASKED: dict[str, Callable[[SimCluster], Awaitable[object]]] = {
    "setreplica": lambda cluster: cluster.call(lambda c: c.set_replication(3)),
    "addnode": lambda cluster: cluster.join("n4"),
    "removenode": lambda cluster: cluster.call(lambda c: c.remove_node("n3")),
    "setquorum": lambda cluster: cluster.call(lambda c: c.set_quorum(2)),
    "wipe": lambda cluster: cluster.call(lambda c: c.wipe_node("n3")),
    "weight": lambda cluster: cluster.call(lambda c: c.set_weight("n3", 2)),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_for_and_can_not_be_logged_is_refused_and_changes_nothing(asked: str) -> None:
    async def main() -> None:
        async with cluster_of() as cluster:
            coordinator = cluster.coordinator
            before = coordinator.topology
            log_of(cluster).free = 0
            with pytest.raises(ClusterError, match=r"can't be logged, so nothing changed: no space for .*; make space"):
                await ASKED[asked](cluster)
            assert coordinator.topology is before
            assert all(cluster.process(node).alive for node in ("n1", "n2", "n3"))
            assert "n4" not in cluster.launcher.processes
            log_of(cluster).free = None
            await ASKED[asked](cluster)
            assert coordinator.topology is not before
            assert await values(cluster) == {b"first"}

    run_virtual(main)


def test_a_rebalance_says_what_it_waits_for() -> None:
    async def main() -> None:
        async with cluster_of() as cluster:
            coordinator = cluster.coordinator
            await cluster.call(lambda c: c.set_replication(3))
            log_of(cluster).free = 0
            with pytest.raises(ClusterError, match="the metadata log takes no more records: no space for"):
                await cluster.call(lambda c: c.rebalance())
            assert not coordinator.snapshot().stopped
            log_of(cluster).free = None
            await cluster.until(settled)
            await cluster.call(lambda c: c.rebalance())

    run_virtual(main)


@pytest.mark.parametrize("records", range(0, 1200, 100))
def test_moves_wait_wherever_the_disk_gets_full_and_end_once_there_is_space(records: int) -> None:
    """``records``: bytes of them that still fit."""

    async def main() -> None:
        async with cluster_of() as cluster:
            log = log_of(cluster)
            await cluster.call(lambda c: c.set_replication(3))
            log.free = records
            await asyncio.sleep(A_WHILE)
            assert not cluster.coordinator.snapshot().stopped
            assert await values(cluster) == {b"first"}
            for key in KEYS:
                assert (await cluster.put(key, b"second")).outcome is Outcome.OK
            log.free = None
            await cluster.until(settled)
            assert await values(cluster) == {b"second"}

    run_virtual(main)


def test_an_opening_on_a_full_disk_is_refused_in_words_and_the_next_one_is_not() -> None:
    async def main() -> None:
        async with cluster_of() as cluster:
            await cluster.close()
            log_of(cluster).free = 0
            with pytest.raises(ClusterError, match=r"the state directory state can't be written: no space for"):
                await cluster.open()
            log_of(cluster).free = None
            await cluster.open()
            await cluster.until(settled)
            assert await values(cluster) == {b"first"}

    run_virtual(main)


def test_a_log_whose_sync_failed_still_stops_its_coordinator() -> None:
    """Nobody can know what is in it: promise 9."""

    async def main() -> None:
        async with cluster_of() as cluster:
            log_of(cluster).syncs_until_failure = 0
            cluster.kill("n2")
            snapshot = await cluster.until(lambda snapshot: bool(snapshot.stopped))
            assert "the sync failed" in snapshot.stopped

    run_virtual(main)
