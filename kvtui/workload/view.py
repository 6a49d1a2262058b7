"""What a live check looks like at one moment: the immutable value that a screen draws."""

from dataclasses import dataclass
from enum import StrEnum

from kvtui.check import Report, Staleness

NOTHING_STALE = Staleness()


class Phase(StrEnum):
    """What a live check is doing."""

    RUNNING = "clients write, read and delete"
    HEALING = "healing: all nodes come back"
    READING = "reading every key a last time"
    CHECKING = "checking the history"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CheckView:
    """One moment of a live check. Times are in seconds since its start."""

    phase: Phase
    elapsed: float
    seconds: float
    """How long clients are to run."""
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    rate: float = 0.0
    """Operations that ended in the last second."""
    slowest: float = 0.0
    """The longest operation so far, in seconds."""
    staleness: Staleness = NOTHING_STALE
    faults: tuple[tuple[float, str], ...] = ()
    """(when, what was done), oldest first."""
    guarantee: str = ""
    unreadable: int = 0
    """Keys that could not be read at the end, with all nodes back."""
    report: Report | None = None
    """The verdict, once the check is done."""

    @property
    def operations(self) -> int:
        """All that have ended."""
        return self.ok + self.failed + self.unknown
