"""RocksDB under kill -9, damage, locks and a full disk."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from rocksdict import DBRecoveryMode, Options

from kvtui.core.seams import rocksdb
from kvtui.core.seams.orderly_end import CLOSED_FILE
from kvtui.core.seams.rocksdb import open_rocksdb
from kvtui.core.seams.storage import Batch, EngineFailed, EngineFull, EngineLocked, EngineUnreadable
from kvtui.core.seams.wal import ends_torn

HEADER = 7


def run_python(code: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


WRITER = """
    import sys
    from pathlib import Path
    from kvtui.core.seams.rocksdb import open_rocksdb
    from kvtui.core.seams.storage import Batch
    engine = open_rocksdb(Path(sys.argv[1]), "the writer", reserve=0)
    for number in range(int(sys.argv[2])):
        engine.apply(Batch([(b"%06d" % number, b"v" * 50)]))
        print(number, flush=True)
    sys.stdin.read()
"""


def killed_writer(path: Path, writes: int) -> None:
    """A RocksDB at ``path`` whose process was killed after that many synced batches."""
    with run_python(WRITER, path, writes) as process:
        assert process.stdout is not None
        try:
            for _ in range(writes):
                assert process.stdout.readline()
        finally:
            process.kill()


def newest_log(path: Path) -> Path:
    return max(path.glob("*.log"), key=lambda log: int(log.stem))


def record_starts(log: bytes) -> list[int]:
    starts, at = [], 0
    while at + HEADER <= len(log):
        starts.append(at)
        at += HEADER + int.from_bytes(log[at + 4 : at + 6], "little")
    return starts


def stored(path: Path) -> int:
    engine = open_rocksdb(path, "a test", reserve=0)
    try:
        return sum(1 for _ in engine.scan(b"", b"\xff"))
    finally:
        engine.close()


def test_every_acknowledged_batch_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with run_python(WRITER, path, 1_000_000) as process:
        assert process.stdout is not None
        acknowledged = -1
        try:
            for _ in range(300):
                acknowledged = int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split("\n")[:-1])])
    assert stored(path) >= acknowledged + 1


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """The files of a killed RocksDB and how many keys it had acknowledged."""
    path = tmp_path_factory.mktemp("killed") / "db"
    killed_writer(path, 100)
    return {entry.name: entry.read_bytes() for entry in path.iterdir()}, 100


def restore(path: Path, files: dict[str, bytes]) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content)
    return newest_log(path)


@pytest.mark.parametrize("place", range(HEADER + 20))
@pytest.mark.parametrize("which", [0, 50, 98, 99])
def test_a_flipped_byte_of_the_log_never_loses_keys_in_silence(
    tmp_path: Path, killed: tuple[dict[str, bytes], int], place: int, which: int
) -> None:
    files, keys = killed
    log = restore(tmp_path / "db", files)
    content = log.read_bytes()
    at = record_starts(content)[which] + place
    for mask in (0x01, 0x40, 0xFF):
        damaged = bytearray(content)
        damaged[at] ^= mask
        log.write_bytes(damaged)
        with pytest.raises(EngineUnreadable, match="Corruption"):
            open_rocksdb(tmp_path / "db", "a test")
    log.write_bytes(content)
    assert stored(tmp_path / "db") == keys


@pytest.mark.parametrize("left", [1, 3, HEADER - 1, HEADER, HEADER + 1, HEADER + 40])
def test_a_record_that_was_never_wholly_written_is_left_out(
    tmp_path: Path, killed: tuple[dict[str, bytes], int], left: int
) -> None:
    files, keys = killed
    log = restore(tmp_path / "db", files)
    content = log.read_bytes()
    log.write_bytes(content[: record_starts(content)[-1] + left])
    assert stored(tmp_path / "db") == keys - 1


def test_a_torn_large_batch_is_left_out_whole(tmp_path: Path) -> None:
    path = tmp_path / "db"
    code = """
        import os, sys
        from pathlib import Path
        from kvtui.core.seams.rocksdb import open_rocksdb
        from kvtui.core.seams.storage import Batch
        engine = open_rocksdb(Path(sys.argv[1]), "the writer", reserve=0)
        engine.apply(Batch([(b"small", b"1")]))
        engine.apply(Batch([(b"large%d" % number, os.urandom(50_000)) for number in range(4)]))
        os.kill(os.getpid(), 9)
    """
    with run_python(code, path) as process:
        process.wait()
    log = newest_log(path)
    content = log.read_bytes()
    kept = {entry.name: entry.read_bytes() for entry in path.iterdir()}
    for number, cut in enumerate((100, 32 * 1024, 32 * 1024 + 3, 5 * 32 * 1024 + 17, len(content) - 1)):
        directory = tmp_path / f"cut{number}"
        restore(directory, kept).write_bytes(content[:cut])
        assert stored(directory) == 1


def test_only_the_newest_log_may_end_within_a_record(tmp_path: Path, killed: tuple[dict[str, bytes], int]) -> None:
    log = restore(tmp_path / "db", killed[0])
    whole = log.read_bytes()
    newer = log.parent / f"{int(log.stem) + 1:06}.log"
    newer.write_bytes(whole[:-10])
    assert ends_torn(log.parent)
    log.write_bytes(whole[:-10])
    assert not ends_torn(log.parent)
    with pytest.raises(EngineUnreadable, match="Corruption"):
        open_rocksdb(log.parent, "a test")


def test_a_damaged_table_fails_reads_and_is_not_skipped(tmp_path: Path) -> None:
    path = tmp_path / "db"
    engine = open_rocksdb(path, "a test", reserve=0)
    engine.apply(Batch([(b"%06d" % number, os.urandom(100)) for number in range(5000)]))
    engine.close()
    (table,) = path.glob("*.sst")
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(content)
    engine = open_rocksdb(path, "a test", reserve=0)
    with pytest.raises(EngineFailed, match=r"can't read from .*checksum mismatch"):
        list(engine.scan(b"", b"\xff"))
    engine.close()


def test_a_second_opener_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    first = open_rocksdb(tmp_path, "the first, process 1")
    with pytest.raises(EngineLocked, match="is in use by the first, process 1") as caught:
        open_rocksdb(tmp_path, "the second")
    assert caught.value.holder == "the first, process 1"
    first.close()
    open_rocksdb(tmp_path, "the second").close()


def test_another_process_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    with run_python(WRITER, tmp_path / "db", 1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            with pytest.raises(EngineLocked, match="is in use by the writer"):
                open_rocksdb(tmp_path / "db", "a test")
        finally:
            process.kill()
    open_rocksdb(tmp_path / "db", "a test").close()


def make_file(path: Path) -> None:
    path.write_text("no directory")


def make_strange_directory(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").write_text("dear to somebody")


def lose_current(path: Path) -> None:
    engine = open_rocksdb(path, "a test")
    engine.apply(Batch([(b"a", b"1")]))
    engine.close()
    (path / "CURRENT").unlink()


@pytest.mark.parametrize("prepare", [make_file, make_strange_directory, lose_current])
def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    path = tmp_path / "db"
    prepare(path)
    before = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else path.read_text()
    with pytest.raises(EngineUnreadable, match=str(path)):
        open_rocksdb(path, "a test")
    assert before == (sorted(entry.name for entry in path.iterdir()) if path.is_dir() else path.read_text())


def test_a_directory_without_permission_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnreadable, match="can't use /proc/nowhere"):
        open_rocksdb(Path("/proc/nowhere/db"), "a test")


def test_an_opening_that_was_killed_can_be_repeated(tmp_path: Path) -> None:
    for name in (
        "LOCK",
        "LOG",
        "IDENTITY",
        "MANIFEST-000001",
        "000001.dbtmp",
        "OPTIONS-000005",
        "000004.log",
        "HOLDER",
    ):
        (tmp_path / name).touch()
    (tmp_path / "rocksdict-config.json").touch()
    engine = open_rocksdb(tmp_path, "a test")
    engine.apply(Batch([(b"a", b"1")]))
    engine.close()
    assert stored(tmp_path) == 1


def test_a_config_that_was_never_synced_does_not_cost_the_data(tmp_path: Path) -> None:
    engine = open_rocksdb(tmp_path, "a test")
    engine.apply(Batch([(b"a", b"1")]))
    engine.close()
    (tmp_path / "rocksdict-config.json").write_bytes(b"")
    assert stored(tmp_path) == 1


def test_a_batch_that_would_use_the_reserve_is_refused_and_removals_are_not(tmp_path: Path) -> None:
    engine = open_rocksdb(tmp_path, "a test", reserve=0)
    engine.apply(Batch([(b"a", b"1"), (b"b", b"1")]))
    engine.close()
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize
    engine = open_rocksdb(tmp_path, "a test", reserve=free + free // 2)
    with pytest.raises(EngineFull, match="no space for"):
        engine.apply(Batch([(b"a", b"2")]))
    with pytest.raises(EngineFull, match="no space for"):
        engine.apply(Batch([(b"b", None), (b"a", b"2")]))
    engine.apply(Batch([(b"b", None)]))
    assert (engine.get(b"a"), engine.get(b"b")) == (b"1", None)
    engine.apply(Batch([(b"a", b"a tombstone")], upkeep=True))
    assert engine.get(b"a") == b"a tombstone"
    engine.close()


def test_every_batch_is_synced_before_apply_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Options] = []
    make_options = rocksdb._options

    def counting(recovery: DBRecoveryMode) -> Options:
        options = make_options(recovery)
        options.enable_statistics()
        counted.append(options)
        return options

    monkeypatch.setattr(rocksdb, "_options", counting)
    engine = open_rocksdb(tmp_path, "a test", reserve=0)
    for number in range(5):
        engine.apply(Batch([(b"%d" % number, b"v")]))
        statistics = counted[0].get_statistics()
        assert statistics is not None
        assert f"rocksdb.wal.synced COUNT : {number + 1}\n" in statistics
    engine.close()


def closed_twice(path: Path) -> None:
    """A RocksDB with two tables, closed in order: its MANIFEST tells of the second one in a record that was added."""
    for name in (b"a", b"b"):
        engine = open_rocksdb(path, "a test", reserve=0)
        engine.apply(Batch([(name, b"1")]))
        engine.close()


def manifest(path: Path) -> Path:
    return path / (path / "CURRENT").read_text().strip()


@pytest.mark.parametrize("mask", [0x01, 0x80])
@pytest.mark.parametrize("high", [False, True])
def test_a_manifest_whose_record_has_another_length_does_not_lose_keys_in_silence(
    tmp_path: Path, mask: int, high: bool
) -> None:
    closed_twice(tmp_path)
    content = manifest(tmp_path).read_bytes()
    kept = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir() if entry.name != CLOSED_FILE}
    refused = 0
    for number, start in enumerate(record_starts(content)):
        directory = tmp_path / f"damaged{number}"
        restore(directory, kept)
        damaged = bytearray(content)
        damaged[start + 4 + high] ^= mask
        manifest(directory).write_bytes(damaged)
        with pytest.raises(EngineUnreadable):
            open_rocksdb(directory, "a test")
        refused += 1
    assert refused > 3


@pytest.mark.parametrize("file", ["MANIFEST", "sst", "CURRENT"])
def test_what_was_cut_after_an_orderly_end_is_refused_and_nothing_is_deleted(tmp_path: Path, file: str) -> None:
    closed_twice(tmp_path)
    names = sorted(entry.name for entry in tmp_path.iterdir())
    cut = next(entry for entry in sorted(tmp_path.iterdir()) if file in entry.name)
    content = cut.read_bytes()
    places = record_starts(content) if file == "MANIFEST" else [0, len(content) // 2, len(content) - 1]
    for place in places:
        cut.write_bytes(content[:place])
        with pytest.raises(EngineUnreadable, match=rf"{cut.name} has {place:,} bytes, and had {len(content):,}"):
            open_rocksdb(tmp_path, "a test")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == names
    cut.write_bytes(content)
    assert stored(tmp_path) == 2


@pytest.mark.parametrize(
    "damage", [lambda note: note[:-3], lambda note: b"", lambda note: note.replace(b"sst", b"txt")]
)
def test_a_damaged_note_of_the_orderly_end_does_not_cost_the_data(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    closed_twice(tmp_path)
    note = tmp_path / CLOSED_FILE
    note.write_bytes(damage(note.read_bytes()))
    assert stored(tmp_path) == 2


def test_an_open_store_has_no_note_of_an_orderly_end(tmp_path: Path) -> None:
    closed_twice(tmp_path)
    assert (tmp_path / CLOSED_FILE).exists()
    engine = open_rocksdb(tmp_path, "a test", reserve=0)
    assert not (tmp_path / CLOSED_FILE).exists()
    engine.close()
