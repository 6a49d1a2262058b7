"""Finds gets whose value no put can explain: never written, written only by puts that failed, or not yet asked for."""

from __future__ import annotations

from collections.abc import Sequence

from kvtui.check.operation import Kind, Operation, Outcome
from kvtui.check.verdict import Finding, Verdict


def misattributed(operations: Sequence[Operation]) -> Finding | None:
    """The first such get of one key's operations, gets flagged as stale included; None when there is none."""
    earliest: dict[str, Operation] = {}
    failed: dict[str, Operation] = {}
    for operation in operations:
        value = operation.value
        if operation.kind is Kind.PUT and value is not None:
            puts = failed if operation.outcome is Outcome.FAILED else earliest
            known = puts.get(value)
            if known is None or operation.start < known.start:
                puts[value] = operation
    for get in operations:
        if get.kind is not Kind.GET or get.value is None or get.outcome is not Outcome.OK or get.end is None:
            continue
        put = earliest.get(get.value)
        if put is None:
            if get.value in failed:
                reason = f"a get returned {get.value}, whose put failed and must never be seen"
                return Finding(Verdict.VIOLATED, reason, (failed[get.value], get))
            return Finding(Verdict.VIOLATED, f"a get returned {get.value}, which was never put", (get,))
        if get.end < put.start:
            return Finding(Verdict.VIOLATED, f"a get returned {get.value} before its put began", (get, put))
    return None
