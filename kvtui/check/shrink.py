"""Makes a counter-example small: fewer operations that still can't be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from kvtui.check.operation import Kind, Operation

TRIES: Final = 300
"""Histories that are looked at, at most."""


def shrink(
    operations: Sequence[Operation], hint: Sequence[Operation], violated: Callable[[list[Operation]], bool]
) -> list[Operation]:
    """A few of one key's operations that are violated by themselves; ``hint`` are those that a finding is about."""
    budget = _Budget(violated)
    few = sorted(_with_their_writes(hint, operations), key=lambda operation: operation.start)
    if not few or not budget.violated(few):
        few = _beginning(sorted(operations, key=lambda operation: operation.start), budget)
    return _without_needless(few, budget)


def _with_their_writes(few: Sequence[Operation], operations: Sequence[Operation]) -> list[Operation]:
    """A get without the write that it saw would be wrong by itself, whatever it was wrong for."""
    known = {id(operation) for operation in few}
    gets = [operation for operation in few if operation.kind is Kind.GET]
    read = {operation.value for operation in gets if operation.value is not None}
    seen = {operation.version for operation in gets if operation.value is None}
    writes = [
        op
        for op in operations
        if id(op) not in known
        and (op.value in read if op.kind is Kind.PUT else op.kind is Kind.DELETE and (op.version or None) in seen)
    ]
    return [*few, *writes]


class _Budget:
    def __init__(self, violated: Callable[[list[Operation]], bool]) -> None:
        self._violated = violated
        self.left = TRIES

    def violated(self, operations: list[Operation]) -> bool:
        self.left -= 1
        return self._violated(operations)


def _beginning(operations: list[Operation], budget: _Budget) -> list[Operation]:
    """The shortest beginning that is violated; what began later can't mend it."""
    low, high = 1, len(operations)
    while low < high and budget.left > 0:
        middle = (low + high) // 2
        if budget.violated(operations[:middle]):
            high = middle
        else:
            low = middle + 1
    return operations[:high]


def _without_needless(operations: list[Operation], budget: _Budget) -> list[Operation]:
    """Leave out stretch after stretch, ever shorter: a put never without the gets of its value, a delete never without the gets
    after its start that found nothing."""
    length = max(1, len(operations) // 2)
    while budget.left > 0:
        place = 0
        while place < len(operations) and budget.left > 0:
            fewer = _without(operations, operations[place : place + length])
            if fewer and budget.violated(fewer):
                operations = fewer
            else:
                place += length
        if length == 1:
            break
        length = max(1, length // 2)
    return operations


def _without(operations: list[Operation], gone: Sequence[Operation]) -> list[Operation]:
    left = {id(operation) for operation in gone}
    unwritten = {operation.value for operation in gone if operation.kind is Kind.PUT}
    absent = [
        operation.end
        for operation in operations
        if operation.kind is Kind.GET and operation.value is None and operation.end and id(operation) not in left
    ]
    last = max(absent, default=-inf)
    return [
        operation
        for operation in operations
        if not (operation.kind is Kind.GET and operation.value in unwritten)
        and (id(operation) not in left or (operation.kind is Kind.DELETE and operation.start < last))
    ]
