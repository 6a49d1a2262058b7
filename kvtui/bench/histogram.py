"""Latencies as HDR histograms, and what coordinated omission left out of them.

A client that waits for a slow answer does not ask meanwhile: the operations that it would have begun, and that would have waited
too, are missing. ``missing`` puts them back where clients are known to ask once an interval.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from kvtui.bench.view import NOTHING, Percentiles

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

LONGEST: Final = 3_600_000_000
"""Microseconds: the longest latency; longer ones count as this."""
DIGITS: Final = 3
"""Significant digits of a latency."""
MISSING_MOST: Final = 100_000
"""Operations that one late one may have kept from being begun; more are not put back."""
QUANTILES: Final = (50.0, 90.0, 99.0, 99.9, 100.0)


def installed() -> bool:
    """Whether the library of HDR histograms is there."""
    return importlib.util.find_spec("hdrh") is not None


class Histogram:
    """Counts latencies in microseconds, each to three digits."""

    def __init__(self) -> None:
        from hdrh.histogram import HdrHistogram

        self._counted: HdrHistogram = HdrHistogram(1, LONGEST, DIGITS)

    def add(self, microseconds: int, times: int = 1) -> None:
        """Count a latency."""
        self._counted.record_value(min(LONGEST, max(1, microseconds)), times)

    def merge(self, other: Histogram) -> None:
        """Count all that another has."""
        self._counted.add(other._counted)

    @property
    def median(self) -> int:
        """Microseconds; 0 where nothing is counted."""
        return int(self._counted.get_value_at_percentile(50.0)) if self._counted.get_total_count() else 0

    def percentiles(self) -> Percentiles:
        """In milliseconds."""
        if not self._counted.get_total_count():
            return NOTHING
        found = self._counted.get_percentile_to_value_dict(QUANTILES)
        return Percentiles(*(found[quantile] / 1000 for quantile in QUANTILES))


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
