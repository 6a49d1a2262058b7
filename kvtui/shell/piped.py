"""Commands from a pipe or a file, a line at a time."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Final

import anyio.to_thread

from kvtui.core.protocol import KEY_BYTES, VALUE_BYTES

LINE_BYTES: Final = KEY_BYTES + VALUE_BYTES + 64
"""Longest line: the largest put."""
CHUNK_BYTES: Final = 256 * 1024


class LineTooLong(Exception):
    """A line above ``LINE_BYTES``; it was skipped to its end."""


class InputLost(Exception):
    """The input can't be read; the message says why."""


class PipedLines:
    """The lines of a file descriptor, read in a thread. Bytes that are not UTF-8 become surrogate escapes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._parts: list[bytes] = []
        self._size = 0
        self._ended = False

    @property
    def ready(self) -> bool:
        """Whether the next line is here already."""
        return bool(self._lines)

    async def next(self) -> str | None:
        """The next line without its end; None after the last. Raises LineTooLong, InputLost."""
        while not self._lines and not self._ended:
            try:
                chunk = await anyio.to_thread.run_sync(os.read, self._descriptor, CHUNK_BYTES, abandon_on_cancel=True)
            except OSError as error:
                raise InputLost(error.strerror or type(error).__name__) from None
            self._take(chunk)
        if not self._lines:
            return None
        line = self._lines.pop()
        if len(line) > LINE_BYTES:
            raise LineTooLong
        return line.decode("utf-8", "surrogateescape")

    def _take(self, chunk: bytes) -> None:
        *whole, begun = chunk.split(b"\n")
        self._ended = not chunk
        if whole or self._ended:
            first = b"".join(self._parts) + (whole[0] if whole else b"")
            self._lines = [first, *whole[1:]] if whole or first else []
            self._lines.reverse()
            self._parts, self._size = [], 0
        if begun and self._size <= LINE_BYTES:
            self._parts.append(begun)
            self._size += len(begun)


async def each_line(lines: PipedLines) -> AsyncIterator[str | LineTooLong]:
    """Every line, or the fact that it was too long. Raises InputLost."""
    while True:
        try:
            line = await lines.next()
        except LineTooLong as error:
            yield error
            continue
        if line is None:
            return
        yield line
