"""Messages on their way out of one connection: those of one loop tick in one write, long ones in pieces between them."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from kvtui.control.wire import MESSAGE_BYTES, PIECE_BYTES, Piece, encode, encode_into

AHEAD_BYTES: Final = 1024 * 1024
"""What the transport holds before no more pieces are given to it: so much is ahead of a short message, at most."""


class Unsent(Exception):
    """Nothing of a message was sent, and nothing will be; the text says why, and holds nothing of it."""


class TooLong(Unsent):
    """A message above ``MESSAGE_BYTES``; the text says how long it is."""


class Outgoing:
    """Encodes and writes. The connection passes ``pause_writing`` and ``resume_writing`` on to ``pause`` and ``resume``.

    A message is encoded when it is queued: one that can't be is refused to who sends it, and harms none of those beside it.
    """

    def __init__(self, transport: asyncio.Transport, failed: Callable[[str], None]) -> None:
        """``failed`` is told, in words, that writing failed: what was queued may or may not have been written, and the connection
        must end."""
        transport.set_write_buffer_limits(high=AHEAD_BYTES)
        self._transport: asyncio.Transport | None = transport
        self._failed = failed
        self._short = bytearray()
        """Lines."""
        self._long: deque[bytes] = deque()
        self._long_bytes = 0
        self._offset = 0
        """How much of the first of the long ones is written."""
        self._scheduled = False
        self._paused = False
        self._room: asyncio.Future[None] | None = None
        self._given = 0
        """Bytes that the transport was given so far."""

    @property
    def taken(self) -> int:
        """Bytes that have left, about: it grows while the other side reads."""
        return self._given - (0 if self._transport is None else self._transport.get_write_buffer_size())

    @property
    def waiting(self) -> int:
        """Bytes that wait here and in the transport, about."""
        held = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return len(self._short) + self._long_bytes + held

    async def sent(self) -> None:
        """Return when no long message is on its way: what is sent next arrives after all before it."""
        while self._transport is not None and self._long:
            await self._some_room()

    @property
    def in_pieces(self) -> bool:
        """Whether a long message is still on its way."""
        return bool(self._long)

    def send(self, message: msgspec.Struct, size: int = 0) -> None:
        """Queue a message. ``size`` is about how many bytes are in it, where they are more than a few hundred. Raises Unsent."""
        if size > PIECE_BYTES:
            encoded = encoded_whole(message)
            if len(encoded) > MESSAGE_BYTES:
                raise TooLong(f"it is too long: {len(encoded):,} bytes; at most {MESSAGE_BYTES:,} are possible")
            self._long.append(encoded)
            self._long_bytes += len(encoded)
        else:
            short = self._short
            before = len(short)
            try:
                encode_into(message, short, -1)
            except Exception as error:
                del short[before:]
                raise _unencodable(error) from None
            short += b"\n"
        if not self._scheduled:
            self._schedule()

    async def room(self, limit: int, given_up: Callable[[], bool] = lambda: False) -> None:
        """Return when less than ``limit`` waits, or the connection is over, or it is ``given_up`` as ``wake`` is called."""
        while self._transport is not None and self.waiting > limit and not given_up():
            await self._some_room()

    def wake(self) -> None:
        """Have those who wait for room look again."""
        self._tell_of_room()

    async def _some_room(self) -> None:
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._room)

    def pause(self) -> None:
        """The transport holds enough."""
        self._paused = True

    def resume(self) -> None:
        """The transport has room again."""
        self._paused = False
        if self._long and not self._scheduled:
            self._schedule()
        self._tell_of_room()

    def flush(self) -> None:
        """Write what is short now, and the next pieces where there is room. Where that fails, ``failed`` is told."""
        self._scheduled = False
        transport = self._transport
        if transport is None:
            return
        try:
            self._write_what_waits(transport)
        except Exception as error:
            self.close()
            self._failed(f"writing to it failed ({type(error).__name__})")
            return
        if self._room is not None:
            self._tell_of_room()

    def _write_what_waits(self, transport: asyncio.Transport) -> None:
        if self._short:
            short, self._short = self._short, bytearray()
            self._write(transport, short)
        if self._long and not self._paused:
            self._write(transport, encode(self._next_piece()) + b"\n")
            if self._long and not self._paused:
                self._schedule()

    def _write(self, transport: asyncio.Transport, data: bytes | bytearray) -> None:
        self._given += len(data)
        transport.write(data)

    def close(self) -> None:
        """The connection is over: nothing more is written."""
        self._transport = None
        self._short.clear()
        self._long.clear()
        self._long_bytes = 0
        self._tell_of_room()

    def _next_piece(self) -> Piece:
        message = self._long[0]
        data = message[self._offset : self._offset + PIECE_BYTES]
        self._offset += len(data)
        self._long_bytes -= len(data)
        last = self._offset == len(message)
        if last:
            self._long.popleft()
            self._offset = 0
        return Piece(data, last)

    def _schedule(self) -> None:
        self._scheduled = True
        asyncio.get_running_loop().call_soon(self.flush)

    def _tell_of_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)


def encoded_whole(message: object) -> bytes:
    """A message, or a part of one. Raises Unsent where it holds what has no place on the wire."""
    try:
        return encode(message)
    except Exception as error:
        raise _unencodable(error) from None


def _unencodable(error: Exception) -> Unsent:
    # The words of the error may hold a part of the text that it is about.
    return Unsent(f"something in it can't be encoded ({type(error).__name__})")
