"""How fast entries are copied from node to node: as fast as they go, or as a person allows; in small pages while clients wait."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from kvtui.core.seams.clock import Clock

PAGE: Final = 2_000
"""Entries of one page where nobody is in a hurry."""
BUSY_PAGE: Final = 200
"""Entries of one page while clients have operations under way: so long they may have to wait at a node."""
BUSY_SECONDS: Final = 0.25
"""Clients count as there for so long after an operation of theirs."""
PAGES_PER_SECOND: Final = 100
"""A throttled copy is cut into so many pages a second, as far as pages get no larger than usual."""
SHARE: Final = 2
"""While clients are busy, a page begins so many times as late after another as one takes: copying takes half of the time."""
FIRST_PAGE_SECONDS: Final = 0.004
"""What a page is believed to take before any was measured."""
MOST_PAGE_SECONDS: Final = 0.1
"""A page that took longer met a node that hangs: that says nothing of the next one."""
SMOOTHED: Final = 8
"""Pages over which that time is smoothed."""


class Turn(NamedTuple):
    """Leave to copy a page."""

    entries: int
    """At most so many."""
    began: float
    seconds: float
    """Time that nobody else begins a page within, from when this one may."""


class Throttle:
    """Shared by everything that copies. Who copies a page waits for its ``turn`` first, and tells what it ``took`` after."""

    def __init__(self, clock: Clock, limit: Callable[[], int], operations: Callable[[], int]) -> None:
        """``limit`` says how many keys a second may be copied (0: any number), ``operations`` how many clients have had so far."""
        self._clock = clock
        self._limit = limit
        self._operations = operations
        self._seen = operations()
        self._seen_at = -math.inf
        self._free_at = -math.inf
        """When the next page may begin."""
        self._page_seconds = FIRST_PAGE_SECONDS
        """What a page takes while clients are busy: it grows with what they are waiting for."""

    async def turn(self) -> Turn:
        """Wait until a page may be copied."""
        now = self._clock.monotonic()
        limit, busy = self._limit(), self._is_busy(now)
        entries = BUSY_PAGE if busy else PAGE
        if limit:
            entries = max(1, min(entries, limit // PAGES_PER_SECOND))
        seconds = max(entries / limit if limit else 0.0, SHARE * self._page_seconds if busy else 0.0)
        if not seconds:
            return Turn(entries, now, 0.0)
        at = max(now, self._free_at)
        self._free_at = at + seconds
        await self._clock.sleep(at - now)
        return Turn(entries, self._clock.monotonic(), seconds)

    def took(self, turn: Turn, keys: int) -> None:
        """So many keys of a page are copied."""
        if not turn.seconds:
            return
        now = self._clock.monotonic()
        if self._is_busy(now):
            took = min(MOST_PAGE_SECONDS, now - turn.began)
            self._page_seconds += (took - self._page_seconds) / SMOOTHED
        # What was not copied of it was not earned either.
        self._free_at -= turn.seconds * (1 - min(1.0, keys / turn.entries))

    def _is_busy(self, now: float) -> bool:
        operations = self._operations()
        if operations != self._seen:
            self._seen, self._seen_at = operations, now
        return now - self._seen_at < BUSY_SECONDS
