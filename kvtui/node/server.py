"""A node that listens: connections around one tick, their limits, and the end of it all."""

import asyncio
from collections.abc import Callable
from typing import Final

from kvtui.core.protocol import CONNECTIONS
from kvtui.core.seams.clock import Clock, Timer
from kvtui.core.seams.storage import EngineFailed
from kvtui.core.seams.transport import Listener, Transport
from kvtui.node.compaction import Compaction
from kvtui.node.connection import Connection
from kvtui.node.garbage import LEAST_BYTES
from kvtui.node.gate import Gate
from kvtui.node.store import Store
from kvtui.node.tick import Tick
from kvtui.node.verification import Verification

SWEEP_SECONDS: Final = 1.0
"""How often deadlines are looked at, while there are connections."""
GOODBYE_SECONDS: Final = 5.0
"""How long ``close`` waits for clients to take their last replies."""


class NodeServer:
    """Serves one store on one address, on any loop and any transport."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        failed: Callable[[EngineFailed], None] | None = None,
        gate: Gate | None = None,
        told: Callable[[str], None] = lambda _: None,
        least_garbage: int = LEAST_BYTES,
    ) -> None:
        """``failed`` is called once when the engine failed: the node has then stopped answering and only ``close`` is left.
        ``told`` is told, for the operator, what goes wrong and stops nothing. Less garbage than ``least_garbage`` bytes stays.

        ``gate`` is what clients must pass first: the node's secret. Without one everybody is answered.
        """
        self._store = store
        self._transport = transport
        self._clock = clock
        self._host = host
        self._port = port
        self._report = failed
        self._gate = gate
        self._compaction = Compaction(store, clock, lambda: self._tick.turns, told, self._fail, least=least_garbage)
        self._tick = Tick(store, clock, self._fail, lambda: len(self._connections) == 1, self._compaction)
        self._verification = Verification(store, clock, self._fail)
        # A dict for its order: what is done to all of them is done in the order they came.
        self._connections: dict[Connection, None] = {}
        self._listener: Listener | None = None
        self._sweep: Timer | None = None
        self._emptied: asyncio.Future[None] | None = None
        self._over = False
        self.failure: EngineFailed | None = None
        """Why the node stopped by itself."""

    @property
    def store(self) -> Store:
        return self._store

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._connections)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that accept connections, once started."""
        assert self._listener is not None, "not started"
        return self._listener.address

    async def start(self) -> None:
        """Listen. Raises CannotListen."""
        self._listener = await self._transport.listen(self._host, self._port, self._new_connection)
        self._verification.start()
        self._compaction.start()

    async def close(self) -> None:
        """Finish what was acknowledged, send the replies, close the store. Calling it again does nothing.

        Raises EngineFailed when the engine can't be closed in order.
        """
        if self._over:
            return
        self._over = True
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.end()
        await self._wait_for_goodbyes()
        self._stop()
        self._store.close()

    def kill(self) -> None:
        """Stop at once, as ``kill -9`` would: nothing more is written, answered or closed in order."""
        self._over = True
        self._stop()

    def _stop(self) -> None:
        self._tick.stop()
        self._verification.stop()
        self._compaction.stop()
        if self._listener is not None:
            self._listener.close()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        if self._gate is not None:
            self._gate.close()
        for connection in list(self._connections):
            connection.abort()

    async def _wait_for_goodbyes(self) -> None:
        if not self._connections:
            return
        self._emptied = asyncio.get_running_loop().create_future()
        limit = self._clock.call_later(GOODBYE_SECONDS, self._all_said)
        try:
            await self._emptied
        finally:
            limit.cancel()

    def _all_said(self) -> None:
        if self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    def _new_connection(self) -> Connection:
        return Connection(self._tick, self._clock, self._opened, self._lost, self._busy, self._gate)

    def _opened(self, connection: Connection) -> str:
        if self._over or self.failure is not None:
            return "the node is stopping"
        if self._gate is None and len(self._connections) >= CONNECTIONS:
            return self._busy(connection)
        self._connections[connection] = None
        if self._sweep is None:
            self._sweep = self._clock.call_later(SWEEP_SECONDS, self._enforce_deadlines)
        return ""

    def _busy(self, connection: Connection) -> str:
        """Why a connection that may be served is not, or nothing. With a gate, those that still wait at it don't count."""
        unproved = 0 if self._gate is None else self._gate.waiting
        others = len(self._connections) - unproved - (connection in self._connections)
        return f"the node serves {CONNECTIONS} connections at most; try again later" if others >= CONNECTIONS else ""

    def _lost(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        if not self._connections:
            self._all_said()

    def _enforce_deadlines(self) -> None:
        self._sweep = None
        now = self._clock.monotonic()
        for connection in list(self._connections):
            connection.enforce_deadlines(now)
        if self._connections:
            self._sweep = self._clock.call_later(SWEEP_SECONDS, self._enforce_deadlines)

    def _fail(self, failure: EngineFailed) -> None:
        self.failure = failure
        self._stop()
        if self._report is not None:
            self._report(failure)
