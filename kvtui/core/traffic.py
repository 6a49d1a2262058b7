"""What one node is asked and how fast it answers, seen from the coordinator's end of the link."""

from collections.abc import Callable
from typing import Any, Final

from kvtui.core.latencies import Latencies, Percentiles
from kvtui.core.protocol import Del, Get, GetMany, Put, PutMany, PutRun

SINGLE: Final[frozenset[type[Any]]] = frozenset({Put, Get, Del})
"""Requests for one key: their answers are timed."""
_KEYS: Final[dict[type[Any], Callable[[Any], int]]] = {
    PutMany: lambda request: len(request.entries),
    PutRun: lambda request: len(request.keys),
    GetMany: lambda request: len(request.keys),
}


def keys_of(request: object) -> int:
    """Keys that a request writes or reads; 0 for one that is no operation on keys."""
    if type(request) in SINGLE:
        return 1
    count = _KEYS.get(type(request))
    return count(request) if count is not None else 0


class Traffic:
    """Operations of one node: a rate, and latencies of the last 5 to 10 seconds. A batch counts for the rate alone."""

    def __init__(self) -> None:
        self._batched = 0
        self._latencies = Latencies(parts=2, turns=5)
        self.note_latency = self._latencies.note
        """The node answered for one key: takes the seconds that it took."""
        self.rate = 0.0
        """Operations a second, as of the last sample."""

    def add(self, keys: int) -> None:
        """The node answered for so many keys at once."""
        self._batched += keys

    @property
    def percentiles(self) -> Percentiles:
        """Latencies, as of the last sample."""
        return self._latencies.percentiles

    def sample(self, seconds: float) -> None:
        """Take stock of the last ``seconds``, about one."""
        self.rate = (self._batched + self._latencies.waiting) / seconds
        self._batched = 0
        self._latencies.turn()
