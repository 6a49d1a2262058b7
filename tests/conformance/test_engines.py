"""What every storage engine promises."""

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvtui.core.seams.memory import open_memory
from kvtui.core.seams.rocksdb import open_rocksdb
from kvtui.core.seams.storage import Batch, CompactionFailed, EngineFailed, StorageEngine
from tests.simulation.engine import FaultyDisk

Reopen = Callable[[], StorageEngine]


class Kept:
    """An engine that can be closed and opened again on the same directory."""

    def __init__(self, open_engine: Reopen) -> None:
        self._open = open_engine
        self.engine = open_engine()

    def reopen(self) -> StorageEngine:
        self.engine.close()
        self.engine = self._open()
        return self.engine


KINDS: dict[str, Callable[[Path], Kept]] = {
    "rocksdb": lambda path: Kept(lambda: open_rocksdb(path / "db", "a test", reserve=0)),
    "memory": lambda path: Kept(lambda: open_memory(path, "a test")),
    "simulated": lambda path: Kept(FaultyDisk().open),
}


@pytest.fixture(params=sorted(KINDS))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    made = KINDS[request.param](tmp_path)
    yield made
    made.engine.close()


@pytest.fixture
def engine(kept: Kept) -> StorageEngine:
    return kept.engine


def batch(*puts: tuple[bytes, bytes], deletes: tuple[bytes, ...] = ()) -> Batch:
    made = Batch()
    for key, value in puts:
        made.put(key, value)
    for key in deletes:
        made.delete(key)
    return made


def test_what_was_put_is_there(engine: StorageEngine) -> None:
    engine.apply(batch((b"a", b"1"), (b"empty", b""), (b"\x00\xff", bytes(range(256)))))
    assert [engine.get(key) for key in (b"a", b"empty", b"\x00\xff", b"b")] == [b"1", b"", bytes(range(256)), None]


def test_the_last_change_of_a_key_in_a_batch_wins(engine: StorageEngine) -> None:
    engine.apply(Batch([(b"a", b"1"), (b"b", b"1"), (b"a", None), (b"b", None), (b"b", b"2")]))
    assert (engine.get(b"a"), engine.get(b"b")) == (None, b"2")


def test_ranges_are_cleared_before_the_changes_of_their_batch(engine: StorageEngine) -> None:
    engine.apply(batch((b"a", b"1"), (b"b", b"1"), (b"c", b"1"), (b"d", b"1")))
    clearing = batch((b"b", b"2"))
    clearing.clear(b"b", b"d")
    engine.apply(clearing)
    assert list(engine.scan(b"", b"\xff")) == [(b"a", b"1"), (b"b", b"2"), (b"d", b"1")]


def test_a_cleared_and_rewritten_key_appears_once(engine: StorageEngine) -> None:
    for value in (b"1", b"2", b"3"):
        clearing = batch((b"a", value))
        clearing.clear(b"a", b"b")
        engine.apply(clearing)
    assert list(engine.scan(b"", b"\xff")) == [(b"a", b"3")]


def test_a_scan_is_ordered_by_bytes_and_half_open(engine: StorageEngine) -> None:
    keys = [b"", b"\x00", b"\x00\x00", b"a", b"a\x00", b"aa", b"b", b"\x7f", b"\x80", b"\xfe\xff"]
    engine.apply(batch(*((key, b"v") for key in reversed(keys))))
    assert [key for key, _ in engine.scan(b"", b"\xff")] == sorted(keys)
    assert [key for key, _ in engine.scan(b"a", b"b")] == [b"a", b"a\x00", b"aa"]
    assert list(engine.scan(b"b", b"a")) == []


def test_a_scan_shows_what_was_there_when_it_began(engine: StorageEngine) -> None:
    engine.apply(batch(*((b"%03d" % number, b"old") for number in range(100))))
    scan = engine.scan(b"", b"\xff")
    seen = [next(scan)]
    clearing = batch((b"000a", b"new"), (b"050", b"new"), (b"zzz", b"new"), deletes=(b"060",))
    clearing.clear(b"070", b"080")
    engine.apply(clearing)
    other = engine.scan(b"", b"\xff")
    seen += list(scan)
    assert seen == [(b"%03d" % number, b"old") for number in range(100)]
    assert len(list(other)) == 100 + 2 - 1 - 10


def test_a_scan_keeps_to_its_range_whatever_is_read_between_its_call_and_its_pairs(engine: StorageEngine) -> None:
    engine.apply(batch(*((b"%06d" % number, b"v") for number in range(5_000))))
    scans = [(start, engine.scan(b"%06d" % start, b"%06d" % (start + 50))) for start in range(0, 5_000, 50)]
    assert [engine.get(b"%06d" % number) for number in range(500)] == [b"v"] * 500
    for start, scan in scans:
        assert [key for key, _ in scan] == [b"%06d" % number for number in range(start, start + 50)]


def test_an_empty_batch_changes_nothing(engine: StorageEngine) -> None:
    engine.apply(Batch())
    assert list(engine.scan(b"", b"\xff")) == []


def test_a_closed_engine_refuses(engine: StorageEngine) -> None:
    engine.close()
    engine.close()
    with pytest.raises(EngineFailed):
        engine.get(b"a")
    with pytest.raises(EngineFailed):
        engine.apply(batch((b"a", b"1")))
    with pytest.raises(EngineFailed):
        engine.scan(b"", b"\xff")


def test_a_durable_engine_keeps_everything_over_a_reopening(kept: Kept) -> None:
    kept.engine.apply(batch((b"a", b"1"), (b"b", b"2")))
    kept.engine.apply(batch(deletes=(b"a",)))
    durable = kept.engine.durable
    assert list(kept.reopen().scan(b"", b"\xff")) == ([(b"b", b"2")] if durable else [])


def compacted(engine: StorageEngine, start: bytes = b"", stop: bytes = b"\xff" * 16) -> None:
    async def run() -> None:
        await engine.compact(start, stop, 0)

    asyncio.run(run())


def test_a_compaction_changes_nothing_that_is_held_and_gives_back_the_rest(kept: Kept) -> None:
    engine = kept.engine
    chance = random.Random(0)
    keys = [chance.randbytes(8) for _ in range(2_000)]
    for _ in range(3):
        engine.apply(batch(*((key, chance.randbytes(200)) for key in keys)))
    held = list(engine.scan(b"", b"\xff" * 16))
    full = engine.disk_bytes
    compacted(engine)
    assert list(engine.scan(b"", b"\xff" * 16)) == held
    once = engine.disk_bytes
    engine.apply(batch(deletes=tuple(keys[:1_000])))
    clearing = Batch()
    clearing.clear(b"", b"\xff" * 16)
    engine.apply(clearing)
    compacted(engine)
    assert list(engine.scan(b"", b"\xff" * 16)) == []
    if full:
        assert once < full / 2
        assert engine.disk_bytes < full / 10
    assert list(kept.reopen().scan(b"", b"\xff" * 16)) == []


def test_a_compaction_of_a_part_leaves_the_others(kept: Kept) -> None:
    engine = kept.engine
    engine.apply(batch(*((b"%03d" % number, b"v") for number in range(300))))
    engine.apply(batch(deletes=tuple(b"%03d" % number for number in range(100, 200))))
    compacted(engine, b"050", b"150")
    left = [b"%03d" % number for number in (*range(100), *range(200, 300))]
    assert [key for key, _ in engine.scan(b"", b"\xff")] == left
    durable = engine.durable
    assert [key for key, _ in kept.reopen().scan(b"", b"\xff")] == (left if durable else [])


def test_reads_and_writes_go_on_while_it_compacts(kept: Kept) -> None:
    engine = kept.engine
    engine.apply(batch(*((b"%05d" % number, b"v" * 100) for number in range(20_000))))

    async def run() -> int:
        done, writes = engine.compact(b"", b"\xff", 10**7), 0
        while not done.done():
            engine.apply(batch((b"w%d" % writes, b"1")))
            assert engine.get(b"w%d" % writes) == b"1"
            writes += 1
            await asyncio.sleep(0)
        await done
        return writes

    writes = asyncio.run(run())
    assert len(list(engine.scan(b"", b"\xff"))) == 20_000 + writes


def test_a_closed_engine_compacts_nothing(engine: StorageEngine) -> None:
    engine.close()
    with pytest.raises(CompactionFailed):
        compacted(engine)


def test_closing_ends_a_compaction_and_loses_nothing(kept: Kept) -> None:
    for number in range(20):
        kept.engine.apply(batch(*((b"%02d %04d" % (number, key), b"v" * 100) for key in range(1_000))))

    async def run() -> None:
        done = kept.engine.compact(b"", b"\xff", 10**7)
        kept.engine.apply(batch((b"last", b"1")))
        durable = kept.engine.durable
        assert len(list(kept.reopen().scan(b"", b"\xff"))) == (20_001 if durable else 0)
        await asyncio.wait([done])
        done.exception()

    asyncio.run(run())


short_keys = st.binary(max_size=3)
changes = st.lists(st.tuples(short_keys, st.none() | st.binary(max_size=4)), max_size=30)
clears = st.lists(st.tuples(short_keys, short_keys), max_size=2)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(changes, clears), max_size=6), short_keys, short_keys)
def test_any_history_reads_as_a_sorted_dictionary(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    history: list[tuple[list[tuple[bytes, bytes | None]], list[tuple[bytes, bytes]]]],
    start: bytes,
    stop: bytes,
) -> None:
    kept = KINDS[kind](tmp_path_factory.mktemp("engine"))
    expected: dict[bytes, bytes] = {}
    for written, cleared in history:
        made = Batch(written, [(low, high) for low, high in cleared if low < high])
        kept.engine.apply(made)
        for low, high in made.cleared:
            expected = {key: value for key, value in expected.items() if not low <= key < high}
        for key, value in written:
            if value is None:
                expected.pop(key, None)
            else:
                expected[key] = value
        assert list(kept.engine.scan(b"", b"\xff" * 4)) == sorted(expected.items())
    assert list(kept.engine.scan(start, stop)) == sorted(
        (key, value) for key, value in expected.items() if start <= key < stop
    )
    kept.engine.close()


@pytest.mark.parametrize("alike", [b"", b"\x01", b"\x01same beginning\x00"], ids=["different", "one byte", "long"])
def test_many_keys_read_as_a_sorted_dictionary_however_alike_they_begin(engine: StorageEngine, alike: bytes) -> None:
    chance = random.Random(alike)
    keys = [alike + chance.randbytes(chance.randrange(10)) for _ in range(3_000)]
    expected: dict[bytes, bytes] = {}
    for step in range(12):
        made = Batch([(key, None if chance.random() < 0.3 else b"%d" % step) for key in chance.sample(keys, 1_000)])
        if step % 4 == 3:
            low, high = sorted(chance.sample(keys, 2))
            high = min(high, low + b"\x40")
            if low < high:
                made.clear(low, high)
                expected = {key: value for key, value in expected.items() if not low <= key < high}
        engine.apply(made)
        for key, value in made.changes:
            if value is None:
                expected.pop(key, None)
            else:
                expected[key] = value
        assert list(engine.scan(b"", b"\xff" * 16)) == sorted(expected.items())
        low, high = sorted(chance.sample(keys, 2))
        assert list(engine.scan(low, high)) == sorted((k, v) for k, v in expected.items() if low <= k < high)
        for key in chance.sample(keys, 200):
            assert engine.get(key) == expected.get(key)
