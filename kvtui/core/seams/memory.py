"""A storage engine in memory: nothing survives the process.

Pairs lie in dictionaries by the first bytes of their keys. There is no list of all keys beside them: a scan puts one dictionary's
keys in order after the other, so that neither its first page nor a write between two pages waits for the order of all.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from weakref import WeakSet

from kvtui.core.seams.storage import Batch, CompactionFailed, EngineFailed

LEADING: Final = 2
"""Bytes of a key that name its dictionary. Of a node's entries that is one byte of the token: 256 dictionaries."""
ORDERS_KEPT: Final = 8
"""Dictionaries whose keys' order is kept, for the next page of a scan."""

Pair = tuple[bytes, bytes]


class MemoryEngine:
    """Dictionaries by the beginnings of their keys."""

    def __init__(self) -> None:
        self._parts: dict[bytes, dict[bytes, bytes]] = {}
        self._orders: dict[bytes, list[bytes]] = {}
        """The keys of some parts, in order."""
        self._scans: WeakSet[_Scan] = WeakSet()
        self._closed = False

    @property
    def durable(self) -> bool:
        return False

    def get(self, key: bytes) -> bytes | None:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        part = self._parts.get(key[:LEADING])
        return None if part is None else part.get(key)

    def apply(self, batch: Batch) -> None:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        if self._scans:
            self._settle_scans()
        for start, stop in batch.cleared:
            self._clear(start, stop)
        parts, orders = self._parts, self._orders
        for key, value in batch.changes:
            leading = key[:LEADING]
            part = parts.get(leading)
            if part is None:
                part = parts[leading] = {}
            before = len(part)
            if value is None:
                part.pop(key, None)
            else:
                part[key] = value
            if len(part) != before and leading in orders:
                del orders[leading]

    def scan(self, start: bytes, stop: bytes) -> Iterator[Pair]:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        scan = _Scan(self._pairs(start, stop))
        self._scans.add(scan)
        return scan

    @property
    def disk_bytes(self) -> int:
        return 0

    def compact(self, start: bytes, stop: bytes, live: int) -> "asyncio.Future[None]":
        """Nothing that was removed is kept: it is done at once."""
        if self._closed:
            raise CompactionFailed("the store in memory is closed")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def close(self) -> None:
        self._settle_scans()
        self._closed = True

    def _pairs(self, start: bytes, stop: bytes) -> Iterator[Pair]:
        for leading in self._within(start, stop):
            part, keys = self._parts[leading], self._order(leading)
            for key in keys[bisect_left(keys, start) : bisect_left(keys, stop)]:
                yield key, part[key]

    def _within(self, start: bytes, stop: bytes) -> list[bytes]:
        """The beginnings of keys from ``start`` to below ``stop``, in order."""
        if start >= stop:
            return []
        return sorted(leading for leading in self._parts if start[:LEADING] <= leading <= stop[:LEADING])

    def _order(self, leading: bytes) -> list[bytes]:
        order = self._orders.get(leading)
        if order is None:
            if len(self._orders) >= ORDERS_KEPT:
                del self._orders[next(iter(self._orders))]
            order = self._orders[leading] = sorted(self._parts[leading])
        return order

    def _clear(self, start: bytes, stop: bytes) -> None:
        for leading in self._within(start, stop):
            part = self._parts[leading]
            kept = {key: value for key, value in part.items() if not start <= key < stop}
            if len(kept) < len(part):
                self._parts[leading] = kept
                self._orders.pop(leading, None)

    def _settle_scans(self) -> None:
        for scan in list(self._scans):
            scan.settle()
        self._scans.clear()


class _Scan(Iterator[Pair]):
    """Walks the engine's own dictionaries until the engine is about to change, which first makes it take what it still needs."""

    __slots__ = ("__weakref__", "_pairs")

    def __init__(self, pairs: Iterator[Pair]) -> None:
        self._pairs = pairs

    def __next__(self) -> Pair:
        return next(self._pairs)

    def settle(self) -> None:
        """Take the remaining pairs as they are now."""
        self._pairs = iter(list(self._pairs))


def open_memory(path: Path, holder: str) -> MemoryEngine:
    """A new, empty engine; ``path`` and ``holder`` are there to fit ``OpenEngine``."""
    return MemoryEngine()
