"""Rates and latencies of puts and gets, sampled once a second while there are any."""

from collections import deque
from typing import Final

from kvtui.core.latencies import Latencies
from kvtui.core.snapshot import OperationView

HISTORY: Final = 60
"""Samples of the rate that are kept."""


class _Series:
    def __init__(self) -> None:
        self.count = 0
        self.counted = 0
        """Of samples before."""
        self.history: deque[float] = deque(maxlen=HISTORY)
        self.latencies = Latencies()
        self.view = OperationView()

    def add(self, keys: int, seconds: float) -> None:
        self.count += keys
        if keys == 1:
            self.latencies.note(seconds)

    def sample(self, seconds: float) -> None:
        rate = self.count / seconds
        self.counted += self.count
        self.count = 0
        if not rate and not any(self.history):
            return
        self.history.append(rate)
        took = self.latencies.turn()
        self.view = OperationView(rate, tuple(self.history), took.p50, took.p99, took.p999, took.longest)
        if not any(self.history):
            self.history.clear()


class Meter:
    """Counts operations. ``sample`` turns the counts since the last one into rates."""

    def __init__(self) -> None:
        self._puts = _Series()
        self._gets = _Series()

    @property
    def operations(self) -> int:
        """All that were counted so far, a batch as so many as it has keys."""
        return self._puts.counted + self._puts.count + self._gets.counted + self._gets.count

    def put(self, keys: int, seconds: float) -> None:
        """A write of so many keys took so long. A batch counts for the rate; its time says nothing of one put's."""
        self._puts.add(keys, seconds)

    def get(self, keys: int, seconds: float) -> None:
        """Likewise for reads."""
        self._gets.add(keys, seconds)

    def sample(self, seconds: float) -> tuple[OperationView, OperationView]:
        """Puts and gets of the last ``seconds``."""
        self._puts.sample(seconds)
        self._gets.sample(seconds)
        return self._puts.view, self._gets.view
