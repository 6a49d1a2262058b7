"""The deadline of one operation: it counts from its last progress, and not while it waits for its turn."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


class Patience:
    """``async with`` it: TimeoutError is raised once there was no progress for ``seconds``."""

    def __init__(self, seconds: float, spent: float = 0.0) -> None:
        """``spent``: how many of the first ``seconds`` are gone already."""
        self._seconds = seconds
        self._limit = asyncio.timeout(max(0.0, seconds - spent))
        self.seen = False
        """There was some progress."""

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._limit.__aexit__(kind, error, trace)

    def progressed(self) -> None:
        """Something came, or was taken: the seconds count from here on."""
        self.seen = True
        self._set(asyncio.get_running_loop().time() + self._seconds)

    def end(self) -> None:
        """What follows has a deadline of its own."""
        self._set(None)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within the block, it waits for its turn: the seconds count from the end of it."""
        self._set(None)
        try:
            yield
        finally:
            self._set(asyncio.get_running_loop().time() + self._seconds)

    def _set(self, when: float | None) -> None:
        if not self._limit.expired():
            self._limit.reschedule(when)
