"""Two results side by side: what is better, what is worse, and what can't be told from noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kvtui.bench.result import Result
from kvtui.bench.view import Second

SECONDS_LEAST: Final = 4
"""Seconds of a run without which its spread is not known."""


class Verdict(StrEnum):
    """What a change amounts to."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "within noise"
    """The middle halves of both runs' seconds overlap."""
    UNKNOWN = ""
    """Too few seconds to know the noise, or nothing was measured by the second."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of both runs. Latencies are in milliseconds, rates in operations a second."""

    name: str
    before: float
    after: float
    verdict: Verdict

    @property
    def ratio(self) -> float:
        """After over before; 0 where there was nothing before."""
        return self.after / self.before if self.before else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A result beside an earlier one."""

    began: str
    """When the earlier one was run, in UTC."""
    changes: tuple[Change, ...]
    differences: tuple[str, ...]
    """What was not the same, each as ``clients 64, was 128``: then a change may be due to that."""


def compare(before: Result, after: Result) -> Comparison:
    """``after`` beside ``before``."""
    paced = before.request.rate != after.request.rate
    # As many operations as were asked for are no achievement.
    faster = Verdict.UNKNOWN if paced else _verdict(before, after, lambda second: second.rate, more=True)
    changes = [Change("throughput", before.rate, after.rate, faster)]
    for name, of_second, earlier, later in (
        ("p50", lambda second: second.p50, before.whole.latency.p50, after.whole.latency.p50),
        ("p99", lambda second: second.p99, before.whole.latency.p99, after.whole.latency.p99),
    ):
        changes.append(Change(name, earlier, later, _verdict(before, after, of_second, more=False)))
    changes.append(Change("p99.9", before.whole.latency.p999, after.whole.latency.p999, Verdict.UNKNOWN))
    changes.append(Change("CPU", before.cpu, after.cpu, Verdict.UNKNOWN))
    return Comparison(before.began, tuple(changes), tuple(differences(before, after)))


def _verdict(before: Result, after: Result, figure: Callable[[Second], float], *, more: bool) -> Verdict:
    """``more``: the larger figure is the better."""
    if min(len(before.seconds), len(after.seconds)) < SECONDS_LEAST:
        return Verdict.UNKNOWN
    low, high = middle([figure(second) for second in before.seconds])
    later_low, later_high = middle([figure(second) for second in after.seconds])
    if later_low > high:
        return Verdict.BETTER if more else Verdict.WORSE
    if later_high < low:
        return Verdict.WORSE if more else Verdict.BETTER
    return Verdict.SAME


def middle(values: Sequence[float]) -> tuple[float, float]:
    """Between which two the middle half of some values lies."""
    ordered = sorted(values)
    quarter = (len(ordered) - 1) // 4
    return ordered[quarter], ordered[-1 - quarter]


def differences(before: Result, after: Result) -> list[str]:
    """What was asked for, promised or there in one run and not in the other."""
    named: list[tuple[str, object, object]] = []
    for was, now, names in (
        (before.request, after.request, after.request.__struct_fields__),
        (before.guarantee, after.guarantee, ("copies", "quorum", "durable", "reads", "policy", "nodes")),
        (before.machine, after.machine, after.machine.__struct_fields__),
        (before, after, ("kvtui", "counted")),
    ):
        named += [
            (name, getattr(was, name), getattr(now, name))
            for name in names
            if name not in ("mix", "seconds", "operations")
        ]
    return [f"{name} {_said(now)}, was {_said(was)}" for name, was, now in named if was != now]


def _said(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
