"""The terminal: written to without ever waiting for it, as one that reads slowly, hangs or is gone must not stop the coordinator,
which lives in the same process; and read from without trusting what comes."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import IO, Any, Final

from textual import events
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.messages import InBandWindowResize

from kvtui.changed_cells import ChangedCells
from kvtui.terminal_messages import TerminalMessages

WAITING_CHARACTERS: Final = 1024 * 1024
"""What may wait for a slow terminal. Beyond it pictures are dropped; once it has caught up, it gets a whole new one."""
STOP_SECONDS: Final = 1.0
"""How long a terminal may take over the last that is written, before it is left as it is."""
LOOK_SECONDS: Final = 0.1
"""How often the thread that reads looks whether it is to end, and whether a pause was long enough."""
INPUT_BYTES: Final = 4096
MESSAGES_AT_ONCE: Final = 64
"""After so many, whoever has the keyboard takes them before more are passed on: what ends the program must not wait behind them."""
TAKING_SECONDS: Final = 5.0
"""So long it is waited for; who has the keyboard may be going."""
COLUMNS_MOST: Final = 1000
ROWS_MOST: Final = 1000
"""A larger screen is drawn in part: sizes are what somebody says, and may be anything."""
OUTPUT: Final = 1
"""The descriptor of the standard output, where the screen is."""
HANGUP: Final = 129
"""The exit status of a program whose terminal went."""
LEFT: Final = b"\x1b[?2026l\x1b[?2004l\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h"
"""What undoes all that the screen needs of a terminal."""


class PatientWriter(WriterThread):
    """Textual's writer with a queue of text, not of pictures, whose ``write`` never waits."""

    def __init__(
        self,
        file: IO[str],
        caught_up: Callable[[], None],
        size: Callable[[], tuple[int, int]] | None = None,
        failed: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        """``caught_up`` is called, in the thread, when something was dropped and everything else is written, ``failed`` where a
        defect ends the thread. With ``size``, the screen's columns and rows, only cells that changed are written."""
        super().__init__(file)
        self._caught_up = caught_up
        self._failed = failed
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
            except Exception as error:
                with self._changed:
                    self._gone = True
                    self._waiting.clear()
                if not isinstance(
                    error, OSError | ValueError
                ):  # those: it is gone; whoever watches it ends the program
                    self._failed(error)
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
    """Textual's driver with a ``PatientWriter`` that writes changed cells alone, and with a reader of its own, which no input ends.

    It draws where the output is, as errors may go to a file; and the screen is as large as the system says, whatever the terminal
    sends, or takes itself for.
    """

    def __init__(
        self, app: Any, *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = sys.__stdout__
        # Two opinions about the size at the beginning would be two layouts, each of which undoes the other.
        self._size = size or self._get_terminal_size()

    def _get_terminal_size(self) -> tuple[int, int]:
        return screen_size()

    def _query_in_band_window_resize(self) -> None:
        """Not asked: what comes in band may be made up."""

    def process_message(self, message: Message) -> None:
        """Pass on what was read."""
        if not isinstance(message, InBandWindowResize):
            super().process_message(message)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:
            self._fail(error)

    def run_input_thread(self) -> None:
        """Read keys until the screen is left, or the terminal is gone: that ends the app."""
        terminal = TerminalMessages()
        while not self.exit_event.is_set():
            data = b""
            if select.select([self.fileno], [], [], LOOK_SECONDS)[0]:
                try:
                    data = os.read(self.fileno, INPUT_BYTES)
                except OSError:
                    pass
                if not data:
                    if signal.getsignal(signal.SIGHUP) not in (signal.SIG_DFL, signal.SIG_IGN):
                        os.kill(os.getpid(), signal.SIGHUP)  # who goes without one is told all the same
                    self._app.call_later(self._app.exit, return_code=HANGUP)
                    return
            messages = terminal.feed(data) if data else terminal.tick()
            self.pass_on(messages)

    def pass_on(self, messages: Sequence[Message]) -> None:
        """A flood waits here and in the terminal, not in the app's queues; what is left when the screen is left is dropped."""
        for start in range(0, len(messages), MESSAGES_AT_ONCE):
            if self.exit_event.is_set():
                return
            some = messages[start : start + MESSAGES_AT_ONCE]
            for message in some:
                self.process_message(message)
            if len(some) == MESSAGES_AT_ONCE:
                self._until_taken()

    def _until_taken(self) -> None:
        taken = threading.Event()
        # By the way that keys go: call_later would overtake them.
        self.send_message(events.Callback(partial(_behind_keys, self._app, taken.set)))
        end = monotonic() + TAKING_SECONDS
        while not taken.wait(LOOK_SECONDS) and not self.exit_event.is_set() and monotonic() < end:
            pass

    def give_back(self) -> None:
        """Give the terminal back as it was found, as far as that can be done at once, from any thread."""
        with suppress(OSError, termios.error, ValueError):
            if self.attrs_before is not None:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            if select.select([], [OUTPUT], [], 0)[1]:
                os.write(OUTPUT, LEFT)

    @property
    def _writer_thread(self) -> WriterThread | None:
        return self._writer

    @_writer_thread.setter
    def _writer_thread(self, writer: WriterThread | None) -> None:
        self._writer = None
        if writer is not None and self._file is not None:
            self._writer = PatientWriter(self._file, self._draw_all, lambda: self._app.size, self._fail)

    def _fail(self, error: Exception) -> None:
        """A thread ended by a defect: so does the app."""
        self._app.call_later(_raise, error)

    def _draw_all(self) -> None:
        self._app.call_later(self._app.refresh, layout=True)


def screen_size() -> tuple[int, int]:
    """Columns and rows of the terminal, where the system knows them; else what ``COLUMNS`` and ``LINES`` say, else 80 and 24."""
    columns = rows = 0
    with suppress(OSError):
        columns, rows = os.get_terminal_size(OUTPUT)
    if columns <= 0 or rows <= 0:
        columns, rows = shutil.get_terminal_size()
    return min(max(columns, 1), COLUMNS_MOST), min(max(rows, 1), ROWS_MOST)


def _behind_keys(app: Any, call: Callable[[], object]) -> None:
    """Call it once whoever has the keyboard has dealt with the keys that the app has handed on."""
    if not (app.screen_stack and (app.focused or app.screen).call_later(call)):
        call()


def _raise(error: Exception) -> None:
    raise error
