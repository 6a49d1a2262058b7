"""Waits for space where the metadata log has none: what has to be logged in the background is put off by a full disk, not lost."""

from typing import Final

from kvtui.core.cluster import ClusterError
from kvtui.core.ledger import Ledger
from kvtui.core.seams.clock import Clock

RETRY_SECONDS: Final = 2.0
"""How often a full log is tried again. Once a record fits, everything that waited for it goes on."""


class LogSpace:
    """Looks after a ledger for as long as ``run`` runs."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def run(self) -> None:
        """Try again and again while the log is full, for ever."""
        while not self._ledger.stopped:
            changed = self._ledger.changed()
            if not self._ledger.full:
                await changed
                continue
            await self._clock.sleep(RETRY_SECONDS)
            try:
                self._ledger.check_space()
            except ClusterError:
                # Still full; or the log failed, and the ledger has stopped.
                continue
