"""The lock around check, open, close and note of a store's directory: who has it, who is refused, and what is left behind."""

import errno
import fcntl
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kvtui.core.seams import directory_lock, rocksdb
from kvtui.core.seams.directory_lock import LOCK_FILE, DirectoryTaken, lock_directory
from kvtui.core.seams.orderly_end import CLOSED_FILE, note_end
from kvtui.core.seams.private_files import open_private
from kvtui.core.seams.rocksdb import HOLDER_FILE, RocksEngine, open_rocksdb
from kvtui.core.seams.storage import Batch, EngineFailed, EngineLocked, EngineUnreadable
from tests.core.seams.test_rocksdb import WRITER, closed_twice, killed_writer, run_python, stored


def test_a_directory_is_locked_until_it_is_released(tmp_path: Path) -> None:
    lock = lock_directory(tmp_path)
    assert lock.exclusive
    with pytest.raises(DirectoryTaken):
        lock_directory(tmp_path)
    lock.release()
    lock.release()
    lock_directory(tmp_path).release()
    assert (tmp_path / LOCK_FILE).exists()


def test_an_undone_lock_leaves_nothing_and_one_that_was_there_stays(tmp_path: Path) -> None:
    lock_directory(tmp_path).undo()
    assert list(tmp_path.iterdir()) == []
    lock_directory(tmp_path).release()
    lock_directory(tmp_path).undo()
    assert [entry.name for entry in tmp_path.iterdir()] == [LOCK_FILE]


def test_who_waits_for_a_file_that_is_taken_away_does_not_hold_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files of one name, one after the other, would let two in."""
    real, lock = open_private, lock_directory(tmp_path)

    def opened(file: Path, flags: int) -> int:
        descriptor = real(file, flags)
        lock.undo()
        return descriptor

    monkeypatch.setattr(directory_lock, "open_private", opened)
    later = lock_directory(tmp_path)
    assert os.path.samestat(os.fstat(later._held.number), (tmp_path / LOCK_FILE).stat())
    with pytest.raises(DirectoryTaken):
        lock_directory(tmp_path)
    later.release()


def test_the_lock_is_not_inherited_by_programs_that_are_started(tmp_path: Path) -> None:
    lock = lock_directory(tmp_path)
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            # Closed without a word of unlocking: a copy in the child would keep it.
            os.close(lock._held.number)
            lock._held.number = -1
            lock_directory(tmp_path).release()
        finally:
            child.kill()


def test_a_process_that_is_forked_off_neither_keeps_nor_ends_the_lock(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        from pathlib import Path
        from kvtui.core.seams.rocksdb import open_rocksdb
        from kvtui.core.seams.storage import Batch
        engine = open_rocksdb(Path(sys.argv[1]), "the parent", reserve=0)
        engine.apply(Batch([(b"a", b"1")]))
        if not os.fork():
            engine.close()
            os.write(1, b"%d\\n" % os.getpid())
        signal.pause()
    """
    with run_python(code, tmp_path / "db") as parent:
        child = 0
        try:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            with pytest.raises(EngineLocked, match="is in use by the parent"):
                open_rocksdb(tmp_path / "db", "a test")
            assert (tmp_path / "db" / HOLDER_FILE).exists()
            assert not (tmp_path / "db" / CLOSED_FILE).exists()
            parent.kill()
            parent.wait()
            os.kill(child, 0)
            assert stored(tmp_path / "db") == 1
        finally:
            parent.kill()
            if child:
                os.kill(child, signal.SIGKILL)


def test_one_who_comes_while_another_closes_is_refused_and_finds_a_true_note_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: it opened between RocksDB's last word and the note, which was then of files that went on changing."""
    refused: list[str] = []

    def late(path: Path) -> None:
        with run_python(WRITER, path, 1) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == ""
            other.wait()
        refused.append(str(other.returncode))
        note_end(path)

    engine = open_rocksdb(tmp_path / "db", "the first", reserve=0)
    engine.apply(Batch([(b"x", b"1")]))
    monkeypatch.setattr(rocksdb, "note_end", late)
    engine.close()
    assert refused == ["1"]
    killed_writer(tmp_path / "db", 3)
    assert stored(tmp_path / "db") == 4


def test_one_who_comes_before_the_other_has_opened_looks_at_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note is looked at under the lock: before, it was read before RocksDB's, and might be gone or another's by then."""
    closed_twice(tmp_path)
    looked: list[Path] = []
    monkeypatch.setattr(rocksdb, "lost_since", looked.append)
    monkeypatch.setattr(rocksdb, "forget_end", looked.append)
    lock = lock_directory(tmp_path)
    with pytest.raises(EngineLocked):
        open_rocksdb(tmp_path, "a test")
    lock.release()
    assert looked == []
    assert (tmp_path / CLOSED_FILE).exists()


def content(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def cut(path: Path, suffix: str) -> None:
    file = next(file for file in sorted(path.iterdir()) if file.name.endswith(suffix))
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("locked_before", [False, True])
def test_a_refused_opening_changes_nothing(tmp_path: Path, locked_before: bool) -> None:
    closed_twice(tmp_path)
    if not locked_before:
        (tmp_path / LOCK_FILE).unlink()
    (tmp_path / "rocksdict-config.json").write_bytes(b"")
    cut(tmp_path, ".sst")
    before = content(tmp_path)
    with pytest.raises(EngineUnreadable, match="is damaged"):
        open_rocksdb(tmp_path, "a test")
    assert content(tmp_path) == before


def test_a_store_that_rocksdb_refuses_keeps_the_note_of_its_end(tmp_path: Path) -> None:
    closed_twice(tmp_path)
    current = tmp_path / "CURRENT"
    good = current.read_bytes()
    current.write_bytes(b"MANIFEST-999999\n"[: len(good)])
    note = (tmp_path / CLOSED_FILE).read_bytes()
    with pytest.raises(EngineUnreadable, match="can't open the store"):
        open_rocksdb(tmp_path, "a test")
    assert (tmp_path / CLOSED_FILE).read_bytes() == note
    assert not (tmp_path / HOLDER_FILE).exists()
    current.write_bytes(good)
    cut(tmp_path, ".sst")
    with pytest.raises(EngineUnreadable, match="is damaged"):
        open_rocksdb(tmp_path, "a test")


def test_a_name_of_the_holder_that_can_not_be_deleted_ends_no_closing(tmp_path: Path) -> None:
    engine = open_rocksdb(tmp_path, "a test", reserve=0)
    engine.apply(Batch([(b"a", b"1")]))
    (tmp_path / HOLDER_FILE).unlink()
    (tmp_path / HOLDER_FILE / "in the way").mkdir(parents=True)
    engine.close()
    assert (tmp_path / CLOSED_FILE).exists()
    assert stored(tmp_path) == 1


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "dear").write_text("to somebody")
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / LOCK_FILE).symlink_to(tmp_path / "dear")
    with pytest.raises(EngineUnreadable, match="is a link"):
        open_rocksdb(tmp_path / "db", "a test")
    assert (tmp_path / "dear").read_text() == "to somebody"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_such_locks_rocksdbs_own_serves_and_no_note_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    closed_twice(tmp_path)
    monkeypatch.setattr(fcntl, "flock", flock)
    with caplog.at_level(logging.WARNING):
        engine = open_rocksdb(tmp_path, "the first", reserve=0)
    with pytest.raises(EngineLocked, match="is in use by the first"):
        open_rocksdb(tmp_path, "the second")
    engine.close()
    assert not (tmp_path / CLOSED_FILE).exists()
    assert stored(tmp_path) == 2
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith(f"{tmp_path} can't be locked as a whole")
    assert "RocksDB's own lock alone keeps others out" in said[0]


def test_another_error_of_locking_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(EngineUnreadable, match=f"can't use {tmp_path}/db: Input/output error"):
        open_rocksdb(tmp_path / "db", "a test")


# What older versions left: they wrote the note after they had let go of the store.

Work = Callable[[RocksEngine], Any]


def flushed(engine: RocksEngine) -> None:
    for number in range(3):
        engine.apply(Batch([(b"%d" % number, b"v" * 50)]))
        engine._open.flush()


WORKS: dict[str, Work] = {
    "a write": lambda engine: engine.apply(Batch([(b"acked", b"1" * 500)])),
    "flushes": flushed,
    "nothing": lambda engine: None,
}


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("note", ["while it opens", "once it is open"])
def test_a_store_that_was_used_beside_a_note_of_an_older_version_opens(tmp_path: Path, work: str, note: str) -> None:
    path = tmp_path / "db"
    closed_twice(path)
    before = (path / CLOSED_FILE).read_bytes()
    code = """
        import sys
        from pathlib import Path
        from kvtui.core.seams.rocksdb import open_rocksdb
        from kvtui.core.seams.orderly_end import CLOSED_FILE, note_end
        from tests.core.seams.test_directory_lock import WORKS
        path = Path(sys.argv[1])
        engine = open_rocksdb(path, "the next", reserve=0)
        if sys.argv[2] == "once it is open":
            note_end(path)
        WORKS[sys.argv[3]](engine)
        print("worked", flush=True)
        sys.stdin.read()
    """
    with run_python(code, path, note, work) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "worked\n"
        process.kill()
    if note == "while it opens":
        (path / CLOSED_FILE).write_bytes(before)
    expected = {"a write": 3, "flushes": 5, "nothing": 2}[work]
    assert stored(path) == expected


def test_a_note_that_was_written_while_the_next_one_opened_says_nothing(tmp_path: Path) -> None:
    """It names the tables of contents of both, of which the older one is deleted then."""
    closed_twice(tmp_path)
    extra = tmp_path / "MANIFEST-000001"
    extra.write_bytes(b"an older one")
    note_end(tmp_path)
    extra.unlink()
    assert stored(tmp_path) == 2


@pytest.mark.parametrize("file", ["sst", "CURRENT"])
def test_what_grew_but_is_never_added_to_is_damage(tmp_path: Path, file: str) -> None:
    closed_twice(tmp_path)
    grown = next(entry for entry in sorted(tmp_path.iterdir()) if file in entry.name)
    grown.write_bytes(grown.read_bytes() + b"x")
    with pytest.raises(EngineUnreadable, match=f"{grown.name} has"):
        open_rocksdb(tmp_path, "a test")


def test_closing_that_fails_lets_go_of_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_rocksdb(tmp_path, "a test", reserve=0)
    database = engine._open

    class Failing:
        def close(self) -> None:
            database.close()
            raise RuntimeError("IO error: no space")

    engine._database = Failing()  # type: ignore[assignment]
    with pytest.raises(EngineFailed, match=r"can't close .*no space"):
        engine.close()
    assert not (tmp_path / CLOSED_FILE).exists()
    open_rocksdb(tmp_path, "a test").close()


def test_a_link_to_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(EngineUnreadable, match=f"{tmp_path}/link is a link to {tmp_path}/gone, where nothing is"):
        open_rocksdb(tmp_path / "link" / "metadata", "a test")
    assert not (tmp_path / "gone").exists()
