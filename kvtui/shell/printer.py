"""Lines on their way to the terminal or pipe, without ever holding up the event loop for a slow reader."""

from __future__ import annotations

import shutil
import threading
from collections import deque
from typing import Final, TextIO

import anyio
import anyio.to_thread

from kvtui.commands import CommandError, Level, Line
from kvtui.commands.wording import is_tame

WAITING_CHARACTERS: Final = 1024 * 1024
"""What may wait for a slow reader; beyond it ``say`` itself waits."""
BAR_CELLS: Final = 24


class Printer:
    """Prints on ``out``; where no person sits at it, what went wrong goes to ``err``.

    Lines are written by ``keep_writing`` in a thread, as a terminal that is stopped, or a full pipe, must not
    stop the coordinator in the same process. ``drained`` returns once they are out.
    """

    def __init__(self, out: TextIO, err: TextIO, *, person: bool) -> None:
        self._out = out
        self._err = err
        self._person = person
        self._bars = err.isatty()
        self._bar = ""
        self._waiting: deque[tuple[TextIO, str | bytes]] = deque()
        self._said = 0
        self._written = 0
        self._writing = threading.Lock()
        self._wake = anyio.Event()
        self.broken = False
        """Nobody reads any more: what is said is lost."""

    def say(self, line: Line) -> None:
        """Print a line; with more than ``WAITING_CHARACTERS`` waiting, blocks until they are written."""
        self._clear_bar()
        stream = self._err if line.level is Level.BAD and not self._person else self._out
        self._put(stream, line.text + "\n")

    def text(self, text: str) -> None:
        """Print ``text`` as it is, on the output."""
        self._put(self._out, text)

    def raw(self, data: bytes) -> None:
        """Write bytes as they are, on the output. Raises CommandError where a terminal would obey them or show them as others."""
        if self._out.isatty() and not is_tame(data):
            raise CommandError("the value is no plain text, and a terminal might obey it: send it to a file or a pipe")
        self._clear_bar()
        self._put(self._out, data)

    def progress(self, text: str, done: int, total: int) -> None:
        """Draw a bar where a person can see it, over the last one; an empty text ends it."""
        if not self._bars:
            return
        if not text:
            self._clear_bar()
            return
        bar = bar_text(text, done, total, shutil.get_terminal_size().columns)
        if bar != self._bar:
            self._bar = bar
            self._put(self._err, f"\r\x1b[K{bar}")

    async def keep_writing(self) -> None:
        """Write what is said, as soon as it is said. Never returns."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            await self.drained()

    async def drained(self) -> None:
        """Return once everything said so far is written."""
        if self._waiting or self._writing.locked():
            await anyio.to_thread.run_sync(self.write_waiting)

    def write_waiting(self) -> None:
        """Write everything that waits, in order. Called from any thread."""
        with self._writing:
            last: TextIO | None = None
            while self._waiting:
                stream, text = self._waiting.popleft()
                self._written += len(text)
                if last is not None and last is not stream:
                    self._write(last, "", flush=True)
                self._write(stream, text)
                last = stream
            if last is not None:
                self._write(last, "", flush=True)

    def _write(self, stream: TextIO, text: str | bytes, *, flush: bool = False) -> None:
        if self.broken:
            return
        try:
            if isinstance(text, bytes):
                stream.flush()
                stream.buffer.write(text)
            else:
                stream.write(text)
            if flush:
                stream.flush()
        except (OSError, ValueError):
            self.broken = True

    def _put(self, stream: TextIO, text: str | bytes) -> None:
        self._waiting.append((stream, text))
        self._said += len(text)
        if self._said - self._written > WAITING_CHARACTERS:
            self.write_waiting()
        self._wake.set()

    def _clear_bar(self) -> None:
        if self._bar:
            self._bar = ""
            self._put(self._err, "\r\x1b[K")


def bar_text(text: str, done: int, total: int, columns: int) -> str:
    """``Loading x.csv: 2,000 entries  ######-----  48 %``, cut to the terminal's width; without a bar where ``total`` is 0."""
    if total > 0:
        fraction = min(1.0, done / total)
        full = int(fraction * BAR_CELLS)
        text = f"{text}  {'#' * full}{'-' * (BAR_CELLS - full)}  {int(fraction * 100)} %"
    return text[: max(0, columns - 1)]
