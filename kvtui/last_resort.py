"""The end of a program that was told to end and does not: one whose event loop is stuck can't close anything in order.

Nodes are not left behind: they end in order when the process that started them is gone.
"""

from __future__ import annotations

import logging
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from typing import Final

STUCK_SECONDS: Final = 5.0
"""An event loop that does nothing for so long is stuck."""
ENDING_SECONDS: Final = 30.0
"""No end takes longer: a holder first answers what it has begun, then its nodes are given time."""

_log = logging.getLogger(__name__)


class LastResort:
    """Armed by a signal, it ends the process by itself where the loop is stuck, or the end takes too long."""

    def __init__(
        self,
        leave: Callable[[int], object] = os._exit,
        *,
        stuck_seconds: float = STUCK_SECONDS,
        ending_seconds: float = ENDING_SECONDS,
    ) -> None:
        """``leave`` ends the process with a status."""
        self._leave = leave
        self._stuck_seconds = stuck_seconds
        self._ending_seconds = ending_seconds
        self._armed = False
        self._needed = False
        self._restores: list[Callable[[], None]] = []

    def arm(self, loop: AbstractEventLoop, status: int) -> None:
        """From now on the program is ending. Called from signal handlers, any number of times."""
        if not self._armed:
            self._armed = True
            threading.Thread(target=self._watch, args=(loop, status), name="kvtui-last-resort", daemon=True).start()

    def restores(self, restore: Callable[[], None]) -> None:
        """``restore`` gives the terminal back, from any thread, where nothing else did."""
        self._restores.append(restore)

    def abandoned(self) -> None:
        """Something that was to end goes on: the process can't end by itself any more, once all else is closed."""
        self._needed = True

    def if_needed(self, status: int) -> None:
        """All else is closed: end the process, if something was ``abandoned``."""
        if self._needed:
            self._now(status)

    def _now(self, status: int) -> None:
        for restore in self._restores:
            with suppress(Exception):
                restore()
        self._leave(status)

    def _watch(self, loop: AbstractEventLoop, status: int) -> None:
        left = self._ending_seconds
        while left > 0:
            alive = threading.Event()
            try:
                loop.call_soon_threadsafe(alive.set)
            except RuntimeError:  # closed: what is left is the interpreter's own end
                threading.Event().wait(self._stuck_seconds)
                break
            if not alive.wait(self._stuck_seconds):
                break
            pause = min(1.0, self._stuck_seconds)
            threading.Event().wait(pause)
            left -= pause
        _log.error("kvtui was told to end and did not: it was ended at once, as by a kill")
        self._now(status)
