"""Notices that the parent process ended: the pipe that it holds to our standard input reaches its end, even after ``kill -9``.

A process that the parent forked off may hold that pipe as well, and live on. On Linux the system tells of the end of a parent by a
signal too.
"""

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


def end_when_orphaned(parent: int, gone: Callable[[], None]) -> None:
    """Have the system continue this process when its parent ends, should it be stopped (SIGSTOP) then, and call ``gone``, perhaps
    several times, as soon as ``parent`` is not its parent any more. Linux alone can do that; elsewhere nothing happens.

    The signal comes at the end of the parent's thread that started this process. Whether it was the end of all of the parent is
    asked then: it adopts what its threads leave, and another process what it leaves itself.
    """
    if sys.platform != "linux":
        return
    import ctypes

    def look() -> None:
        if os.getppid() != parent:
            gone()

    asyncio.get_running_loop().add_signal_handler(signal.SIGCONT, look)
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGCONT)
    # It may have ended before.
    look()


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
