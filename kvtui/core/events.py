"""What happened in the cluster, as it happens: the lines of the activity list and of the shell."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a person should take an event."""

    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``text`` names nodes and outcome, never a value."""

    at: float
    """Seconds since 1970."""
    level: Level
    text: str
    nodes: tuple[str, ...] = ()
