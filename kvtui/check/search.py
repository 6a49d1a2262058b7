"""Decides one key's history by trying orders: slow, but sure of every history, up to a limit.

Wing and Gong, "Testing and Verifying Concurrent Objects", Journal of Parallel and Distributed Computing 17, 1993: take any
operation that nothing unplaced comes before, apply it to the register if it fits, go on; go back when nothing fits. Lowe, "Testing
for linearizability", Concurrency and Computation: Practice and Experience 29(4), 2017: remember each set of placed operations
together with the register's content, and never visit it twice.

Of its own: a get that fits is placed at once, and not taken back alone, since it changes nothing; and what may never have
happened may stay unplaced.
"""

from __future__ import annotations

from collections.abc import Iterable

from kvtui.check.operation import Kind, Operation, Outcome
from kvtui.check.verdict import LINEARIZABLE, UNDECIDED, Finding, Verdict

DEFAULT_LIMIT = 1_000_000
"""Steps of one key's search: about a second."""
OPERATIONS_PER_STEP = 512
"""A step costs one more for every so many operations of the key, since sets of operations grow with them."""


def decide_by_search(operations: Iterable[Operation], limit: int = DEFAULT_LIMIT) -> Finding:
    """Whether the operations of one key are linearizable; UNDECIDED when ``limit`` steps do not tell.

    Failed operations, gets that are not OK and stale gets take no part.
    """
    taking_part = [operation for operation in operations if takes_part(operation)]
    found = _Search(taking_part).run(limit)
    if found is None:
        return UNDECIDED
    if found:
        return LINEARIZABLE
    return Finding(Verdict.VIOLATED, "no order of these operations explains every get", tuple(taking_part))


def takes_part(operation: Operation) -> bool:
    """Whether it says anything about what the register held."""
    if operation.kind is Kind.GET:
        return operation.outcome is Outcome.OK and not operation.stale
    return operation.outcome is not Outcome.FAILED


class _Search:
    """Starts and ends in the order of time, as a linked list from which placed operations are taken out.

    Entry 0 is the head; an entry's operation is ``_of``; ``_end`` is the entry of an operation's end, 0 when it has none.
    """

    def __init__(self, operations: list[Operation]) -> None:
        self._gets = [operation.kind is Kind.GET for operation in operations]
        self._values = [operation.value for operation in operations]
        certain = [operation.outcome is Outcome.OK for operation in operations]
        self._certain = certain
        moments: list[tuple[float, int, int]] = []
        for index, operation in enumerate(operations):
            moments.append((operation.start, 0, index))
            if certain[index] and operation.end is not None:
                moments.append((operation.end, 1, index))
        moments.sort()
        count = len(moments)
        self._of = [-1] * (count + 1)
        self._is_start = [False] * (count + 1)
        self._end = [0] * len(operations)
        for entry, (_, phase, index) in enumerate(moments, 1):
            self._of[entry] = index
            self._is_start[entry] = phase == 0
            if phase:
                self._end[index] = entry
        self._next = [*range(1, count + 1), 0]
        self._before = [count, *range(count)]

    def run(self, limit: int) -> bool | None:
        """True: an order exists; False: none does; None: not known within the limit."""
        following, of, is_start = self._next, self._of, self._is_start
        left = sum(self._certain)
        cost = 1 + len(self._values) // OPERATIONS_PER_STEP
        placed, content, entry = 0, None, following[0]
        seen: set[tuple[int, str | None]] = set()
        path: list[tuple[int, str | None]] = []
        while left:
            limit -= cost
            if limit < 0:
                return None
            forward = False
            dead = entry == 0 or not is_start[entry]
            if not dead:
                index = of[entry]
                is_get, value = self._gets[index], self._values[index]
                if not is_get or value == content:
                    state = (placed | 1 << index, value)
                    if state not in seen:
                        seen.add(state)
                        forward = True
                    else:
                        # A get that fits and leads to a known dead end: what goes without it leads there, too.
                        dead = is_get
            if forward:
                path.append((entry, content))
                placed, content = state
                left -= self._certain[index]
                self._take_out(entry)
                entry = following[0]
            elif dead:
                while True:
                    if not path:
                        return False
                    entry, content = path.pop()
                    index = of[entry]
                    placed &= ~(1 << index)
                    left += self._certain[index]
                    self._put_back(entry)
                    if not self._gets[index]:
                        break
                entry = following[entry]
            else:
                entry = following[entry]
        return True

    def _take_out(self, entry: int) -> None:
        following, before = self._next, self._before
        for each in (entry, self._end[self._of[entry]]):
            if each:
                following[before[each]] = following[each]
                before[following[each]] = before[each]

    def _put_back(self, entry: int) -> None:
        following, before = self._next, self._before
        for each in (self._end[self._of[entry]], entry):
            if each:
                following[before[each]] = each
                before[following[each]] = each
