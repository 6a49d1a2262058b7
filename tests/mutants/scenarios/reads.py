"""Scenarios of gets, scans, write-backs and purges."""

import asyncio

import pytest

from kvtui.core.catch_up import Peer
from kvtui.core.cluster import ClusterError, Outcome, Read
from kvtui.core.placement import Placement
from kvtui.core.protocol import (
    DAMAGED,
    ERROR,
    INLINE_BYTES,
    Clear,
    Del,
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
from kvtui.core.purge import purge
from kvtui.core.read_mode import ReadMode
from kvtui.core.reads import _in_the_ring, _together
from kvtui.core.records import Behind, Placed, Recovered
from kvtui.core.version import Version
from kvtui.node.record import engine_key
from tests.mutants.scenarios.clusters import be_quiet, down, key_in, link_of, store_of, versions
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled

NEWER = Version(1, 1000)


async def _half_written(cluster: SimCluster, node: str = "n1") -> None:
    """``key`` is acknowledged as "old", a newer write of it reached one node alone, and nobody suspects it yet."""
    await be_quiet(cluster)
    await link_of(cluster, node).ask(PutMany(entries=[Entry("key", NEWER, 3, "new")]))


async def a_repair_clears_a_newer_suspicion() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        ledger = cluster.coordinator._ledger
        ledger.suspect_key(b"key", 0, Version(1, 1))
        cluster.network.slow("n1", 0.02)
        reading = asyncio.create_task(cluster.get(b"key"))
        await asyncio.sleep(0.01)
        assert not reading.done()
        ledger.suspect_key(b"key", 0, NEWER)
        assert (await reading).value == b"old"
        assert b"key" in ledger.uncertain


async def repairs_are_not_counted_by_the_purge() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        ledger = cluster.coordinator._ledger
        ledger.suspect_key(b"key", 0, NEWER)
        cluster.network.slow("n1", 0.02)
        reading = asyncio.create_task(cluster.get(b"key"))
        await asyncio.sleep(0.01)
        assert not reading.done()
        assert ledger.repairs[0] == 1
        await reading
        assert ledger.repairs[0] == 0


def _damage(cluster: SimCluster, node: str, key: bytes = b"key") -> None:
    disk = cluster.disks.disk(cluster.data_of(node))
    assert isinstance(disk, FaultyDisk)
    disk.flip(engine_key(key), -1)


async def a_scan_leaves_out_damaged_entries_in_silence() -> None:
    async with SimCluster(nodes=1, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
        await be_quiet(cluster)
        _damage(cluster, "n1")
        assert (await cluster.get(b"key")).outcome is Outcome.FAILED
        with pytest.raises(ClusterError, match="can't read the whole ring"):
            _ = [page async for page in cluster.coordinator.scan()]


async def stale_answers_in_strict_mode() -> None:
    await _answers_of_who_is_behind(ReadMode.STRICT)


async def a_stale_answer_is_not_flagged() -> None:
    await _answers_of_who_is_behind(ReadMode.AVAILABLE)


async def _answers_of_who_is_behind(mode: ReadMode) -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        await cluster.call(lambda coordinator: coordinator.set_reads(mode))
        cluster.coordinator._ledger.append(Behind("n2", [(0, 1)]))
        await down(cluster, "n1")
        read = await cluster.get(b"key")
        if mode is ReadMode.STRICT:
            assert read.outcome is Outcome.FAILED
        else:
            assert (read.value, read.stale) == (b"old", True)


async def the_first_of_differing_answers_is_given() -> None:
    for node in ("n1", "n2"):
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await _half_written(cluster, node)
            cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
            assert (await cluster.get(b"key")).value == b"new"
            assert await versions(cluster) == {"n1": NEWER, "n2": NEWER}


async def who_became_clean_during_a_read_of_all_is_not_asked() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        await _half_written(cluster)
        ledger = cluster.coordinator._ledger
        ledger.append(Behind("n3", [(0, 1)]))
        ledger.suspect_key(b"key", 0, NEWER)
        cluster.network.slow("n1", 0.02)
        reading = asyncio.create_task(cluster.get(b"key"))
        await asyncio.sleep(0.01)
        assert not reading.done()
        ledger.append(Recovered("n3", 0, 1))
        assert (await reading).value == b"new"
        assert set((await versions(cluster)).values()) == {NEWER}


async def a_key_that_is_written_all_the_time_is_read_at_one_replica() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.network.slow("n2", 0.05)
        # Each takes some 0.1 s, and the next one begins before it ends; the last one that is waited for ends at 0.18.
        writing = []

        async def write(number: int) -> None:
            await asyncio.sleep(0.08 * number)
            assert (await cluster.put(b"key", b"%d" % number)).outcome is Outcome.OK

        writing = [asyncio.create_task(write(number)) for number in range(6)]
        await asyncio.sleep(0.01)
        read = await cluster.get(b"key")
        assert read.value is not None
        # What was read once is what every clean replica holds, or something newer.
        records = [store_of(cluster, node).read(b"key") for node in ("n1", "n2")]
        assert all(record is not None and record[-1:] >= read.value for record in records)
        await asyncio.gather(*writing)


async def many_keys_are_read_at_one_replica_whatever_happened_meanwhile() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        first, second = cluster.coordinator.topology.places[0].replicas
        await link_of(cluster, second).ask(PutMany(entries=[Entry("key", NEWER, 3, "new")]))
        cluster.network.slow(first, 0.02)
        reading = asyncio.create_task(cluster.get_many([b"key", b"other"]))
        await asyncio.sleep(0.01)
        assert not reading.done()
        cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
        read, other = await reading
        assert read.value == b"new"
        assert (other.outcome, other.value) == (Outcome.OK, None)


async def who_was_superseded_goes_on_reading() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        cluster.coordinator._ledger.stop("another coordinator took this cluster over")
        assert (await cluster.get(b"key")).outcome is Outcome.FAILED
        assert [read.outcome for read in await cluster.get_many([b"key"])] == [Outcome.FAILED]
        with pytest.raises(ClusterError, match="took this cluster over"):
            _ = [page async for page in cluster.coordinator.scan()]


async def a_page_goes_on_where_its_node_is_behind() -> None:
    async with SimCluster(nodes=2, replication=2, slots=2) as cluster:
        await be_quiet(cluster)
        ledger = cluster.coordinator._ledger
        ledger.append(Placed(0, 2, Placement(("n1", "n2"), ("n1", "n2"))))
        keys = {key_in(0, 2, 1), key_in(1, 2, 1)}
        assert (await cluster.put_many([(key, b"v") for key in keys])).ok == 2
        # The first replica of both slots is behind in the second one, and lacks a key of it.
        ledger.append(Behind("n1", [(1, 2)]))
        await link_of(cluster, "n1").ask(Clear(start=1, stop=2))
        found = {item.key async for page in cluster.coordinator.scan() for item in page}
        assert found == {b"key", *keys}


async def a_scan_trusts_one_replica() -> None:
    for node in ("n1", "n2"):
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await _half_written(cluster, node)
            cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
            assert [item.value async for page in cluster.coordinator.scan() for item in page] == [b"new"]
            assert await versions(cluster) == {"n1": NEWER, "n2": NEWER}


async def a_long_value_is_sent_back_and_not_stored() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        value = b"x" * (2 * INLINE_BYTES)
        link = link_of(cluster, "n1")
        for offset in range(0, len(value), INLINE_BYTES):
            piece = value[offset : offset + INLINE_BYTES].decode()
            assert (await link.ask(Piece(upload="u", offset=offset, total=len(value), data=piece))).status != ERROR
        await link.ask(PutMany(entries=[Entry("key", NEWER, len(value), upload="u")]))
        cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
        assert (await cluster.get(b"key")).value == value
        assert await versions(cluster) == {"n1": NEWER, "n2": NEWER}


async def tombstones_are_not_written_back() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        await link_of(cluster, "n1").ask(Del("key", NEWER))
        cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
        assert (await cluster.get(b"key")).value is None
        assert await versions(cluster) == {"n1": NEWER, "n2": NEWER}


async def a_repair_goes_to_who_has_left_the_slot() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        await _half_written(cluster, "n1")
        reading = await _read_slowly(cluster)
        ledger = cluster.coordinator._ledger
        ledger.append(Placed(0, 1, Placement(("n1", "n2"), ("n1", "n2"))))
        await link_of(cluster, "n3").ask(Clear(start=0, stop=1))
        await reading
        assert store_of(cluster, "n3").read(b"key") is None


async def a_repair_counts_of_who_was_made_equal_since() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        await _half_written(cluster, "n3")
        ledger = cluster.coordinator._ledger
        ledger.suspect_key(b"key", 0, NEWER)
        cluster.network.slow("n2", 0.1)
        reading = asyncio.create_task(cluster.get(b"key"))
        await _until_held(cluster, "n1")
        # The first replica falls behind, is made equal to one that lacks it, and is clean before the second one has answered.
        ledger.append(Behind("n1", [(0, 1)]))
        await ledger.nodes["n1"].ask(Drop([Listed("key", NEWER)]))
        ledger.append(Recovered("n1", 0, 1))
        read = await reading
        assert read.outcome is Outcome.FAILED or set((await versions(cluster)).values()) == {NEWER}


async def _read_slowly(cluster: SimCluster) -> "asyncio.Task[Read]":
    """A get that asks all replicas, of which the first is slow to answer."""
    cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
    cluster.network.slow("n1", 0.02)
    reading = asyncio.create_task(cluster.get(b"key"))
    await asyncio.sleep(0.01)
    assert not reading.done()
    return reading


async def _until_held(cluster: SimCluster, node: str) -> None:
    while (record := store_of(cluster, node).read(b"key")) is None or not record.endswith(b"new"):
        await asyncio.sleep(0.001)


async def a_refused_repair_counts_as_one() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
        await _half_written(cluster)
        full = cluster.disks.disk(cluster.data_of("n2"))
        assert isinstance(full, FaultyDisk)
        full.free = 0
        cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
        read = await cluster.get(b"key")
        held = await versions(cluster)
        assert read.outcome is Outcome.FAILED or held["n2"] == NEWER
        full.free = None


async def _buried(cluster: SimCluster) -> list[Peer]:
    """``key`` has a tombstone on both nodes, which are returned."""
    await be_quiet(cluster)
    assert (await cluster.delete(b"key")).outcome is Outcome.OK
    return [(node, link_of(cluster, node)) for node in ("n1", "n2")]


def _buried_at(cluster: SimCluster) -> list[str]:
    return [node for node in ("n1", "n2") if store_of(cluster, node).read(b"key") is not None]


def _unlogged() -> None:
    pass


async def a_purge_goes_on_after_the_clean_set_changed() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        peers = await _buried(cluster)
        assert await purge(peers, 0, 1, lambda: False, lambda key: True, _unlogged) == [b"key"]
        assert _buried_at(cluster) == ["n1", "n2"]


async def a_purge_asks_nobody_whether_the_key_is_quiet() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        peers = await _buried(cluster)
        assert await purge(peers, 0, 1, lambda: True, lambda key: key != b"key", _unlogged) == [b"key"]
        assert _buried_at(cluster) == ["n1", "n2"]


async def a_purge_reaches_all_replicas_but_the_last() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        peers = await _buried(cluster)
        assert await purge(peers, 0, 1, lambda: True, lambda key: True, _unlogged) == []
        assert _buried_at(cluster) == []


async def damage_elsewhere_than_on_the_first_replica_is_not_repaired() -> None:
    for place in (0, 1):
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            await cluster.call(lambda coordinator: coordinator.rebalance())
            node = cluster.coordinator.topology.places[0].replicas[place]
            _damage(cluster, node)
            assert (await link_of(cluster, node).ask(Get("key"))).code == DAMAGED
            await asyncio.sleep(10)
            assert store_of(cluster, node).table.damages == 0


async def digests_leave_out_tombstones() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
        assert (await cluster.put(b"other", b"old")).outcome is Outcome.OK
        await cluster.call(lambda coordinator: coordinator.rebalance())
        # Of one key that neither has, and of one that both have, the second one alone heard of a delete.
        await link_of(cluster, "n2").ask(Del("unheard", NEWER))
        await link_of(cluster, "n2").ask(Put("other", "newer", version=NEWER))
        await link_of(cluster, "n1").ask(Put("other", "newer", version=NEWER))
        await cluster.call(lambda coordinator: coordinator.rebalance())
        held = [store_of(cluster, node).read(b"unheard") is not None for node in ("n1", "n2")]
        assert held[0] == held[1]


async def a_purge_does_not_log_how_far_its_replicas_got() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        peers = await _buried(cluster)
        held: list[list[str]] = []
        assert await purge(peers, 0, 1, lambda: True, lambda key: True, lambda: held.append(_buried_at(cluster))) == []
        # Once, and before anything was sent.
        assert held == [["n1", "n2"]]


async def who_remains_clean_has_got_how_far_is_not_logged() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        await be_quiet(cluster)
        assert (await cluster.put(b"key", b"new")).outcome is Outcome.OK
        acknowledged = {node: link_of(cluster, node).counter for node in ("n1", "n2")}
        await down(cluster, "n3")
        topology = cluster.coordinator.topology
        assert topology.places[0].behind == ("n3",)
        # If one of them comes back without its last batch, that is noticed after the coordinator's own end as well.
        for node in ("n1", "n2"):
            assert topology.members[node].counter >= acknowledged[node]


async def the_counter_of_a_node_that_is_lost_is_not_logged() -> None:
    # The last copy: no clean set goes on without it.
    async with SimCluster(nodes=1, slots=1) as cluster:
        await be_quiet(cluster)
        assert (await cluster.put(b"key", b"new")).outcome is Outcome.OK
        counter = link_of(cluster, "n1").counter
        await down(cluster, "n1")
        assert cluster.coordinator.topology.members["n1"].counter >= counter


async def a_rebalance_compares_nothing() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
        await cluster.until(settled)
        await cluster.call(lambda coordinator: coordinator.rebalance())
        await link_of(cluster, "n2").ask(Put("key", "new", version=NEWER))
        await cluster.call(lambda coordinator: coordinator.rebalance())
        assert await versions(cluster) == {"n1": NEWER, "n2": NEWER}


async def settings_are_changed_by_who_was_superseded() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        await be_quiet(cluster)
        before = cluster.coordinator.topology
        cluster.coordinator._ledger.stop("another coordinator took this cluster over")
        with pytest.raises(ClusterError, match="took this cluster over"):
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
        with pytest.raises(ClusterError, match="took this cluster over"):
            await cluster.call(lambda coordinator: coordinator.accept_loss())
        assert cluster.coordinator.topology is before


async def a_key_of_which_all_copies_are_damaged_is_absent() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
        await be_quiet(cluster)
        for node in ("n1", "n2"):
            _damage(cluster, node)
        cluster.coordinator._ledger.suspect_key(b"key", 0, NEWER)
        assert (await cluster.get(b"key")).outcome is Outcome.FAILED


async def any_stale_answer_will_do() -> None:
    async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
        await _half_written(cluster)
        await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
        cluster.coordinator._ledger.append(Placed(0, 1, Placement(("n3", "n2", "n1"), ("n3",))))
        await down(cluster, "n3")
        read = await cluster.get(b"key")
        assert (read.value, read.stale) == (b"new", True)


def a_page_of_several_replicas_ends_where_the_last_one_did() -> None:
    keys = sorted((b"%d" % number for number in range(6)), key=_in_the_ring)
    entries = [Entry(to_blob(key), Version(1, 1), 0, "") for key in keys]
    first = Reply(status="ok", entries=entries[:3], cursor=to_blob(keys[2]))
    last = Reply(status="ok", entries=[entries[0], *entries[3:5]], cursor=to_blob(keys[4]))
    assert _together([last, first]) == (entries[:3], keys[2])


async def a_page_asks_all_only_where_it_begins_unverified() -> None:
    async with SimCluster(nodes=2, replication=2, slots=2) as cluster:
        await be_quiet(cluster)
        ledger, key = cluster.coordinator._ledger, key_in(1, 2)
        ledger.append(Placed(0, 2, Placement(("n1", "n2"), ("n1", "n2"))))
        await link_of(cluster, "n2").ask(PutMany(entries=[Entry(to_blob(key), NEWER, 3, "new")]))
        ledger.unverified[1] = 1
        assert key in [item.key async for page in cluster.coordinator.scan() for item in page]
