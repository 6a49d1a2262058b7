"""Scenarios of puts and deletes."""

import asyncio
from contextlib import suppress

from kvtui.core import batches as batches_module
from kvtui.core import writes as writes_module
from kvtui.core.cluster import Outcome
from kvtui.core.ledger import Counting
from kvtui.core.link import Link
from kvtui.core.pending_write import PendingWrite
from kvtui.core.placement import Placement
from kvtui.core.protocol import ERROR, INLINE_BYTES, UPLOADS, Get, Reply
from kvtui.core.records import Behind, Placed, Recovered
from kvtui.core.seams.clock import LoopClock
from kvtui.core.value_transfer import UploadFailed, send_value
from kvtui.core.version import Version
from tests.mutants.scenarios.clusters import be_quiet, down, key_in, link_of, store_of, versions
from tests.mutants.scenarios.constants import lowered
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import COORDINATOR, SimCluster


async def what_was_sent_ahead_in_vain_is_kept() -> None:
    async with SimCluster(nodes=1, slots=1) as cluster:
        cluster.network.slow("n1", 0.05)
        for _ in range(UPLOADS):
            with suppress(TimeoutError):
                async with asyncio.timeout(0.15):
                    await cluster.coordinator.put(b"key", bytes(16 * INLINE_BYTES))
        assert (await cluster.put(b"key", bytes(2 * INLINE_BYTES))).text == ""


async def an_older_writes_end_forgets_a_newer_one() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.network.slow("n2", 0.05)
        older = asyncio.create_task(cluster.put(b"key", b"older"))
        await asyncio.sleep(0.08)
        newer = asyncio.create_task(cluster.put(b"key", b"newer"))
        await older
        assert not newer.done()
        read = await cluster.get(b"key")
        # What was read once is what every clean replica holds.
        assert store_of(cluster, "n1").read(b"key") == store_of(cluster, "n2").read(b"key")
        assert read.value == b"newer"
        assert (await newer).outcome is Outcome.OK


async def an_overdue_write_is_called_failed() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        # A node that keeps no note holds a write up for as long as it does so.
        cluster.coordinator._notes._owed["n1"] = Version(99, 0)
        end = await cluster.put(b"key", b"new")
        assert end.outcome is Outcome.UNKNOWN
        assert (await versions(cluster))["n1"] == end.version


async def a_write_does_not_wait_for_the_notes() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        notes = cluster.coordinator._notes
        notes._owed["n1"] = Version(99, 0)
        writing = asyncio.create_task(cluster.put(b"key", b"new"))
        await asyncio.sleep(0.5)
        assert not writing.done()
        notes.tell("n1")
        assert (await writing).outcome is Outcome.OK


async def a_batch_ends_as_its_first_slot_does() -> None:
    async with SimCluster(nodes=2, replication=2, slots=2) as cluster:
        await cluster.call(lambda coordinator: coordinator.set_quorum(2))
        await be_quiet(cluster)
        ledger = cluster.coordinator._ledger
        ledger.append(Placed(0, 2, Placement(("n1", "n2"), ("n1", "n2"))))
        cluster.network.slow("n2", 0.05)
        keys = [key_in(0, 2), key_in(1, 2)]
        writing = asyncio.create_task(cluster.put_many([(key, b"new") for key in keys]))
        await asyncio.sleep(0.01)
        assert not writing.done()
        # As a wipe does: no clean set would shrink so by itself.
        ledger.append(Behind("n2", [(1, 2)]))
        assert (await writing).others.get(keys[1]) is Outcome.UNKNOWN


async def the_quorum_is_counted_from_what_is_left() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.coordinator._ledger.append(Behind("n2", [(0, 1)]), Behind("n3", [(0, 1)]))
        assert (await cluster.put(b"key", b"new")).outcome is Outcome.FAILED
        assert (await cluster.get(b"key")).value == b"old"


async def who_was_silent_did_not_miss_the_write() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        ledger = cluster.coordinator._ledger
        # Nobody can be recorded as behind.
        ledger.full = "no space"
        cluster.network.slow("n2", 0.05)
        writing = asyncio.create_task(cluster.put(b"key", b"new"))
        await asyncio.sleep(0.01)
        cluster.kill("n2")
        end = await writing
        assert set(ledger.topology.places[0].clean) == {"n1", "n2"}
        assert end.outcome is Outcome.UNKNOWN


async def _with_one_behind(cluster: SimCluster) -> tuple[str, Counting]:
    """The third replica is behind, and being verified."""
    await be_quiet(cluster)
    ledger = cluster.coordinator._ledger
    third = ledger.topology.places[0].replicas[2]
    ledger.append(Behind(third, [(0, 1)]))
    counting = Counting(third, 0, 1)
    ledger.counting.append(counting)
    return third, counting


async def a_write_does_not_wait_for_who_is_being_verified() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        third, counting = await _with_one_behind(cluster)
        cluster.network.slow(third, 0.05)
        end = await cluster.put(b"key", b"new")
        assert end.outcome is Outcome.OK
        record = store_of(cluster, third).read(b"key")
        assert counting.spoiled or (record is not None and record.endswith(b"new"))
        cluster.coordinator._ledger.counting.clear()


async def a_write_that_can_not_reach_who_is_verified_leaves_it_so() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        third, counting = await _with_one_behind(cluster)
        await down(cluster, third)
        assert (await cluster.put(b"key", b"new")).outcome is Outcome.OK
        assert counting.spoiled
        cluster.coordinator._ledger.counting.clear()


async def a_refusal_voids_no_verification() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
        third, counting = await _with_one_behind(cluster)
        _fill(cluster, third)
        assert (await cluster.put(b"key", b"new")).outcome is Outcome.OK
        assert counting.spoiled
        cluster.coordinator._ledger.counting.clear()


def _fill(cluster: SimCluster, node: str) -> FaultyDisk:
    disk = cluster.disks.disk(cluster.data_of(node))
    assert isinstance(disk, FaultyDisk)
    disk.free = 0
    return disk


async def who_refuses_a_write_stays_clean() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
        await be_quiet(cluster)
        full = _fill(cluster, "n2")
        assert (await cluster.put(b"key", b"new")).outcome is Outcome.OK
        assert cluster.coordinator.topology.places[0].behind == ("n2",)
        full.free = None


async def tombstones_of_unknown_deletes_are_not_looked_for() -> None:
    async with SimCluster(nodes=1, slots=1) as cluster:
        await be_quiet(cluster)
        graves = cluster.coordinator._ledger.graves
        graves.looked(0, 1)
        cluster.network.partition("n1", "coordinator", one_way=True)
        assert (await cluster.delete(b"key")).outcome is Outcome.UNKNOWN
        assert graves.marks[0]


async def a_batch_is_written_as_it_was_cut() -> None:
    async with SimCluster(nodes=3, replication=1, slots=2) as cluster:
        await be_quiet(cluster)
        ledger = cluster.coordinator._ledger
        one = Placement(("n1",), ("n1",))
        ledger.append(Placed(0, 2, one))
        ledger.unverified = bytearray(2)
        items = [(key_in(0, 2), b"v"), (key_in(1, 2), b"v"), (key_in(0, 2, 1), b"v"), (key_in(1, 2, 1), b"v")]
        size = len(items[0][0]) + len(items[1][0]) + 2
        with lowered(batches_module, BATCH_BYTES=size), lowered(writes_module, BATCHES_AT_ONCE=1):
            cluster.network.slow("n1", 0.05)
            writing = asyncio.create_task(cluster.put_many(items))
            await asyncio.sleep(0.01)
            assert not writing.done()
            cluster.network.slow("n1", 0)
            ledger.append(Placed(1, 2, Placement(("n2",), ("n2",))))
            end = await writing
        # What was sent first went where the slot was; what comes after it goes where it is.
        assert items[3][0] not in end.others
        assert (await cluster.get(items[3][0])).value == b"v"
        assert (await cluster.get(items[2][0])).value == b"v"


async def the_first_of_two_values_of_a_key_wins() -> None:
    async with SimCluster(nodes=1, slots=8) as cluster:
        end = await cluster.put_many([(b"a", b"1"), (b"b", b"1"), (b"a", b"2")])
        assert end.ok == 3
        assert (await cluster.get(b"a")).value == b"2"


async def silence_is_a_refusal() -> None:
    async with SimCluster(nodes=1, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.network.partition("n1", "coordinator", one_way=True)
        end = await cluster.put(b"key", b"new")
        assert end.outcome is Outcome.UNKNOWN
        record = store_of(cluster, "n1").read(b"key")
        assert record is not None
        assert record.endswith(b"new")


async def who_waits_for_a_write_is_not_told_of_its_end() -> None:
    loop = asyncio.get_running_loop()
    write = PendingWrite((b"key",), (0,), Version(1, 1), {"n1"}, loop.time(), loop.create_future())
    waiting = [write.settled(), write.settled()]
    waiting[0].cancel()
    write.let_go()
    assert waiting[1].done()
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.network.slow("n2", 0.05)
        writing = asyncio.create_task(cluster.put(b"key", b"new"))
        await asyncio.sleep(0.01)
        read = await cluster.get(b"key")
        assert read.value == b"new"
        assert read.milliseconds < 1000
        await writing


async def an_overdue_write_counts_as_over() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.coordinator._notes._owed["n1"] = Version(99, 0)
        assert (await cluster.put(b"key", b"new")).outcome is Outcome.UNKNOWN
        # Nobody may purge or read at one replica what still has no end.
        assert not cluster.coordinator._writes.may_purge(b"key")
        assert not cluster.coordinator._reads._settled(b"key", 0)


async def a_lost_link_is_heard_of_by_writes_first() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.network.slow("n2", 0.05)
        writing = asyncio.create_task(cluster.put(b"key", b"new"))
        await asyncio.sleep(0.01)
        cluster.kill("n2")
        assert (await writing).outcome is Outcome.OK
        assert cluster.coordinator.topology.places[0].clean == ("n1",)


async def counters_are_told_by_heartbeats_alone() -> None:
    async with SimCluster(nodes=1, slots=1) as cluster:
        await be_quiet(cluster)
        for number in range(5):
            assert (await cluster.put(b"key", b"%d" % number)).outcome is Outcome.OK
            synced = store_of(cluster, "n1").counter_after_commit
            # All that was acknowledged is known to be synced, before the next heartbeat.
            assert link_of(cluster, "n1").counter >= synced - 1


async def a_node_that_was_idle_is_silent() -> None:
    lost: list[str] = []
    link = Link(LoopClock(), lambda _link, reason: lost.append(reason))
    link.connection_made(_Nowhere())
    await asyncio.sleep(60)
    asking = link.ask(Get("key"))
    await asyncio.sleep(0.5)
    assert lost == []
    await asyncio.sleep(2)
    assert lost == ["silent for 1.5 s"]
    assert asking.done()


class _Nowhere(asyncio.Transport):
    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None: ...


async def a_value_is_sent_ahead_to_the_clean_alone() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        third, counting = await _with_one_behind(cluster)
        end = await cluster.put(b"key", b"v" * (2 * INLINE_BYTES))
        assert end.outcome is Outcome.OK
        assert not counting.spoiled
        assert (await versions(cluster))[third] == end.version
        cluster.coordinator._ledger.counting.clear()


async def a_refused_piece_is_taken_for_sent() -> None:
    class Refusing(Link):
        asked = 0

        def ask(self, request: object) -> "asyncio.Future[Reply]":
            self.asked += 1
            answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            answer.set_result(Reply(status=ERROR, msg="no") if self.asked == 2 else Reply(status="ok"))
            return answer

    link = Refusing(LoopClock(), lambda _link, _reason: None)
    try:
        await send_value(link, "u", b"v" * (4 * INLINE_BYTES))
    except UploadFailed:
        assert link.asked == 2
    else:
        raise AssertionError("a value of which a piece was refused was taken for sent")


async def a_newer_write_that_failed_hides_an_older_one() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1, make_disk=FaultyDisk) as cluster:
        await be_quiet(cluster)
        writes, disk = cluster.coordinator._writes, cluster.disks.disk(cluster.data_of("n1"))
        assert isinstance(disk, FaultyDisk)
        cluster.pause("n2")
        older = asyncio.create_task(cluster.put(b"key", b"older"))
        while not (under_way := writes.in_flight.get(b"key")) or not under_way.acknowledged:
            await asyncio.sleep(0.001)
        # It goes on without n2 once n1 has noted that, for which there is no space.
        disk.free = 0
        await down(cluster, "n2")
        assert (await cluster.put(b"key", b"newer")).outcome is Outcome.FAILED
        assert writes.in_flight.get(b"key") is under_way
        disk.free = None
        await older


async def who_was_remade_holds_what_it_acknowledged() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        await be_quiet(cluster)
        ledger = cluster.coordinator._ledger
        cluster.network.slow("n2", 0.5)
        cluster.network.partition(COORDINATOR, "n3", one_way=True)
        writing = asyncio.create_task(cluster.put(b"key", b"new"))
        await asyncio.sleep(0.1)
        cluster.network.cut("n3")
        await asyncio.sleep(0.1)
        assert not writing.done()
        # As if it had been made equal to n3, which missed the write.
        ledger.append(Behind("n1", [(0, 1)]))
        ledger.append(Recovered("n1", 0, 1))
        ledger.append(Behind("n3", [(0, 1)]))
        assert (await writing).outcome is Outcome.UNKNOWN


async def of_hidden_writes_the_oldest_counts() -> None:
    async with SimCluster(nodes=2, replication=2, slots=8, make_disk=FaultyDisk) as cluster:
        await be_quiet(cluster)
        writes, disk = cluster.coordinator._writes, cluster.disks.disk(cluster.data_of("n1"))
        assert isinstance(disk, FaultyDisk)
        cluster.pause("n2")
        written = []
        for value in (b"oldest", b"older"):
            written.append(asyncio.create_task(cluster.put(b"key", value)))
            while len(writes._unsettled) < len(written) or not writes.in_flight[b"key"].acknowledged:
                await asyncio.sleep(0.001)
        under_way = writes.in_flight[b"key"]
        disk.free = 0
        await down(cluster, "n2")
        assert (await cluster.put(b"key", b"newest")).outcome is Outcome.FAILED
        assert writes.in_flight.get(b"key") is under_way
        disk.free = None
        for each in written:
            await each


async def who_was_remade_before_is_forgotten() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        await be_quiet(cluster)
        ledger = cluster.coordinator._ledger
        cluster.network.slow("n2", 0.5)
        cluster.network.partition(COORDINATOR, "n3", one_way=True)
        writing = asyncio.create_task(cluster.put(b"key", b"new"))
        await asyncio.sleep(0.1)
        cluster.network.cut("n3")
        await asyncio.sleep(0.1)
        assert not writing.done()
        for node in ("n1", "n3"):
            ledger.append(Behind(node, [(0, 1)]))
            ledger.append(Recovered(node, 0, 1))
        ledger.append(Behind("n3", [(0, 1)]))
        assert (await writing).outcome is Outcome.UNKNOWN


async def one_clean_copy_will_do_at_the_end() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.network.slow("n1", 0.5)
        writing = asyncio.create_task(cluster.put(b"key", b"new"))
        await asyncio.sleep(0.1)
        assert not writing.done()
        cluster.coordinator._ledger.append(Behind("n2", [(0, 1)]))
        await cluster.call(lambda coordinator: coordinator.set_quorum(2))
        assert (await writing).outcome is Outcome.UNKNOWN
