"""The storage seam: an ordered map of bytes whose batches are atomic and synced. Everything durable goes through it.

Calls run inline on the loop's thread: a synced write of a small batch costs a fraction of a millisecond, and a helper
thread would starve beside a busy loop. The one exception is ``compact``, which nobody's answer waits for.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class EngineFailed(Exception):
    """The engine can't read or write: a failed sync, a damaged file. Who owns the engine must stop using it."""


class EngineFull(Exception):
    """There is no space for a batch. Nothing of it was written; reads go on, and smaller batches may fit."""


class CompactionFailed(Exception):
    """Space could not be given back: there is too little for it, or the compaction failed or was ended. What is stored is as it
    was, and the engine goes on."""


class EngineLocked(Exception):
    """Another process has the directory open; ``holder`` is what that process said of itself."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is in use by {holder or 'another process'}")
        self.path = path
        self.holder = holder


class EngineUnreadable(Exception):
    """A directory can't be opened as an engine's: damaged, of another kind, or without permission."""


@dataclass(slots=True)
class Batch:
    """Changes that become durable together or not at all, applied in the order they were added."""

    changes: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    """(key, value), or (key, None) for a deletion."""
    cleared: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Half-open key ranges that are emptied *before* ``changes`` are applied."""
    upkeep: bool = False
    """It adds nothing that anybody stored: it removes, buries, or keeps account of what is there. It may use some of the space that
    is kept free, so that what is full can be emptied."""

    def put(self, key: bytes, value: bytes) -> None:
        self.changes.append((key, value))

    def delete(self, key: bytes) -> None:
        self.changes.append((key, None))

    def clear(self, start: bytes, stop: bytes) -> None:
        self.cleared.append((start, stop))

    def __bool__(self) -> bool:
        return bool(self.changes or self.cleared)


class StorageEngine(Protocol):
    """Ordered keys, atomic synced batches, range scan, range delete. Opening one locks its directory."""

    @property
    def durable(self) -> bool:
        """Whether what ``apply`` wrote is there after the process is killed."""
        ...

    def get(self, key: bytes) -> bytes | None:
        """The value of ``key``, or None. Raises EngineFailed."""
        ...

    def apply(self, batch: Batch) -> None:
        """Write ``batch`` whole and sync it before returning. Raises EngineFull (nothing written) or EngineFailed."""
        ...

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The pairs of the half-open range ``start``..``stop`` in key order, as of the call. Raises EngineFailed."""
        ...

    @property
    def disk_bytes(self) -> int:
        """Size of the files that hold its data; 0 where it has none, or can't tell."""
        ...

    def compact(self, start: bytes, stop: bytes, live: int) -> "asyncio.Future[None]":
        """Give back the space of what was replaced or removed in ``start``..``stop``, beside everything else that the engine does:
        one at a time, on the running loop. ``live`` is about the size of all that remains in the engine: for as much there must be
        space. Raises CompactionFailed, as the future does; ``close`` ends it.
        """
        ...

    def close(self) -> None:
        """Release the directory. Calling it again does nothing."""
        ...


def let_go(engine: StorageEngine) -> str:
    """Close an engine of which nothing more is wanted: why it could not be closed in order, in words; empty when it was. What was
    applied is synced either way, and there at the next opening."""
    try:
        engine.close()
    except EngineFailed as failure:
        return str(failure)
    return ""


OpenEngine = Callable[[Path, str], StorageEngine]
"""Opens (or creates) the engine of a directory, for a holder described in a few words for people.

Raises EngineLocked, EngineUnreadable.
"""
