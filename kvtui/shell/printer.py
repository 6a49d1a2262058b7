"""Lines on their way to the terminal or pipe, without ever holding up the event loop for a slow reader."""

from __future__ import annotations

import errno
import shutil
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, TextIO

import anyio.to_thread

from kvtui.commands import CommandError, Level, Line
from kvtui.commands.wording import is_tame
from kvtui.core.seams.standard_streams import OutputLost, taken

WAITING_CHARACTERS: Final = 1024 * 1024
"""What may wait for a slow reader; beyond it ``say`` itself waits."""
STUCK_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 0.2
"""How often who waits for a reader looks whether the program is to end."""
BAR_CELLS: Final = 24


class Printer:
    """Prints on ``out``; where no person sits at it, what went wrong goes to ``err``.

    Lines are written in a thread, as a terminal that is stopped, or a full pipe, must not stop the coordinator in the same process,
    nor keep it from ending. ``drained`` returns once they are out.
    """

    def __init__(self, out: TextIO, err: TextIO, *, person: bool, ended: Callable[[], bool] = lambda: False) -> None:
        """``ended``: whether the program was told to end; then nothing waits for a reader any more."""
        self._out = out
        self._err = err
        self._person = person
        self._ended = ended
        self._bars = err.isatty()
        self._bar = ""
        self._waiting: deque[tuple[TextIO, str | bytes]] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._writing = False
        self._moved = 0.0
        self.lost: OutputLost | None = None
        """Why nothing more is printed on ``out``."""

    def say(self, line: Line) -> None:
        """Print a line; with more than ``WAITING_CHARACTERS`` waiting, blocks until fewer are."""
        self._clear_bar()
        failure = line.level is Level.BAD and not line.asked
        stream = self._err if failure and not self._person else self._out
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

    @property
    def stuck(self) -> bool:
        """Whether the reader stands still: it took nothing for ``STUCK_SECONDS``, or would take nothing."""
        return monotonic() - self._moved > STUCK_SECONDS if self._writing else not taken(self._out, 0)

    async def drained(self) -> None:
        """Return once everything said so far is written, or can't be."""
        if self._writing:
            await anyio.to_thread.run_sync(self._until, lambda: not self._writing, abandon_on_cancel=True)

    def _put(self, stream: TextIO, text: str | bytes) -> None:
        with self._changed:
            self._waiting.append((stream, text))
            self._size += len(text)
            if not self._writing:
                self._writing = True
                self._moved = monotonic()
                threading.Thread(target=self._write_waiting, name="kvtui-printer", daemon=True).start()
        if self._size > WAITING_CHARACTERS:
            self._until(lambda: self._size <= WAITING_CHARACTERS)

    def _until(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            while not holds() and not self._ended():
                self._changed.wait(LOOK_SECONDS)

    def _write_waiting(self) -> None:
        """Write everything that waits, in order."""
        last: TextIO | None = None
        while True:
            with self._changed:
                found = self._waiting.popleft() if self._waiting else None
            stream, text = found or (None, "")
            if last is not None and last is not stream:
                self._write(last, "", flush=True)
            if stream is not None:
                self._write(stream, text)
            last = stream
            with self._changed:
                self._size -= len(text)
                self._moved = monotonic()
                if found is None and not self._waiting:
                    self._writing = False
                self._changed.notify_all()
                if not self._writing:
                    return

    def _write(self, stream: TextIO, text: str | bytes, *, flush: bool = False) -> None:
        if self.lost is not None and stream is self._out:
            return
        try:
            if isinstance(text, bytes):
                stream.flush()
                stream.buffer.write(text)
            else:
                stream.write(text)
            if flush:
                stream.flush()
        except (OSError, ValueError) as error:
            if stream is self._out:  # what is said aside is for who can read it
                reason = error if isinstance(error, OSError) else OSError(errno.EPIPE, str(error))
                self.lost = error if isinstance(error, OutputLost) else OutputLost(reason)

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
