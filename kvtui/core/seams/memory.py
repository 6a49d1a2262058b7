"""A storage engine in memory: nothing survives the process."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from weakref import WeakSet

from kvtui.core.seams.storage import Batch, EngineFailed

_FEW_NEW_KEYS: Final = 16
"""Up to this many new keys are inserted one by one before a scan; above it, sorting everything costs less."""


class MemoryEngine:
    """Pairs in a dictionary beside a list of its keys, which is put in order when a scan needs it."""

    def __init__(self) -> None:
        self._pairs: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._new: list[bytes] = []
        self._gone: set[bytes] = set()
        self._scans: WeakSet[_Scan] = WeakSet()
        self._closed = False

    @property
    def durable(self) -> bool:
        return False

    def get(self, key: bytes) -> bytes | None:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        return self._pairs.get(key)

    def apply(self, batch: Batch) -> None:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        self._settle_scans()
        for start, stop in batch.cleared:
            self._clear(start, stop)
        pairs = self._pairs
        for key, value in batch.changes:
            if value is None:
                self._delete(key)
            else:
                if key not in pairs:
                    self._add(key)
                pairs[key] = value

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        self._settle_scans()
        self._sort()
        scan = _Scan(self._keys, self._pairs, start, stop)
        self._scans.add(scan)
        return scan

    def close(self) -> None:
        self._settle_scans()
        self._closed = True

    def _settle_scans(self) -> None:
        if self._scans:
            for scan in list(self._scans):
                scan.settle()
            self._scans.clear()

    def _add(self, key: bytes) -> None:
        if key in self._gone:
            self._gone.discard(key)
        else:
            self._new.append(key)

    def _delete(self, key: bytes) -> None:
        if self._pairs.pop(key, None) is not None:
            self._gone.add(key)

    def _clear(self, start: bytes, stop: bytes) -> None:
        self._sort()
        keys = self._keys
        for key in keys[bisect_left(keys, start) : bisect_left(keys, stop)]:
            self._delete(key)

    def _sort(self) -> None:
        if len(self._new) > _FEW_NEW_KEYS:
            self._keys += self._new
            self._keys.sort()
        else:
            for key in self._new:
                insort(self._keys, key)
        self._new.clear()
        if len(self._gone) > len(self._keys) // 2:
            self._keys = [key for key in self._keys if key in self._pairs]
            self._gone.clear()


class _Scan(Iterator[tuple[bytes, bytes]]):
    """Walks the engine's own list until the engine is about to change, which first makes it take what it still needs."""

    __slots__ = ("__weakref__", "_at", "_keys", "_pairs", "_rest", "_stop")

    def __init__(self, keys: list[bytes], pairs: dict[bytes, bytes], start: bytes, stop: bytes) -> None:
        self._keys = keys
        self._pairs = pairs
        self._at = bisect_left(keys, start)
        self._stop = bisect_left(keys, stop)
        self._rest: Iterator[tuple[bytes, bytes]] | None = None

    def __next__(self) -> tuple[bytes, bytes]:
        if self._rest is not None:
            return next(self._rest)
        while self._at < self._stop:
            key = self._keys[self._at]
            self._at += 1
            value = self._pairs.get(key)
            if value is not None:
                return key, value
        raise StopIteration

    def settle(self) -> None:
        """Take the remaining pairs as they are now."""
        if self._rest is None:
            pairs = self._pairs
            self._rest = iter([(key, pairs[key]) for key in self._keys[self._at : self._stop] if key in pairs])


def open_memory(path: Path, holder: str) -> MemoryEngine:
    """A new, empty engine; ``path`` and ``holder`` are there to fit ``OpenEngine``."""
    return MemoryEngine()
