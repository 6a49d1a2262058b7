"""Verifies a store behind the node's answers: a slice, a pause, the next, until every entry was read. Then it is over."""

from collections.abc import Callable
from typing import Final

from kvtui.core.seams.clock import Clock, Timer
from kvtui.core.seams.storage import EngineFailed
from kvtui.node.store import Store

SLICE_ENTRIES: Final = 1_000
"""Entries that are read at once: some 3 ms, in which the node answers nothing."""
PAUSE_SECONDS: Final = 0.01


class Verification:
    """Goes through the slots that nobody has asked for yet."""

    def __init__(self, store: Store, clock: Clock, failed: Callable[[EngineFailed], None]) -> None:
        """``failed`` is called when entries are lost, or can't be read."""
        self._store = store
        self._clock = clock
        self._failed = failed
        self._timer: Timer | None = None

    def start(self) -> None:
        if not self._store.verified:
            self._timer = self._clock.call_later(PAUSE_SECONDS, self._go_on)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        self._timer = None
        try:
            self._store.verify_next(SLICE_ENTRIES)
        except EngineFailed as failure:
            self._failed(failure)
            return
        self.start()
