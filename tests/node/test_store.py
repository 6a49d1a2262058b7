"""Entries, digests and group commit under full disks, failed syncs, crashes and damage."""

import asyncio
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from kvtui.core.protocol import (
    Clear,
    Counts,
    Del,
    Digests,
    Drop,
    Dump,
    Entry,
    Get,
    GetMany,
    Heartbeat,
    Hello,
    Listed,
    Purge,
    Put,
    PutMany,
    Request,
    Scan,
    Size,
    encode_lines,
)
from kvtui.core.ring.token import slot_of, token_of
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.seams.storage import Batch, EngineFailed, EngineFull, EngineUnreadable, StorageEngine
from kvtui.core.version import NEVER, Version
from kvtui.node import record
from kvtui.node.slots import SlotTable
from kvtui.node.store import COMMIT_BYTES, EntryDamaged, Store
from tests.node.nodes import Bench, on_a_node
from tests.simulation.engine import FaultyDisk

SLOTS = 16_384


def open_store(engine: StorageEngine | None = None) -> Store:
    return Store(engine if engine is not None else MemoryEngine(), SeededRandom(1))


def whole(store: Store) -> dict[bytes, tuple[Version, bytes | None]]:
    """All entries of a store that has nothing staged."""
    return {
        record.key_of(where): (record.version_of(kept), record.value_of(kept) if record.is_live(kept) else None)
        for where, kept in store.scan(0, store.table.slots, None)
    }


def sums(store: Store) -> tuple[list[int], list[int], list[int], list[int]]:
    table = store.table
    return list(table.digests), list(table.live), list(table.dead), list(table.sizes)


def expected_sums(
    entries: dict[bytes, tuple[Version, bytes | None]], slots: int
) -> tuple[list[int], list[int], list[int], list[int]]:
    """The sums from their definition, without the store's own code."""
    digests, live, dead, sizes = [0] * slots, [0] * slots, [0] * slots, [0] * slots
    for key, (version, value) in entries.items():
        slot = slot_of(token_of(key), slots)
        kind = b"\x00" if value is None else b"\x01"
        packed = version.epoch.to_bytes(8, "big") + version.seq.to_bytes(8, "big")
        digests[slot] = (digests[slot] + xxh3_64_intdigest(key + packed + kind)) % 2**64
        (dead if value is None else live)[slot] += 1
        sizes[slot] += 0 if value is None else len(key) + len(value)
    return digests, live, dead, sizes


@pytest.mark.parametrize("slots", [1, 2, 8, 1024, 16_384])
def test_slots_are_those_of_the_ring(slots: int) -> None:
    table = SlotTable(slots, "")
    source = random.Random(slots)
    for _ in range(200):
        key = source.randbytes(source.randrange(20))
        where = record.engine_key(key)
        assert record.token_at(where) == token_of(key)
        slot = table.slot_at(where)
        assert slot == slot_of(token_of(key), slots)
        start, stop = table.range(slot, slot + 1)
        assert start <= where < stop


def test_the_highest_version_stays() -> None:
    store = open_store()
    assert store.write(b"a", Version(1, 5), b"new") is False
    store.commit()
    for version in (Version(1, 5), Version(1, 4), Version(0, 99)):
        assert store.write(b"a", version, b"old") is True
        assert store.write(b"a", version, None) is True
    assert not store.staged
    store.write(b"a", Version(2, 1), None)
    assert store.write(b"a", Version(1, 999), b"old") is False
    store.commit()
    assert whole(store) == {b"a": (Version(2, 1), None)}


def test_entries_are_removed_only_at_the_listed_version() -> None:
    store = open_store()
    store.write(b"live", Version(1, 1), b"v")
    store.write(b"dead", Version(1, 2), None)
    assert not store.drop(b"live", Version(1, 2), only_tombstone=False)
    assert not store.drop(b"none", NEVER, only_tombstone=False)
    assert not store.drop(b"live", Version(1, 1), only_tombstone=True)
    assert store.drop(b"dead", Version(1, 2), only_tombstone=True)
    store.commit()
    assert store.drop(b"live", Version(1, 1), only_tombstone=False)
    assert not store.drop(b"live", Version(1, 1), only_tombstone=False)
    store.commit()
    assert whole(store) == {}
    assert sums(store) == expected_sums({}, SLOTS)


keys = st.sampled_from([b"", b"a", b"b", b"c", b"\xff\x00"])
versions = st.builds(Version, st.integers(0, 2), st.integers(1, 3))
write = st.tuples(st.just("write"), keys, versions, st.none() | st.sampled_from([b"", b"x", b"yy"]))
drop = st.tuples(st.just("drop"), keys, versions, st.booleans())
commit = st.tuples(st.sampled_from(["commit", "full", "reopen", "clear"]))


@settings(max_examples=300, deadline=None)
@given(st.lists(write | drop | commit, max_size=30))
def test_any_history_agrees_with_a_dictionary_and_so_do_its_sums(history: list[tuple]) -> None:  # type: ignore[type-arg]
    disk = FaultyDisk()
    store = open_store(disk.open())
    committed: dict[bytes, tuple[Version, bytes | None]] = {}
    now = dict(committed)
    for step in history:
        match step:
            case ("write", key, version, value):
                if key not in now or now[key][0] < version:
                    now[key] = (version, value)
                store.write(key, version, value)
            case ("drop", key, version, only_tombstone):
                fits = key in now and now[key][0] == version and not (only_tombstone and now[key][1] is not None)
                assert store.drop(key, version, only_tombstone=only_tombstone) is fits
                if fits:
                    del now[key]
            case ("full",) if store.staged:
                disk.free = 0
                with pytest.raises(EngineFull):
                    store.commit()
                disk.free = None
                now = dict(committed)
            case ("reopen",):
                store.close()
                disk.crash()
                store = open_store(disk.open())
                now = dict(committed)
            case ("clear",):
                store.commit()
                store.clear(0, SLOTS // 2)
                now = {key: entry for key, entry in now.items() if slot_of(token_of(key)) >= SLOTS // 2}
                committed = dict(now)
            case _:
                store.commit()
                committed = dict(now)
        assert sums(store) == expected_sums(now, SLOTS)
    for key in (b"", b"a", b"b", b"c", b"\xff\x00"):
        kept = store.read(key)
        assert (kept is None) == (key not in now)
        assert kept is None or (record.version_of(kept), record.size_of(kept)) == (
            now[key][0],
            -1 if now[key][1] is None else len(now[key][1] or b""),
        )
    store.commit()
    assert whole(store) == now


def test_the_counter_counts_synced_batches_and_survives() -> None:
    disk = FaultyDisk()
    store = open_store(disk.open())
    begun = store.counter
    for number in range(3):
        store.write(b"a%d" % number, Version(1, 1), b"")
        store.write(b"b%d" % number, Version(1, 1), b"")
        assert store.counter_after_commit == begun + number + 1
        store.commit()
        store.commit()
        assert store.counter == begun + number + 1
    store.write(b"lost", Version(1, 1), b"")
    disk.crash()
    assert open_store(disk.open()).counter == begun + 3


def test_a_lost_tail_shows_in_the_counter() -> None:
    lost = 0
    for seed in range(20):
        disk = FaultyDisk(seed=seed, lossy_syncs=True)
        store = open_store(disk.open())
        disk.crash()
        store = open_store(disk.open())
        for number in range(10):
            store.write(b"%d" % number, Version(1, 1), b"")
            store.commit()
        acknowledged = store.counter
        disk.crash()
        after = open_store(disk.open())
        held = sum(after.table.live)
        assert held == 10 - (acknowledged - after.counter) or after.membership.data_id != store.membership.data_id
        lost += held < 10
    assert lost > 5


def where_of(key: bytes) -> bytes:
    return record.engine_key(key)


@pytest.mark.parametrize("at", [0, 8, 16, 23, 24, 25, 27])
@pytest.mark.parametrize("reopened", [False, True])
def test_a_damaged_entry_is_never_served_and_a_put_repairs_it(at: int, reopened: bool) -> None:
    disk = FaultyDisk()
    store = open_store(disk.open())
    twin = open_store()
    for one in (store, twin):
        one.write(b"a", Version(1, 1), b"abc")
        one.write(b"b", Version(1, 2), b"abc")
        one.commit()
    disk.flip(where_of(b"a"), at)
    if reopened:
        store = open_store(disk.open())
        assert store.table.damages == 1
    with pytest.raises(EntryDamaged):
        store.read(b"a")
    assert store.table.damages == 1
    slot = slot_of(token_of(b"a"))
    assert store.table.digests[slot] != twin.table.digests[slot]
    assert store.table.live[slot] == 0
    assert [record.key_of(where) for where, _ in store.scan(0, SLOTS, None)] == [b"b"]
    assert store.read(b"b") is not None
    store.write(b"a", Version(1, 1), b"abc")
    store.commit()
    assert store.table.damages == 0
    assert whole(store) == whole(twin)
    assert sums(store) == sums(twin)


def test_a_repair_for_which_there_is_no_space_repairs_nothing() -> None:
    disk = FaultyDisk()
    store = open_store(disk.open())
    store.write(b"a", Version(1, 1), b"abc")
    store.commit()
    disk.flip(where_of(b"a"), 25)
    store.write(b"a", Version(1, 1), b"abc")
    disk.free = 0
    with pytest.raises(EngineFull):
        store.commit()
    assert store.table.damages == 1
    with pytest.raises(EntryDamaged):
        store.read(b"a")


def test_two_nodes_with_the_same_damage_do_not_agree() -> None:
    digests = []
    for seed in (1, 2):
        disk = FaultyDisk()
        store = Store(disk.open(), SeededRandom(seed))
        store.write(b"a", Version(1, 1), b"abc")
        store.commit()
        disk.flip(where_of(b"a"), 25)
        digests.append(Store(disk.open(), SeededRandom(seed)).table.digests[slot_of(token_of(b"a"))])
    assert digests[0] != digests[1]


def test_damage_found_by_a_scan_is_counted() -> None:
    disk = FaultyDisk()
    store = open_store(disk.open())
    store.write(b"a", Version(1, 1), b"abc")
    store.commit()
    disk.flip(where_of(b"a"), 25)
    assert list(store.scan(0, SLOTS, None)) == []
    assert store.table.damages == 1


def test_where_a_key_itself_is_damaged_its_slot_serves_nothing_as_absent() -> None:
    disk = FaultyDisk()
    engine = disk.open()
    store = open_store(engine)
    store.write(b"a", Version(1, 1), b"abc")
    store.commit()
    kept = engine.get(where_of(b"a"))
    assert kept is not None
    wrong = where_of(b"a")[:-1] + b"z"
    engine.apply(Batch([(where_of(b"a"), None), (wrong, kept)]))
    store = open_store(engine)
    assert store.table.damages == 1
    with pytest.raises(EntryDamaged):
        store.read(b"a")
    slot = slot_of(token_of(b"a"))
    store.clear(slot, slot + 1)
    assert store.read(b"a") is None
    assert store.table.damages == 0


def test_a_nodes_damaged_identity_or_counter_is_unreadable() -> None:
    for name in (b"\x00membership", b"\x00counter"):
        for at in (0, 9):
            disk = FaultyDisk()
            open_store(disk.open())
            disk.flip(name, at)
            with pytest.raises(EngineUnreadable, match="is damaged"):
                open_store(disk.open())


def test_a_directory_of_something_else_is_refused() -> None:
    engine = MemoryEngine()
    engine.apply(Batch([(b"log/1", b"a coordinator's record")]))
    with pytest.raises(EngineUnreadable, match="holds data that is not a node's"):
        open_store(engine)


class CountingEngine(MemoryEngine):
    """Counts batches."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def apply(self, batch: Batch) -> None:
        self.sizes.append(len(batch.changes))
        super().apply(batch)


def test_what_arrives_together_is_synced_once_on_all_connections() -> None:
    engine = CountingEngine()

    async def story(bench: Bench) -> None:
        clients = [await bench.client() for _ in range(3)]
        await bench.clock.sleep(1)
        engine.sizes.clear()
        lines = [encode_lines([Put(key=f"{one}-{number}") for number in range(50)]) for one in range(3)]
        for connection, data in zip(list(bench.server._connections), lines, strict=True):
            connection.data_received(data)
        await bench.clock.sleep(1)
        assert engine.sizes == [151]
        for client in clients:
            assert {(await client.reply()).counter for _ in range(50)} == {bench.store.counter}

    on_a_node(story, engine)


def test_reads_see_what_was_written_before_them_on_their_connection() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        put, got, many, size, page, counts, gone, after = await client.ask(
            Put(key="a", value="1"),
            Get(key="a"),
            GetMany(keys=["a", "b"]),
            Size(),
            Scan(start=0, stop=SLOTS),
            Counts(ranges=[(0, SLOTS), (0, 0)]),
            Del(key="a"),
            Get(key="a"),
        )
        assert put.version is not None
        assert (got.value, got.version, size.keys, counts.counts) == ("1", put.version, 1, [1, 0])
        assert many.entries == [Entry("a", put.version, 1, "1"), Entry("b", NEVER, -1)]
        assert page.entries == [Entry("a", put.version, 1, "1")]
        assert (gone.status, after.status, after.version) == ("ok", "not_found", gone.version)

    on_a_node(story)


def test_a_turn_of_the_loop_commits_early_above_its_limit() -> None:
    engine = CountingEngine()

    async def story(bench: Bench) -> None:
        await bench.client()
        await bench.clock.sleep(1)
        engine.sizes.clear()
        (connection,) = bench.server._connections
        puts = 3 * COMMIT_BYTES // 50_000
        connection.data_received(encode_lines([Put(key=f"{number}", value="v" * 50_000) for number in range(puts)]))
        await bench.clock.sleep(1)
        assert len(engine.sizes) == 3
        assert sum(engine.sizes) == puts + 3

    on_a_node(story, engine)


def test_a_full_disk_stores_nothing_of_the_turn_and_reads_say_so() -> None:
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.one(Put(key="kept", value="1"))
        digest = (await client.one(Digests(start=0, stop=SLOTS))).digests
        disk.free = 300
        requests: list[Request] = [
            Get(key="new"),
            Put(key="new", value="v" * 1000),
            Get(key="new"),
            Put(key="kept", value="2"),
            Get(key="kept"),
            PutMany(entries=[Entry("more", NEVER, 1, "x")]),
            Size(),
            Put(key="x" * 70_000),
            Digests(start=0, stop=SLOTS),
        ]
        before, new, got_new, kept, got_kept, many, size, long, digests = await client.ask(*requests)
        assert [reply.code for reply in (new, kept, many)] == ["full"] * 3
        assert "no space" in new.msg
        assert long.code == "too_large"
        assert (before.status, got_new.status, got_kept.value, size.keys) == ("not_found", "not_found", "1", 1)
        assert digests.digests == digest
        assert (await client.one(Put(key="b"))).status == "ok"
        disk.free = None
        assert (await client.one(Put(key="new", value="v" * 1000))).status == "ok"

    on_a_node(story, disk.open())


def test_a_counter_that_is_told_while_a_turn_is_staged_holds_after_a_full_disk_refused_it() -> None:
    """A node is judged by what it tells: one batch too many would hide one that it loses."""
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.one(Put(key="a", value="1"))
        counter = bench.store.counter
        disk.free = 10
        put, hello, beat = await client.ask(Put(key="b", value="1"), Hello(), Heartbeat())
        assert put.code == "full"
        assert hello.facts is not None
        assert beat.facts is not None
        assert (hello.facts.counter, beat.facts.counter) == (counter, counter)

    on_a_node(story, disk.open())


def test_a_full_disk_takes_what_removes_though_others_add_in_the_same_turn() -> None:
    """``del`` was refused: a tombstone counted as something that is added."""
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        client, other = await bench.client(), await bench.client()
        for key in ("a", "b", "c"):
            await client.one(Put(key=key, value="1"))
        disk.free, disk.spare = 0, 10_000
        assert (await client.one(Put(key="d", value="1"))).code == "full"
        assert (await client.one(Del(key="a"))).status == "ok"
        put, gone, got, size = await client.ask(Put(key="d", value="1"), Del(key="b"), Get(key="b"), Size())
        assert (put.code, gone.status, got.status, size.keys) == ("full", "ok", "not_found", 1)
        asked = asyncio.gather(client.one(Put(key="c", value="2")), other.one(Del(key="c")))
        put, gone = await asked
        assert (put.code, gone.status) == ("full", "ok")
        disk.spare = 0
        put, gone, got = await client.ask(Put(key="d", value="1"), Del(key="d"), Get(key="d"))
        assert (put.code, gone.code, got.status) == ("full", "full", "not_found")

    on_a_node(story, disk.open())


def test_a_full_disk_before_a_scan_in_the_same_turn_is_told_to_the_write() -> None:
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        client = await bench.client()
        disk.free = 10
        put, page, cleared = await client.ask(Put(key="a", value="1"), Scan(start=0, stop=8), Clear(start=0, stop=8))
        assert (put.code, page.entries, cleared.code) == ("full", [], "full")

    on_a_node(story, disk.open())


@pytest.mark.parametrize("survives", [False, True])
def test_after_a_failed_sync_the_node_answers_nothing_and_stops(survives: bool) -> None:
    disk = FaultyDisk()
    disk.failing_batch_survives = survives

    async def story(bench: Bench) -> None:
        client, other = await bench.client(), await bench.client()
        await client.one(Put(key="a", value="1"))
        await other.one(Size())
        disk.syncs_until_failure = 0
        client.send(encode_lines([Put(key="b", value="1"), Get(key="a")]))
        assert await client.rest() == b""
        assert await other.rest() == b""
        assert [str(failure) for failure in bench.failures] == ["can't write to disk: the sync failed"]

    bench = on_a_node(story, disk.open())
    assert isinstance(bench.server.failure, EngineFailed)
    disk.crash()
    disk.syncs_until_failure = None
    assert sum(open_store(disk.open()).table.live) == (2 if survives else 1)


def test_a_failed_read_stops_the_node_as_well() -> None:
    disk = FaultyDisk()
    engine = disk.open()

    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.one(Put(key="a", value="1"))
        engine.fail("can't read from disk: checksum mismatch")
        client.send(encode_lines([Get(key="a")]))
        assert await client.rest() == b""
        assert bench.failures

    on_a_node(story, engine)


def test_closing_finishes_what_arrived() -> None:
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        client = await bench.client()
        await bench.clock.sleep(1)
        (connection,) = bench.server._connections
        connection.data_received(encode_lines([Put(key=f"{number}") for number in range(10)]))
        await bench.server.close()
        assert (await client.rest()).count(b'"status":"ok"') == 10

    on_a_node(story, disk.open())
    assert sum(open_store(disk.open()).table.live) == 10


def test_a_killed_node_writes_nothing_more() -> None:
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        client, _other = await bench.client(), await bench.client()
        await bench.clock.sleep(1)
        # Of two connections neither is answered before the end of the turn.
        connection = next(iter(bench.server._connections))
        connection.data_received(encode_lines([Put(key="a")]))
        bench.server.kill()
        assert await client.rest() == b""

    on_a_node(story, disk.open())
    disk.crash()
    assert sum(open_store(disk.open()).table.live) == 0


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_pages_together_are_the_slots_in_order(limit: int) -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        names = [f"key{number}" for number in range(40)]
        await client.ask(*(Put(key=name, value=name, version=Version(1, at + 1)) for at, name in enumerate(names)))
        await client.one(Del(key="key7", version=Version(1, 99)))
        for start, stop in [(0, 8), (2, 5), (7, 8), (3, 3)]:
            got: list[Entry] = []
            after = None
            while True:
                page = await client.one(Scan(start=start, stop=stop, after=after, limit=limit))
                assert page.entries is not None
                assert len(page.entries) <= limit
                got += page.entries
                after = page.cursor
                if after is None:
                    break
            inside = {name for name in names if start <= slot_of(token_of(name.encode()), 8) < stop}
            assert {str(entry.key) for entry in got} == inside
            tokens = [token_of(str(entry.key).encode()) for entry in got]
            assert all(low < high for low, high in pairwise(tokens))
            assert all(entry.value == entry.key for entry in got if entry.key != "key7")
        named = await client.one(Scan(start=0, stop=8, prefix="key1", values=False))
        assert named.entries is not None
        assert {entry.key for entry in named.entries} == {name for name in names if name.startswith("key1")}
        assert {entry.value for entry in named.entries} == {None}

    on_a_node(story)


def test_keys_and_values_that_are_no_text_travel_in_base64() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        client.send(b'{"op":"put","key":{"b64":"/wA="},"value":{"b64":"gICA"}}\n{"op":"get","key":{"b64":"/wA="}}\n')
        await client.reply()
        client.received = b""
        page = await client.one(Scan(start=0, stop=SLOTS))
        assert page.entries is not None
        (entry,) = page.entries
        assert (entry.size, type(entry.key).__name__) == (3, "B64")
        assert (await client.one(Get(key=entry.key))).value == entry.value
        assert (await client.one(Dump())).code == "bad_request"

    on_a_node(story)


def test_a_dump_beyond_one_frame_is_refused() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        for number in range(5):
            await client.one(Put(key=f"{number}", value="v" * 1_000_000))
        assert (await client.one(Dump())).code == "too_large"

    on_a_node(story)


def test_drops_and_purges_count_what_they_removed() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        await client.ask(
            Put(key="a", version=Version(1, 1)),
            Put(key="b", version=Version(1, 2)),
            Del(key="c", version=Version(1, 3)),
        )
        listed = [Listed(key, Version(1, seq)) for key, seq in [("a", 1), ("b", 9), ("c", 3), ("d", 1)]]
        purged, dropped, beat = await client.ask(Purge(entries=listed), Drop(entries=listed), Heartbeat())
        assert (purged.counts, dropped.counts) == ([1], [1])
        assert beat.facts is not None
        assert (beat.facts.keys, beat.facts.tombstones) == (1, 0)

    on_a_node(story)


def test_a_node_tells_the_bytes_of_its_live_keys_and_values() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        await client.ask(
            Put(key="apple", value="123", version=Version(1, 1)),
            Put(key="birne", value="x" * 1000, version=Version(1, 2)),
            Put(key="birne", value="ä", version=Version(1, 3)),
            Del(key="kirsche", version=Version(1, 4)),
        )
        (beat,) = await client.ask(Heartbeat())
        assert beat.facts is not None
        assert beat.facts.bytes == len("apple123birne") + len("ä".encode())
        (cleared, beat) = await client.ask(Clear(start=0, stop=8), Heartbeat())
        assert cleared.status == "ok"
        assert beat.facts is not None
        assert beat.facts.bytes == 0

    on_a_node(story)


def test_a_cleared_range_is_empty_and_the_rest_is_not() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        names = [f"key{number}" for number in range(40)]
        await client.ask(*(Put(key=name, version=Version(1, at + 1)) for at, name in enumerate(names)))
        before = (await client.one(Digests(start=0, stop=8))).digests
        assert before is not None
        assert (await client.one(Clear(start=2, stop=5))).status == "ok"
        after, counts = await client.ask(Digests(start=0, stop=8), Counts(ranges=[(2, 5), (0, 8)]))
        assert after.digests == [*before[:2], 0, 0, 0, *before[5:]]
        left = sum(not 2 <= slot_of(token_of(name.encode()), 8) < 5 for name in names)
        assert counts.counts == [0, left]

    on_a_node(story)


@pytest.mark.parametrize("lost", ["an entry", "its newest version", "a tombstone", "all"])
def test_a_store_of_which_the_engine_lost_a_part_does_not_open(lost: str) -> None:
    engine = MemoryEngine()
    store = open_store(engine)
    store.write(b"a", Version(0, 1), b"old")
    store.commit()
    old = engine.get(record.engine_key(b"a"))
    store.write(b"a", Version(0, 2), b"new")
    store.write(b"b", Version(0, 3), b"value")
    store.write(b"c", Version(0, 4), None)
    store.commit()
    assert whole(open_store(engine)) == whole(store)
    missing = Batch()
    if lost == "its newest version":
        assert old is not None
        missing.put(record.engine_key(b"a"), old)
    else:
        for key in {"an entry": [b"b"], "a tombstone": [b"c"], "all": [b"a", b"b", b"c"]}[lost]:
            missing.delete(record.engine_key(key))
    engine.apply(missing)
    with pytest.raises(EngineUnreadable, match=r"its \d entries are not the 3 that were written"):
        open_store(engine)


def test_a_store_with_damaged_entries_opens_unless_others_are_gone() -> None:
    engine = MemoryEngine()
    store = open_store(engine)
    for number in range(3):
        store.write(b"%d" % number, Version(0, number + 1), b"value")
    store.commit()
    engine.apply(Batch([(record.engine_key(b"0"), b"x" * 40)]))
    damaged = open_store(engine)
    damaged.write(b"3", Version(0, 9), b"value")
    damaged.commit()
    damaged.clear(damaged.table.slot_at(record.engine_key(b"1")), damaged.table.slot_at(record.engine_key(b"1")) + 1)
    again = open_store(engine)
    assert (again.table.damages, sorted(whole(again))) == (1, [b"2", b"3"])
    engine.apply(Batch([(record.engine_key(b"0"), record.pack(b"0", record.pack_version(Version(0, 1)), b"value"))]))
    healed = open_store(engine)
    assert (healed.table.damages, sorted(whole(healed))) == (0, [b"0", b"2", b"3"])
    again.write(b"0", Version(0, 10), b"repaired")
    again.commit()
    assert sorted(whole(open_store(engine))) == [b"0", b"2", b"3"]
    engine.apply(Batch([(record.engine_key(b"3"), None)]))
    with pytest.raises(EngineUnreadable, match="its 2 entries are not the 3"):
        open_store(engine)


def test_a_leave_for_which_there_is_no_space_leaves_the_counter_as_it_was() -> None:
    """A lower one says that the node lost something."""
    disk = FaultyDisk()
    store = open_store(disk.open())
    store.write(b"a", Version(1, 1), b"abc")
    store.commit()
    before = store.counter
    disk.free = 0
    with pytest.raises(EngineFull):
        store.leave(Version(1, 1))
    assert (store.counter, store.counter_after_commit) == (before, before)
    assert before > 0
