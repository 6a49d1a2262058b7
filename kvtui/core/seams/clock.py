"""The clock seam. The loop's own time, so that a loop under virtual time needs no second clock."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that was asked for later; ``cancel`` is harmless after it ran."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Time in seconds."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def wall(self) -> float:
        """Seconds since 1970 (UTC), for people's eyes alone: no decision may depend on it."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once, ``delay`` seconds from now, on the running loop."""
        ...

    async def sleep(self, delay: float) -> None:
        """Return after ``delay`` seconds."""
        ...


class LoopClock:
    """The running asyncio loop's clock."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return time.time()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay, callback)

    async def sleep(self, delay: float) -> None:
        await asyncio.sleep(delay)


class ExactClock(LoopClock):
    """The same with the system's own resolution: uvloop's time counts whole milliseconds, and many answers take less."""

    # Not a method of ours around it: it is asked several times for every operation.
    monotonic = staticmethod(time.monotonic)
