"""How many operations run at once: the others wait for their turn, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """An ``asyncio.Semaphore`` that costs next to nothing while there is room."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def run(self, ask: Callable[P, Awaitable[T]], *arguments: P.args, **options: P.kwargs) -> T:
        """Call and await ``ask``, once it has its turn."""
        if not self.took():
            await self.turn()
        try:
            return await ask(*arguments, **options)
        finally:
            self.give()

    # What ``run`` does, for operations on one key, which pass nothing through it: that costs a twentieth of a get.

    def took(self) -> bool:
        """Take a turn that is free. False: there is none, and ``turn`` waits for one."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def turn(self) -> None:
        """Wait for a turn, and take it."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It had just been given.
                self.give()
            raise

    def give(self) -> None:
        """Whoever took a turn has done with it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
