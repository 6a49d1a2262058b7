"""Who joins, who leaves, who is who: no change of members loses a key, counts a node twice or waits for ever."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from kvtui.core.cluster import ClusterError, Outcome, OwnData
from kvtui.core.coordinator import Coordinator
from kvtui.core.link import Link
from kvtui.core.notes import Notes
from kvtui.core.protocol import Hello, Leave
from kvtui.core.remote_node import HEARTBEAT_SECONDS
from kvtui.core.seams.launcher import Discarded, LaunchFailed, NodeProcess, NodeSpec
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.core.version import Version
from tests.core.sent import requests_sent
from tests.simulation.harness import CoordinatorGone, SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.machine import Machine
from tests.simulation.seeds import seeded

KEYS = [b"key %d" % number for number in range(20)]


async def put_all(cluster: SimCluster) -> None:
    for key in KEYS:
        assert (await cluster.put(key, b"value of " + key)).outcome is Outcome.OK


async def check_all(cluster: SimCluster) -> None:
    for key in KEYS:
        read = await cluster.get(key)
        assert (read.outcome, read.value) == (Outcome.OK, b"value of " + key), read.text


async def remove(cluster: SimCluster, node: str, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        await cluster.call(lambda coordinator: coordinator.remove_node(node))


async def add(cluster: SimCluster, node: str, port: int = 0) -> None:
    await cluster.call(lambda coordinator: coordinator.add_node(node, "127.0.0.1", port))


def state_of(snapshot: ClusterSnapshot, node: str) -> NodeState:
    return next(view.state for view in snapshot.nodes if view.id == node)


def test_the_last_node_does_not_leave_with_a_key_that_was_just_put() -> None:
    """What the last heartbeat said was believed: a key put since was acknowledged, and gone."""

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            await asyncio.sleep(3 * HEARTBEAT_SECONDS)
            assert (await cluster.put(b"key", b"value")).outcome is Outcome.OK
            with pytest.raises(ClusterError, match="n1 is the last node and 1 copy of a key is stored"):
                await remove(cluster, "n1")
            assert (await cluster.get(b"key")).value == b"value"

    run_virtual(main)


def test_the_last_node_does_not_leave_while_it_can_not_say_what_it_holds() -> None:
    """What it had said last was believed, and it was marked as leaving."""

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            await asyncio.sleep(3 * HEARTBEAT_SECONDS)
            assert (await cluster.put(b"key", b"value")).outcome is Outcome.OK
            cluster.pause("n1")
            with pytest.raises(ClusterError, match="n1 does not say whether it holds keys"):
                await remove(cluster, "n1")
            assert not cluster.coordinator.topology.members["n1"].leaving
            cluster.resume("n1")
            await cluster.until(settled)
            assert (await cluster.get(b"key")).value == b"value"

    run_virtual(main)


def test_nobody_waits_for_what_a_node_that_left_had_yet_to_note() -> None:
    """A write that it had stored never ended, and reads of its key waited for that."""

    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            await put_all(cluster)
            notes = cluster.coordinator._notes
            cluster.network.slow("n1", 0.3)
            leaving = asyncio.ensure_future(remove(cluster, "n1"))
            # As changes have it that come while it takes its leave.
            while "n1" in cluster.coordinator.topology.members:
                notes.tell("n1")
                await asyncio.sleep(0.01)
            await leaving
            assert not notes.owing(["n1"])
            await check_all(cluster)

    run_virtual(main)


@seeded(12)
def test_a_put_while_the_last_node_leaves_is_kept_or_refused(seed: int) -> None:
    async def main() -> None:
        async with SimCluster(seed, nodes=1, slots=8) as cluster:
            ledger = cluster.coordinator._ledger
            leaving = asyncio.create_task(remove(cluster, "n1"))
            while not ledger.topology.members["n1"].leaving:
                await ledger.changed()
            # From here on the node is asked whether it holds anything, and told to leave.
            for _ in range(seed):
                await asyncio.sleep(0)
            if (await cluster.put(b"key", b"value")).outcome is Outcome.OK:
                assert (await cluster.get(b"key")).value == b"value"
                with pytest.raises(ClusterError, match="n1 is the last node and keys were written to it"):
                    await leaving
            else:
                await leaving
                assert cluster.coordinator.snapshot().nodes == ()

    run_virtual(main, seed=seed)


def test_an_empty_last_node_leaves_an_empty_ring_that_can_be_begun_anew() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            await remove(cluster, "n1")
            assert cluster.coordinator.snapshot().nodes == ()
            assert (await cluster.put(b"key", b"value")).text.startswith("there are no nodes yet")
            await add(cluster, "n1")
            await put_all(cluster)
            await check_all(cluster)

    run_virtual(main)


@pytest.mark.parametrize("attached", [False, True])
def test_a_last_node_that_was_let_go_as_kvtui_was_killed_is_no_loss(attached: bool) -> None:
    """It came back with other data than the log knew, and all slots were said to be lost, though it had left empty."""

    async def main() -> None:
        async with SimCluster(nodes=0 if attached else 1, attached=attached, slots=8) as cluster:
            if attached:
                await cluster.join("n1")
            await cluster.until(settled)
            server = cluster.process("n1").server
            assert server is not None
            leaving = asyncio.create_task(remove(cluster, "n1"))
            while server.store.membership.left is None:
                await asyncio.sleep(0.0001)
            assert "n1" in cluster.coordinator.topology.members, "its leave is logged already"
            cluster.crash()
            with pytest.raises((CoordinatorGone, ClusterError)):
                await leaving
            await cluster.open()
            while cluster.coordinator.topology.members:
                assert not cluster.coordinator.topology.lost
                await asyncio.sleep(HEARTBEAT_SECONDS)

    run_virtual(main)


def test_the_last_two_nodes_do_not_both_leave_with_what_one_of_them_holds() -> None:
    """The second was empty still, as the first one's keys had not come yet: both were let go, and half of the keys were gone."""

    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            await put_all(cluster)
            first = asyncio.create_task(remove(cluster, "n1"))
            while not cluster.coordinator.topology.members["n1"].leaving:
                await asyncio.sleep(0)
            with pytest.raises(ClusterError, match="n2 is the last node that stays: n1 must have left before"):
                await remove(cluster, "n2")
            await first
            await check_all(cluster)

    run_virtual(main)


def test_the_last_node_does_not_leave_by_force_while_another_that_is_leaving_is_away() -> None:
    """The one that was leaving held the last clean copies. It came back empty-handed, was let go, and the slots were lost."""

    async def main() -> None:
        async with SimCluster(nodes=2, slots=8, replication=2) as cluster:
            cluster.kill("n1")
            await cluster.until(lambda snapshot: state_of(snapshot, "n1") is NodeState.DOWN)
            leaving = asyncio.create_task(remove(cluster, "n2"))
            with pytest.raises(ClusterError, match="n2 is not drained yet"):
                await leaving
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            with pytest.raises(ClusterError, match="n1 is the last node that stays: n2 must have left before"):
                await cluster.call(lambda coordinator: coordinator.remove_node("n1", force=True))
            await cluster.revive("n1")
            await cluster.revive("n2")
            await cluster.until(lambda snapshot: [view.id for view in snapshot.nodes] == ["n1"])
            assert cluster.coordinator.snapshot().lost == 0

    run_virtual(main)


def test_the_last_node_does_not_leave_with_lost_slots() -> None:
    """A node that came after it would have answered for them as if they had always been empty."""

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            await put_all(cluster)
            cluster.kill("n1")
            cluster.wipe("n1")
            await cluster.revive("n1")
            await cluster.until(lambda snapshot: snapshot.lost == 8)
            with pytest.raises(ClusterError, match=r"8 slots .* have no clean copy left"):
                await cluster.call(lambda coordinator: coordinator.remove_node("n1", force=True))
            await cluster.call(lambda coordinator: coordinator.accept_loss())
            await remove(cluster, "n1")

    run_virtual(main)


@pytest.mark.parametrize("memory", [True, False])
@seeded(3)
def test_an_id_can_be_given_again_as_soon_as_its_node_left(seed: int, memory: bool) -> None:
    """The end of the old node's process came after its farewell, and took the new one's place and directory with it."""

    async def main() -> None:
        async with SimCluster(seed, nodes=2, slots=8, memory=memory) as cluster:
            await put_all(cluster)
            process = cluster.process("n2")
            await remove(cluster, "n2")
            assert not process.alive
            await add(cluster, "n2")
            await cluster.until(settled)
            await check_all(cluster)
            cluster.coordinator.snapshot()
            await asyncio.sleep(20)
            assert settled(await cluster.call(lambda coordinator: coordinator.refresh()))
            await check_all(cluster)

    run_virtual(main, seed=seed)


def test_a_removal_that_can_not_go_on_says_so_and_goes_on_later() -> None:
    """It waited for ever for a node that was down."""

    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            await put_all(cluster)
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            with pytest.raises(ClusterError, match=r"n1 is not drained yet: .*; that goes on when they are back"):
                await remove(cluster, "n1")
            await cluster.revive("n2")
            await cluster.until(lambda snapshot: len(snapshot.nodes) == 1 and settled(snapshot))
            await check_all(cluster)

    run_virtual(main)


def test_a_node_that_ends_before_it_serves_ends_its_start() -> None:
    """Nothing told the waiting command that the process was gone."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            cluster.network.partition("n2", "coordinator")
            asyncio.get_running_loop().call_later(1.0, cluster.kill, "n2")
            async with asyncio.timeout(30):
                with pytest.raises(ClusterError, match="n2 ended right after its start"):
                    await cluster.revive("n2")

    run_virtual(main)


def test_another_member_at_a_node_s_address_is_not_taken_for_it() -> None:
    """It counted as that node, come back without its data: one process was two replicas."""

    async def main() -> None:
        async with SimCluster(nodes=0, slots=8) as cluster:
            for node, port in (("a", 7400), ("b", 7500)):
                await cluster.launch(node, port)
                await add(cluster, node, port)
            await cluster.call(lambda coordinator: coordinator.set_replication(2))
            await put_all(cluster)
            await cluster.until(settled)
            cluster.kill("a")
            cluster.kill("b")
            await cluster.until(lambda snapshot: {view.state for view in snapshot.nodes} == {NodeState.DOWN})
            await cluster.launch("b", 7400)
            await asyncio.sleep(10)
            snapshot = await cluster.call(lambda coordinator: coordinator.refresh())
            assert [(view.state, view.note) for view in snapshot.nodes if view.id == "a"] == [
                (NodeState.DOWN, "node b answers at 127.0.0.1:7400")
            ]
            cluster.kill("b")
            await cluster.launch("a", 7400)
            await cluster.launch("b", 7500)
            await cluster.until(settled)
            await check_all(cluster)

    run_virtual(main)


def test_one_node_does_not_join_twice_under_two_names_at_once() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            await cluster.launch("a", 7400)
            ends = await asyncio.gather(
                add(cluster, "a", 7400), add(cluster, "b", 7400), add(cluster, "a", 7400), return_exceptions=True
            )
            refusals = [str(end) for end in ends if isinstance(end, ClusterError)]
            assert len(refusals) == 2
            assert all("already" in text for text in refusals)
            assert len(cluster.coordinator.snapshot().nodes) == 2
            await put_all(cluster)
            await check_all(cluster)

    run_virtual(main)


def test_an_idle_coordinator_that_is_fenced_stops_and_says_by_whom() -> None:
    """Only a write told it: reads went on, at nodes that obeyed another one by then."""

    async def main() -> None:
        async with SimCluster(nodes=0, replication=2, slots=8, attached=True) as cluster:
            await cluster.join("a")
            await cluster.join("b")
            await put_all(cluster)
            await cluster.call(lambda coordinator: coordinator.rebalance())
            view = cluster.coordinator.snapshot().nodes[0]
            other = Machine("another")
            link = Link(cluster.clock, lambda _link, _reason: None)
            await cluster.network.transport(other).connect(view.host, view.port, lambda: link)
            cluster_id = cluster.coordinator._ledger.topology.cluster
            hello = Hello(cluster=cluster_id, coordinator="another", epoch=9, session=1, slots=8)
            assert (await link.ask(hello)).status == "ok"
            await asyncio.sleep(3 * HEARTBEAT_SECONDS)
            read = await cluster.get(KEYS[0])
            assert read.outcome is Outcome.FAILED
            assert "another coordinator took this cluster over" in read.text
            assert "granted epoch 9 to coordinator another" in read.text
            link.close("enough")

    run_virtual(main)


def test_nodes_whose_cluster_crashed_before_they_were_planned_get_their_slots() -> None:
    async def opened(write: int) -> bool:
        """Crash at that write of the first opening; whether there was one."""
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            await cluster.close()
        return True

    async def main(write: int) -> bool:
        cluster = SimCluster(nodes=3, replication=2, slots=8)
        cluster.disks.crash_at("coordinator", write, written=True)
        try:
            await cluster.open()
        except CoordinatorGone:
            crashed = True
        else:
            crashed = False
            cluster.disks.forget_crashes()
            await cluster.close()
        await asyncio.sleep(5)
        await cluster.open()
        if cluster.coordinator.snapshot().nodes:
            await cluster.until(settled)
            await put_all(cluster)
            await check_all(cluster)
            assert len(cluster.coordinator._ledger.topology.planned.weights) == len(
                cluster.coordinator.snapshot().nodes
            )
        await cluster.close()
        return crashed

    assert run_virtual(opened, 0)
    write = 1
    while run_virtual(main, write):
        write += 1
    assert write > 5


class FailingLauncher:
    """Starts no node of one name."""

    def __init__(self, cluster: SimCluster, failing: str) -> None:
        self._launcher = cluster.launcher
        self._failing = failing

    async def start(self, spec: NodeSpec) -> NodeProcess:
        if spec.node == self._failing:
            raise LaunchFailed("no such program")
        return await self._launcher.start(spec)

    def refusal(self) -> str:
        return ""

    def stored(self, directory: Path) -> list[str]:
        return self._launcher.stored(directory)

    def discard(self, spec: NodeSpec) -> Discarded:
        return self._launcher.discard(spec)


class LateLauncher(FailingLauncher):
    """A node of one name runs already when its coordinator hears of it."""

    def __init__(self, cluster: SimCluster, late: str) -> None:
        super().__init__(cluster, "")
        self._late = late
        self.runs, self.told = asyncio.Event(), asyncio.Event()

    async def start(self, spec: NodeSpec) -> NodeProcess:
        process = await super().start(spec)
        if spec.node == self._late:
            self.runs.set()
            await self.told.wait()
        return process


def test_a_node_that_begins_while_its_coordinator_ends_does_not_outlive_it() -> None:
    """It ran on, looked after by nobody, and the next coordinator could not start it: its directory was in use."""

    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            membership = cluster.coordinator._membership
            launcher = membership._processes._launcher = LateLauncher(cluster, "n2")
            starting = asyncio.ensure_future(membership.start("n2"))
            await launcher.runs.wait()
            await membership.close()
            launcher.told.set()
            with pytest.raises(ClusterError, match="n2 was not started: kvtui is ending"):
                await starting
            assert not cluster.process("n2").alive
            with pytest.raises(ClusterError, match="n1 was not started: kvtui is ending"):
                await membership._processes.restart(cluster.coordinator._ledger.nodes["n1"])

    run_virtual(main)


def test_when_one_of_several_nodes_does_not_start_no_process_is_left_behind() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:

            async def more(coordinator: Coordinator) -> None:
                coordinator._membership._processes._launcher = FailingLauncher(cluster, "n3")
                await coordinator.add_local_nodes(["n2", "n3", "n4"])

            with pytest.raises(ClusterError, match="could not start n3: no such program"):
                await cluster.call(more)
            assert not cluster.process("n2").alive
            assert not cluster.process("n4").alive
            assert [view.id for view in cluster.coordinator.snapshot().nodes] == ["n1"]

    run_virtual(main)


def test_what_keeps_a_node_from_starting_is_told_to_who_waits_for_it() -> None:
    """It stood in the list of nodes alone."""

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            cluster.kill("n1")
            await cluster.until(lambda snapshot: state_of(snapshot, "n1") is NodeState.DOWN)

            async def again(coordinator: Coordinator) -> str:
                coordinator._membership._processes._launcher = FailingLauncher(cluster, "n1")
                with pytest.raises(ClusterError, match="could not start n1: no such program"):
                    await coordinator.start_node("n1")
                return (await coordinator.get(b"key")).text

            told = await cluster.call(again)
            assert told.endswith("it waits for n1 (could not start n1: no such program)")

    run_virtual(main)


async def removed_by_force(cluster: SimCluster, node: str) -> str:
    """The node is dead, and can't be told to leave: what it has stays where it is."""
    cluster.kill(node)
    await cluster.until(lambda snapshot: state_of(snapshot, node) is NodeState.DOWN)
    async with asyncio.timeout(30.0):
        return await cluster.call(lambda coordinator: coordinator.remove_node(node, force=True))


@pytest.mark.parametrize("whole", [True, False], ids=["not a file", "some files"])
def test_a_node_whose_directory_can_not_be_deleted_has_left_all_the_same(whole: bool) -> None:
    """It ended the coordinator, and again at every opening."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            await put_all(cluster)
            cluster.disks.undeletable[cluster.data_of("n3")] = whole
            coordinator = cluster.coordinator
            async with asyncio.timeout(30.0):
                left = await cluster.call(lambda coordinator: coordinator.remove_node("n3"))
            assert str(cluster.data_of("n3")) in left
            told = anext(event async for event in coordinator.events() if left in event.text)
            assert (await told).nodes == ("n3",)
            assert [view.id for view in coordinator.snapshot().nodes] == ["n1", "n2"]
            await check_all(cluster)
            for _ in range(2):
                await cluster.close()
                await cluster.open()
                await check_all(cluster)
            assert [view.id for view in cluster.coordinator.snapshot().nodes] == ["n1", "n2"]

    run_virtual(main)


def test_a_node_of_the_same_name_begins_empty_on_the_directory_that_was_left() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            await put_all(cluster)
            cluster.disks.undeletable[cluster.data_of("n3")] = True
            await remove(cluster, "n3")
            assert (await cluster.delete(KEYS[0])).outcome is Outcome.OK
            await add(cluster, "n3")
            took_over = anext(event async for event in cluster.coordinator.events() if "took over" in event.text)
            assert (await took_over).nodes == ("n3",)
            await cluster.until(settled)
            await cluster.call(lambda coordinator: coordinator.rebalance())
            assert (await cluster.get(KEYS[0])).value is None
            for key in KEYS[1:]:
                assert (await cluster.get(key)).value == b"value of " + key

    run_virtual(main)


def test_what_a_node_left_that_could_not_be_told_to_leave_is_neither_taken_back_nor_in_the_way_for_ever() -> None:
    """``--wipe`` was not heeded where kvtui starts the node itself: it was refused for ever."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            await put_all(cluster)
            cluster.disks.undeletable[cluster.data_of("n3")] = True
            await removed_by_force(cluster, "n3")
            for key in KEYS:
                assert (await cluster.delete(key)).outcome is Outcome.OK
            with pytest.raises(ClusterError, match="was a node of this cluster"):
                await add(cluster, "n3")
            with pytest.raises(ClusterError, match="what it holds is old"):
                await cluster.call(lambda c: c.add_node("n3", "127.0.0.1", 0, own_data=OwnData.IMPORT))
            assert [view.id for view in cluster.coordinator.snapshot().nodes] == ["n1", "n2"]
            await cluster.call(lambda c: c.add_node("n3", "127.0.0.1", 0, own_data=OwnData.WIPE))
            await cluster.until(settled)
            await cluster.call(lambda coordinator: coordinator.rebalance())
            for key in KEYS:
                assert (await cluster.get(key)).value is None

    run_virtual(main)


def test_a_node_that_comes_again_with_tombstones_alone_is_emptied_of_them_too() -> None:
    """Nobody would mark them, or ever look for them."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            await put_all(cluster)
            for key in KEYS:
                assert (await cluster.delete(key)).outcome is Outcome.OK
            cluster.disks.undeletable[cluster.data_of("n3")] = True
            await removed_by_force(cluster, "n3")
            added = asyncio.ensure_future(
                cluster.call(lambda c: c.add_node("n3", "127.0.0.1", 0, own_data=OwnData.WIPE))
            )
            while "n3" not in cluster.coordinator.topology.members:
                await cluster.coordinator._ledger.changed()
            server = cluster.process("n3").server
            assert server is not None
            assert sum(server.store.table.dead) == 0
            assert cluster.coordinator.topology.members["n3"].counter == server.store.counter
            await added

    run_virtual(main)


def test_where_files_of_a_store_that_was_given_up_are_left_a_node_begins_once_they_are_gone() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            await put_all(cluster)
            cluster.disks.undeletable[cluster.data_of("n3")] = False
            await remove(cluster, "n3")
            with pytest.raises(ClusterError, match=r"could not start n3: node n3 can't begin anew: .*can't be deleted"):
                await add(cluster, "n3")
            await check_all(cluster)
            cluster.disks.undeletable.clear()
            await add(cluster, "n3")
            await cluster.until(settled)
            await check_all(cluster)

    run_virtual(main)


@pytest.mark.parametrize("whole", [True, False], ids=["not a file", "some files"])
def test_a_wipe_that_can_not_delete_says_so_and_log_and_disk_agree(whole: bool) -> None:
    """It was logged as wiped before anything was deleted."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            await put_all(cluster)
            before = cluster.coordinator.topology.members["n2"].data_id
            cluster.disks.undeletable[cluster.data_of("n2")] = whole
            if whole:
                with pytest.raises(
                    ClusterError, match=r"n2 was killed, but its data is still there: .*can't be emptied"
                ):
                    await cluster.call(lambda coordinator: coordinator.wipe_node("n2"))
            else:
                await cluster.call(lambda coordinator: coordinator.wipe_node("n2"))
            assert (cluster.coordinator.topology.members["n2"].data_id == before) is whole
            with pytest.raises(ClusterError, match="n1 has the last clean copy"):
                await cluster.call(lambda coordinator: coordinator.wipe_node("n1"))
            cluster.disks.undeletable.clear()
            await cluster.call(lambda coordinator: coordinator.start_node("n2"))
            await cluster.until(settled)
            assert (cluster.coordinator.topology.members["n2"].data_id == before) is whole
            await check_all(cluster)

    run_virtual(main)


@pytest.mark.parametrize("attached", [True, False])
def test_a_coordinator_that_stopped_meanwhile_lets_nobody_go(attached: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that slept, and was superseded, emptied a node that its successor counted on: the note that it waited for was refused."""

    async def superseded(self: Notes, names: Sequence[str], logged: Version | None = None) -> None:
        self._ledger.stop("another coordinator took this cluster over")

    async def main() -> None:
        async with SimCluster(nodes=0 if attached else 2, attached=attached, replication=1, slots=8) as cluster:
            for name in ("n1", "n2") if attached else ():
                await cluster.join(name)
            await cluster.until(settled)
            ledger = cluster.coordinator._ledger
            sent = requests_sent(monkeypatch)
            monkeypatch.setattr(Notes, "noted", superseded)
            with pytest.raises(ClusterError, match="took this cluster over"):
                await cluster.call(lambda coordinator: coordinator.remove_node("n2"))
            await asyncio.sleep(5.0)
            assert ledger.stopped
            assert not sent[Leave]
            assert cluster.disks.exists(cluster.data_of("n2"))
            assert cluster.process("n2").alive

    run_virtual(main)
