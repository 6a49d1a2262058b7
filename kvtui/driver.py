"""Writing to the terminal without ever waiting for it: one that reads slowly, hangs or is gone must not stop the coordinator,
which lives in the same process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import IO, Final

from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from kvtui.changed_cells import ChangedCells

WAITING_CHARACTERS: Final = 1024 * 1024
"""What may wait for a slow terminal. Beyond it pictures are dropped; once it has caught up, it gets a whole new one."""
STOP_SECONDS: Final = 1.0
"""How long a terminal may take over the last that is written, before it is left as it is."""


class PatientWriter(WriterThread):
    """Textual's writer with a queue of text, not of pictures, whose ``write`` never waits."""

    def __init__(
        self, file: IO[str], caught_up: Callable[[], None], size: Callable[[], tuple[int, int]] | None = None
    ) -> None:
        """``caught_up`` is called, in the thread, when something was dropped and everything else is written. With ``size``, the
        screen's columns and rows, only cells that changed are written."""
        super().__init__(file)
        self._caught_up = caught_up
        self._screen_size = size
        self._cells = ChangedCells()
        self._waiting: deque[str] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._dropped = self._stopping = self._gone = False

    def write(self, text: str) -> None:
        """Let the thread write ``text``; it is dropped where too much waits already, or nobody reads any more."""
        with self._changed:
            if self._gone:
                return
            if self._size > WAITING_CHARACTERS:
                self._dropped = True
                self._cells.forget()
                return
            if self._screen_size is not None:
                text = self._cells.of(text, self._screen_size())
            self._waiting.append(text)
            self._size += len(text)
            self._changed.notify()

    def run(self) -> None:
        """Write what waits, until stopped."""
        while (text := self._next()) is not None:
            try:
                self._file.write(text)
                self._file.flush()
            except (OSError, ValueError):  # the terminal is gone; whoever watches it ends the program
                with self._changed:
                    self._gone = True
                    self._waiting.clear()
                return
            with self._changed:
                self._size -= len(text)
                missed = self._dropped and not self._waiting and not self._stopping
                self._dropped = self._dropped and not missed
            if missed:
                self._caught_up()

    def _next(self) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            if not self._waiting:
                return None
            text = "".join(self._waiting)
            self._waiting.clear()
            return text

    def stop(self) -> None:
        """Write what waits, as far as the terminal takes it within ``STOP_SECONDS``."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self.join(STOP_SECONDS)


class TerminalDriver(LinuxDriver):
    """Textual's driver with a ``PatientWriter`` that writes changed cells alone."""

    @property
    def _writer_thread(self) -> WriterThread | None:
        return self._writer

    @_writer_thread.setter
    def _writer_thread(self, writer: WriterThread | None) -> None:
        self._writer = None
        if writer is not None and self._file is not None:
            self._writer = PatientWriter(self._file, self._draw_all, lambda: self._app.size)

    def _draw_all(self) -> None:
        self._app.call_later(self._app.refresh, layout=True)
