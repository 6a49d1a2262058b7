"""How fast moves copy keys, as measured on the last of them."""

from typing import Final

from kvtui.core.seams.clock import Clock

LEAST_SECONDS: Final = 0.5
"""Shorter bursts of copying tell nothing."""
PAUSE_SECONDS: Final = 2.0
"""Copying that pauses for longer has ended; the next is measured anew."""


class CopyRate:
    """Told of every batch that was copied."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = self._last = 0.0
        self._keys = 0
        self.keys_per_second: float | None = None
        """Of the last moves that copied for long enough; None before there were any."""

    def copied(self, keys: int) -> None:
        """So many keys arrived."""
        now = self._clock.monotonic()
        if not self._began or now - self._last > PAUSE_SECONDS:
            # How long the first batch took is not known: it only starts the clock.
            self._began, self._keys = now, -keys
        self._keys += keys
        self._last = now
        if now - self._began >= LEAST_SECONDS and self._keys:
            self.keys_per_second = self._keys / (now - self._began)

    def at_most(self, limit: int) -> float | None:
        """The rate that is to be expected where ``limit`` keys a second are allowed (0: any number)."""
        known = self.keys_per_second
        return known if not limit else float(limit) if known is None else min(known, limit)
