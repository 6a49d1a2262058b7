"""Latencies counted so that percentiles can be told, and what coordinated omission left out of them.

A client that waits for a slow answer does not ask meanwhile: the operations that it would have begun, and that would have waited
too, are missing. ``missing`` puts them back where clients are known to ask once an interval.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import ClassVar, Final, Self

from kvtui.bench.view import NOTHING, Percentiles

LONGEST: Final = 3_600_000_000
"""Microseconds: the longest latency; longer ones count as this."""
DIGITS: Final = 3
ERROR: Final = 0.001
"""Significant digits of a latency, and what a percentile errs by at most, as a part of it: about the same."""
MISSING_MOST: Final = 100_000
"""Operations that one late one may have kept from being begun; more are not put back."""
QUANTILES: Final = (50.0, 90.0, 99.0, 99.9, 100.0)


class Histogram(ABC):
    """Counts latencies in microseconds, and tells each percentile: the latency that so many of them do not exceed."""

    words: ClassVar[str]
    """What counts, and how exactly."""

    @abstractmethod
    def add(self, microseconds: int, times: int = 1) -> None:
        """Count a latency."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Count all that another has."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many latencies are counted."""

    @abstractmethod
    def at(self, percentile: float) -> float:
        """Microseconds of a percentile, above 0 to 100, where something is counted."""

    @property
    def median(self) -> int:
        """Microseconds; 0 where nothing is counted."""
        return int(self.at(50.0)) if self.count else 0

    def percentiles(self) -> Percentiles:
        """In milliseconds."""
        return Percentiles(*(self.at(quantile) / 1000 for quantile in QUANTILES)) if self.count else NOTHING


class HdrCounts(Histogram):
    """As an HDR histogram."""

    words = "percentiles within 0.1 % (HDR histograms)"

    def __init__(self) -> None:
        """Raises ImportError where the library is missing."""
        from hdrh.histogram import HdrHistogram

        self._counted = HdrHistogram(1, LONGEST, DIGITS)

    def add(self, microseconds: int, times: int = 1) -> None:
        self._counted.record_value(min(LONGEST, max(1, microseconds)), times)

    def merge(self, other: Self) -> None:
        self._counted.add(other._counted)

    @property
    def count(self) -> int:
        return int(self._counted.get_total_count())

    def at(self, percentile: float) -> float:
        return float(self._counted.get_value_at_percentile(percentile))


class SketchCounts(Histogram):
    """As a DDSketch. The longest latency is exact."""

    words = "percentiles within 0.1 % (DDSketch)"

    def __init__(self) -> None:
        from ddsketch import DDSketch

        self._counted = DDSketch(ERROR)
        self._count = 0
        self._longest = 0

    def add(self, microseconds: int, times: int = 1) -> None:
        latency = min(LONGEST, max(1, microseconds))
        self._counted.add(latency, times)
        self._count += times
        self._longest = max(self._longest, latency)

    def merge(self, other: Self) -> None:
        self._counted.merge(other._counted)
        self._count += other._count
        self._longest = max(self._longest, other._longest)

    @property
    def count(self) -> int:
        return self._count

    def at(self, percentile: float) -> float:
        rank = max(1, int(percentile / 100 * self._count + 0.5))
        if rank >= self._count:
            return float(self._longest)
        # The sketch wants a part of all ranks but one, which counts from 0, and takes the first place above it.
        found = self._counted.get_quantile_value((rank - 0.5) / (self._count - 1))
        assert found is not None, "something is counted"
        return min(float(self._longest), found)


def counting() -> type[Histogram]:
    """HDR histograms where their library works, else sketches, whose library is always there."""
    try:
        HdrCounts()
    except ImportError:
        return SketchCounts
    return HdrCounts


def missing(latencies: Mapping[int, int], interval: int) -> Iterator[tuple[int, int]]:
    """What to add to latencies (microseconds, and how often each came) where every client asks once an ``interval``: while an
    operation took k intervals, k - 1 more would have begun, and have waited k - 1, k - 2, ... intervals for the same end.

    As ``recordValueWithExpectedInterval`` of HdrHistogram, but with latencies rounded to whole intervals, so that all the late
    operations of a pause are put back at once.
    """
    if interval <= 0:
        return
    late: Counter[int] = Counter()
    for latency, times in latencies.items():
        if latency >= 2 * interval:
            late[min(MISSING_MOST, round(latency / interval))] += times
    longest = max(late, default=0)
    waiting = list(accumulate(late[intervals] for intervals in range(longest, 0, -1)))
    # waiting[i]: operations that took longest - i intervals or more.
    for intervals in range(1, longest):
        yield intervals * interval, waiting[longest - intervals - 1]
