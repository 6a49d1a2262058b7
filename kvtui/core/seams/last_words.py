"""What a process says on its standard error, as far as it is worth keeping: its end. No file is needed for it."""

import asyncio
import os
from types import TracebackType
from typing import Final, Self

KEPT_BYTES: Final = 4096
"""How much of it is kept."""
END_SECONDS: Final = 1.0
"""How long the rest may take to arrive once the process has ended: a child of its own may still hold the pipe."""


class LastWords(asyncio.Protocol):
    """Reads a pipe to its end. Who writes never waits for it: what finds no room is lost.

    As a context manager it gives the descriptor to be written to, which is closed here when the block ends.
    """

    def __init__(self) -> None:
        self._tail = b""
        self._writing = -1
        self._ended = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None

    async def open(self) -> None:
        """Raises OSError."""
        reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        file = os.fdopen(reading, "rb", buffering=0)
        try:
            self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: self, file)
        except BaseException:
            file.close()
            self._close_writing()
            raise

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_writing()

    @property
    def descriptor(self) -> int:
        """What the process writes to."""
        return self._writing

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-KEPT_BYTES:]

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()

    async def line(self) -> str:
        """Its last line, once it has ended; empty where it said nothing."""
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            pass
        return self.heard

    @property
    def heard(self) -> str:
        """The last line that has come so far; empty where none has."""
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        """Hear no more."""
        if self._transport is not None:
            self._transport.close()

    def _close_writing(self) -> None:
        descriptor, self._writing = self._writing, -1
        if descriptor >= 0:
            os.close(descriptor)
