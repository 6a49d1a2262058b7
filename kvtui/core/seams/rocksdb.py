"""RocksDB as a storage engine: every batch is one record of its write-ahead log, synced before ``apply`` returns."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from rocksdict import BlockBasedOptions, Cache, DBRecoveryMode, Options, Rdict, ReadOptions, WriteBatch, WriteOptions

from kvtui.core.seams.directories import sync_directory
from kvtui.core.seams.directory_lock import LOCK_FILE, DirectoryLock, DirectoryTaken, lock_directory
from kvtui.core.seams.forked import pin, when_forked
from kvtui.core.seams.orderly_end import forget_end, lost_since, note_end, recall_end
from kvtui.core.seams.private_files import make_private_directory, read_private, write_private
from kvtui.core.seams.rocks_compaction import Compactor, space_needed
from kvtui.core.seams.rocks_threads import THREADS
from kvtui.core.seams.storage import (
    Batch,
    CompactionFailed,
    EngineFailed,
    EngineFull,
    EngineLocked,
    EngineUnreadable,
)
from kvtui.core.seams.wal import ends_torn, manifest_is_sound
from kvtui.notation import as_word, brief

RESERVE_BYTES: Final = 64 * 1024 * 1024
"""Space that stays free on the disk, for RocksDB's own flushes and compactions: a batch that would use it is refused as full
before anything of it is written, because RocksDB itself can't go on after it ran into the end of a disk. Batches
of upkeep, removals and tombstones among them, may use half of it, so that a full node can be emptied."""
LOG_RESERVE_BYTES: Final = 8 * 1024 * 1024
"""The same for a coordinator's log, which is small: it goes on in the space that nodes on its disk keep free."""
HOLDER_FILE: Final = "HOLDER"
"""Who has the directory open, for people; the lock is ``LOCK_FILE``."""
HOLDER_BYTES: Final = 1024
"""So much of it is told at most."""

_WRITE_BUFFER_BYTES = 16 * 1024 * 1024
_LOG_BUFFER_BYTES = 1024 * 1024
"""What is written to a table at once must fit into the reserve several times."""
_CACHE_BYTES = 32 * 1024 * 1024
_SYNC_BYTES = 256 * 1024
_DATA = (".sst", ".log")
_CONFIG_FILE = "rocksdict-config.json"
_LOCK_SIGNS = ("While lock file", "lock hold by current process")
_LEFT_BY_A_FIRST_OPENING = ("LOCK", "LOG", "IDENTITY", "MANIFEST-", "OPTIONS-", _CONFIG_FILE, HOLDER_FILE, LOCK_FILE)


class RocksEngine:
    """An open RocksDB directory. ``open_rocksdb`` makes one."""

    def __init__(self, path: Path, database: Rdict, reserve: int, lock: DirectoryLock) -> None:
        self._path = path
        self._lock = lock
        self._database: Rdict | None = database
        self._compactor: Compactor | None = Compactor(database)
        self._reserve = reserve
        self._synced = WriteOptions()
        self._synced.sync = True
        when_forked(self, RocksEngine._leave_to_parent)

    @property
    def durable(self) -> bool:
        return True

    def get(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._open.get(key)
        except EngineFailed:
            raise
        except Exception as error:
            raise EngineFailed(f"can't read from {self._path}: {_reason(error)}") from None
        return value

    def apply(self, batch: Batch) -> None:
        if not batch:
            return
        database = self._open
        written = WriteBatch(raw_mode=True)
        for start, stop in batch.cleared:
            written.delete_range(start, stop)
        for key, value in batch.changes:
            if value is None:
                written.delete(key)
            else:
                written.put(key, value)
        try:
            spares = batch.upkeep or batch.cleared or all(value is None for _, value in batch.changes)
            self._refuse_without_space(written.size_in_bytes(), self._reserve // 2 if spares else self._reserve)
            database.write(written, self._synced)
        except EngineFull:
            raise
        except Exception as error:
            raise EngineFailed(f"can't write to {self._path}: {_reason(error)}") from None

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        options = ReadOptions()
        options.set_iterate_upper_bound(stop)
        # Not Rdict.items(): that one ends quietly at a damaged block, as if nothing came after it.
        cursor = self._open.iter(options)
        cursor.seek(start)

        # The cursor reads its bound where ``options`` keeps it, and does not keep ``options`` itself.
        def pairs(kept: tuple[ReadOptions, bytes] = (options, stop)) -> Iterator[tuple[bytes, bytes]]:
            try:
                while cursor.valid():
                    yield cursor.key(), cursor.value()
                    cursor.next()
                cursor.status()
            except Exception as error:
                raise EngineFailed(f"can't read from {self._path}: {_reason(error)}") from None

        return pairs() if start < stop else iter(())

    @property
    def disk_bytes(self) -> int:
        total = 0
        try:
            with os.scandir(self._path) as files:
                for file in files:
                    if not file.name.endswith(_DATA):
                        continue
                    try:
                        total += file.stat(follow_symlinks=False).st_size
                    except FileNotFoundError:
                        pass  # RocksDB deletes files in a thread of its own
        except OSError:
            pass  # whether the store can go on is for its next read or write to say
        return total

    def compact(self, start: bytes, stop: bytes, live: int) -> "asyncio.Future[None]":
        if self._compactor is None:
            raise CompactionFailed(f"{self._path} is closed")
        database = self._open
        try:
            unwritten = database.property_int_value("rocksdb.cur-size-all-mem-tables") or 0
            needed = space_needed(database.live_files(), start, stop, unwritten, live)
            # As a batch that removes something: what it gives back is more.
            self._refuse_without_space(needed, self._reserve // 2)
        except EngineFull as full:
            raise CompactionFailed(str(full)) from None
        except Exception as error:
            raise CompactionFailed(f"can't look at {self._path}: {_reason(error)}") from None
        return self._compactor.start(start, stop)

    def close(self) -> None:
        database, self._database = self._database, None
        compactor, self._compactor = self._compactor, None
        if database is None or compactor is None:
            return
        try:
            ended = compactor.end()
            del compactor
            if ended:
                # It would try to write what is in memory to a table, which RocksDB does no more: it is in the log.
                del database
            else:
                database.close()
            if self._lock.exclusive:
                # Else somebody may have opened it by now. A store without a note opens as one that was killed.
                note_end(self._path)
        except Exception as error:
            raise EngineFailed(f"can't close {self._path}: {_reason(error)}") from None
        finally:
            _forget_holder(self._path)
            self._lock.release()

    @property
    def _open(self) -> Rdict:
        if self._database is None:
            gone = "is closed" if self._lock.here else "belongs to the process that this one was forked from"
            raise EngineFailed(f"{self._path} {gone}")
        return self._database

    def _leave_to_parent(self) -> None:
        """This process was forked off. It has RocksDB's memory and files, and none of its threads: nothing of it may be called,
        not even as it is destroyed."""
        pin((self._database, self._compactor))
        self._database = self._compactor = None

    def _refuse_without_space(self, size: int, reserve: int) -> None:
        disk = os.statvfs(self._path)
        free = disk.f_bavail * disk.f_frsize
        if free - size < reserve:
            raise EngineFull(
                f"no space for {size:,} bytes at {self._path}: {free:,} are free, {reserve:,} stay reserved"
            )


def open_log(path: Path, holder: str) -> RocksEngine:
    """As ``open_rocksdb``, for a coordinator's log: it needs little, and keeps little free."""
    return open_rocksdb(path, holder, reserve=LOG_RESERVE_BYTES, buffer=_LOG_BUFFER_BYTES)


def open_rocksdb(
    path: Path, holder: str, *, reserve: int = RESERVE_BYTES, buffer: int = _WRITE_BUFFER_BYTES
) -> RocksEngine:
    """Open or create the RocksDB of directory ``path`` and lock it for ``holder`` (a few words for people).

    A write-ahead log or table of contents (MANIFEST) that is damaged anywhere is refused, where RocksDB's default would drop all
    that follows. The one exception, and only in a directory that was not closed in order, is a last record that was never
    wholly written: it was never acknowledged either. A file that ends exactly between two records can't be told from one
    that never had more. ``reserve``: bytes that stay free; ``buffer``: bytes that are written to a table at once.
    Raises EngineLocked, EngineUnreadable.
    """
    if not THREADS.usable:
        raise EngineUnreadable(
            f"can't use {path} here: RocksDB was at work in the moment in which this process was forked off; start it anew"
        )
    THREADS.none_in_forks()
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise EngineUnreadable(f"RocksDB takes no path that is not UTF-8: {as_word(str(path))}") from None
    try:
        _make_directory(path)
        lock = lock_directory(path)
    except DirectoryTaken:
        raise EngineLocked(path, _holder(path)) from None
    except OSError as error:
        raise EngineUnreadable(f"can't use {path}: {error.strerror or error}") from None
    try:
        return RocksEngine(path, _opened(path, holder, lock, buffer), reserve, lock)
    except BaseException:
        lock.undo()
        raise


def _opened(path: Path, holder: str, lock: DirectoryLock, buffer: int) -> Rdict:
    """What is refused is refused before anything in the directory is changed. Raises EngineLocked, EngineUnreadable."""
    try:
        _refuse_strangers(path)
        _refuse_lost_contents(path)
        _mend_config(path)
        end = forget_end(path)
        if lock.exclusive:
            # From here on others find it locked, and may ask by whom.
            _say_holder(path, holder)
    except OSError as error:
        raise EngineUnreadable(f"can't use {path}: {error.strerror or error}") from None
    try:
        database = _recover(path, buffer)
    except EngineUnreadable:
        if lock.exclusive:
            _forget_holder(path)
            recall_end(path, end)
        raise
    if not lock.exclusive:
        _say_holder(path, holder)
    return database


def _make_directory(path: Path) -> None:
    """Make ``path`` a directory that is new or may hold a RocksDB; its name is durable in its parent."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in missing:
        if folder.is_symlink():
            raise EngineUnreadable(f"{folder} is a link to {os.readlink(folder)}, where nothing is")
    if not missing:
        _refuse_strangers_unlocked(path)
    for folder in make_private_directory(path):
        sync_directory(folder.parent)


def _refuse_strangers(path: Path) -> None:
    if not (path / "CURRENT").exists():
        strange = next((entry for entry in path.iterdir() if not _belongs_to_an_unfinished_opening(entry)), None)
        if strange is not None:
            raise EngineUnreadable(f"{path} holds {brief(strange.name)} but no store: take another directory")


def _refuse_strangers_unlocked(path: Path) -> None:
    """Before a file for the lock is made there. Where there is one, somebody may be making the store now: that is seen later."""
    try:
        _refuse_strangers(path)
    except (EngineUnreadable, FileNotFoundError):
        if not os.path.lexists(path / LOCK_FILE):
            raise


def _mend_config(path: Path) -> None:
    config = path / _CONFIG_FILE
    try:
        json.loads(config.read_bytes())
    except FileNotFoundError:
        pass
    except ValueError:
        # rocksdict writes this file unsynced; what it says is given again at every opening.
        config.unlink()


def _say_holder(path: Path, holder: str) -> None:
    """For people: a directory opens without it too."""
    with suppress(OSError):
        write_private(path / HOLDER_FILE, f"{holder}\n".encode())


def _forget_holder(path: Path) -> None:
    with suppress(OSError):
        (path / HOLDER_FILE).unlink(missing_ok=True)


def _belongs_to_an_unfinished_opening(entry: Path) -> bool:
    if entry.suffix == ".log":
        return entry.stat().st_size == 0
    return entry.suffix == ".dbtmp" or entry.name.startswith(_LEFT_BY_A_FIRST_OPENING)


def _refuse_lost_contents(path: Path) -> None:
    """Before RocksDB opens the directory: it deletes tables that its contents do not name."""
    lost = lost_since(path)
    if lost:
        raise EngineUnreadable(f"the store in {path} is damaged: {lost}")
    if not manifest_is_sound(path):
        raise EngineUnreadable(
            f"the store in {path} is damaged: a record of its MANIFEST has another length than it had"
        )


def _recover(path: Path, buffer: int) -> Rdict:
    def opened(recovery: DBRecoveryMode) -> Rdict:
        options = _options(recovery)
        options.set_write_buffer_size(buffer)
        # Not through a link: RocksDB compares the directories that this process has open by their names, and it may lead elsewhere
        # by now.
        return Rdict(THREADS.spelled(path.resolve()), options)

    try:
        return opened(DBRecoveryMode.absolute_consistency())
    except Exception as error:
        refused = error
    if "Corruption" in str(refused) and ends_torn(path):
        try:
            return opened(DBRecoveryMode.tolerate_corrupted_tail_records())
        except Exception as error:
            refused = error
    if any(sign in str(refused) for sign in _LOCK_SIGNS):
        raise EngineLocked(path, _holder(path))
    raise EngineUnreadable(f"can't open the store in {path}: {_reason(refused)}") from None


def _options(recovery: DBRecoveryMode) -> Options:
    tables = BlockBasedOptions()
    tables.set_block_cache(Cache(_CACHE_BYTES))
    tables.set_bloom_filter(10, False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_wal_recovery_mode(recovery)
    options.set_block_based_table_factory(tables)
    # Most keys that are looked up before a write are new: this tells so without a search (measured: 2.6 µs instead of 7).
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.1)
    # A table is on its way to the disk while it is written: else a synced batch waits at its end for all of it (measured while a
    # compaction runs: p99 4 to 10 ms instead of 9 to 16).
    options.set_bytes_per_sync(_SYNC_BYTES)
    options.set_max_background_jobs(2)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    options.set_max_log_file_size(1024 * 1024)
    options.set_stats_dump_period_sec(0)
    options.set_stats_persist_period_sec(0)
    return options


def _holder(path: Path) -> str:
    try:
        return read_private(path / HOLDER_FILE, HOLDER_BYTES).decode(errors="replace").strip()
    except OSError:
        return ""


def _reason(error: Exception) -> str:
    """What RocksDB says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
