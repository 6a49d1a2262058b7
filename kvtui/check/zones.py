"""Decides one key's history in O(n log n) when every value was put only once.

Gibbons and Korach, "Testing Shared Memories", SIAM Journal on Computing 26(4), 1997, section 4: a put and the gets that
returned its value form a cluster; from the first end to the last start of its operations is its zone. When the first end comes
first, the zone is *forward*: the register must hold the value all through it. Otherwise it is *backward*: one point in it is
enough. A history is linearizable when no two forward zones overlap and no backward zone lies inside a forward one.

Deletes go beyond the paper, since all write the same: absent, which is also what the register holds at first. A get that found
nothing names no delete. Between forward zones, time is swept once: puts that need one point, gets that found nothing, and
deletes are intervals, each to be given a point, such that no put lies between such a get and the delete before it. The sweep is
greedy and loses nothing by it: while the register is absent, gets take their point at once and puts wait for their last
moment; while it holds a value, puts take theirs at once, and a delete is used only at the last moment of a get or of its own;
of those that can be used, the one whose last moment is nearest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import pairwise
from math import inf

from kvtui.check.operation import Kind, Operation, Outcome
from kvtui.check.timeline import value_words
from kvtui.check.verdict import LINEARIZABLE, UNDECIDED, Finding, Verdict

PUT, GET, DELETE = 0, 1, 2

Item = tuple[float, float, int, Operation]
"""First and last possible moment, kind, and the operation that it stands for."""


def decide_by_zones(operations: Iterable[Operation]) -> Finding:
    """Whether the operations of one key are linearizable; UNDECIDED when two puts wrote the same value.

    Failed operations, gets that are not OK and stale gets take no part.
    """
    clusters = _Clusters()
    for operation in operations:
        if not clusters.add(operation):
            return UNDECIDED
    return clusters.decide()


class _Cluster:
    """A put and the gets that returned its value: what is needed to know its zone."""

    __slots__ = ("early", "first_end", "last_start", "late", "put", "read")

    def __init__(self, put: Operation) -> None:
        self.put = self.late = self.early = put
        self.last_start = put.start
        self.first_end = _end(put)
        self.read = False

    def add(self, get: Operation, end: float) -> None:
        self.read = True
        if end < self.first_end:
            self.first_end, self.early = end, get
        if get.start > self.last_start:
            self.last_start, self.late = get.start, get

    @property
    def bounds(self) -> list[Operation]:
        """The put and the operations that span the zone."""
        return [self.put, self.early, self.late]


class _Clusters:
    def __init__(self) -> None:
        self._of_value: dict[str, _Cluster] = {}
        self._gets: list[tuple[str, Operation, float]] = []
        self._deletes: list[Operation] = []
        self._absent: list[Operation] = []

    def add(self, operation: Operation) -> bool:
        """Take one operation in; False when its value was put before."""
        outcome, value = operation.outcome, operation.value
        if operation.kind is Kind.GET:
            if outcome is Outcome.OK and not operation.stale:
                assert operation.end is not None
                if value is None:
                    self._absent.append(operation)
                else:
                    self._gets.append((value, operation, operation.end))
        elif outcome is not Outcome.FAILED:
            if value is None:
                self._deletes.append(operation)
            elif value in self._of_value:
                return False
            else:
                self._of_value[value] = _Cluster(operation)
        return True

    def decide(self) -> Finding:
        of_value = self._of_value
        for value, get, end in self._gets:
            cluster = of_value.get(value)
            if cluster is None:
                return _violated(f"a get returned {value_words(value)}, which no put can have written", get)
            cluster.add(get, end)
        forward, items = [], []
        for cluster in of_value.values():
            if cluster.first_end < cluster.last_start:
                if cluster.first_end < cluster.put.start:
                    return _violated(
                        f"a get returned {_value(cluster.put)} before its put began", cluster.early, cluster.put
                    )
                forward.append(cluster)
            elif cluster.read or cluster.put.outcome is Outcome.OK:
                items.append((cluster.last_start, cluster.first_end, PUT, cluster.put))
        forward.sort(key=lambda cluster: cluster.first_end)
        for before, after in pairwise(forward):
            if after.first_end < before.last_start:
                return _overlap(before, after)
        items += [
            (get.start, get.end, GET, get)  # type: ignore[misc]
            for get in self._absent
        ]
        items += [(delete.start, _end(delete), DELETE, delete) for delete in self._deletes]
        placed = _between(forward, items)
        if isinstance(placed, Finding):
            return placed
        return _sweep(placed, [cluster.last_start for cluster in forward]) if self._absent else LINEARIZABLE


def _end(operation: Operation) -> float:
    return operation.end if operation.outcome is Outcome.OK and operation.end is not None else inf


def _violated(reason: str, *operations: Operation) -> Finding:
    distinct = {id(operation): operation for operation in operations}
    return Finding(Verdict.VIOLATED, reason, tuple(distinct.values()))


def _overlap(before: _Cluster, after: _Cluster) -> Finding:
    reason = f"both {_value(before.put)} and {_value(after.put)} must have been the value at the same time"
    return _violated(reason, *before.bounds, *after.bounds)


def _between(forward: list[_Cluster], items: list[Item]) -> list[Item] | Finding:
    """The items, cut to moments outside the forward zones; a violation when one lies inside a zone."""
    starts = [cluster.first_end for cluster in forward]
    stops = [cluster.last_start for cluster in forward]
    cut: list[Item] = []
    for item in items:
        first, last, kind, operation = item
        zone = bisect_left(starts, first) - 1
        if zone >= 0 and first < stops[zone]:
            if last < stops[zone]:
                return _inside(forward[zone], kind, operation)
            first = stops[zone]
        zone = bisect_left(starts, last) - 1
        if zone >= 0 and last < stops[zone]:
            last = starts[zone]
        cut.append((first, last, kind, operation))
    return cut


def _inside(zone: _Cluster, kind: int, operation: Operation) -> Finding:
    what = ("a get found nothing", f"{_value(operation)} was the value", "a delete took effect")[
        1 if kind == PUT else 0 if kind == GET else 2
    ]
    return _violated(f"{what} while {_value(zone.put)} must have been the value all the time", *zone.bounds, operation)


def _sweep(items: list[Item], zone_ends: list[float]) -> Finding:
    """Give every item its point; a violation when a get that found nothing has no delete left."""
    moments = [(end, 0, -1) for end in zone_ends]
    for index, (first, last, _, _) in enumerate(items):
        moments.append((first, 1, index))
        if last != inf:
            moments.append((last, 2, index))
    moments.sort()
    absent, done = True, [False] * len(items)
    puts: list[int] = []
    gets: list[int] = []
    deletes: list[tuple[float, int]] = []

    def place(waiting: list[int]) -> None:
        for index in waiting:
            done[index] = True
        waiting.clear()

    for _, phase, index in moments:
        if phase == 0:
            absent = False
            place(puts)
            continue
        if done[index]:
            continue
        _, last, kind, operation = items[index]
        if phase == 1:
            if kind == DELETE:
                heappush(deletes, (last, index))
            else:
                (puts if kind == PUT else gets).append(index)
            if absent:
                place(gets)
            else:
                place(puts)
        elif kind == PUT:
            absent = False
            place(puts)
        else:
            used = index if kind == DELETE else _next_delete(deletes, done)
            if used is None:
                return _violated(
                    "a get found nothing, and no delete can have come between it and the last put", operation
                )
            done[used] = True
            place(puts)
            place(gets)
            absent = True
    return LINEARIZABLE


def _next_delete(deletes: list[tuple[float, int]], done: list[bool]) -> int | None:
    """Of the deletes that have begun and are not used, the one whose last moment is nearest."""
    while deletes:
        _, index = heappop(deletes)
        if not done[index]:
            return index
    return None


def _value(operation: Operation) -> str:
    return value_words(operation.value or "")
