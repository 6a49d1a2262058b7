"""Group commit: what arrives in one turn of the loop, on all connections, is synced once and answered after.

A connection that is the only one has nobody to share a commit with: its replies leave as soon as what it sent is answered.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from kvtui.core.protocol import ERROR, Reply, Request
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.storage import EngineFailed, EngineFull
from kvtui.node.compaction import Compaction
from kvtui.node.service import READS, WRITES, Peer, Service, full_reply, removes
from kvtui.node.store import COMMIT_BYTES, Store


class Answering(Protocol):
    """A connection, as far as its replies go."""

    peer: Peer
    replies: list[Reply]
    """In the order of the requests; what is staged may still change them."""

    def send_replies(self) -> None:
        """Send all of ``replies``, which now hold, and forget them."""
        ...


class Tick:
    """Requests of one turn of the loop, between their arrival and their replies."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        failed: Callable[[EngineFailed], None],
        alone: Callable[[], bool],
        compaction: Compaction,
    ) -> None:
        """``failed`` is called when the engine failed; nothing is answered after that. ``alone``: there is one connection."""
        self.service = Service(store, clock, self._settle, compaction)
        self.turns = 0
        """Turns so far."""
        self._answer = self.service.answer
        self._store = store
        self._failed = failed
        self._alone = alone
        self._connections: dict[Answering, None] = {}
        self._unsettled: list[tuple[Answering, int, Request]] = []
        self._scheduled = False
        self._stopped = False

    def answer(self, connection: Answering, request: Request) -> Reply | None:
        """Answer into ``connection.replies``, to be sent when the turn's commit is synced. None when the engine failed.

        Whoever calls this ends with ``touch`` or ``finish``.
        """
        if self._stopped:
            return None
        try:
            reply = self._answer(connection.peer, request)
            staged = self._store.staged_bytes
            if staged:
                self._unsettled.append((connection, len(connection.replies), request))
            connection.replies.append(reply)
            if staged > COMMIT_BYTES:
                self._settle()
        except EngineFailed as failure:
            self._fail(failure)
            return None
        return reply

    def touch(self, connection: Answering) -> None:
        """See to it that ``connection`` sends its replies at the end of this turn."""
        self._connections[connection] = None
        if not self._scheduled and not self._stopped:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def finish(self, connection: Answering) -> None:
        """As ``touch``, once all that the connection sent so far is answered: alone, it has its replies now."""
        if self._scheduled or self._stopped or not self._alone():
            self.touch(connection)
        else:
            self._connections[connection] = None
            self.flush()

    def flush(self) -> None:
        """Sync what is staged and send every reply."""
        self._scheduled = False
        self.turns += 1
        if self._stopped:
            return
        try:
            self._settle()
        except EngineFailed as failure:
            self._fail(failure)
            return
        connections, self._connections = self._connections, {}
        for connection in connections:
            connection.send_replies()

    def stop(self) -> None:
        """Neither write nor answer from now on."""
        self._stopped = True

    def _settle(self) -> None:
        unsettled, self._unsettled = self._unsettled, []
        try:
            self._store.commit()
        except EngineFull as full:
            self._correct(unsettled, full, adds=any(not removes(request) for _, _, request in unsettled))

    def _correct(self, unsettled: list[tuple[Answering, int, Request]], full: EngineFull, *, adds: bool) -> None:
        """The replies to a turn of which nothing was stored. What removes or buries may use space that what ``adds`` may not: it
        is carried out without that."""
        for connection, index, request in unsettled:
            reply = connection.replies[index]
            if adds and removes(request) and reply.status != ERROR:
                connection.replies[index] = self._answer(connection.peer, request)
            else:
                connection.replies[index] = self._corrected(connection, request, reply, full)
        if self._store.staged:
            try:
                self._store.commit()
            except EngineFull as still:
                self._correct(unsettled, still, adds=False)

    def _corrected(self, connection: Answering, request: Request, reply: Reply, full: EngineFull) -> Reply:
        """The reply to ``request`` now that nothing of the turn was stored."""
        if type(request) in READS:
            return self.service.answer(connection.peer, request)
        if type(request) in WRITES and reply.status != ERROR:
            return full_reply(request, full)
        return reply

    def _fail(self, failure: EngineFailed) -> None:
        self._stopped = True
        self._failed(failure)
