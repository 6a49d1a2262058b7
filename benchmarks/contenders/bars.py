"""What kvtui must reach beside the others."""

from dataclasses import dataclass
from typing import Final

from contenders.cases import CASES
from contenders.results import Results, Spread

REDIS: Final = ("redis-py-asyncio", "redis-py-uvloop")
HIREDIS: Final = ("redis-py-hiredis-asyncio", "redis-py-hiredis-uvloop")


@dataclass(frozen=True, slots=True)
class Bar:
    """``ours`` in ``case`` must be at least so many times the fastest of ``theirs`` in ``their_case``.

    ``stronger``: others that are told beside, and set no bar.
    """

    case: str
    ours: str
    theirs: tuple[str, ...]
    least: float
    their_case: str
    stronger: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """A bar as a run found it. ``rounds``: the ratios of the single rounds."""

    bar: Bar
    ours: Spread
    best: str
    theirs: Spread
    ratio: float
    rounds: Spread
    stronger: float | None
    processor: float | None
    """Their client's processor time an operation over ours: the ratio on a machine with nothing else to do, where the client
    is what limits."""

    @property
    def met(self) -> bool:
        return self.ratio >= self.bar.least


def _always(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name}-always" for name in names)


def _bars() -> list[Bar]:
    bars = []
    for copies, least in ((1, {"asyncio": 7.0, "uvloop": 10.0}), (2, {"asyncio": 5.0, "uvloop": 7.0})):
        for case in ("put-64", "get-64"):
            bars += [Bar(case, f"kvtui-{loop}-{copies}", REDIS, least[loop], case, HIREDIS) for loop in least]
    for case, least_of_all in (("put-256", 12.0), ("get-256", 12.0), ("put-1", 1.0), ("get-1", 1.0)):
        bars += [Bar(case, f"kvtui-{loop}-1", REDIS, least_of_all, case, HIREDIS) for loop in ("asyncio", "uvloop")]
    for loop in ("asyncio", "uvloop"):
        bars.append(Bar("put-64", f"kvtui-{loop}-1-durable", _always(REDIS), 4.0, "put-64", _always(HIREDIS)))
        bars.append(Bar("put-many", f"kvtui-{loop}-1", REDIS, 8.0, "put-many", HIREDIS))
        bars.append(Bar("put-many", f"kvtui-{loop}-1", REDIS, 1.3, "mset", HIREDIS))
    bars.append(Bar("put-64", "kvtui-uvloop-1", ("redis-benchmark",), 1.2, "put-64"))
    return sorted(bars, key=lambda bar: (list(CASES).index(bar.case), bar.theirs, bar.their_case))


BARS: Final = _bars()
NEEDED: Final = tuple(dict.fromkeys(name for bar in BARS for name in (bar.ours, *bar.theirs)))
"""Whom a bar names."""
MEMORY_MOST: Final = 1.7
"""Bytes a key in a memory node, over those of valkey's ``used_memory``."""


def reached(results: Results) -> list[Reached]:
    """Every bar that this run has both sides of."""
    found = []
    for bar in BARS:
        best, fastest = results.fastest(bar.theirs, bar.their_case), results.fastest(bar.stronger, bar.their_case)
        ours = results.rates(bar.ours, bar.case)
        if best is None or not ours:
            continue
        theirs = results.rates(best, bar.their_case)
        mine, other = Spread.of(list(ours.values())), Spread.of(list(theirs.values()))
        rounds = Spread.of([ours[number] / theirs[number] for number in ours if number in theirs] or [0.0])
        beside = None
        if fastest is not None:
            beside = mine.median / Spread.of(list(results.rates(fastest, bar.their_case).values())).median
        spent = results.microseconds(bar.ours, bar.case, "client"), results.microseconds(best, bar.their_case, "client")
        processor = spent[1].median / spent[0].median if spent[0] and spent[1] else None
        found.append(Reached(bar, mine, best, other, mine.median / other.median, rounds, beside, processor))
    return found
