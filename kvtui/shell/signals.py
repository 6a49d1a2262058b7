"""Ctrl-C and the signals that end a program, turned into cancellation, so that everything ends in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
from anyio.abc import TaskStatus

from kvtui.last_resort import LastResort

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heeded() -> tuple[signal.Signals, ...]:
    """Those of ``ENDING`` that end this process: not a SIGHUP that whoever started it, such as nohup, had it ignore."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(number for number in ENDING if number is not signal.SIGHUP or not ignored)


class Signals:
    """What the process was sent. A signal cancels the innermost ``covered`` part of the program; where ``ctrl_c`` is set, SIGINT
    calls that first, and only where it returns False does as the others."""

    def __init__(self, last_resort: LastResort | None = None) -> None:
        """``last_resort`` sees to it that a program with a stuck event loop ends too."""
        self._covers: list[anyio.CancelScope] = []
        self.last_resort = last_resort
        self.heard = False
        """A signal came; it is acted on when the event loop gets to it."""
        self.received: signal.Signals | None = None
        """The signal that ended the program."""
        self.ctrl_c: Callable[[], bool] | None = None

    @property
    def status(self) -> int | None:
        """The exit status that tells of the signal, as shells count them; None without one."""
        return None if self.received is None else 128 + self.received

    @contextmanager
    def covered(self) -> Iterator[None]:
        """The part inside is cancelled by a signal; what comes after runs on undisturbed."""
        with anyio.CancelScope() as scope:
            self._covers.append(scope)
            try:
                yield
            finally:
                self._covers.remove(scope)

    async def watch(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Receive signals until cancelled."""
        loop = asyncio.get_running_loop()
        with anyio.open_signal_receiver(*heeded()) as incoming:
            for number in heeded():
                # Beside what wakes the loop up: this one also comes where the loop does not get on.
                signal.signal(number, lambda number, _frame: self._hear(signal.Signals(number), loop))
            task_status.started()
            async for received in incoming:
                self.take(received)

    def _hear(self, number: signal.Signals, loop: asyncio.AbstractEventLoop) -> None:
        self.heard = True
        ends = number is not signal.SIGINT or self.ctrl_c is None
        if ends and self.last_resort is not None:
            self.last_resort.arm(loop, 128 + number)

    def take(self, received: signal.Signals) -> None:
        """Act on one signal."""
        if received is signal.SIGINT and self.ctrl_c is not None and self.ctrl_c():
            self.heard = self.received is not None
        elif self._covers:
            self.received = received
            self.heard = True
            if self.last_resort is not None:
                self.last_resort.arm(asyncio.get_running_loop(), 128 + received)
            self._covers[-1].cancel()
