"""Stores that answer before they have read their entries: what rests on sums, and what becomes of entries that don't fit them."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.core.protocol import (
    Clear,
    Digests,
    Drop,
    Dump,
    Get,
    GetMany,
    Heartbeat,
    Listed,
    Put,
    Request,
    Scan,
    encode_lines,
)
from kvtui.core.ring.token import slot_of, token_of
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.storage import Batch, EngineFailed, EngineFull, EngineUnreadable, StorageEngine
from kvtui.core.version import Version
from kvtui.node import record, sums
from kvtui.node.membership import Membership
from kvtui.node.store import EntryDamaged, Store
from tests.node.nodes import Bench, on_a_node
from tests.node.test_store import expected_sums
from tests.node.test_store import sums as sums_of
from tests.simulation.engine import FaultyDisk, FaultyEngine

SLOTS = 8
KEYS = [b"key %d" % number for number in range(40)]


def open_unread(engine: StorageEngine) -> Store:
    """A store that has read nothing of its entries."""
    return Store(engine, SeededRandom(1), at_opening=0)


def filled(disk: FaultyDisk, slots: int = SLOTS) -> FaultyEngine:
    """An engine with 40 keys and a tombstone in it, and their sums."""
    engine = disk.open()
    store = open_unread(engine)
    if slots != store.table.slots:
        store.join(Membership(data_id=store.membership.data_id, cluster="ring", coordinator="c1", epoch=1, slots=slots))
    for number, key in enumerate(KEYS):
        store.write(key, Version(1, number + 1), b"old")
        store.commit()
    for number, key in enumerate(KEYS):
        store.write(key, Version(2, number + 1), b"value of %d" % number)
    store.write(b"gone", Version(2, 999), None)
    store.commit()
    assert not store._changed
    return engine


def where_of(key: bytes) -> bytes:
    return record.engine_key(key)


def slot(key: bytes) -> int:
    return slot_of(token_of(key), SLOTS)


keys = st.sampled_from([b"", b"a", b"b", b"c", b"\xff\x00"])
versions = st.builds(Version, st.integers(0, 2), st.integers(1, 3))
write = st.tuples(st.just("write"), keys, versions, st.none() | st.sampled_from([b"", b"x", b"yy"]))
other = st.tuples(st.sampled_from(["commit", "full", "reopen", "reopen unread", "clear", "note", "damage", "leave"]))


@settings(max_examples=100, deadline=None)
@given(st.lists(write | other, max_size=30))
def test_sums_read_at_an_opening_are_those_of_the_entries(history: list[tuple]) -> None:  # type: ignore[type-arg]
    disk = FaultyDisk()
    store = open_unread(disk.open())
    now: dict[bytes, tuple[Version, bytes | None]] = {}
    committed = dict(now)
    for step in history:
        match step:
            case ("write", key, version, value):
                store.write(key, version, value)
                if key not in now or now[key][0] < version:
                    now[key] = (version, value)
            case ("full",) if store.staged:
                disk.free = 0
                with pytest.raises(EngineFull):
                    store.commit()
                disk.free = None
                now = dict(committed)
            case ("reopen",) | ("reopen unread",):
                disk.crash()
                store = Store(disk.open(), SeededRandom(1), at_opening=0 if step[0] == "reopen unread" else 10)
                now = dict(committed)
                assert sums_of(store) == expected_sums(now, store.table.slots)
            case ("clear",):
                store.commit()
                half = store.table.slots // 2
                store.clear(0, half)
                now = {key: entry for key, entry in now.items() if slot_of(token_of(key)) >= half}
                committed = dict(now)
            case ("damage",) if b"a" in committed and not store.staged:
                # Found, written down with the next batch, and repaired.
                disk.flip(where_of(b"a"), 25 if committed[b"a"][1] else 10)
                with pytest.raises(EntryDamaged):
                    store.read(b"a")
                store.write_note("note", Version(1, 1))
                disk.crash()
                store = open_unread(disk.open())
                assert (store.table.damages, store.verified) == (1, False)
                store.write(b"a", committed[b"a"][0], committed[b"a"][1])
                store.commit()
            case ("note",):
                store.commit()
                committed = dict(now)
                store.write_note("note", Version(1, 1))
            case ("leave",):
                store.commit()
                store.leave(Version(1, 1))
                committed, now = {}, {}
            case _:
                store.commit()
                committed = dict(now)
    store.commit()
    verify(store)
    assert sums_of(store) == expected_sums(now, store.table.slots)
    last = open_unread(disk.open())
    assert sums_of(last) == sums_of(store)


def test_an_opening_reads_no_entries() -> None:
    disk = FaultyDisk()
    engine = filled(disk)
    read: list[bytes] = []
    scan = engine.scan

    def noted(start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        read.append(start)
        return scan(start, stop)

    engine.scan = noted  # type: ignore[method-assign]
    store = open_unread(engine)
    assert all(start < record.ENTRY for start in read)
    assert not store.verified
    assert sum(store.table.live) == len(KEYS)
    assert store.read(KEYS[0]) is not None
    assert [start for start in read if start >= record.ENTRY] == [store.table.range(slot(KEYS[0]), 0)[0]]


def test_a_small_store_is_verified_at_its_opening() -> None:
    disk = FaultyDisk()
    assert Store(filled(disk), SeededRandom(1), at_opening=len(KEYS) + 1).verified
    assert not Store(filled(FaultyDisk()), SeededRandom(1), at_opening=len(KEYS)).verified


def changed(engine: StorageEngine, how: str) -> None:
    """Take something of what ``filled`` wrote away, behind the store's back."""
    key, number = KEYS[5], 5
    change = Batch()
    match how:
        case "lost":
            change.delete(where_of(key))
        case "older":
            change.put(where_of(key), record.pack(key, record.pack_version(Version(1, number + 1)), b"old"))
        case "a tombstone lost":
            change.delete(where_of(b"gone"))
        case "all of a slot lost":
            for one in KEYS:
                if slot(one) == slot(key):
                    change.delete(where_of(one))
        case "brought back":
            change.put(where_of(b"new"), record.pack(b"new", record.pack_version(Version(1, 1)), b"old"))
    engine.apply(change)


def verify(store: Store) -> None:
    while not store.verified:
        store.verify_next(1)


TOUCHES: dict[str, Callable[[Store, bytes], object]] = {
    "a read": lambda store, key: store.read(key),
    "a read of a neighbour": lambda store, key: store.read(next(k for k in KEYS if slot(k) == slot(key) and k != key)),
    "a large read": lambda store, key: store.read_large(key),
    "a write": lambda store, key: store.write(key, Version(3, 1), b"new"),
    "a drop": lambda store, key: store.drop(key, Version(2, 6), only_tombstone=False),
    "a scan": lambda store, key: list(store.scan(0, SLOTS, None)),
    "a scan of the slot": lambda store, key: list(store.scan(slot(key), slot(key) + 1, None)),
    "digests": lambda store, key: store.digests(0, SLOTS),
    "the verification": lambda store, key: verify(store),
}


@pytest.mark.parametrize("touch", sorted(TOUCHES))
@pytest.mark.parametrize("how", ["lost", "older", "a tombstone lost", "all of a slot lost", "brought back"])
def test_entries_that_are_not_those_written_fail_whoever_touches_their_slot(how: str, touch: str) -> None:
    engine = filled(FaultyDisk())
    changed(engine, how)
    store = open_unread(engine)
    key = {"a tombstone lost": b"gone", "brought back": b"new"}.get(how, KEYS[5])
    with pytest.raises(EngineFailed, match=r"its \d+ entries are not the 41 that were written"):
        TOUCHES[touch](store, key)
    # Neither now nor read whole does it open again.
    for at_opening in (0, 1000):
        with pytest.raises(EngineUnreadable, match=r"its \d+ entries are not the 41 that were written"):
            Store(engine, SeededRandom(1), at_opening=at_opening)


@pytest.mark.parametrize("touch", sorted(set(TOUCHES) - {"a write"}))
def test_damage_is_known_to_whoever_touches_its_slot(touch: str) -> None:
    disk = FaultyDisk()
    engine = filled(disk)
    digest = open_unread(engine).digests(0, SLOTS)
    disk.flip(where_of(KEYS[5]), 26)
    store = open_unread(engine)
    try:
        TOUCHES[touch](store, KEYS[5])
    except EntryDamaged:
        assert touch in ("a read", "a large read")
    assert store.table.damages == 1
    after = store.digests(0, SLOTS)
    assert [at for at in range(SLOTS) if after[at] != digest[at]] == [slot(KEYS[5])]
    assert store.write(KEYS[5], Version(2, 6), b"value of 5") is False
    store.commit()
    assert store.digests(0, SLOTS) == digest


@pytest.mark.parametrize("broken", ["missing", "one byte", "a change lost", "an old one", "other slots"])
def test_a_store_whose_sums_are_not_all_there_is_read_whole(broken: str) -> None:
    disk = FaultyDisk()
    engine = filled(disk)
    stored = list(engine.scan(sums._SUMS, sums._AFTER))
    assert len(stored) == 1 + len(KEYS) + 1
    where, content = stored[len(stored) // 2]
    breaking = Batch()
    if broken == "missing":
        breaking.clear(sums._SUMS, sums._AFTER)
    elif broken == "one byte":
        breaking.put(where, content[:-1] + bytes([content[-1] ^ 1]))
    elif broken == "a change lost":
        breaking.delete(stored[-1][0])
    elif broken == "an old one":
        breaking.put(stored[-1][0], content)
    else:
        sums.KeptSums().add(breaking, 4, 1, [], whole=True)
    engine.apply(breaking)
    store = open_unread(engine)
    assert store.verified
    assert sum(store.table.live) == len(KEYS)
    store.write(b"one more", Version(3, 1), b"")
    store.commit()
    assert sum(open_unread(engine).table.live) == len(KEYS) + 1
    assert not open_unread(engine).verified


def test_changes_are_read_with_their_size_and_only_upon_all_sums() -> None:
    engine, kept = FaultyDisk().open(), sums.KeptSums()
    row = (3, 1 << 60, 5, 1, 0, 99)
    written = [[row] * SLOTS, [row], [row] * 3]
    for number, rows in enumerate(written):
        batch = Batch()
        kept.written(kept.add(batch, SLOTS, number, rows, whole=not number), whole=not number)
        engine.apply(batch)
    again = sums.KeptSums()
    assert again.read(engine, SLOTS) == [row] * (SLOTS + 4)
    assert again.changes_bytes == kept.changes_bytes > 0
    assert [where for where, _ in engine.scan(sums._CHANGE, sums._AFTER)] == [
        sums._CHANGE + bytes(7) + bytes([number]) for number in (1, 2)
    ]
    without = Batch()
    without.delete(sums._WHOLE)
    engine.apply(without)
    assert sums.KeptSums().read(engine, SLOTS) is None


def test_changes_are_replaced_by_all_sums_before_they_are_many() -> None:
    engine = FaultyDisk().open()
    store = open_unread(engine)
    most = 0
    rows = sums.CHANGES_BYTES // (sums._RECORD_BYTES + 34)
    for number in range(rows + 100):
        store.write(b"%d" % (number % 500), Version(1, number + 1), b"")
        store.commit()
        if number % 1000 == 0 or number > rows - 10:
            most = max(most, len(list(engine.scan(sums._SUMS, sums._AFTER))))
    assert rows - 10 < most <= rows + 2
    assert len(list(engine.scan(sums._SUMS, sums._AFTER))) < 200
    assert sums_of(open_unread(engine)) == sums_of(store)


def test_a_node_verifies_what_nobody_asks_for_and_then_rests() -> None:
    disk = FaultyDisk()
    filled(disk)
    disk.flip(where_of(KEYS[5]), 26)

    async def story(bench: Bench) -> None:
        client = await bench.client()
        before = await client.one(Heartbeat())
        await bench.clock.sleep(5)
        after = await client.one(Heartbeat())
        assert (before.facts and before.facts.damaged, after.facts and after.facts.damaged) == (0, 1)
        assert bench.store.verified
        assert bench.server._verification._timer is None

    on_a_node(story, disk.open(), at_opening=0)


def test_a_node_of_which_entries_are_lost_stops_and_says_so() -> None:
    disk = FaultyDisk()
    changed(filled(disk), "lost")

    async def story(bench: Bench) -> None:
        client = await bench.client()
        assert (await client.one(Heartbeat())).status == "ok"
        assert await client.rest() == b""
        assert [str(failure) for failure in bench.failures] == [
            "the node's data is damaged: its 40 entries are not the 41 that were written"
        ]

    on_a_node(story, disk.open(), at_opening=0)


REQUESTS: list[Request] = [
    Get(key=KEYS[5].decode()),
    GetMany(keys=["key 1", KEYS[5].decode()]),
    Digests(start=0, stop=SLOTS),
    Scan(start=0, stop=SLOTS),
    Dump(),
    Put(key=KEYS[5].decode(), value="x", version=Version(3, 1)),
    Drop(entries=[Listed(KEYS[5].decode(), Version(2, 6))]),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_no_answer_rests_on_a_slot_of_which_entries_are_lost(request_: Request) -> None:
    disk = FaultyDisk()
    changed(filled(disk), "older")

    async def story(bench: Bench) -> None:
        client = await bench.client()
        hello = bench.hello(epoch=2)
        assert (await client.one(hello)).status == "ok"
        client.send(encode_lines([request_]))
        assert await client.rest() == b""
        assert bench.failures

    on_a_node(story, disk.open(), at_opening=0)


def test_cleared_slots_need_no_verification() -> None:
    disk = FaultyDisk()
    engine = filled(disk)
    changed(engine, "lost")
    store = open_unread(engine)
    store.clear(0, SLOTS)
    assert store.verified
    assert store.digests(0, SLOTS) == [0] * SLOTS
    assert Store(engine, SeededRandom(1)).verified


def test_a_node_that_enters_a_cluster_empty_has_nothing_to_verify() -> None:
    store = open_unread(filled(FaultyDisk(), slots=16_384))
    assert not store.verified
    store.join(Membership(data_id="other", cluster="another", coordinator="c1", epoch=1, slots=SLOTS))
    assert store.verified
    assert sums_of(store) == expected_sums({}, SLOTS)


def test_each_page_names_the_damaged_keys_that_it_passed() -> None:
    disk = FaultyDisk()
    filled(disk)
    damaged = {KEYS[3], KEYS[17], KEYS[31]}
    for key in damaged:
        disk.flip(where_of(key), 26)

    async def story(bench: Bench) -> None:
        client = await bench.client()
        named: list[object] = []
        after, pages = None, 0
        while True:
            page = await client.one(Scan(start=0, stop=SLOTS, limit=4, after=after))
            named += page.damaged or []
            pages += 1
            after = page.cursor
            if after is None:
                break
        assert pages > 8
        assert sorted(map(str, named)) == sorted(key.decode() for key in damaged)
        cleared = await client.ask(bench.hello(epoch=2), Clear(start=0, stop=SLOTS), Scan(start=0, stop=SLOTS))
        assert cleared[-1].damaged is None

    on_a_node(story, disk.open(), at_opening=0)
