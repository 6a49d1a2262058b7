"""Carries a request out and tells how it went."""

from collections.abc import Awaitable

from kvtui.core.cluster import Read, Written
from kvtui.core.explanation import Explanation, Where, explained_read, explained_write, where
from kvtui.core.ledger import Ledger
from kvtui.core.seams.clock import Clock
from kvtui.core.trace import Purpose, Trace


class Explaining:
    """Looks at the ledger before a request and after it."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def trace(self) -> Trace:
        """For a get that begins now."""
        return Trace(self._clock)

    async def write(self, purpose: Purpose, key: bytes, size: int | None, writing: Awaitable[Written]) -> Explanation:
        """Await a put or delete of the key. ``size`` is its value's, in bytes."""
        before, began = self._where(key), self._clock.monotonic()
        written = await writing
        # Who waited may be told later than it was so.
        milliseconds = written.milliseconds or (self._clock.monotonic() - began) * 1000
        return explained_write(purpose, before, self._where(key).clean, written, size, milliseconds)

    async def read(self, key: bytes, trace: Trace, reading: Awaitable[Read]) -> Explanation:
        """Await a get of the key, which fills ``trace``."""
        before = self._where(key)
        read = await reading
        return explained_read(before, trace.exchanges, trace.doubts, read, trace.milliseconds)

    def _where(self, key: bytes) -> Where:
        now = self._clock.monotonic()
        states = {node.id: node.observed_state(now) for node in self._ledger.nodes.values()}
        return where(self._ledger.topology, states, key)
