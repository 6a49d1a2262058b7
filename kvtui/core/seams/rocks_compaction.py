"""Compaction of a RocksDB on demand: what was replaced or removed is still in its tables until they are rewritten.

RocksDB does that by itself where it pays, which for deletions may be never: a store that was emptied kept all of its size.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from rocksdict import Rdict

from kvtui.core.seams.storage import CompactionFailed


def space_needed(tables: Sequence[Mapping[str, Any]], start: bytes, stop: bytes, unwritten: int, live: int) -> int:
    """Bytes that a compaction of ``start``..``stop`` writes at most before it deletes what it replaces. Writing what is in memory
    to a table first is not among them: that is due anyhow, and takes the place of its log.

    ``tables`` is what RocksDB says of its files, ``unwritten`` the size of what is in memory alone, ``live`` that of
    everything which remains. RocksDB compacts a level into the next. A table of level 0 covers any keys, so all of these go, into
    whatever the next level has; of the last level, only those go that overlap.
    """
    levels = {table["level"] for table in tables} - {0}
    whole_levels = {0} | (levels - {max(levels)} if len(levels) > 1 else levels)
    rewritten: int = sum(
        table["size"]
        for table in tables
        if table["level"] in whole_levels or (table["start_key"] < stop and table["end_key"] >= start)
    )
    # Nothing is written that does not remain.
    return min(unwritten + rewritten, live)


class Compactor:
    """Runs one compaction at a time, in a thread: RocksDB lets go of the interpreter meanwhile, and nothing on the way of
    reads and writes is in that thread."""

    def __init__(self, database: Rdict) -> None:
        self._database = database
        self._thread: threading.Thread | None = None

    def start(self, start: bytes, stop: bytes) -> "asyncio.Future[None]":
        """Compact ``start``..``stop``; the future, of the running loop, ends with it. Raises CompactionFailed, as it does."""
        if self._thread is not None and self._thread.is_alive():
            raise CompactionFailed("a compaction is under way")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(
            target=_compact, args=(self._database, start, stop, loop, done), name="compaction", daemon=True
        )
        self._thread.start()
        return done

    def end(self) -> bool:
        """Stop and join a compaction that is under way. Returns whether there was one: then RocksDB writes no table any more, and
        what it holds in memory is in its write-ahead log alone."""
        thread, self._thread = self._thread, None
        if thread is None or not thread.is_alive():
            return False
        self._database.cancel_all_background(wait=True)
        thread.join()
        return True


def _errors(database: Rdict) -> int:
    """Flushes and compactions that failed so far. A disk that was full it tries again by itself; after damage it refuses writes."""
    return database.property_int_value("rocksdb.background-errors") or 0


def _compact(
    database: Rdict, start: bytes, stop: bytes, loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]"
) -> None:
    reason = ""
    try:
        before = _errors(database)
        # What is in memory, and its log with it, counts as well: it may be all there is.
        database.flush(wait=True)
        # It returns nothing, however it ends.
        database.compact_range(start, stop)
        if _errors(database) > before:
            reason = "RocksDB could not rewrite its tables; the file LOG beside them says why"
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__

    def tell() -> None:
        if done.done():
            return
        if reason:
            done.set_exception(CompactionFailed(reason))
        else:
            done.set_result(None)

    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:
        pass  # the loop is closed: nobody waits any more
