"""A storage engine in memory: nothing survives the process.

A pair is one ``bytes``, key and value in one, in one of many small dictionaries under a small number. So a pair costs little more
than its bytes, and the collector walks none. No list of keys lies beside them: a scan sorts one small dictionary after the other,
so that neither its first page nor a write between two pages waits for the order of all keys.
"""

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from struct import error as TooShort
from typing import Final
from weakref import WeakSet

from kvtui.core.seams.storage import Batch, EngineFailed

BUCKET_MOST: Final = 42
"""Pairs above which a bucket is split: as many as a dictionary of its size takes before it grows."""
BUCKET_LEAST: Final = 4
"""Pairs a place of a directory, on average, below which it gets no more places."""
_NUMBERS: Final = 256
"""Numbers under which pairs lie in a bucket; Python keeps these, and makes one of 32 bytes for each that is above."""
_BITS: Final = 32
"""Bits of a key by which a shelf tells its buckets apart: those of its second to fifth byte."""
_bits = Struct(">xI").unpack_from
_END: Final = b"\x00\x01"
"""Follows the key in a pair, where every zero byte of the key is followed by 255: so pairs are in the order of their keys, and none
begins as another key's."""
_ZERO: Final = b"\x00\xff"

Bucket = dict[int, bytes]
"""Pairs under their key's number (its hash modulo ``_NUMBERS``); where that is taken, under the next one, ``_NUMBERS`` further."""
Pair = tuple[bytes, bytes]


class _Shelf:
    """The pairs whose keys have one first byte, in buckets by the leading bits of what follows, so that buckets are in key order.

    The directory has a place for every value of those bits. Neighbouring places share a bucket until it is full and split.
    """

    __slots__ = ("count", "directory", "first", "shift")

    def __init__(self, first: bytes) -> None:
        self.first = first
        self.directory: list[Bucket] = [{}]
        self.shift = _BITS
        """Bits to drop from a key's ``_BITS`` to have its place."""
        self.count = 0
        """Pairs on this shelf."""

    def place(self, key: bytes) -> int:
        """Where in the directory ``key`` belongs."""
        try:
            return int(_bits(key)[0]) >> self.shift
        except TooShort:
            return int.from_bytes(key[1:5].ljust(4, b"\x00"), "big") >> self.shift

    def get(self, key: bytes) -> bytes | None:
        # As ``place`` and ``_head``: calls would cost as much as the look-up.
        try:
            bucket: Bucket = self.directory[_bits(key)[0] >> self.shift]
        except TooShort:
            bucket = self.directory[self.place(key)]
        number = hash(key) % _NUMBERS
        pair = bucket.get(number)
        if pair is None:
            return None
        head = key.replace(b"\x00", _ZERO) + _END if 0 in key else key + _END
        while not pair.startswith(head):
            number += _NUMBERS
            pair = bucket.get(number)
            if pair is None:
                return None
        return pair[len(head) :]

    def put(self, key: bytes, value: bytes) -> None:
        try:
            place = _bits(key)[0] >> self.shift
        except TooShort:
            place = self.place(key)
        bucket = self.directory[place]
        head = key.replace(b"\x00", _ZERO) + _END if 0 in key else key + _END
        number = hash(key) % _NUMBERS
        while (pair := bucket.get(number)) is not None:
            if pair.startswith(head):
                bucket[number] = head + value
                return
            number += _NUMBERS
        bucket[number] = head + value
        self.count += 1
        if len(bucket) > BUCKET_MOST:
            self._split(place)

    def delete(self, key: bytes) -> None:
        bucket = self.directory[self.place(key)]
        head = _head(key)
        number = hash(key) % _NUMBERS
        while (pair := bucket.get(number)) is not None:
            if pair.startswith(head):
                _take(bucket, number)
                self.count -= 1
                return
            number += _NUMBERS

    def buckets(self, start: bytes, stop: bytes | None) -> Iterator[Bucket]:
        """Each bucket once that may hold keys of ``start``..``stop`` (None: the shelf's end), in order."""
        before: Bucket | None = None
        last = len(self.directory) - 1 if stop is None else self.place(stop)
        for place in range(self.place(start), last + 1):
            bucket = self.directory[place]
            if bucket is not before:
                before = bucket
                yield bucket

    def clear(self, start: bytes, stop: bytes | None) -> None:
        """Remove the pairs of ``start``..``stop`` (None: the shelf's end)."""
        low, high = _head(start), None if stop is None else _head(stop)
        for bucket in self.buckets(start, stop):
            before = len(bucket)
            kept = [(number, pair) for number, pair in bucket.items() if pair < low or (high and pair >= high)]
            if len(kept) < before:
                bucket.clear()
                _fill(bucket, kept)
                self.count += len(bucket) - before

    def _split(self, place: int) -> None:
        """Make two of the full bucket at ``place``, unless it has but one place and there are places enough."""
        directory = self.directory
        bucket = directory[place]
        first, last = place, place + 1
        while first and directory[first - 1] is bucket:
            first -= 1
        while last < len(directory) and directory[last] is bucket:
            last += 1
        if last - first == 1:
            if not self.shift or self.count < BUCKET_LEAST * len(directory):
                return
            directory = self.directory = [one for one in directory for _ in range(2)]
            self.shift -= 1
            first, last = 2 * first, 2 * last
        middle = (first + last) // 2
        # The least key that belongs to the upper half; a key that ends early counts as one that goes on with zero bytes.
        least = _head(self.first + (middle << self.shift).to_bytes(4, "big").rstrip(b"\x00"))
        low: Bucket = {}
        high: Bucket = {}
        _fill(low, [(number, pair) for number, pair in bucket.items() if pair < least])
        _fill(high, [(number, pair) for number, pair in bucket.items() if pair >= least])
        directory[first:last] = [low] * (middle - first) + [high] * (last - middle)


class MemoryEngine:
    """Pairs on a shelf for every first byte of a key."""

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
        return None if shelf is None else shelf.get(key)

    def apply(self, batch: Batch) -> None:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        self._settle_scans()
        for start, stop in batch.cleared:
            for part, first, end in self._parts(start, stop):
                part.clear(first, end)
        shelves = self._shelves
        for key, value in batch.changes:
            shelf = shelves.get(key[:1])
            if shelf is None:
                shelf = shelves[key[:1]] = _Shelf(key[:1])
            if value is None:
                shelf.delete(key)
            else:
                shelf.put(key, value)

    def scan(self, start: bytes, stop: bytes) -> Iterator[Pair]:
        if self._closed:
            raise EngineFailed("the store in memory is closed")
        scan = _Scan(
            pair
            for shelf, first, end in self._parts(start, stop)
            for bucket in shelf.buckets(first, end)
            for pair in _sorted(bucket, first, end)
        )
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

    def _parts(self, start: bytes, stop: bytes) -> list[tuple[_Shelf, bytes, bytes | None]]:
        """The shelves that ``start``..``stop`` lies on, and from where to where (None: to its end) on each."""
        if start >= stop:
            return []
        return [
            (self._shelves[byte], max(start, byte), stop if byte == stop[:1] else None)
            for byte in sorted(self._shelves)
            if start[:1] <= byte <= stop[:1]
        ]


class _Scan(Iterator[Pair]):
    """Walks the engine's own buckets until the engine is about to change, which first makes it take what it still needs."""

    __slots__ = ("__weakref__", "_pairs")

    def __init__(self, pairs: Iterator[bytes]) -> None:
        self._pairs = pairs

    def __next__(self) -> Pair:
        pair = next(self._pairs)
        end = pair.index(_END)
        key = pair[:end]
        return key.replace(_ZERO, b"\x00") if 0 in key else key, pair[end + len(_END) :]

    def settle(self) -> None:
        """Take the remaining pairs as they are now."""
        self._pairs = iter(list(self._pairs))


def _head(key: bytes) -> bytes:
    """How the pair of ``key`` begins."""
    return key.replace(b"\x00", _ZERO) + _END


def _sorted(bucket: Bucket, start: bytes, stop: bytes | None) -> list[bytes]:
    """The pairs of ``bucket`` from key ``start`` on, and below ``stop``."""
    pairs = sorted(bucket.values())
    end = len(pairs) if stop is None else bisect_left(pairs, _head(stop))
    return pairs[bisect_left(pairs, _head(start)) : end]


def _fill(bucket: Bucket, pairs: list[tuple[int, bytes]]) -> None:
    """Add ``pairs``, each under a number that it had in a bucket."""
    for number, pair in pairs:
        number %= _NUMBERS
        while number in bucket:
            number += _NUMBERS
        bucket[number] = pair


def _take(bucket: Bucket, number: int) -> None:
    """Remove the pair under ``number``; the last one that had to give way takes its place."""
    last = number
    while last + _NUMBERS in bucket:
        last += _NUMBERS
    bucket[number] = bucket[last]
    del bucket[last]


def open_memory(path: Path, holder: str) -> MemoryEngine:
    """A new, empty engine; ``path`` and ``holder`` are there to fit ``OpenEngine``."""
    return MemoryEngine()
