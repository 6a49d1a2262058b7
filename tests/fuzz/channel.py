"""A connection to a node on which any bytes may be sent, and every reply line is kept."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, cast

from kvtui.core.protocol import Reply, Request, decode_reply, encode_lines

Connect = Callable[[Callable[[], asyncio.Protocol]], Awaitable[None]]
"""Opens a connection to the node under test."""
ANSWER_SECONDS: Final = 60.0
"""A node that is silent for this long, with a request unanswered, hangs."""


class Hangs(Exception):
    """The node did not answer in time."""


class Channel(asyncio.Protocol):
    """One connection. It always reads."""

    def __init__(self) -> None:
        self.replies: deque[bytes] = deque()
        """Lines that came, without their newlines."""
        self.closed = False
        self._rest = bytearray()
        self._changed: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        end = self._rest.rfind(b"\n") + 1
        if end:
            self.replies.extend(bytes(self._rest[: end - 1]).split(b"\n"))
            del self._rest[:end]
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._rest:
            self.replies.append(bytes(self._rest))
        self._wake()

    def send(self, data: bytes) -> None:
        if not self.closed:
            self._transport.write(data)

    def send_eof(self) -> None:
        """Say that nothing follows. A node that has hung up already is not told: ``connection_lost`` comes by itself."""
        with suppress(OSError):
            self._transport.write_eof()

    def abort(self) -> None:
        self._transport.abort()

    async def until(self, enough: Callable[[], bool]) -> None:
        """Return once ``enough``, or the connection has ended. Raises Hangs after ``ANSWER_SECONDS`` without a byte."""
        while not (self.closed or enough()):
            self._changed = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._changed
            except TimeoutError:
                raise Hangs(f"no answer within {ANSWER_SECONDS:g} s") from None

    async def ask(self, *requests: Request) -> list[Reply]:
        """The replies to valid requests. Raises Hangs, and EOFError when the node closes the connection instead."""
        self.replies.clear()
        self.send(encode_lines(requests))
        await self.until(lambda: len(self.replies) >= len(requests))
        if len(self.replies) < len(requests):
            raise EOFError("the node closed a connection on which all was valid")
        return [decode_reply(line) for line in self.replies]

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
