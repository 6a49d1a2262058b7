"""Gets and scans while the ground moves: nothing older than what was read or acknowledged, nothing left out."""

import asyncio
import random

import pytest

from kvtui.core.cluster import ClusterError, Outcome, OwnData
from kvtui.core.ledger import Counting
from kvtui.core.link import Link
from kvtui.core.mover import AT_ONCE
from kvtui.core.placement import Placement
from kvtui.core.protocol import (
    INLINE_BYTES,
    Clear,
    Counts,
    Drop,
    Entry,
    Get,
    Listed,
    Piece,
    Put,
    PutMany,
    Reply,
    to_blob,
)
from kvtui.core.read_mode import ReadMode
from kvtui.core.reads import _in_the_ring, _together
from kvtui.core.records import Behind, Placed, Recovered
from kvtui.core.snapshot import NodeState
from kvtui.core.version import Version
from kvtui.core.work import Kind, Work
from kvtui.node.record import engine_key
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.seeds import seeded

NEWER = Version(1, 1000)
NEWEST = Version(1, 2000)


async def half_written(cluster: SimCluster) -> None:
    """``key`` is acknowledged as "old"; a newer write of it reached n1 alone."""
    assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
    await cluster.until(settled)
    await cluster.call(lambda coordinator: coordinator.rebalance())
    # The mover does nothing from here on: what it might do at any moment is done by the test.
    mover = cluster.coordinator._mover
    mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE
    ledger = cluster.coordinator._ledger
    link = ledger.nodes["n1"].link
    assert link is not None
    await link.ask(PutMany(entries=[Entry("key", NEWER, 3, "new")]))


async def versions(cluster: SimCluster) -> set[Version | None]:
    location = await cluster.call(lambda coordinator: coordinator.locate(b"key"))
    return {copy.version for copy in location.replicas}


@seeded(5)
def test_a_node_that_becomes_clean_during_a_read_of_all_holds_what_was_read(seed: int) -> None:
    """It had verified against another replica than the one that held the newest version, and answered with an older one next."""

    async def main() -> None:
        async with SimCluster(seed, nodes=3, replication=3, slots=1) as cluster:
            await half_written(cluster)
            ledger = cluster.coordinator._ledger
            ledger.append(Behind("n3", [(0, 1)]))
            ledger.suspect_key(b"key", 0, NEWER)
            reading = asyncio.create_task(cluster.get(b"key"))
            await asyncio.sleep(0.0001)
            assert not reading.done()
            ledger.append(Recovered("n3", 0, 1))
            read = await reading
            assert (read.outcome, read.value) == (Outcome.OK, b"new")
            assert await versions(cluster) == {NEWER}

    run_virtual(main, seed=seed)


@seeded(5)
def test_a_write_that_ends_unknown_during_a_read_of_all_stays_suspected(seed: int) -> None:
    """The read, which had asked before it, took the suspicion away; the next one believed a single replica."""

    async def main() -> None:
        async with SimCluster(seed, nodes=2, replication=2, slots=1) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            ledger = cluster.coordinator._ledger
            ledger.suspect_key(b"key", 0, Version(1, 1))
            reading = asyncio.create_task(cluster.get(b"key"))
            await asyncio.sleep(0.0001)
            assert not reading.done()
            ledger.suspect_key(b"key", 0, NEWER)
            assert (await reading).value == b"old"
            assert ledger.uncertain == {b"key": NEWER}

    run_virtual(main, seed=seed)


def test_readers_of_one_large_uncertain_value_all_get_it() -> None:
    """Each brought the replica that lacked it up to date, in pieces of the same name: the pieces came out of order."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await half_written(cluster)
            value = "x" * (3 * INLINE_BYTES)
            link = cluster.coordinator._ledger.nodes["n1"].link
            assert link is not None
            for offset in range(0, len(value), INLINE_BYTES):
                piece = value[offset : offset + INLINE_BYTES]
                assert (await link.ask(Piece(upload="u", offset=offset, total=len(value), data=piece))).status == "ok"
            large = Entry("key", NEWEST, len(value), upload="u")
            assert (await link.ask(PutMany(entries=[large]))).status == "ok"
            cluster.coordinator._ledger.suspect_key(b"key", 0, NEWEST)
            reads = await asyncio.gather(*(cluster.get(b"key") for _ in range(8)))
            assert {read.outcome for read in reads} == {Outcome.OK}, reads[0].text
            assert {read.value for read in reads} == {value.encode()}
            assert await versions(cluster) == {NEWEST}

    run_virtual(main)


@seeded(5)
def test_many_keys_at_once_are_not_read_at_one_replica_after_an_unknown_write(seed: int) -> None:
    async def main() -> None:
        async with SimCluster(seed, nodes=2, replication=2, slots=1) as cluster:
            await half_written(cluster)
            ledger = cluster.coordinator._ledger
            reading = asyncio.create_task(cluster.call(lambda coordinator: coordinator.get_many([b"key"])))
            await asyncio.sleep(0.0001)
            assert not reading.done()
            ledger.suspect_key(b"key", 0, NEWER)
            (read,) = await reading
            assert read.value == b"new"
            assert await versions(cluster) == {NEWER}

    run_virtual(main, seed=seed)


def test_a_scan_while_slots_move_leaves_no_key_out() -> None:
    """Pages went on at a node whose slots had been moved and cleared: half of the keys were missing from what was saved."""

    async def main() -> None:
        async with SimCluster(nodes=1, slots=64) as cluster:
            keys = {b"key %d" % number for number in range(6000)}
            written = await cluster.call(lambda coordinator: coordinator.put_many([(key, b"v") for key in keys]))
            assert written.ok == len(keys)
            seen: list[bytes] = []

            async def scan() -> None:
                async for page in cluster.coordinator.scan(values=False):
                    seen.extend(item.key for item in page)
                    await asyncio.sleep(0.3)

            scanning = asyncio.create_task(scan())
            await asyncio.sleep(0.1)
            await cluster.call(lambda coordinator: coordinator.add_node("n2", "127.0.0.1", 0))
            await cluster.until(settled)
            assert not scanning.done()
            await scanning
            assert len(seen) == len(set(seen))
            assert set(seen) == keys

    run_virtual(main)


def test_a_get_that_nobody_may_go_on_without_says_who_is_away_and_what_to_do() -> None:
    """It said that no other node had a clean copy: two had."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
            await cluster.put(b"key", b"1")
            await cluster.call(lambda coordinator: coordinator.set_quorum(3))
            cluster.kill("n1")
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.DOWN)
            ledger = cluster.coordinator._ledger
            ledger.suspect_key(b"key", ledger.slot(b"key"), Version(1, 2))
            why = (
                "n1 can't be reached, may have a write of unknown outcome, and too few copies are left to go on without it;"
                " start it, or want fewer with: setquorum"
            )
            assert (await cluster.get(b"key")).text == why
            ledger.suspect(0, 1)
            with pytest.raises(ClusterError) as scanned:
                await cluster.scan(lambda page: None)
            assert str(scanned.value) == f"can't read the whole ring: {why}"
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
            assert (await cluster.get(b"key")).value == b"1"

    run_virtual(main)


def test_a_scan_after_an_unknown_write_agrees_with_what_is_read_next() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await half_written(cluster)
            cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
            pages = [page async for page in cluster.coordinator.scan()]
            assert [(item.key, item.value) for page in pages for item in page] == [(b"key", b"new")]
            assert await versions(cluster) == {NEWER}

    run_virtual(main)


def test_a_scan_never_passes_a_stale_value_off_as_the_newest() -> None:
    """With available reads it gave what a get would have flagged as stale, and an item has no such flag."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
            await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
            await cluster.put(b"key", b"old")
            cluster.pause("n2")
            assert (await cluster.put(b"key", b"new")).outcome is Outcome.UNKNOWN
            assert (await cluster.get(b"key")).stale
            with pytest.raises(ClusterError, match="can only be read from a replica that may be behind"):
                _ = [page async for page in cluster.coordinator.scan()]
            cluster.resume("n2")
            await cluster.until(settled)
            assert [item.value async for page in cluster.coordinator.scan() for item in page] == [b"new"]

    run_virtual(main)


def test_an_import_trusts_no_replica_that_may_be_behind() -> None:
    """With available reads, a key that only the clean replica had was taken for new: were that one back in the same moment, its
    value would have been replaced by the imported one."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
            cluster.kill("n2")
            await cluster.put(b"key", b"the cluster's")
            cluster.kill("n1")
            await cluster.call(lambda coordinator: coordinator.start_node("n2"))
            assert (await cluster.get(b"key")).stale
            alone = await cluster.launch("alone")
            link = Link(cluster.clock, lambda _link, _reason: None)
            seams = cluster.seams_of(cluster.machine, cluster.secret)
            await seams.transport.connect(*alone.address, lambda: link)
            await link.ask(Put("key", "its own"))
            with pytest.raises(ClusterError, match="it is not known which keys the cluster has already"):
                await cluster.call(
                    lambda coordinator: coordinator.add_node("n3", *alone.address, own_data=OwnData.IMPORT)
                )
            await cluster.call(lambda coordinator: coordinator.start_node("n1"))
            await cluster.until(settled)
            assert (await cluster.get(b"key")).value == b"the cluster's"

    run_virtual(main)


def test_a_scan_tells_sizes_without_values_and_how_far_it_is_where_nothing_was_found() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=1, slots=64) as cluster:
            sizes = {b"key %d" % number: number for number in range(2000)} | {b"large": 3 * INLINE_BYTES}
            stored = [(key, b"v" * size) for key, size in sizes.items()]
            assert (await cluster.call(lambda coordinator: coordinator.put_many(stored))).ok == len(sizes)
            far: list[float] = []
            pages = [page async for page in cluster.coordinator.scan(values=False, passed=far.append)]
            assert {item.key: item.size for page in pages for item in page} == sizes
            assert all(item.value is None for page in pages for item in page)
            assert far == sorted(far)
            assert far[-1] == 1
            far.clear()
            assert [page async for page in cluster.coordinator.scan(b"none", passed=far.append)] == []
            assert len(far) > 1
            assert far[-1] == 1

    run_virtual(main)


@seeded(20)
def test_a_value_that_is_written_back_while_another_replica_is_verified_is_not_missing_there(seed: int) -> None:
    """The replica was compared with one that did not have it yet, and was clean without it: the next get found the old value."""

    async def main() -> None:
        async with SimCluster(seed, nodes=3, replication=3, slots=1) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            _, second, third = ledger.topology.places[0].replicas
            # A write of unknown outcome: one clean replica has it.
            unknown = ledger.next_version()
            await ledger.nodes[second].ask(Put(key="key", value="new", version=unknown))
            ledger.suspect_key(b"key", 0, unknown)
            # So that its digest is on its way while a value is written back to the one that it is compared with.
            cluster.network.slow(third, 0.01)
            ledger.append(Behind(third, [(0, 1)]))
            await asyncio.sleep(random.Random(seed).uniform(0.0, 0.008))
            assert (await cluster.get(b"key")).value == b"new"
            await cluster.until(settled)
            location = await cluster.call(lambda coordinator: coordinator.locate(b"key"))
            assert {copy.version for copy in location.replicas} == {unknown}

    run_virtual(main, seed=seed)


@seeded(5)
def test_nothing_is_written_back_to_a_node_that_left_the_slot_while_it_was_read(seed: int) -> None:
    """It had been cleared already: what came after that stayed there, marked by nobody."""

    async def main() -> None:
        async with SimCluster(seed, nodes=3, replication=3, slots=1) as cluster:
            await half_written(cluster)
            ledger = cluster.coordinator._ledger
            left, slow = (node for node in ledger.topology.places[0].replicas if node != "n1")
            staying = ("n1", slow)
            ledger.suspect_key(b"key", 0, NEWER)
            cluster.network.slow(slow, 0.01)
            reading = asyncio.create_task(cluster.get(b"key"))
            await asyncio.sleep(0.005)
            ledger.append(Placed(0, 1, Placement(staying, staying)))
            cleared = await ledger.nodes[left].ask(Clear(start=0, stop=1))
            assert cleared.status == "ok"
            read = await reading
            assert (read.outcome, read.value) == (Outcome.OK, b"new")
            counted = await ledger.nodes[left].ask(Counts(ranges=[(0, 1)]))
            assert counted.counts == [0]

    run_virtual(main, seed=seed)


async def _later(cluster: SimCluster, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await cluster.put(b"key", b"new")


@pytest.mark.parametrize("under_way", [True, False])
def test_who_is_verified_while_a_write_under_way_is_read_does_not_count_without_it(under_way: bool) -> None:
    """It had not taken the write yet, counted, and refused it then: what a get had returned was on one of two clean replicas."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await cluster.put(b"key", b"old")
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            # Nothing else makes it equal meanwhile.
            cluster.coordinator._mover._running.append(Work(Kind.COMPARE, 0, 1, Placement()))
            ledger.append(Behind("n2", [(0, 1)]))
            counting = Counting("n2", 0, 1)
            ledger.counting.append(counting)
            if under_way:
                cluster.network.slow("n2", 0.05)
            # More of them than a get waits for, one after the other.
            writing = [asyncio.ensure_future(_later(cluster, 0.02 * number)) for number in range(under_way * 40)]
            await asyncio.sleep(0.01)
            assert (await cluster.get(b"key")).value == (b"new" if under_way else b"old")
            assert counting.spoiled is under_way
            ledger.counting.remove(counting)
            await asyncio.gather(*writing)

    run_virtual(main)


def test_who_was_made_equal_to_one_that_had_not_been_given_back_what_was_read_has_lost_it() -> None:
    """It got it first and fell behind while a late one got it. Then it counted again, and the next get found what is older."""

    async def main() -> None:
        async with SimCluster(nodes=4, replication=4, slots=1) as cluster:
            old = (await cluster.put(b"key", b"old")).version
            await cluster.until(settled)
            ledger = cluster.coordinator._ledger
            # The mover does nothing from here on.
            cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE
            first, late, _, holder = ledger.topology.places[0].clean
            key, new = to_blob(b"key"), ledger.next_version()
            await ledger.nodes[holder].ask(PutMany([Entry(key, new, 3, to_blob(b"new"))]))
            ledger.suspect_key(b"key", 0, new)
            cluster.network.slow(late, 0.5)
            reading = asyncio.ensure_future(cluster.get(b"key"))
            node = ledger.nodes[first]
            while (await node.ask(Get(key))).version != new:
                await asyncio.sleep(0.01)
            ledger.append(Behind(first, [(0, 1)]), Behind(late, [(0, 1)]))
            await node.ask(Drop([Listed(key, new)]))
            await node.ask(PutMany([Entry(key, old, 3, to_blob(b"old"))]))
            ledger.append(Recovered(first, 0, 1))
            assert (await reading).value == b"new"
            assert (await node.ask(Get(key))).version == new
            assert (await cluster.get(b"key")).value == b"new"

    run_virtual(main)


def test_a_page_of_several_replicas_ends_where_the_first_of_them_ended() -> None:
    """What the others hold beyond that, it may hold as well, and more: it was not asked for that yet."""
    keys = sorted((b"%d" % number for number in range(6)), key=_in_the_ring)
    entries = [Entry(to_blob(key), Version(1, 1), 0, "") for key in keys]
    ended_first = Reply(status="ok", entries=entries[:3], cursor=to_blob(keys[2]))
    found, end = _together(
        [Reply(status="ok", entries=[entries[0], *entries[3:5]], cursor=to_blob(keys[4])), ended_first]
    )
    assert (found, end) == (entries[:3], keys[2])
    found, end = _together([Reply(status="ok", entries=entries[3:]), ended_first])
    assert (found, end) == (entries[:3], keys[2])
    assert _together([Reply(status="ok", entries=entries[3:]), Reply(status="ok", entries=entries[2:])]) == (
        entries[2:],
        None,
    )


def test_a_scan_asks_a_node_for_no_slot_in_which_it_is_behind() -> None:
    """Neighbouring slots have the same replicas, and other clean ones."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=2) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            # The mover does nothing from here on.
            cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 2, Placement())] * AT_ONCE
            ledger.append(Placed(0, 2, Placement(("n1", "n2"), ("n1", "n2"))))
            key = next(key for key in (b"%d" % number for number in range(99)) if ledger.slot(key) == 1)
            ledger.append(Behind("n1", [(1, 2)]))
            written = await cluster.put(key, b"value")
            await ledger.nodes["n1"].ask(Drop(entries=[Listed(to_blob(key), written.version)]))
            assert [item.key async for page in cluster.coordinator.scan() for item in page] == [key]

    run_virtual(main)


def test_a_scan_finds_what_a_get_finds_in_slots_that_were_not_compared_since_the_start() -> None:
    """Also where the slots before them were: it asked one replica for all of them, which lacked what the other one had."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=2) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 2, Placement())] * AT_ONCE
            ledger.append(Placed(0, 2, Placement(("n1", "n2"), ("n1", "n2"))))
            key = next(key for key in (b"%d" % number for number in range(99)) if ledger.slot(key) == 1)
            await ledger.nodes["n2"].ask(PutMany(entries=[Entry(to_blob(key), NEWER, 3, "new")]))
            ledger.unverified[1] = 1
            assert [item.value async for page in cluster.coordinator.scan() for item in page] == [b"new"]

    run_virtual(main)


def test_a_stale_answer_is_the_newest_of_those_that_can_be_had() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
            await half_written(cluster)
            ledger = cluster.coordinator._ledger
            await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
            ledger.append(Placed(0, 1, Placement(("n3", "n2", "n1"), ("n3",))))
            cluster.kill("n3")
            await cluster.until(lambda snapshot: any(view.state == "DOWN" for view in snapshot.nodes))
            read = await cluster.get(b"key")
            assert (read.value, read.version, read.stale) == (b"new", NEWER, True)

    run_virtual(main)


def test_a_key_of_which_all_copies_are_damaged_is_not_told_to_be_absent() -> None:
    """Not by a read that asks all of them for it either."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk()) as cluster:
            written = await cluster.put(b"key", b"value")
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE
            for name in ("n1", "n2"):
                disk = cluster.disks.disk(cluster.data_of(name))
                assert isinstance(disk, FaultyDisk)
                disk.flip(engine_key(b"key"), -1)
            ledger.suspect_key(b"key", 0, written.version)
            read = await cluster.get(b"key")
            assert (read.outcome, read.text) == (Outcome.FAILED, "the stored entry failed its checksum")
            assert b"key" in ledger.uncertain

    run_virtual(main)


def test_what_is_left_of_lost_slots_is_compared_before_one_replica_is_believed() -> None:
    """None of those that serve it from then on holds all that was acknowledged: the newest that any has counts."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await half_written(cluster)
            ledger = cluster.coordinator._ledger
            ledger.append(Placed(0, 1, Placement(("n2", "n1"), ())))
            assert await cluster.call(lambda coordinator: coordinator.accept_loss()) == 1
            assert ledger.topology.places[0].clean == ("n2", "n1")
            assert (await cluster.get(b"key")).value == b"new"

    run_virtual(main)
