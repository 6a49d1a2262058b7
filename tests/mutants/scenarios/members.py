"""Scenarios of who belongs to a cluster: joins, losses, old logs, leaves, and what a person asks for."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from kvtui.core.cluster import ClusterError, Outcome, OwnData
from kvtui.core.notes import read_note
from kvtui.core.opening import open_cluster
from kvtui.core.placement import Placement
from kvtui.core.read_mode import ReadMode
from kvtui.core.refusals import check_spare
from kvtui.core.replacement import overdue
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.core.version import Version
from kvtui.node.store import Store
from tests.core.clusters import placed_as
from tests.core.clusters import settled as settled_topology
from tests.core.test_supervisor import BetweenNetwork
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import STATE, SimCluster, settled
from tests.simulation.machine import Machine

SLOTS = 8
KEYS = [b"key %d" % number for number in range(20)]


async def _alone(cluster: SimCluster, nodes: int) -> None:
    """So many nodes that run by themselves, and keys on them."""
    for number in range(nodes):
        await cluster.join(f"n{number + 1}")
    await _put_all(cluster)
    await cluster.until(settled)


async def _put_all(cluster: SimCluster) -> None:
    for key in KEYS:
        assert (await cluster.put(key, b"v")).outcome is Outcome.OK


def _store(cluster: SimCluster, node: str) -> Store:
    server = cluster.process(node).server
    assert server is not None
    return server.store


def _state(snapshot: ClusterSnapshot, node: str) -> NodeState:
    view = snapshot.node(node)
    assert view is not None
    return view.state


async def _down(cluster: SimCluster, node: str) -> None:
    cluster.kill(node)
    await cluster.until(lambda snapshot: _state(snapshot, node) is NodeState.DOWN)


async def _refused(asking: Any) -> str:
    """Why it is refused; empty when it is not."""
    try:
        await asking
    except ClusterError as error:
        return str(error) or "refused"
    return ""


async def a_lost_tail_is_judged_by_the_log_alone() -> None:
    """The log has no space when the node is lost, so that its counter is known and not logged."""
    async with SimCluster(nodes=2, replication=2, slots=SLOTS, make_disk=FaultyDisk) as cluster:
        await _put_all(cluster)
        await cluster.until(settled)
        log, disk = cluster.disks.disk(STATE / "metadata"), cluster.disks.disk(cluster.data_of("n2"))
        assert isinstance(log, FaultyDisk)
        assert isinstance(disk, FaultyDisk)
        log.free = 0
        await _put_all(cluster)
        await _down(cluster, "n2")
        del disk._synced[-15:]
        # It runs, and is not used before that is logged.
        await _refused(cluster.revive("n2"))
        await asyncio.sleep(3.0)
        assert _state(cluster.coordinator.snapshot(), "n2") is NodeState.DOWN, "it lost writes, and serves"
        log.free = None
        await cluster.until(settled)


async def what_a_node_noted_proves_nothing() -> None:
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        await _alone(cluster, 3)
        cluster.copy_log(Path("old"))
        await cluster.call(lambda coordinator: coordinator.set_replication(1))
        await cluster.until(settled)
        await asyncio.sleep(2.0)
        await _opened(cluster, Path("old"))
        assert cluster.coordinator.snapshot().stopped


async def _opened(cluster: SimCluster, state: Path) -> None:
    """Another log is opened after the coordinator's end; it has some seconds to find out what it is."""
    cluster.crash()
    cluster.settings = replace(cluster.settings, state=state)
    await cluster.open()
    await asyncio.sleep(5.0)


async def who_left_proves_nothing() -> None:
    """Of those who know better, only one that left the cluster since can be reached."""
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        await _alone(cluster, 3)
        cluster.copy_log(Path("old"))
        await cluster.call(lambda coordinator: coordinator.remove_node("n3"))
        cluster.kill("n1")
        cluster.kill("n2")
        await _opened(cluster, Path("old"))
        assert cluster.coordinator.snapshot().stopped


async def who_left_a_coordinator_of_the_same_epoch_proves_nothing() -> None:
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        await _alone(cluster, 3)
        cluster.copy_log(Path("other"))
        cluster.copy_log(Path("one"))
        await _opened(cluster, Path("one"))
        await cluster.call(lambda coordinator: coordinator.remove_node("n3"))
        cluster.kill("n1")
        cluster.kill("n2")
        await _opened(cluster, Path("other"))
        assert cluster.coordinator.snapshot().stopped


async def a_member_at_anothers_address_is_that_one_wiped() -> None:
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        await _alone(cluster, 2)
        ports = {node: cluster.process(node).address[1] for node in ("n1", "n2")}
        await _down(cluster, "n1")
        await _down(cluster, "n2")
        await cluster.launch("n2", ports["n1"])
        await asyncio.sleep(10.0)
        assert _state(cluster.coordinator.snapshot(), "n1") is NodeState.DOWN
        members = cluster.coordinator.topology.members
        assert members["n1"].data_id != members["n2"].data_id
        cluster.crash()


async def a_node_leaves_before_that_is_noted() -> None:
    async with SimCluster(nodes=0, attached=True, replication=1, slots=SLOTS) as cluster:
        await _alone(cluster, 2)
        cluster.network.slow("n2", 0.3)
        leaving = _store(cluster, "n1")
        leave = leaving.leave
        early: list[Placement] = []

        def left(noted: Version) -> None:
            places = read_note(_store(cluster, "n2").read_note()).places
            early.extend(place for place in places if "n1" in place.clean)
            leave(noted)

        leaving.leave = left  # type: ignore[method-assign]
        await cluster.call(lambda coordinator: coordinator.remove_node("n1"))
        assert not early, "a table that is rebuilt from the note of the other one misses it"


async def the_last_node_leaves_with_what_came_meanwhile() -> None:
    """The put comes at every point of its leave."""
    for ticks in range(24):
        async with SimCluster(ticks, nodes=1, slots=SLOTS) as cluster:
            ledger = cluster.coordinator._ledger
            leaving = asyncio.create_task(_refused(cluster.call(lambda coordinator: coordinator.remove_node("n1"))))
            while not ledger.topology.members["n1"].leaving:
                await ledger.changed()
            for _ in range(ticks):
                await asyncio.sleep(0)
            if (await cluster.put(b"key", b"value")).outcome is Outcome.OK:
                assert (await cluster.get(b"key")).value == b"value", "it left with what it had acknowledged"
            await leaving


async def who_comes_back_to_the_cluster_is_not_emptied() -> None:
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        await _alone(cluster, 4)
        port = cluster.process("n4").address[1]
        await _down(cluster, "n4")
        await cluster.call(lambda coordinator: coordinator.remove_node("n4", force=True))
        for node in ("n5", "n6"):
            await cluster.join(node)
        await cluster.until(settled)
        await cluster.launch("n4", port)
        await cluster.call(lambda c: c.add_node("n4", "127.0.0.1", port, own_data=OwnData.WIPE))
        await cluster.until(settled)
        table = _store(cluster, "n4").table
        for slot, place in enumerate(cluster.coordinator.topology.places):
            assert "n4" in place.replicas or not table.digests[slot], (
                f"it holds entries of slot {slot} that nobody marks"
            )


async def any_node_keeps_the_keys_that_it_brings() -> None:
    async with SimCluster(nodes=0, attached=True, slots=SLOTS) as cluster:
        await _alone(cluster, 1)
        process = await cluster.launch("n2")
        store = _store(cluster, "n2")
        brought = [b"brought %d" % number for number in range(10)]
        for key in brought:
            store.write(key, store.next_version(), b"v")
        store.commit()
        port = process.address[1]
        await cluster.call(lambda c: c.add_node("n2", "127.0.0.1", port, own_data=OwnData.IMPORT))
        await cluster.until(settled)
        assert [(await cluster.get(key)).value for key in brought] == [b"v"] * 10


async def _of_an_old_log(cluster: SimCluster) -> None:
    """A coordinator that may be on an old copy of the log, and has not been heard by one node."""
    await _alone(cluster, 4)
    cluster.pause("n4")
    await cluster.take_over(Path("taken"))
    await asyncio.sleep(3.0)
    assert "n4" not in cluster.coordinator._ledger.granted


async def an_old_log_lets_a_node_be_removed_by_force() -> None:
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        await _of_an_old_log(cluster)
        asking = cluster.call(lambda coordinator: coordinator.remove_node("n4", force=True))
        assert "may be an old copy" in await _refused(asyncio.wait_for(asking, 5.0))
        cluster.crash()


async def an_old_log_accepts_losses() -> None:
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        await _of_an_old_log(cluster)
        assert await _refused(cluster.call(lambda coordinator: coordinator.accept_loss()))
        cluster.crash()


def what_is_left_of_lost_slots_may_go() -> None:
    topology = placed_as(settled_topology(["a", "b", "c"], 2), Placement(("a", "b"), ()))
    try:
        check_spare(topology, "a")
    except ClusterError:
        return
    raise AssertionError("a may hold what is left of lost slots, and can be removed")


def half_of_the_cluster_is_replaced() -> None:
    topology = settled_topology(["a", "b", "c", "d"], 2)
    away = {"c": 100.0, "d": 100.0}
    assert overdue(topology, {"a", "b"}, away, 60.0) is None
    assert overdue(topology, {"a", "b", "d"}, away, 60.0) == "c"


async def short_absences_add_up() -> None:
    async with SimCluster(nodes=4, replication=2, slots=SLOTS, grace=3.0) as cluster:
        await cluster.until(settled)
        for _ in range(5):
            await _down(cluster, "n3")
            await asyncio.sleep(1.0)
            assert not cluster.coordinator.topology.members["n3"].replaced, "it was away for less than the grace period"
            await cluster.revive("n3")
            await cluster.until(settled)


async def what_a_person_ended_is_started_again() -> None:
    async with SimCluster(nodes=2, replication=2, slots=SLOTS, revive=True) as cluster:
        await cluster.until(settled)
        await cluster.call(lambda coordinator: coordinator.stop_node("n1"))
        await asyncio.sleep(20.0)
        assert not cluster.process("n1").alive


async def an_older_copy_comes_back_elsewhere() -> None:
    async with SimCluster(nodes=0, attached=True, slots=SLOTS, make_disk=FaultyDisk) as cluster:
        await _alone(cluster, 2)
        cluster.disks.copy(cluster.data_of("n2"), cluster.data_of("copy"))
        await _put_all(cluster)
        await _down(cluster, "n2")
        copy = await cluster.launch("copy")
        port = copy.address[1]
        asking = cluster.call(lambda coordinator: coordinator.add_node("n2", "127.0.0.1", port))
        assert "has lost writes" in await _refused(asking)
        cluster.crash()


async def _lost(cluster: SimCluster) -> None:
    """Of two copies one misses the last writes and is away, the other was wiped and is back."""
    await _put_all(cluster)
    await cluster.until(settled)
    await _down(cluster, "n2")
    await _put_all(cluster)
    await _down(cluster, "n1")
    cluster.wipe("n1")
    await cluster.revive("n1")
    await cluster.until(lambda snapshot: bool(snapshot.lost))


async def what_is_left_is_served_uncompared() -> None:
    async with SimCluster(nodes=2, replication=2, slots=SLOTS, make_disk=FaultyDisk) as cluster:
        await _lost(cluster)
        await cluster.revive("n2")
        await cluster.until(lambda snapshot: _state(snapshot, "n2") is NodeState.UP)
        assert await cluster.call(lambda coordinator: coordinator.accept_loss())
        await asyncio.sleep(5.0)
        one, other = _store(cluster, "n1"), _store(cluster, "n2")
        assert one.digests(0, SLOTS) == other.digests(0, SLOTS)


async def who_is_away_serves_what_is_left() -> None:
    async with SimCluster(nodes=2, replication=2, slots=SLOTS, make_disk=FaultyDisk) as cluster:
        await _lost(cluster)
        await cluster.call(lambda coordinator: coordinator.accept_loss())
        assert all("n2" not in place.clean for place in cluster.coordinator.topology.places)
        await cluster.revive("n2")
        await cluster.until(settled)


async def the_last_copy_may_be_wiped() -> None:
    async with SimCluster(nodes=2, replication=1, slots=SLOTS) as cluster:
        await _put_all(cluster)
        assert "last clean copy" in await _refused(cluster.call(lambda coordinator: coordinator.wipe_node("n1")))


async def the_read_mode_resets_the_write_quorum() -> None:
    async with SimCluster(nodes=3, replication=3, slots=SLOTS) as cluster:
        await cluster.call(lambda coordinator: coordinator.set_quorum(3))
        await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
        assert cluster.coordinator.topology.quorum == 3


async def a_directory_stays_held_by_who_could_not_open_it() -> None:
    cluster = SimCluster(nodes=1, slots=SLOTS, make_disk=FaultyDisk)
    async with cluster:
        cluster.crash()
    disk = cluster.disks.disk(STATE / "metadata")
    assert isinstance(disk, FaultyDisk)
    disk.open()
    disk.flip(disk.stored(b"", b"\xff")[-1][0], -1)
    seams = cluster.seams_of(Machine("opener"), None)
    reasons = []
    for _ in range(2):
        try:
            async with open_cluster(cluster.settings, seams):
                pass
        except ClusterError as error:
            reasons.append(str(error))
    assert len(reasons) == 2
    assert reasons[0] == reasons[1], reasons


async def nobody_looks_between_the_hellos() -> None:
    network = BetweenNetwork(0)
    async with SimCluster(nodes=0, attached=True, slots=SLOTS, network=network) as cluster:
        await cluster.join("n1")
        await cluster.call(lambda coordinator: coordinator.rebalance())
        cluster.crash()

        def note() -> None:
            network.happens = None
            server = cluster.process("n1").server
            assert server is not None
            server.store.write_note("more", Version(1, 1_000_000))

        network.happens = note
        await cluster.open()
        assert "n1 has noted more" in cluster.coordinator.snapshot().stopped


async def what_became_of_a_member_while_it_was_asked_is_undone() -> None:
    async with SimCluster(nodes=0, slots=SLOTS) as cluster:
        for node, port in (("a", 7400), ("b", 7500)):
            await cluster.launch(node, port)
            await cluster.call(lambda c, node=node, port=port: c.add_node(node, "127.0.0.1", port))  # type: ignore[misc]
        await cluster.until(settled)
        await _down(cluster, "b")
        await cluster.launch("b", 7600)
        cluster.network.slow("b", 0.3)
        adding = asyncio.create_task(cluster.call(lambda c: c.add_node("b", "127.0.0.1", 7600)))
        await asyncio.sleep(0.1)
        assert not adding.done()
        cluster.coordinator._membership._begin_to_leave("b")
        await adding
        member = cluster.coordinator.topology.members.get("b")
        assert member is None or member.leaving
