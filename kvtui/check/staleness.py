"""How old the answers were that were given as possibly old."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from math import inf

from kvtui.check.operation import Kind, Operation, Outcome
from kvtui.check.verdict import Staleness


def together(one: Staleness, other: Staleness) -> Staleness:
    """The staleness of two keys."""
    return Staleness(
        one.reads + other.reads,
        one.behind + other.behind,
        max(one.versions, other.versions),
        max(one.milliseconds, other.milliseconds),
    )


def staleness(operations: Sequence[Operation]) -> Staleness:
    """Of one key's stale gets, against the writes that had been acknowledged when each began.

    How long one is behind counts from the acknowledgement of the oldest version that it misses.
    """
    total = Staleness()
    stale = [op for op in operations if op.stale and op.kind is Kind.GET and op.outcome is Outcome.OK]
    if not stale:
        return total
    written = sorted((op.end, op.version) for op in operations if _acknowledged(op) if op.end and op.version)
    known: list[tuple[tuple[int, int], float]] = []
    passed = 0
    for read in sorted(stale, key=lambda op: op.start):
        while passed < len(written) and written[passed][0] < read.start:
            end, version = written[passed]
            insort(known, (version, end))
            passed += 1
        place = bisect_right(known, (read.version or (0, 0), inf))
        milliseconds = (read.start - known[place][1]) * 1000 if place < len(known) else 0.0
        missed = len(known) - place
        total = together(total, Staleness(1, 1 if missed else 0, missed, milliseconds))
    return total


def _acknowledged(operation: Operation) -> bool:
    return operation.kind is not Kind.GET and operation.outcome is Outcome.OK
