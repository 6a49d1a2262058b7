"""The end of a node's process: in order, or by force, and waited for no longer than that can take."""

import asyncio
import signal
from typing import Final

from kvtui.core.cluster import ClusterError
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.launcher import KILLED_SECONDS, NodeProcess

STOP_SECONDS: Final = 10.0
"""How long a node may take to end in order before it is killed."""


class StillRuns(ClusterError):
    """A process that does not end, even by SIGKILL: it waits for something in the system, a disk that does not answer for one."""

    def __init__(self, process: NodeProcess, why: str = "") -> None:
        super().__init__(f"process {process.pid} does not end, {why or f'even by SIGKILL: {UNTIL_THE_SYSTEM}'}")


class MayNotSignal(StillRuns):
    """A process that this user may not signal: the program around us took another user since it started it."""

    def __init__(self, process: NodeProcess) -> None:
        super().__init__(process, f"and {OF_ANOTHER_USER}")


OF_ANOTHER_USER: Final = "this user may not signal it: it was started as another one (end it as that user, or as root)"
UNTIL_THE_SYSTEM: Final = "it waits for the system (a disk that hangs?), is left, and ends once that lets it"


async def end_in_order(process: NodeProcess, clock: Clock) -> None:
    """End a process in order, or by force when it takes too long. Raises StillRuns where that is in vain.

    One that this user may not signal is left without its parent, which ends it in order too; MayNotSignal where it does not.
    """
    if not process.signal(signal.SIGTERM):
        process.orphan()
        await _ended(process, STOP_SECONDS, MayNotSignal)
        return
    # A stopped (SIGSTOP) process ends only once it continues.
    process.signal(signal.SIGCONT)

    def kill() -> None:
        process.signal(signal.SIGKILL)

    timer = clock.call_later(STOP_SECONDS, kill)
    try:
        await _ended(process, STOP_SECONDS + KILLED_SECONDS)
    finally:
        timer.cancel()


async def end_by_force(process: NodeProcess) -> None:
    """Kill a process (``kill -9``). Raises StillRuns where that is in vain; MayNotSignal, at once, where this user may not."""
    if not process.signal(signal.SIGKILL):
        raise MayNotSignal(process)
    await _ended(process, KILLED_SECONDS)


async def _ended(process: NodeProcess, seconds: float, left: type[StillRuns] = StillRuns) -> None:
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        raise left(process) from None
