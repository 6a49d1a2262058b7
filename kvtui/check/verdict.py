"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kvtui.check.operation import Operation
from kvtui.check.timeline import timeline
from kvtui.notation import brief


class Verdict(StrEnum):
    """The end of a check."""

    LINEARIZABLE = "linearizable"
    VIOLATED = "violated"
    UNDECIDED = "undecided"
    """No violation was found, and nobody knows whether there is one. Never a pass."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What an algorithm says of the operations of one key. For a violation, ``reason`` says what cannot be, and ``operations`` are
    those it is about."""

    verdict: Verdict
    reason: str = ""
    operations: tuple[Operation, ...] = ()


LINEARIZABLE = Finding(Verdict.LINEARIZABLE)
UNDECIDED = Finding(Verdict.UNDECIDED)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that cannot be. ``operations``: the counter-example, as small as could be found, in the order of their starts."""

    key: str
    reason: str
    operations: tuple[Operation, ...]

    def lines(self, width: int = 80) -> list[str]:
        """The reason and the counter-example's timeline, as text."""
        return [f"key {brief(self.key)}: {self.reason}", *timeline(self.operations, width)]


@dataclass(frozen=True, slots=True)
class Staleness:
    """Of the gets that the store itself flagged as stale: how many there were and how many were behind in fact, and the worst of
    them: acknowledged writes missed, and milliseconds since the first missed write was acknowledged, at the get's start."""

    reads: int = 0
    behind: int = 0
    versions: int = 0
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """What ``check`` found. ``operations`` and ``keys`` say how many were looked at; ``undecided`` names the keys of which nothing
    can be said."""

    verdict: Verdict
    violations: tuple[Violation, ...]
    undecided: tuple[str, ...]
    operations: int
    keys: int
    staleness: Staleness

    def lines(self, width: int = 80) -> list[str]:
        """The report as text for people."""
        said = [f"{self.verdict}: {self.operations:,} operations on {self.keys:,} keys"]
        for violation in self.violations:
            said += ["", *violation.lines(width)]
        if self.undecided:
            said.append(f"undecided, the search reached its limit: {', '.join(map(brief, self.undecided))}")
        if self.staleness.reads:
            stale = self.staleness
            said.append(
                f"stale reads: {stale.reads:,}, of which {stale.behind:,} were behind, "
                f"by at most {stale.versions:,} writes and {stale.milliseconds:.1f} ms"
            )
        return said
