"""A disk loses the last of what it said it had synced: whoever answers for that is not believed any more, however little it is.

A node is judged by its write counter against what was acknowledged, in this life of the coordinator or, as logged, in an earlier
one. Whatever adds batches before it is judged would hide as many that are missing: a grant, a second try, upkeep.
"""

import asyncio
from pathlib import Path

import pytest

from kvtui.core import supervisor
from kvtui.core.cluster import Outcome
from kvtui.core.snapshot import NodeState
from kvtui.core.supervisor import COUNTER_SECONDS
from tests.core.test_supervisor import EndingNetwork
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.transport import SimNetwork

KEY, OLD, NEW = b"key", b"old", b"new"
LOGGED_SECONDS = COUNTER_SECONDS + 1
"""Until then a node's counter is logged."""


def ring(copies: int = 1, network: SimNetwork | None = None, *, attached: bool = False) -> SimCluster:
    """Of as many nodes as copies. Those that kvtui starts give back no space, and so write nothing for themselves."""
    nodes = 0 if attached else copies
    cluster = SimCluster(
        nodes=nodes, replication=copies, slots=8, make_disk=FaultyDisk, network=network, attached=attached
    )
    if not attached:
        cluster.launcher.least_garbage = 1_000_000
    return cluster


def disk_of(cluster: SimCluster, node: str) -> FaultyDisk:
    disk = cluster.disks.disk(cluster.data_of(node))
    assert isinstance(disk, FaultyDisk)
    return disk


def kill_all(cluster: SimCluster, *nodes: str) -> None:
    """At one moment, so that nobody hears of anybody's end."""
    for node in nodes:
        cluster.kill(node)
    cluster.crash()


async def old_then_new(cluster: SimCluster, times: int = 1) -> None:
    """Both acknowledged, and both logged; the new value so many times, each in a batch."""
    await cluster.until(settled)
    assert (await cluster.put(KEY, OLD)).outcome is Outcome.OK
    await asyncio.sleep(LOGGED_SECONDS)
    for _ in range(times):
        assert (await cluster.put(KEY, NEW)).outcome is Outcome.OK
    await asyncio.sleep(LOGGED_SECONDS)


async def purged(cluster: SimCluster, *nodes: str) -> bool:
    """Wait until none of them holds a tombstone."""
    servers = [server for node in nodes if (server := cluster.process(node).server) is not None]
    await cluster.until(lambda _: not any(sum(server.store.table.dead) for server in servers))
    return len(servers) == len(nodes)


def lost_slots(cluster: SimCluster) -> int:
    return sum(stop - start for start, stop in cluster.coordinator.topology.lost)


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_the_only_copy_that_lost_its_tail_while_the_coordinator_was_dead_is_reported_lost(batches: int) -> None:
    """Of exactly one batch it went unnoticed: the hello that grants the epoch is a batch itself."""

    async def main() -> None:
        async with ring() as cluster:
            await old_then_new(cluster, batches)
            kill_all(cluster, "n1")
            assert len(disk_of(cluster, "n1").lose_tail(batches)) == batches
            await cluster.open()
            assert lost_slots(cluster) == 8
            read = await cluster.get(KEY)
            assert (read.outcome, read.value) == (Outcome.FAILED, None)
            cluster.crash()

    run_virtual(main)


def test_two_replicas_that_both_lost_their_last_batch_are_reported_lost() -> None:
    async def main() -> None:
        async with ring(copies=2) as cluster:
            await old_then_new(cluster)
            kill_all(cluster, "n1", "n2")
            for node in ("n1", "n2"):
                disk_of(cluster, node).lose_tail(1)
            await cluster.open()
            assert lost_slots(cluster) == 8
            assert (await cluster.get(KEY)).outcome is Outcome.FAILED
            cluster.crash()

    run_virtual(main)


def test_one_of_two_replicas_that_lost_its_last_batch_is_made_equal_to_the_other() -> None:
    async def main() -> None:
        async with ring(copies=2) as cluster:
            await old_then_new(cluster)
            kill_all(cluster, "n1", "n2")
            disk_of(cluster, "n1").lose_tail(1)
            await cluster.open()
            assert cluster.coordinator.topology.only_at("n2")
            assert (await cluster.get(KEY)).value == NEW
            await cluster.until(settled)
            cluster.kill("n2")
            read = await cluster.get(KEY)
            assert (read.outcome, read.value, read.node) == (Outcome.OK, NEW, "n1")

    run_virtual(main)


@pytest.mark.parametrize("openings", [1, 2])
def test_a_hello_whose_answer_is_lost_hides_nothing(openings: int) -> None:
    """The node grants the epoch, and the connection breaks before the coordinator knows, or is killed itself as well: the next
    hello finds one batch more."""

    async def main() -> None:
        network = EndingNetwork(0)
        async with ring(network=network) as cluster:
            await old_then_new(cluster)
            kill_all(cluster, "n1")
            disk_of(cluster, "n1").lose_tail(1)
            for _ in range(openings - 1):
                network.ending = 1
                await cluster.open()
                assert not network.ending
                kill_all(cluster, "n1")
            network.ending = 1
            await cluster.open()
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.UP)
            assert lost_slots(cluster) == 8
            cluster.crash()

    run_virtual(main)


def test_a_tail_that_is_lost_with_the_grant_in_it_is_noticed_within_the_life_of_one_coordinator() -> None:
    async def main() -> None:
        async with ring() as cluster:
            before = disk_of(cluster, "n1").batches
            await old_then_new(cluster)
            cluster.crash()
            await cluster.open()
            await cluster.until(settled)
            assert (await cluster.put(KEY, b"newest")).outcome is Outcome.OK
            disk = disk_of(cluster, "n1")
            cluster.kill("n1")
            disk.lose_tail(disk.batches - before)
            await cluster.revive("n1")
            assert lost_slots(cluster) == 8

    run_virtual(main)


def test_what_a_node_writes_for_itself_hides_nothing() -> None:
    """A node that runs by itself gives back space while nobody coordinates: its sums are written anew, in a batch of its own."""

    async def main() -> None:
        async with ring(attached=True) as cluster:
            await cluster.join("n1")
            await cluster.until(settled)
            for number in range(50):
                await cluster.put(KEY, b"%d" % number * 20)
            cluster.kill("n1")
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.DOWN)
            cluster.crash()
            disk = disk_of(cluster, "n1")
            disk.lose_tail(1)
            before = disk.batches
            await cluster.revive("n1")
            await asyncio.sleep(10)
            assert disk.batches < before, "it gave nothing back"
            await cluster.open()
            assert lost_slots(cluster) == 8
            cluster.crash()

    run_virtual(main)


def test_a_log_without_space_for_the_loss_leaves_the_node_as_it_is() -> None:
    """Nothing is told to a node before it is logged what it lost: else the next coordinator would find it complete."""

    async def main() -> None:
        async with ring() as cluster:
            await old_then_new(cluster)
            cluster.kill("n1")
            disk_of(cluster, "n1").lose_tail(1)
            log = cluster.disks.disk(Path("state/metadata"))
            assert isinstance(log, FaultyDisk)
            log.free = 0
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.DOWN)
            kept = disk_of(cluster, "n1").batches
            with pytest.raises(Exception, match="not used before: the metadata log takes no more records"):
                await cluster.revive("n1")
            assert disk_of(cluster, "n1").batches == kept
            log.free = None
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.UP)
            assert lost_slots(cluster) == 8

    run_virtual(main)


def test_a_scan_finds_what_one_replica_lost_before_it_was_logged() -> None:
    """Replicas that were not compared yet may differ: the others were never asked for keys that the first one lacks."""

    async def main() -> None:
        async with ring(copies=2) as cluster:
            await cluster.until(settled)
            await cluster.put(b"before", OLD)
            await asyncio.sleep(LOGGED_SECONDS)
            disks = {node: disk_of(cluster, node) for node in ("n1", "n2")}
            keys = [b"key %d" % number for number in range(30)]
            kept = {node: disk.batches for node, disk in disks.items()}
            for key in keys:
                await cluster.put(key, NEW)
            # It is killed before anything of that is logged: each lost other keys than the other one.
            kill_all(cluster, "n1", "n2")
            disks["n1"].lose_tail(disks["n1"].batches - kept["n1"] - 10)
            await cluster.open()
            assert any(cluster.coordinator._ledger.unverified), "they were compared already"
            scanned = [item.key async for page in cluster.coordinator.scan() for item in page]
            assert sorted(scanned) == sorted([b"before", *keys])

    run_virtual(main)


# What was acknowledged long ago may lie in batches that were synced a moment ago, when nothing but those is logged in time.


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters are logged with changes of who holds what, and not in between."""
    monkeypatch.setattr(supervisor, "COUNTER_SECONDS", 1000.0)


@pytest.mark.usefixtures("seldom")
def test_what_was_just_moved_is_missed_when_its_new_node_loses_it() -> None:
    """Its source had let go of it already."""

    async def main() -> None:
        async with ring() as cluster:
            await cluster.until(settled)
            for number in range(20):
                await cluster.put(b"%d" % number, OLD)
            await cluster.join("n2")
            await cluster.until(settled)
            kill_all(cluster, "n1", "n2")
            disk = disk_of(cluster, "n2")
            # It knows that it is a member, and what it was first told.
            disk.lose_tail(disk.batches - 3)
            moved = sum("n2" in place.replicas for place in cluster.coordinator.topology.places)
            assert moved
            await cluster.open()
            assert lost_slots(cluster) == moved
            cluster.crash()

    run_virtual(main)


@pytest.mark.usefixtures("seldom")
def test_what_a_node_that_is_behind_has_too_is_missed_when_the_clean_one_loses_it() -> None:
    """The one that was away would be made equal to the one that lost it."""

    async def main() -> None:
        async with ring(copies=2) as cluster:
            await cluster.until(settled)
            disk = disk_of(cluster, "n1")
            await cluster.put(KEY, OLD)
            before = disk.batches
            await cluster.put(KEY, NEW)
            cluster.kill("n2")
            await cluster.until(lambda snapshot: snapshot.nodes[1].state is NodeState.DOWN)
            kill_all(cluster, "n1")
            disk.lose_tail(disk.batches - before)
            await cluster.open()
            assert lost_slots(cluster) == 8
            cluster.crash()

    run_virtual(main)


@pytest.mark.usefixtures("seldom")
def test_a_tombstone_that_one_replica_lost_after_the_others_purged_it_does_not_bring_the_value_back() -> None:
    async def main() -> None:
        async with ring(copies=2) as cluster:
            await cluster.until(settled)
            await cluster.put(KEY, OLD)
            disk = disk_of(cluster, "n2")
            before = disk.batches
            await cluster.delete(KEY)
            assert await purged(cluster, "n1", "n2")
            kill_all(cluster, "n1", "n2")
            disk.lose_tail(disk.batches - before)
            await cluster.open()
            await cluster.until(settled)
            read = await cluster.get(KEY)
            assert (read.outcome, read.value) == (Outcome.OK, None)

    run_virtual(main)
