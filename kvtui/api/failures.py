"""What is raised for an operation on keys that did not end well. The texts hold no key and no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeAlias

from kvtui.core.cluster import KvtuiError, Outcome, Read, Written, WrittenMany

Result: TypeAlias = Written | WrittenMany | Read | Mapping[Any, Read]
"""The end of a put or delete, of a batch of them, of a get, of a batch of gets."""


class OperationError(KvtuiError):
    """An operation on keys that did not end OK. Either ``OperationFailed`` or ``OutcomeUnknown``."""

    outcome: ClassVar[Outcome]

    def __init__(self, text: str, result: Result) -> None:
        super().__init__(text)
        self.result = result
        """All that is known of it, as the operation returns it with ``check=False``."""

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), (*self.args, self.result)


class OperationFailed(OperationError):
    """It did not happen and never will. Of a batch: some keys ended so, none in doubt; the others are as ``result`` says."""

    outcome = Outcome.FAILED


class OutcomeUnknown(OperationError):
    """It may have happened: some replica may hold it. A get tells; the same put again does no harm. Of a batch: some keys."""

    outcome = Outcome.UNKNOWN


def failure_of(operation: str, result: Written | Read) -> OperationError:
    """What to raise for one that is not OK."""
    if result.outcome is Outcome.UNKNOWN:
        return OutcomeUnknown(f"{operation}: outcome unknown: {result.text}", result)
    return OperationFailed(f"{operation} failed: {result.text}", result)


def failure_of_many(operation: str, result: WrittenMany) -> OperationError:
    """What to raise for a batch of writes of which not all keys are OK."""
    total = result.ok + result.failed + result.unknown
    ends = ((result.failed, "failed"), (result.unknown, "unknown"))
    counts = ", ".join(f"{count:,} {end}" for count, end in ends if count)
    text = f"{operation} of {total:,} keys: {counts}: {result.text}"
    return (OutcomeUnknown if result.unknown else OperationFailed)(text, result)


def failure_of_reads(operation: str, result: Mapping[Any, Read]) -> OperationError:
    """What to raise for a batch of gets of which not all keys are OK."""
    missing = [read for read in result.values() if read.outcome is not Outcome.OK]
    return OperationFailed(f"{operation} of {len(result):,} keys: {len(missing):,} failed: {missing[0].text}", result)
