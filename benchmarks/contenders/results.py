"""What a run found, round by round, and how it is summed up: medians, least and greatest."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of all rounds, and the extremes."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(median(values), min(values), max(values))


@dataclass(slots=True)
class Results:
    """Lines of contenders as they printed them, each with its ``round`` and ``contender``."""

    machine: dict[str, str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def of(self, contender: str, case: str) -> dict[int, dict[str, Any]]:
        """By round."""
        return {line["round"]: line for line in self.lines if line["contender"] == contender and line["case"] == case}

    def rates(self, contender: str, case: str) -> dict[int, float]:
        """Operations a second, by round."""
        return {number: line["operations"] / line["seconds"] for number, line in self.of(contender, case).items()}

    def microseconds(self, contender: str, case: str, whose: str) -> Spread | None:
        """Processor time an operation of the ``client`` or the ``server``s."""
        lines = self.of(contender, case).values()
        each = [line[f"{whose}_seconds"] / line["operations"] * 1e6 for line in lines if line["operations"]]
        return Spread.of(each) if each else None

    def fastest(self, contenders: tuple[str, ...], case: str) -> str | None:
        """The one of them with the greatest median; None when none was measured."""
        medians = {name: median(rates.values()) for name in contenders if (rates := self.rates(name, case))}
        return max(medians, key=medians.__getitem__, default=None)
