"""One key's history, brought into the form that the decisions work on."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from kvtui.check.operation import Kind, Operation, Outcome


class Act(NamedTuple):
    """An operation that may have taken effect between ``start`` and ``end`` (infinite where that is not known)."""

    start: float
    end: float
    writes: bool
    value: str | None
    certain: bool
    """It did take effect: a get that answered, a write that was acknowledged."""
    version: tuple[int, int] | None
    origin: Operation


def acts_of(operations: Sequence[Operation]) -> list[Act]:
    """What counts of one key's operations, by start: not failed ones, not stale gets, not gets that never answered."""
    acts = []
    for operation in operations:
        writes = operation.kind is not Kind.GET
        certain = operation.outcome is Outcome.OK
        if operation.outcome is Outcome.FAILED or operation.stale or not (writes or certain):
            continue
        end = operation.end if certain and operation.end is not None else inf
        acts.append(Act(operation.start, end, writes, operation.value, certain, operation.version, operation))
    acts.sort(key=lambda act: act.start)
    return acts
