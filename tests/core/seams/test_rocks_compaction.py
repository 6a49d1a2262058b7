"""When a RocksDB may be compacted, and what its end does to a compaction."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from kvtui.core.seams.orderly_end import CLOSED_FILE
from kvtui.core.seams.rocks_compaction import space_needed
from kvtui.core.seams.rocksdb import open_rocksdb
from kvtui.core.seams.storage import Batch, CompactionFailed, EngineFailed

ALL = (b"", b"\xff")


def table(level: int, size: int, start: bytes = b"a", end: bytes = b"z") -> dict[str, Any]:
    return {"level": level, "size": size, "start_key": start, "end_key": end}


@pytest.mark.parametrize(
    ("tables", "unwritten", "live", "needed"),
    [
        ([], 0, 100, 0),
        ([], 50, 100, 50),
        ([table(0, 30)], 0, 100, 30),
        ([table(0, 30)], 0, 0, 0),
        ([table(0, 30), table(6, 1000)], 0, 400, 400),
        ([table(0, 30), table(6, 1000, b"n", b"z")], 0, 5000, 1030),
        ([table(0, 30), table(5, 100), table(6, 500, b"a", b"f"), table(6, 500, b"g", b"z")], 7, 5000, 637),
        ([table(5, 100), table(6, 500, b"n", b"z")], 0, 5000, 100),
    ],
)
def test_a_compaction_needs_what_it_rewrites_and_never_more_than_what_remains(
    tables: list[dict[str, Any]], unwritten: int, live: int, needed: int
) -> None:
    assert space_needed(tables, b"a", b"f", unwritten, live) == needed


def filled(path: Path, reserve: int = 0) -> Any:
    engine = open_rocksdb(path, "a test", reserve=reserve)
    for number in range(50):
        engine.apply(Batch([(b"%02d %04d" % (number, key), os.urandom(100)) for key in range(1_000)]))
    return engine


def test_it_leaves_half_of_the_reserve_free_and_what_is_deleted_needs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = filled(tmp_path / "db")
    size = engine.disk_bytes
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    # A reserve of which just as much is left as may be used: what remains has no room.
    monkeypatch.setattr(engine, "_reserve", 2 * (free - size // 8))

    async def run(live: int) -> None:
        await engine.compact(*ALL, live)

    with pytest.raises(CompactionFailed, match="no space for"):
        asyncio.run(run(10 * size))
    clearing = Batch()
    clearing.clear(*ALL)
    monkeypatch.setattr(engine, "_reserve", 0)
    engine.apply(clearing)
    monkeypatch.setattr(engine, "_reserve", 2 * (free - size // 8))
    asyncio.run(run(0))
    assert engine.disk_bytes < size / 20
    engine.close()


def test_one_compaction_runs_at_a_time_in_one_thread_that_the_close_joins(tmp_path: Path) -> None:
    engine = filled(tmp_path / "db")

    async def run() -> None:
        done = engine.compact(*ALL, 0)
        assert [thread.name for thread in threading.enumerate()].count("compaction") <= 1
        if not done.done():
            with pytest.raises(CompactionFailed, match="under way"):
                engine.compact(*ALL, 0)
        engine.close()
        assert "compaction" not in [thread.name for thread in threading.enumerate()]

    asyncio.run(run())


def test_a_store_closed_amid_a_compaction_was_closed_in_order(tmp_path: Path) -> None:
    path = tmp_path / "db"
    engine = filled(path)

    async def run() -> None:
        engine.compact(*ALL, 10**9)
        engine.apply(Batch([(b"last", b"1")]))
        engine.close()

    asyncio.run(run())
    assert (path / CLOSED_FILE).exists()
    again = open_rocksdb(path, "a test", reserve=0)
    assert len(list(again.scan(*ALL))) == 50_001
    assert again.get(b"last") == b"1"
    again.close()


def test_a_damaged_table_fails_the_compaction_and_nothing_is_lost_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "db"
    filled(path).close()
    engine = filled(path)
    engine.close()
    largest = max(path.glob("*.sst"), key=lambda file: file.stat().st_size)
    damaged = bytearray(largest.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    largest.write_bytes(damaged)
    engine = open_rocksdb(path, "a test", reserve=0)
    engine.apply(Batch([(b"%02d %04d" % (number, 0), b"new") for number in range(50)]))

    async def run() -> None:
        await engine.compact(*ALL, 10**9)

    with pytest.raises(CompactionFailed, match="could not rewrite"):
        asyncio.run(run())
    with pytest.raises(EngineFailed, match="orruption"):
        list(engine.scan(*ALL))
    with pytest.raises(EngineFailed, match="orruption"):
        engine.close()
