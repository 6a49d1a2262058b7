"""Ctrl-C and the signals that end a program, turned into cancellation, so that everything ends in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
from anyio.abc import TaskStatus

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heeded() -> tuple[signal.Signals, ...]:
    """Those of ``ENDING`` that end this process: not a SIGHUP that whoever started it, such as nohup, had it ignore."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(number for number in ENDING if number is not signal.SIGHUP or not ignored)


class Signals:
    """What the process was sent. A signal cancels the innermost ``covered`` part of the program; where ``ctrl_c`` is set, SIGINT
    calls that instead."""

    def __init__(self) -> None:
        self._covers: list[anyio.CancelScope] = []
        self.received: signal.Signals | None = None
        """The signal that ended the program."""
        self.ctrl_c: Callable[[], None] | None = None

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
        with anyio.open_signal_receiver(*heeded()) as incoming:
            task_status.started()
            async for received in incoming:
                self.take(received)

    def take(self, received: signal.Signals) -> None:
        """Act on one signal."""
        if received is signal.SIGINT and self.ctrl_c is not None:
            self.ctrl_c()
        elif self._covers:
            self.received = received
            self._covers[-1].cancel()
