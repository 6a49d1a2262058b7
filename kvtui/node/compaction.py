"""Gives back the space of what was replaced or removed, behind the node's answers: whenever it is due, and when it is asked for."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from kvtui.core.seams.clock import Clock, Timer
from kvtui.core.seams.storage import CompactionFailed, EngineFailed, EngineFull
from kvtui.node import garbage
from kvtui.node.store import Store

LOOK_SECONDS: Final = 1.0
"""How often it is looked at how much there is to give back."""


STAGED_SECONDS: Final = 0.01
"""How long it waits for the commit of what is staged."""


class Piece(NamedTuple):
    """The ``number``-th of so many ``pieces`` of the store."""

    number: int
    pieces: int


class Progress(NamedTuple):
    """Of the compaction that runs, or else of the last one."""

    done: int
    total: int
    """Pieces; all are done when it is over."""
    before: int
    """Size of the node's files when it began."""
    failure: str
    """Why it failed; empty where it did not."""


class Compaction:
    """One store's. A compaction that fails is told, and tried again; the node goes on."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        turns: Callable[[], int],
        told: Callable[[str], None],
        failed: Callable[[EngineFailed], None],
        *,
        least: int = garbage.LEAST_BYTES,
    ) -> None:
        """``turns`` says in how many turns of the loop there were requests so far, ``told`` is told why a compaction failed, once
        a reason; ``failed`` is called when the engine failed in a write. Less garbage than ``least`` bytes is left as it is."""
        self._store = store
        self._clock = clock
        self._turns = turns
        self._told = told
        self._failed = failed
        self._least = least
        self._seen = 0
        self._looked_at = self._busy_at = self._may_begin = 0.0
        self._timer: Timer | None = None
        self._waiting: deque[Piece] = deque()
        self._running: asyncio.Future[None] | None = None
        self._next: Timer | None = None
        self._garbage = 0
        """What there was when the compaction began."""
        self._stopped = False
        self.trouble = ""
        """Why the last one failed, until one succeeds."""
        self.progress = Progress(0, 0, 0, "")

    def start(self) -> None:
        """Look from now on."""
        now = self._clock.monotonic()
        self._seen, self._looked_at, self._busy_at = self._turns(), now, now
        if self._store.durable:
            self._timer = self._clock.call_later(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        """Begin nothing any more. A piece under way ends with the engine."""
        self._stopped = True
        for timer in (self._timer, self._next):
            if timer is not None:
                timer.cancel()

    def begin(self) -> None:
        """Compact the whole store, whether it is due or not: after what is under way, which may have passed what is meant."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        under_way = self._running is not None
        self._queue(add=under_way)
        if not under_way:
            self._run_first()

    def _look(self) -> None:
        self._timer = self._clock.call_later(LOOK_SECONDS, self._look)
        now, turns = self._clock.monotonic(), self._turns()
        if turns - self._seen > garbage.BUSY_TURNS * (now - self._looked_at):
            self._busy_at = now
        self._seen, self._looked_at = turns, now
        if self._running is not None or self._next is not None or now < self._may_begin:
            return
        if garbage.due(self._store.garbage, self._store.held_bytes, now - self._busy_at, least=self._least):
            self._queue(add=False)
            self._run_first()

    def _queue(self, *, add: bool) -> None:
        """All pieces of the store are to be compacted, ``add``: beside the one under way, in the same count."""
        disk = self._store.disk_bytes
        pieces = garbage.pieces(disk)
        done, before = (self.progress.done, self.progress.before) if add else (0, disk)
        self._waiting = deque(Piece(number, pieces) for number in range(pieces))
        self.progress = Progress(done, done + add + pieces, before, "")
        self._garbage = self._store.garbage

    def _run_first(self) -> None:
        """The store's own records are as few as they can be first: of an empty store they would be all that is left."""
        self._next = None
        if self._store.staged:
            self._next = self._clock.call_later(STAGED_SECONDS, self._run_first)
            return
        try:
            self._store.fold(self._least // garbage.FOLDED_SHARE)
        except EngineFull:
            pass
        except EngineFailed as failure:
            self._failed(failure)
            return
        self._run_next()

    def _run_next(self) -> None:
        self._next = None
        if self._stopped or not self._waiting:
            return
        began = self._clock.monotonic()
        try:
            running = self._store.compact(*self._waiting.popleft())
        except CompactionFailed as failure:
            self._fail(str(failure))
            return
        self._running = running
        running.add_done_callback(lambda ended: self._ended(ended, began))

    def _ended(self, ended: "asyncio.Future[None]", began: float) -> None:
        self._running = None
        if ended.cancelled():
            return
        # Looked at in any case: asyncio complains of a failure that nobody looked at, long after the engine's end.
        failure = ended.exception()
        if self._stopped:
            return
        if failure is not None:
            self._fail(str(failure))
            return
        now = self._clock.monotonic()
        self.progress = self.progress._replace(done=self.progress.done + 1)
        pause = garbage.pause(now - began, now - self._busy_at, last=not self._waiting)
        if self._waiting:
            self._next = self._clock.call_later(pause, self._run_next)
            return
        self._may_begin = now + pause
        self._store.garbage -= self._garbage
        self.trouble = ""

    def _fail(self, reason: str) -> None:
        self._waiting.clear()
        self.progress = self.progress._replace(failure=reason)
        self._may_begin = self._clock.monotonic() + garbage.RETRY_SECONDS
        if reason != self.trouble:
            self.trouble = reason
            self._told(f"the space of what was removed could not be given back: {reason}")
