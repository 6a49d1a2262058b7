"""Notices that the parent process ended: the pipe that it holds to our standard input reaches its end, even after ``kill -9``."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class NoParentPipe(Exception):
    """Standard input is no pipe."""


class _Watch(asyncio.Protocol):
    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone = gone

    def eof_received(self) -> None:
        self._gone()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()


def continue_when_orphaned() -> None:
    """Have the system wake this process when its parent ends, should it be stopped (SIGSTOP) then: it would not notice the
    pipe's end. Linux alone can do that; elsewhere nothing happens."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGCONT)


async def watch_parent(gone: Callable[[], None]) -> asyncio.BaseTransport:
    """Call ``gone``, perhaps twice, when standard input ends. What is read from it is thrown away.

    Closing the returned transport ends the watch. Raises NoParentPipe.
    """
    loop = asyncio.get_running_loop()
    try:
        kind = os.fstat(sys.stdin.fileno()).st_mode
        # uvloop aborts the process over anything else, /dev/null for one.
        if not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
            raise NoParentPipe("standard input is no pipe")
        transport, _ = await loop.connect_read_pipe(lambda: _Watch(gone), sys.stdin)
    except (OSError, ValueError, AttributeError):
        raise NoParentPipe("standard input is no pipe") from None
    return transport
