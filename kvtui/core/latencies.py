"""Latencies of the last seconds as percentiles: a sketch of logarithmic buckets a turn, the oldest forgotten.

The sketch (DDSketch) errs by at most 1 % of a latency. To note one costs an append; they are put into buckets once a second,
those alike together, at 0.1 µs each.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ddsketch import DDSketch

WINDOW_SECONDS: Final = 10
"""Turns, of a second each, that percentiles look back over."""
WAITING_MOST: Final = 131_072
"""Latencies that wait for the next turn; beyond it the oldest of them go unnoticed."""
ERROR: Final = 0.01
"""Relative error of a percentile."""
LEAST: Final = 1e-6
"""Seconds to which latencies are rounded, and the shortest there is."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds; all 0 where nothing happened."""

    p50: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    longest: float = 0.0


NONE: Final = Percentiles()


def _three_digits(microseconds: int) -> int:
    """The number to about three digits, far more than the sketch keeps: so that it is asked once for all that are alike."""
    step = max(0, microseconds.bit_length() - 10)
    return microseconds >> step << step


class Latencies:
    """Fed with ``note``; ``turn`` is called once a second and tells the percentiles of the last ``parts`` times ``turns`` seconds.

    Fewer, longer parts cost less and forget less evenly.
    """

    def __init__(self, parts: int = WINDOW_SECONDS, turns: int = 1) -> None:
        self._waiting: deque[float] = deque(maxlen=WAITING_MOST)
        self.note = self._waiting.append
        """Takes a latency in seconds."""
        self._parts: deque[tuple[DDSketch, float] | None] = deque([None], maxlen=parts)
        """Sketch and longest latency of each part, oldest first; None: nothing happened. Milliseconds."""
        self._turns = turns
        self._turned = 0
        self.percentiles = NONE

    @property
    def waiting(self) -> int:
        """Latencies noted since the last turn."""
        return len(self._waiting)

    @property
    def quiet(self) -> bool:
        """Nothing waits, and nothing is remembered: a turn would change nothing."""
        return not self._waiting and self.percentiles is NONE and not any(self._parts)

    def turn(self) -> Percentiles:
        """A second is over."""
        if self.quiet:
            return self.percentiles
        if self._waiting:
            self._parts[-1] = self._sketched(self._parts[-1])
        self.percentiles = self._merged()
        self._turned += 1
        if self._turned % self._turns == 0:
            self._parts.append(None)
        return self.percentiles

    def _sketched(self, before: tuple[DDSketch, float] | None) -> tuple[DDSketch, float]:
        from ddsketch import DDSketch

        sketch, longest = before or (DDSketch(ERROR), 0.0)
        counts = Counter([round(seconds / LEAST) for seconds in self._waiting])
        self._waiting.clear()
        alike: Counter[int] = Counter()
        for microseconds, times in counts.items():
            alike[_three_digits(microseconds)] += times
        for microseconds, times in alike.items():
            sketch.add(max(1, microseconds) / 1000, times)
        return sketch, max(longest, max(1, *counts) / 1000)

    def _merged(self) -> Percentiles:
        known = [part for part in self._parts if part is not None]
        if not known:
            return NONE
        if len(known) == 1:
            (whole, longest) = known[0]
        else:
            from ddsketch import DDSketch

            whole, longest = DDSketch(ERROR), 0.0
            for sketch, part_longest in known:
                whole.merge(sketch)
                longest = max(longest, part_longest)
        p50, p99, p999 = (min(longest, whole.get_quantile_value(quantile) or 0.0) for quantile in (0.5, 0.99, 0.999))
        return Percentiles(p50, p99, p999, longest)
