"""Which record an operation is about: zipfian as in YCSB, uniform, or the latest.

Zipfian numbers come from the method of Gray et al., "Quickly generating billion-record synthetic databases" (SIGMOD 1994), and are
strewn over all records by a hash, so that the popular ones are no neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Final

import xxhash

from kvtui.bench.workloads import Keys

THETA: Final = 0.99
"""The exponent of YCSB: the first of 10,000 records is asked for in one of ten operations."""
SUMMED: Final = 1_000
"""Terms of ``zeta`` that are summed; the rest is integrated, to 9 digits."""

Draw = Callable[[], int]
"""A number from 0."""


@lru_cache(maxsize=16)
def zeta(count: int, theta: float = THETA) -> float:
    """The sum of ``1 / i ** theta`` for i from 1 to ``count``."""
    some = min(count, SUMMED)
    total: float = sum(i**-theta for i in range(1, some + 1))
    if count > some:
        # Euler and Maclaurin: the integral, and half of what differs at its ends.
        power = 1.0 - theta
        total += (count**power - some**power) / power + (count**-theta - some**-theta) / 2
    return total


def zipfian(count: int, random: Random, theta: float = THETA) -> Draw:
    """Ranks below ``count``: 0 the likeliest, rank r with a chance of ``1 / (r + 1) ** theta / zeta(count)``."""
    if count < 3:
        return skewed_few(count, random, theta)
    chance, whole = random.random, zeta(count, theta)
    second = 1.0 + 0.5**theta
    alpha = 1.0 / (1.0 - theta)
    eta = (1.0 - (2.0 / count) ** (1.0 - theta)) / (1.0 - second / whole)
    rest = 1.0 - eta

    def draw() -> int:
        u = chance()
        scaled = u * whole
        if scaled < 1.0:
            return 0
        if scaled < second:
            return 1
        return min(count - 1, int(count * (eta * u + rest) ** alpha))

    return draw


def skewed_few(count: int, random: Random, theta: float = THETA) -> Draw:
    """As ``zipfian``, of one or two records."""
    first = 1.0 / zeta(count, theta)
    return lambda: int(random.random() >= first)


def strewn(rank: int, count: int) -> int:
    """The record of a rank, by a hash: two ranks may share one, as in YCSB."""
    return xxhash.xxh3_64_intdigest(rank.to_bytes(8, "little")) % count


class Inserted:
    """The records there are: ``newest`` is the last of those that are all acknowledged."""

    def __init__(self, loaded: int) -> None:
        self.newest = loaded - 1
        self._next = loaded
        self._ended: set[int] = set()
        """Those above ``newest`` whose insert has ended; as many as there are clients, at most."""

    @property
    def begun(self) -> int:
        """Records loaded and inserts begun."""
        return self._next

    def begin(self) -> int:
        """The number of the next record to insert."""
        number = self._next
        self._next += 1
        return number

    def end(self, number: int) -> None:
        """Its insert has ended, however it did."""
        self._ended.add(number)
        while self.newest + 1 in self._ended:
            self.newest += 1
            self._ended.remove(self.newest)


def chooser(keys: Keys, loaded: int, inserted: Inserted, random: Random) -> Draw:
    """Draws the number of an existing record."""
    if keys is Keys.UNIFORM:
        chance = random.random
        return lambda: int(chance() * (inserted.newest + 1))
    ranks = zipfian(loaded, random)
    if keys is Keys.LATEST:
        return lambda: inserted.newest - ranks()
    return lambda: strewn(ranks(), loaded)
