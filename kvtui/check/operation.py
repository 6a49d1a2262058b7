"""What one client asked and was told: the entries of a history."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was asked of the store."""

    PUT = "put"
    GET = "get"
    DELETE = "delete"


class Outcome(StrEnum):
    """The three ends of an operation."""

    OK = "ok"
    FAILED = "failed"
    """It did not happen and never will. A get that failed says nothing."""
    UNKNOWN = "unknown"
    """A put or delete that may have taken effect at any time after its start, may still do so, or never does."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one client on one key.

    ``value``: what a put wrote or a get returned; None for a delete, and for a get that found nothing.
    ``start`` and ``end``: seconds on one clock of all clients; ``end`` None: it never returned. One operation comes before
    another only when it ended strictly before the other started.
    ``version``: the store's version of what was written or read, when it tells one; (0, 0) says "never written".
    ``stale``: the store itself said that what this get returned may be old.
    ``note``: anything a person may want to read beside it.

    Raises ValueError for what cannot have happened: an OK operation without end, an end before the start, a put without value.
    """

    process: int
    kind: Kind
    key: str
    value: str | None
    start: float
    end: float | None
    outcome: Outcome
    version: tuple[int, int] | None = None
    stale: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if self.end is None:
            if self.outcome is not Outcome.UNKNOWN:
                raise ValueError(f"an operation that is {self.outcome} needs the time at which it ended")
        elif self.end < self.start:
            raise ValueError(f"an operation ended ({self.end}) before it started ({self.start})")
        if self.kind is Kind.PUT and self.value is None:
            raise ValueError("a put needs a value")
        if self.kind is Kind.DELETE and self.value is not None:
            raise ValueError("a delete has no value")


@dataclass(frozen=True, slots=True)
class History:
    """Operations in the order of their starts, and what else happened: (seconds, text), such as the faults injected."""

    operations: tuple[Operation, ...]
    events: tuple[tuple[float, str], ...] = ()
