"""What clients note of their operations, folded once a second into histograms."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import Final

from kvtui.bench.histogram import Histogram, counting, missing
from kvtui.bench.view import NOTHING, Ends, OpView, Percentiles, Second
from kvtui.bench.workloads import Op
from kvtui.core.cluster import Outcome

FOLDED_AT_ONCE: Final = 256
"""Different latencies that are folded before clients get their turn: some 0.2 ms."""


class Noted:
    """What ended since the last fold, of one kind."""

    def __init__(self) -> None:
        self.due: defaultdict[int, int] = defaultdict(int)
        """Microseconds from when an operation was to begin, and how often they came."""
        self.begun: defaultdict[int, int] = defaultdict(int)
        """The same from when it was begun; empty where that is no other time."""
        self.bad: Counter[Outcome] = Counter()
        """Ends that are not ok."""
        self.absent = 0

    @property
    def count(self) -> int:
        return sum(self.due.values())


class Tally:
    """Everything that ended since clients began."""

    def __init__(self, ops: list[Op], *, on_time: bool, histogram: type[Histogram] | None = None) -> None:
        """``on_time``: each operation has a time at which it is to begin. Else clients begin one when the last has ended, and what
        coordinated omission left out is put back by their median latency. ``histogram`` None: the best that is installed."""
        self._on_time = on_time
        self.histogram = histogram or counting()
        """What latencies are counted in."""
        self._kinds = {op: _Kind(self.histogram) for op in ops}
        self._corrected, self._measured = self.histogram(), self.histogram()
        self.noted = {op: Noted() for op in ops}
        """What clients add to. It is another object after each fold."""
        self.interval = 0
        """Microseconds that each client is expected to ask once in; 0: not known, or not used."""
        self.seconds: tuple[Second, ...] = ()
        self.ops: tuple[OpView, ...] = ()
        self.whole: Percentiles = NOTHING
        self.measured: Percentiles = NOTHING

    async def fold(self, seconds: float, *, short: bool = False) -> None:
        """So many seconds have passed since the last. ``short``: too few for a ``Second`` of their own."""
        noted, self.noted = self.noted, {op: Noted() for op in self._kinds}
        for op, one in noted.items():
            self._measured.merge(await self._kinds[op].measure(one))
        if not self._on_time:
            self.interval = self._measured.median
        second = self.histogram()
        for op, one in noted.items():
            second.merge(await self._kinds[op].correct(one, self.interval))
        self._corrected.merge(second)
        self.whole, self.measured = self._corrected.percentiles(), self._measured.percentiles()
        self.ops = tuple(
            OpView(op, kind.ends, kind.corrected.percentiles(), kind.measured.percentiles())
            for op, kind in self._kinds.items()
        )
        if not short:
            bad = sum(one.bad.total() for one in noted.values())
            ok = sum(one.count for one in noted.values()) - bad
            found = second.percentiles()
            self.seconds += (Second(ok / seconds, bad, found.p50, found.p99, found.longest),)


class _Kind:
    """One kind of operation since the beginning."""

    def __init__(self, histogram: type[Histogram]) -> None:
        self._histogram = histogram
        self.ends = Ends()
        self.corrected = histogram()
        self.measured = histogram()

    async def measure(self, noted: Noted) -> Histogram:
        """Take in how operations ended, and how long they took; the latter alone is returned."""
        failed, unknown = noted.bad[Outcome.FAILED], noted.bad[Outcome.UNKNOWN]
        self.ends = Ends(
            self.ends.ok + noted.count - failed - unknown,
            self.ends.failed + failed,
            self.ends.unknown + unknown,
            self.ends.absent + noted.absent,
        )
        window = self._histogram()
        await _add(noted.begun or noted.due, window)
        self.measured.merge(window)
        return window

    async def correct(self, noted: Noted, interval: int) -> Histogram:
        """Take in how long they took from when they were due, and what was left out, as missing by ``interval``; that alone is
        returned."""
        window = self._histogram()
        await _add(noted.due, window)
        await _add(dict(missing(noted.due, interval)), window)
        self.corrected.merge(window)
        return window


async def _add(latencies: dict[int, int], histogram: Histogram) -> None:
    """Count them, with turns for the clients in between."""
    for place, (microseconds, times) in enumerate(latencies.items(), 1):
        histogram.add(microseconds, times)
        if place % FOLDED_AT_ONCE == 0:
            await asyncio.sleep(0)
