"""How fast a move goes and when it will be done: a function of its progress over time."""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

WINDOW_SECONDS: Final = 10.0
"""The pace is that of the last seconds: a move goes faster and slower."""
SAMPLES: Final = 128
"""Samples of one move that are kept at most."""
LEAST_SECONDS: Final = 0.5
"""Time that must be seen before a pace is told."""


class Sample(NamedTuple):
    """``done`` units at second ``at`` of any scale that never goes back."""

    at: float
    done: int


class Pace(NamedTuple):
    """``rate`` in units a second; ``left`` seconds to the end, None where nobody can tell."""

    rate: float = 0.0
    left: float | None = None


def pace(samples: Sequence[Sample], total: int, now: float) -> Pace:
    """The pace at second ``now`` of a move of ``total`` units, by what was done within the window before.

    A move that stalls slows down as time goes on, until it stands still and has no end in sight.
    """
    if not samples:
        return Pace()
    since = now - WINDOW_SECONDS
    first = samples[0]
    for sample in samples:
        if sample.at > since:
            break
        # What was done at the window's beginning was done before it.
        first = Sample(since, sample.done)
    last = samples[-1]
    seconds = now - first.at
    if seconds < LEAST_SECONDS or last.done <= first.done:
        return Pace()
    rate = (last.done - first.done) / seconds
    return Pace(rate, max(0, total - last.done) / rate)


class Paced:
    """Remembers the samples of one move."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)

    def at(self, now: float, done: int, total: int) -> Pace:
        """The pace, once ``done`` units are known to be done at second ``now``. Less than before: another move began."""
        if self._samples and done < self._samples[-1].done:
            self._samples.clear()
        if not self._samples or done != self._samples[-1].done:
            self._samples.append(Sample(now, done))
        return pace(self._samples, total, now)
