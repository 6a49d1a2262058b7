"""What a child process writes, read by the running loop to its end: its first line, and its last words."""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from kvtui.core.seams.descriptor import pipe

READ_BYTES: Final = 65_536
DRAINS: Final = 16
"""Times that a pipe is read from in a row: more than it holds."""
LINE_BYTES: Final = 4096
"""A first line is at most this long; of what is longer this much is given."""
FATAL: Final = "Fatal Python error: "
"""How the line begins that says why an interpreter gave up."""
KEPT_BYTES: Final = 4096
"""How much of the last words is kept."""
END_SECONDS: Final = 1.0
"""How long the rest may take to arrive once the process has ended: a child of its own may still hold the pipe."""


class ChildOutput(ABC):
    """A pipe whose one end a child gets, and whose other end the running loop reads. Neither a thread nor a transport is needed."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._reading, self.writing = pipe()
        """What the child is given; close it here once the child has it, else this never ends."""
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._told: Callable[[], None] = lambda: None
        os.set_blocking(self._reading.number, False)
        self._loop.add_reader(self._reading.number, self._read)

    def when_over(self, told: Callable[[], None]) -> None:
        """Have ``told`` called when all writing ends are closed."""
        self._told = told

    def drain(self) -> None:
        """Take what lies in the pipe now. All that a child wrote before its end is there; what it left running may write on."""
        for _ in range(DRAINS):
            if not self._read():
                break

    def close(self) -> None:
        """Hear no more."""
        self.writing.close()
        if self._reading.is_open:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._reading.number)
            self._reading.close()
            self._over.set()

    def _read(self) -> bool:
        """Whether there was something."""
        if not self._reading.is_open:
            return False
        try:
            data = os.read(self._reading.number, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:
            self.close()
            self._told()
        return bool(data)

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """This was written."""


class FirstLine(ChildOutput):
    """Keeps the first line. What comes behind it is read and forgotten, so that the child is never held up."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = b""
        self._whole = asyncio.Event()

    async def line(self) -> str:
        """The first line, once it is whole; empty where the pipe ended without one."""
        await self._whole.wait()
        return self._begun.partition(b"\n")[0].decode(errors="replace")

    def close(self) -> None:
        super().close()
        self._whole.set()

    def _take(self, data: bytes) -> None:
        if not self._whole.is_set():
            self._begun = (self._begun + data)[:LINE_BYTES]
            if b"\n" in self._begun or len(self._begun) == LINE_BYTES:
                self._whole.set()


class LastWords(ChildOutput):
    """Keeps the end of what is written. Who writes never waits for it: what finds no room is lost. No file is needed for it."""

    def __init__(self) -> None:
        super().__init__()
        self._tail = b""
        os.set_blocking(self.writing.number, False)

    async def line(self) -> str:
        """The last line, once the pipe has ended; empty where nothing was said."""
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._over.wait()
        except TimeoutError:
            pass
        return self.heard

    @property
    def heard(self) -> str:
        """The last line that has come so far; empty where none has. Where Python itself gave up, the one that says why: behind it
        stands where it was."""
        lines = self._tail.decode(errors="replace").strip().splitlines()
        fatal = [line for line in lines if line.startswith(FATAL)]
        return (fatal or lines)[-1].strip() if lines else ""

    def _take(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-KEPT_BYTES:]
