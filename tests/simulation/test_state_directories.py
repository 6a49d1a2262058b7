"""Coordinators on the state directory, on a copy of it, on none: one writer at a time, and nothing served from an old table."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.notes import SPREAD_SECONDS
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.recovery import recover
from kvtui.core.ring import slot_of, token_of
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.chance import SeededRandom
from tests.simulation.harness import STATE, SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.machine import Machine

KEYS = [b"key %d" % number for number in range(20)]
COPY = Path("copy")
NEW = Path("new")
PORTS = {"A": 5001, "B": 5002, "C": 5003}
NEWCOMER = 5004


def seams_of(cluster: SimCluster, name: str) -> Seams:
    """Those of another machine, on the same network."""
    machine = Machine(name)
    return Seams(
        cluster.network.transport(machine),
        cluster.clock,
        SeededRandom(99),
        cluster.launcher,
        cluster.disks.opener(machine),
    )


@asynccontextmanager
async def second(cluster: SimCluster, state: Path) -> AsyncIterator[Coordinator]:
    """Another coordinator while the first lives."""
    async with open_cluster(Settings(state, slots=16), seams_of(cluster, "second")) as coordinator:
        yield coordinator


@asynccontextmanager
async def attached(replication: int = 2) -> AsyncIterator[SimCluster]:
    """A coordinator on three nodes that run by themselves, and some keys."""
    async with SimCluster(nodes=0, replication=replication, slots=16) as cluster:
        for name, port in PORTS.items():
            await cluster.launch(name, port)
            await cluster.call(lambda coordinator, name=name, port=port: coordinator.add_node(name, "127.0.0.1", port))  # type: ignore[misc]
        await cluster.until(settled)
        await put_all(cluster.put, b"first")
        yield cluster


async def put_all(put: Callable[[bytes, bytes], Awaitable[object]], value: bytes) -> None:
    for key in KEYS:
        written = await put(key, value)
        assert getattr(written, "outcome", None) is Outcome.OK, written


async def check_all(coordinator: Coordinator, value: bytes) -> None:
    for key in KEYS:
        read = await coordinator.get(key)
        assert (read.outcome, read.value) == (Outcome.OK, value), read.text


async def until_settled(coordinator: Coordinator) -> None:
    async with asyncio.timeout(60):
        while not settled(await coordinator.refresh()):
            await asyncio.sleep(0.1)


def test_an_old_copy_of_the_state_directory_is_found_out_before_it_serves() -> None:
    async def main() -> None:
        async with attached() as cluster:
            cluster.disks.copy(STATE / "metadata", COPY / "metadata")
            await cluster.call(lambda coordinator: coordinator.remove_node("A"))
            await put_all(cluster.put, b"second")
            async with second(cluster, COPY) as other:
                assert "old copy" in other.snapshot().stopped
                assert (await other.get(KEYS[0])).outcome is Outcome.FAILED
                assert (await other.put(KEYS[0], b"third")).outcome is Outcome.FAILED
            await check_all(cluster.coordinator, b"second")

    run_virtual(main)


def test_an_old_copy_that_is_opened_again_is_no_newer_for_it() -> None:
    """It was opened where no node could tell it, and so has an epoch of its own above what the nodes noted."""

    async def main() -> None:
        async with attached() as cluster:
            cluster.disks.copy(STATE / "metadata", COPY / "metadata")
            await cluster.call(lambda coordinator: coordinator.remove_node("A"))
            await put_all(cluster.put, b"second")
            cluster.network.partition("second", ["B", "C"])
            for _ in range(2):
                async with second(cluster, COPY) as other:
                    assert (await other.get(KEYS[0])).outcome is Outcome.FAILED
            cluster.network.heal()
            async with second(cluster, COPY) as other:
                assert "old copy" in other.snapshot().stopped
                assert (await other.get(KEYS[0])).outcome is Outcome.FAILED
            await check_all(cluster.coordinator, b"second")

    run_virtual(main)


async def hand_over_to_one_newcomer(cluster: SimCluster) -> None:
    """Node D joins, then all others leave it their slots."""
    await cluster.launch("D", NEWCOMER)
    await cluster.call(lambda coordinator: coordinator.add_node("D", "127.0.0.1", NEWCOMER))
    for name in PORTS:
        await cluster.call(lambda coordinator, name=name: coordinator.remove_node(name))  # type: ignore[misc]
    await put_all(cluster.put, b"second")


def belongs_to(cluster: SimCluster, node: str) -> str:
    """The cluster that the node says it is of."""
    server = cluster.process(node).server
    assert server is not None
    return server.store.membership.cluster


def test_an_old_copy_that_knows_only_nodes_that_have_left_since_does_not_take_them_for_wiped() -> None:
    """Nobody else could tell: it reported all slots as lost, to be given up and begun anew, while they were in use elsewhere."""

    async def main() -> None:
        async with attached() as cluster:
            cluster.disks.copy(STATE / "metadata", COPY / "metadata")
            await hand_over_to_one_newcomer(cluster)
            cluster.kill("A")
            await cluster.launch("A", PORTS["A"])
            async with second(cluster, COPY) as other:
                snapshot = await other.refresh()
                assert "old copy" in snapshot.stopped
                assert "has left" in snapshot.stopped
                assert snapshot.lost == 0
                with pytest.raises(ClusterError, match="old copy"):
                    await other.accept_loss()
            assert [belongs_to(cluster, name) for name in PORTS] == ["", "", ""]
            await check_all(cluster.coordinator, b"second")

    run_virtual(main)


def test_an_old_copy_knows_a_node_that_has_left_and_joined_anew_since() -> None:
    async def main() -> None:
        async with attached() as cluster:
            cluster.disks.copy(STATE / "metadata", COPY / "metadata")
            await hand_over_to_one_newcomer(cluster)
            await cluster.call(lambda coordinator: coordinator.add_node("E", "127.0.0.1", PORTS["A"]))
            await cluster.until(settled)
            cluster.network.partition("second", ["B", "C"])
            async with second(cluster, COPY) as other:
                snapshot = await other.refresh()
                assert "old copy" in snapshot.stopped
                assert snapshot.lost == 0
            await check_all(cluster.coordinator, b"second")

    run_virtual(main)


def test_a_coordinator_that_slept_while_all_its_nodes_left_another_one_does_not_take_them_for_wiped() -> None:
    async def main() -> None:
        async with attached() as cluster:
            former, sleeper = await cluster.take_over(COPY)
            await cluster.until(settled)
            await hand_over_to_one_newcomer(cluster)
            former.resume()
            async with asyncio.timeout(60):
                while not sleeper.snapshot().stopped and not sleeper.topology.lost:
                    await asyncio.sleep(0.1)
            assert "another coordinator took this cluster over" in sleeper.snapshot().stopped
            assert not sleeper.topology.lost
            assert [belongs_to(cluster, name) for name in PORTS] == ["", "", ""]
            await check_all(cluster.coordinator, b"second")

    run_virtual(main)


def test_a_coordinator_with_the_epoch_of_another_one_that_let_its_nodes_go_is_over() -> None:
    """Both opened the same log, one of them a copy: an epoch says whose it is only with a coordinator."""

    async def main() -> None:
        async with attached() as cluster:
            former, _ = await cluster.take_over(COPY)
            former.crash()
            await hand_over_to_one_newcomer(cluster)
            async with second(cluster, STATE) as other:
                snapshot = await other.refresh()
                assert snapshot.epoch == cluster.coordinator.snapshot().epoch
                assert "another coordinator took this cluster over" in snapshot.stopped
                assert snapshot.lost == 0
            await check_all(cluster.coordinator, b"second")

    run_virtual(main)


def test_a_coordinator_that_dies_before_it_forgets_a_node_that_left_is_no_old_copy_for_it() -> None:
    async def main() -> None:
        async with attached() as cluster:
            leaving = asyncio.ensure_future(cluster.call(lambda coordinator: coordinator.remove_node("A")))
            while belongs_to(cluster, "A"):
                await asyncio.sleep(0.000_01)
            cluster.crash()
            await asyncio.gather(leaving, return_exceptions=True)
            assert "A" in cluster.coordinator.topology.members
            await cluster.open()
            await cluster.until(lambda snapshot: [view.id for view in snapshot.nodes] == ["B", "C"])
            await cluster.until(settled)
            assert belongs_to(cluster, "A") == ""
            await check_all(cluster.coordinator, b"first")

    run_virtual(main)


def test_on_what_may_be_an_old_copy_no_loss_is_accepted_before_all_nodes_were_heard() -> None:
    """The node that seemed to have lost everything had left, and not even that was kept; who held it all was away for a moment."""

    async def main() -> None:
        async with attached(replication=1) as cluster:
            cluster.disks.copy(STATE / "metadata", COPY / "metadata")
            cluster.network.partition("second", ["B", "C"])
            await cluster.call(lambda coordinator: coordinator.remove_node("A"))
            cluster.kill("A")
            cluster.wipe("A")
            await cluster.launch("A", PORTS["A"])
            await put_all(cluster.put, b"second")
            async with second(cluster, COPY) as other:
                while not (await other.refresh()).lost:
                    await asyncio.sleep(0.1)
                with pytest.raises(ClusterError, match="B, C may hold what seems to be lost"):
                    await other.accept_loss()
            cluster.network.heal()
            await check_all(cluster.coordinator, b"second")

    run_virtual(main)


@asynccontextmanager
async def an_old_copy_that_only_the_node_behind_obeys(cluster: SimCluster) -> AsyncIterator[Coordinator]:
    """C was removed while it was down, and heard of nothing; who has the newest writes is away."""
    cluster.disks.copy(STATE / "metadata", COPY / "metadata")
    cluster.kill("C")
    await cluster.until(lambda snapshot: snapshot.behind > 0)
    await cluster.call(lambda coordinator: coordinator.remove_node("C", force=True))
    await put_all(cluster.put, b"second")
    cluster.crash()
    cluster.kill("A")
    cluster.kill("B")
    await cluster.launch("C", PORTS["C"])
    async with second(cluster, COPY) as other:
        yield other


def test_on_what_may_be_an_old_copy_no_move_leaves_out_a_node_that_was_not_heard() -> None:
    """Cut over to the one replica that was there, its slots were served as it knew them: acknowledged writes were gone."""

    async def main() -> None:
        async with attached() as cluster, an_old_copy_that_only_the_node_behind_obeys(cluster) as other:
            places = other.topology.places
            await other.set_replication(1)
            await asyncio.sleep(10)
            assert other.topology.places == places
            for key in KEYS:
                assert (await other.get(key)).outcome is Outcome.FAILED
            await cluster.launch("A", PORTS["A"])
            async with asyncio.timeout(60):
                while "old copy" not in other.snapshot().stopped:
                    await asyncio.sleep(0.1)

    run_virtual(main)


def test_on_what_may_be_an_old_copy_no_node_is_given_up_before_it_was_heard() -> None:
    async def main() -> None:
        async with attached() as cluster, an_old_copy_that_only_the_node_behind_obeys(cluster) as other:
            members = other.topology.members
            with pytest.raises(ClusterError, match="A may hold newer writes"):
                await other.remove_node("A", force=True)
            with pytest.raises(ClusterError, match="C is not drained yet"):
                await other.remove_node("C")
            assert other.topology.members["A"] == members["A"]
            assert other.topology.members.keys() == members.keys()

    run_virtual(main)


def test_a_copy_takes_over_whole_or_not_at_all() -> None:
    """The copy is as new as the original: it is obeyed, and the original learns that it is not any more."""

    async def main() -> None:
        async with attached() as cluster:
            cluster.disks.copy(STATE / "metadata", COPY / "metadata")
            async with second(cluster, COPY) as other:
                await until_settled(other)
                written = await cluster.put(KEYS[0], b"of the original")
                assert written.outcome is not Outcome.OK
                assert "another coordinator" in (await cluster.coordinator.refresh()).stopped
                assert (await other.put(KEYS[0], b"of the copy")).outcome is Outcome.OK
                assert (await other.get(KEYS[0])).value == b"of the copy"

    run_virtual(main)


def test_two_coordinators_that_reach_different_nodes_do_not_both_write() -> None:
    """The copy can't know what the node acknowledges to the original that it can't reach: it waits for its grant."""

    async def main() -> None:
        async with attached() as cluster:
            cluster.disks.copy(STATE / "metadata", COPY / "metadata")
            cluster.network.partition("second", ["A"])
            async with second(cluster, COPY) as other:
                ends = {key: await other.put(key, b"of the copy") for key in KEYS}
                places = {key: await other.locate(key) for key in KEYS}
                with_a = [key for key in KEYS if any(copy.node == "A" for copy in places[key].replicas)]
                assert with_a
                assert {ends[key].outcome for key in with_a} == {Outcome.FAILED}
                assert {ends[key].outcome for key in KEYS if key not in with_a} <= {Outcome.OK}

    run_virtual(main)


def test_a_lost_state_directory_is_rebuilt_from_the_nodes() -> None:
    async def main() -> None:
        async with attached() as cluster:
            await cluster.call(lambda coordinator: coordinator.remove_node("A"))
            await put_all(cluster.put, b"second")
            await cluster.until(settled)
            await asyncio.sleep(2 * SPREAD_SECONDS)
            cluster.crash()
            addresses = [("127.0.0.1", PORTS[name]) for name in ("B", "C")]
            rebuilt = await recover(NEW, addresses, (), seams_of(cluster, "rebuilder"))
            assert rebuilt.present == ("B", "C")
            assert rebuilt.lost == 0
            async with second(cluster, NEW) as other:
                await until_settled(other)
                await check_all(other, b"second")
                await put_all(other.put, b"third")
                await check_all(other, b"third")
            await cluster.open()
            assert "another coordinator took this cluster over" in cluster.coordinator.snapshot().stopped

    run_virtual(main)


def test_a_table_is_not_rebuilt_behind_the_back_of_a_node_that_may_have_newer_writes() -> None:
    async def main() -> None:
        async with attached() as cluster:
            cluster.network.partition("coordinator", ["A"])
            await cluster.until(lambda snapshot: snapshot.behind > 0)
            await put_all(cluster.put, b"second")
            cluster.crash()
            addresses = [("127.0.0.1", PORTS[name]) for name in ("A", "B")]
            seams = seams_of(cluster, "rebuilder")
            with pytest.raises(ClusterError, match=r"C \(127\.0\.0\.1:5003\) was not found"):
                await recover(NEW, addresses, (), seams)
            rebuilt = await recover(NEW, addresses, ("C",), seams)
            assert rebuilt.lost > 0
            async with second(cluster, NEW) as other:
                reads = [await other.get(key) for key in KEYS]
                assert {read.value for read in reads if read.outcome is Outcome.OK} <= {b"second"}
                assert any(read.outcome is Outcome.FAILED for read in reads)
                assert await other.accept_loss() > 0
                assert (await other.refresh()).lost == 0

    run_virtual(main)


def test_a_write_right_after_a_cut_over_is_there_when_the_log_is_lost_at_once() -> None:
    """Nobody had noted the cut-over yet: the slot's former owner was taken for clean, and the newcomer made equal to it."""

    async def main() -> None:
        async with attached(replication=1) as cluster:
            await cluster.launch("D", NEWCOMER)
            adding = asyncio.ensure_future(
                cluster.call(lambda coordinator: coordinator.add_node("D", "127.0.0.1", NEWCOMER))
            )

            def moved() -> list[bytes]:
                places = cluster.coordinator.topology.places
                return [key for key in KEYS if places[slot_of(token_of(key), len(places))].replicas == ("D",)]

            while not moved():
                await asyncio.sleep(0.0005)
            key = moved()[0]
            assert (await cluster.put(key, b"second")).outcome is Outcome.OK
            cluster.crash()
            await asyncio.gather(adding, return_exceptions=True)
            addresses = [("127.0.0.1", port) for port in (*PORTS.values(), NEWCOMER)]
            await recover(NEW, addresses, (), seams_of(cluster, "rebuilder"))
            async with second(cluster, NEW) as other:
                await until_settled(other)
                assert (await other.get(key)).value == b"second"

    run_virtual(main)


def test_a_directory_that_holds_a_log_is_not_rebuilt() -> None:
    async def main() -> None:
        async with attached() as cluster:
            cluster.disks.copy(STATE / "metadata", COPY / "metadata")
            with pytest.raises(ClusterError, match="already"):
                await recover(COPY, [("127.0.0.1", 5001)], (), seams_of(cluster, "rebuilder"))

    run_virtual(main)


def test_without_its_directory_a_coordinator_gets_no_node_of_another_cluster() -> None:
    async def main() -> None:
        async with attached() as cluster:
            async with second(cluster, NEW) as other:
                with pytest.raises(ClusterError, match="another cluster"):
                    await other.add_node("A", "127.0.0.1", PORTS["A"])
            await check_all(cluster.coordinator, b"first")

    run_virtual(main)
