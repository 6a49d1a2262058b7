"""What changed between two tables: the moves that turn one into the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from kvtui.core.ring.table import Replicas


class Move(msgspec.Struct, frozen=True):
    """Slots `start` up to but without `stop`, whose ordered replicas change from `before` to `after`."""

    start: int
    stop: int
    before: Replicas
    after: Replicas

    @property
    def added(self) -> Replicas:
        """The nodes that must get a copy of these slots; empty if the list is only reordered or shortened."""
        return tuple(node for node in self.after if node not in self.before)

    @property
    def removed(self) -> Replicas:
        """The nodes that no longer hold these slots."""
        return tuple(node for node in self.before if node not in self.after)


def moves(before: Sequence[Replicas], after: Sequence[Replicas]) -> tuple[Move, ...]:
    """The exact difference of two tables, in slot order, as maximal runs with one (before, after).

    A run whose order alone changes is a move that adds and removes nothing. ValueError if the tables have
    different numbers of slots.
    """
    if len(before) != len(after):
        raise ValueError(f"tables of {len(before)} and {len(after)} slots can't be compared")
    found: list[Move] = []
    start = 0
    for (old, new), run in groupby(zip(before, after, strict=True)):
        stop = start + sum(1 for _ in run)
        if old != new:
            found.append(Move(start, stop, old, new))
        start = stop
    return tuple(found)
