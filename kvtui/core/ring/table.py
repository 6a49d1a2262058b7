"""The table of a ring: for each slot, the nodes that hold it, first replica first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

Replicas = tuple[str, ...]
Table = tuple[Replicas, ...]


class Range(msgspec.Struct, frozen=True):
    """A run of neighbouring slots, `start` up to but without `stop`, with the same ordered replicas."""

    start: int
    stop: int
    replicas: Replicas


def ranges_of(table: Sequence[Replicas]) -> tuple[Range, ...]:
    """The table as maximal ranges, in slot order. Neighbours of one range always differ."""
    return tuple(Range(start, stop, replicas) for start, stop, replicas in _runs(table))


def _runs(table: Sequence[Replicas]) -> Iterator[tuple[int, int, Replicas]]:
    start = 0
    for replicas, members in groupby(table):
        stop = start + sum(1 for _ in members)
        yield start, stop, replicas
        start = stop
