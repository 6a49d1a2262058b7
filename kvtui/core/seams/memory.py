"""A storage engine in memory: nothing survives the process.

A pair costs its two ``bytes`` and its place in one of many small dictionaries, and nothing that the collector walks. No list of keys is
kept beside them: a scan sorts one small dictionary at a time, so that neither its first page nor a write between two
pages waits for the order of all keys.
"""

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from weakref import WeakSet

from kvtui.core.seams.storage import Batch, EngineFailed

BUCKET_MOST: Final = 170
"""Pairs above which a bucket is split; a dictionary of so many is as full as Python makes it before it grows."""
BUCKET_LEAST: Final = 16
"""Pairs a bucket, on average, below which there are buckets enough: keys that agree in their first bytes then share one."""
_BITS: Final = 24
"""Bits of a key by which a shelf tells its buckets apart: those of its second to fourth byte."""

Bucket = dict[bytes, bytes]


class _Shelf:
    """The pairs whose keys have one first byte, in buckets by the leading bits of what follows, so that buckets are in key order.

    The directory has a place for every value of those bits; neighbouring places share a bucket until it is full and split.
    """

    __slots__ = ("count", "directory", "shift")

    def __init__(self) -> None:
        self.directory: list[Bucket] = [{}]
        self.shift = _BITS
        """Bits to drop from a key's ``_BITS`` to have its place."""
        self.count = 0
        """Pairs on this shelf."""

    def place(self, key: bytes) -> int:
        """Where in the directory ``key`` belongs."""
        return int.from_bytes(key[1:4].ljust(3, b"\0"), "big") >> self.shift

    def split(self, place: int) -> None:
        """Make two of the full bucket at ``place``, unless all buckets together have too few pairs for that."""
        bucket = self.directory[place]
        first, last = place, place + 1
        while first and self.directory[first - 1] is bucket:
            first -= 1
        while last < len(self.directory) and self.directory[last] is bucket:
            last += 1
        if last - first == 1:
            if not self.shift or self.count < BUCKET_LEAST * len(self.directory):
                return
            self.directory = [one for one in self.directory for _ in range(2)]
            self.shift -= 1
            first, last = 2 * first, 2 * last
        middle = (first + last) // 2
        low: Bucket = {}
        high: Bucket = {}
        for key, value in bucket.items():
            (low if self.place(key) < middle else high)[key] = value
        self.directory[first:last] = [low] * (middle - first) + [high] * (last - middle)

    def buckets(self, start: bytes, stop: bytes | None) -> Iterator[tuple[Bucket, bool]]:
        """Each bucket once that may hold keys of ``start``..``stop`` (None: the shelf's end), in order, and whether it may hold others."""
        first = self.place(start)
        last = len(self.directory) - 1 if stop is None else self.place(stop)
        before: Bucket | None = None
        for place in range(first, last + 1):
            bucket = self.directory[place]
            if bucket is not before:
                before = bucket
                edge = bucket is self.directory[first] or (stop is not None and bucket is self.directory[last])
                yield bucket, edge


class MemoryEngine:
    """Pairs in buckets, each a dictionary, on a shelf for every first byte of a key."""

    def __init__(self) -> None:
        self._shelves: dict[bytes, _Shelf] = {}
        self._scans: WeakSet[_Scan] = WeakSet()
        self._closed = False

    @property
    def durable(self) -> bool:
        return False

    def get(self, key: bytes) -> bytes | None:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        shelf = self._shelves.get(key[:1])
        if shelf is None:
            return None
        # As ``place``; the call would cost as much as the look-up.
        part = key[1:4]
        if len(part) < 3:
            part = part.ljust(3, b"\0")
        return shelf.directory[int.from_bytes(part, "big") >> shelf.shift].get(key)

    def apply(self, batch: Batch) -> None:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        self._settle_scans()
        for start, stop in batch.cleared:
            self._clear(start, stop)
        for key, value in batch.changes:
            shelf = self._shelves.get(key[:1])
            if shelf is None:
                shelf = self._shelves[key[:1]] = _Shelf()
            part = key[1:4]
            if len(part) < 3:
                part = part.ljust(3, b"\0")
            place = int.from_bytes(part, "big") >> shelf.shift
            bucket = shelf.directory[place]
            before = len(bucket)
            if value is None:
                bucket.pop(key, None)
                shelf.count += len(bucket) - before
                continue
            bucket[key] = value
            if len(bucket) != before:
                shelf.count += 1
                if before >= BUCKET_MOST:
                    shelf.split(place)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        scan = _Scan(self._buckets(start, stop), start, stop)
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

    def _buckets(self, start: bytes, stop: bytes) -> Iterator[tuple[Bucket, bool]]:
        if start >= stop:
            return
        for first in sorted(first for first in self._shelves if start[:1] <= first <= stop[:1]):
            shelf = self._shelves[first]
            yield from shelf.buckets(max(start, first), stop if first == stop[:1] else None)

    def _clear(self, start: bytes, stop: bytes) -> None:
        for bucket, edge in self._buckets(start, stop):
            shelf = self._shelves[next(iter(bucket))[:1]] if bucket else None
            before = len(bucket)
            if edge:
                for key in [key for key in bucket if start <= key < stop]:
                    del bucket[key]
            else:
                bucket.clear()
            if shelf is not None:
                shelf.count += len(bucket) - before


class _Scan(Iterator[tuple[bytes, bytes]]):
    """Walks the engine's own buckets until the engine is about to change, which first makes it take what it still needs."""

    __slots__ = ("__weakref__", "_buckets", "_rest", "_start", "_stop")

    def __init__(self, buckets: Iterator[tuple[Bucket, bool]], start: bytes, stop: bytes) -> None:
        self._buckets = buckets
        self._start = start
        self._stop = stop
        self._rest: Iterator[tuple[bytes, bytes]] = iter(())
        """What is left of the bucket that was begun."""

    def __next__(self) -> tuple[bytes, bytes]:
        for pair in self._rest:
            return pair
        for bucket, edge in self._buckets:
            self._rest = self._sorted(bucket, edge)
            for pair in self._rest:
                return pair
        raise StopIteration

    def settle(self) -> None:
        """Take the remaining pairs as they are now."""
        self._rest = iter([*self._rest, *(pair for bucket, edge in self._buckets for pair in self._sorted(bucket, edge))])

    def _sorted(self, bucket: Bucket, edge: bool) -> Iterator[tuple[bytes, bytes]]:
        keys = sorted(bucket)
        if edge:
            keys = keys[bisect_left(keys, self._start) : bisect_left(keys, self._stop)]
        return iter([(key, bucket[key]) for key in keys])


def open_memory(path: Path, holder: str) -> MemoryEngine:
    """A new, empty engine; ``path`` and ``holder`` are there to fit ``OpenEngine``."""
    return MemoryEngine()
