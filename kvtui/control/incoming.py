"""Bytes of one connection as messages: lines, and long messages put together from their pieces."""

from typing import Generic, TypeVar

import msgspec

from kvtui.control.wire import FRAME_BYTES, MESSAGE_BYTES, PIECE_BYTES, Misfit, Piece
from kvtui.core.framing import Lines
from kvtui.core.malformed import MALFORMED, what_is_wrong

M = TypeVar("M")


class Incoming(Generic[M]):
    """Memory stays below ``MESSAGE_BYTES``, ``FRAME_BYTES`` and what arrives at once."""

    def __init__(self, decoder: "msgspec.json.Decoder[M]") -> None:
        self._decode = decoder.decode
        self._decode_lines = decoder.decode_lines
        self._lines = Lines(FRAME_BYTES)
        self._pieces: list[bytes] = []
        self._size = 0
        self._first = b""

    def first_line(self, data: bytes) -> tuple[bytes, bytes] | None:
        """The connection's first line, and what came after it; None while it is not whole. Raises Misfit for one too long."""
        self._first += data
        line, newline, rest = self._first.partition(b"\n")
        if len(line) > FRAME_BYTES:
            raise Misfit(f"it sent a line of more than {FRAME_BYTES:,} bytes")
        if not newline:
            return None
        self._first = b""
        return line, rest

    def feed(self, data: bytes) -> list[M]:
        """The messages that ``data`` completes. Raises Misfit."""
        complete = self._lines.feed(data)
        messages: list[M] = []
        if complete:
            try:
                messages = self._decode_lines(complete)
            except MALFORMED as error:
                raise Misfit(f"it does not speak this protocol ({what_is_wrong(error, complete)})") from None
        if self._lines.overlong:
            raise Misfit(f"it sent a line of more than {FRAME_BYTES:,} bytes")
        return messages

    def add_piece(self, piece: Piece) -> M | None:
        """The message that the piece ends; None when more is to come. Raises Misfit."""
        if len(piece.data) != PIECE_BYTES and not (piece.last and 0 < len(piece.data) < PIECE_BYTES):
            raise Misfit(f"it sent a piece of {len(piece.data):,} bytes, not {PIECE_BYTES:,}")
        self._pieces.append(piece.data)
        self._size += len(piece.data)
        if self._size > MESSAGE_BYTES:
            raise Misfit(f"it sent a message of more than {MESSAGE_BYTES:,} bytes")
        if not piece.last:
            return None
        whole, self._pieces, self._size = b"".join(self._pieces), [], 0
        try:
            message = self._decode(whole)
        except MALFORMED as error:
            raise Misfit(f"it does not speak this protocol ({what_is_wrong(error, whole)})") from None
        if isinstance(message, Piece):
            raise Misfit("it sent a piece within pieces")
        return message
