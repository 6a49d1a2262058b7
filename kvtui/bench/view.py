"""What a run looks like at one moment: the immutable value that a screen draws and a result is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from kvtui.bench.workloads import Asked, Op

if TYPE_CHECKING:
    from kvtui.bench.compare import Comparison
    from kvtui.bench.result import Result


class Phase(StrEnum):
    """What a run is doing."""

    LOADING = "loading records"
    RUNNING = "running"
    CLEANING = "deleting records"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latencies in milliseconds; all 0 where nothing happened."""

    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    longest: float = 0.0


NOTHING = Percentiles()


@dataclass(frozen=True, slots=True)
class Ends:
    """How operations ended."""

    ok: int = 0
    failed: int = 0
    unknown: int = 0
    absent: int = 0
    """Of those that are ok: a record that should have been there was not."""

    @property
    def all(self) -> int:
        return self.ok + self.failed + self.unknown

    @property
    def good(self) -> bool:
        """Whether none went wrong."""
        return not (self.failed or self.unknown or self.absent)


@dataclass(frozen=True, slots=True)
class OpView:
    """One kind of operation, since clients began."""

    op: Op
    ends: Ends
    latency: Percentiles
    """Corrected for coordinated omission."""
    uncorrected: Percentiles
    """From when the operation was really begun."""


@dataclass(frozen=True, slots=True)
class Second:
    """About a second: operations that ended ok, a second; how many did not; latencies of all kinds in milliseconds, corrected."""

    rate: float
    bad: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """One node: keys that it writes and reads a second, and its own latency in milliseconds."""

    id: str
    rate: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class BenchView:
    """One moment of a run."""

    asked: Asked
    phase: Phase
    done: int = 0
    """Records loaded or deleted, in those phases."""
    total: int = 0
    elapsed: float = 0.0
    """Seconds since clients began, until they ended."""
    ops: tuple[OpView, ...] = ()
    whole: Percentiles = NOTHING
    """All kinds together, corrected."""
    measured: Percentiles = NOTHING
    """All kinds together, uncorrected."""
    seconds: tuple[Second, ...] = ()
    nodes: tuple[NodeLoad, ...] = ()
    guarantee: str = ""
    result: Result | None = None
    """Once it is done, unless nothing was measured."""
    comparison: Comparison | None = None
    saved: str = ""
    """The file that holds the result."""

    @property
    def ends(self) -> Ends:
        """Of all kinds together."""
        ends = [view.ends for view in self.ops]
        return Ends(
            sum(end.ok for end in ends),
            sum(end.failed for end in ends),
            sum(end.unknown for end in ends),
            sum(end.absent for end in ends),
        )

    @property
    def rate(self) -> float:
        """Operations that ended ok, a second, on average."""
        return self.ends.ok / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def fraction(self) -> float:
        """How far the present phase has come, 0 to 1."""
        if self.phase is Phase.DONE:
            return 1.0
        if self.phase is not Phase.RUNNING:
            return min(1.0, self.done / self.total) if self.total else 0.0
        if self.asked.operations is not None:
            return min(1.0, self.ends.all / self.asked.operations)
        return min(1.0, self.elapsed / self.asked.seconds)
