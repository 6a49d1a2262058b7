"""Bytes that may be under way at once. Who needs some waits for its turn, in the order of asking."""

import asyncio
from collections import deque


class Room:
    """Room for ``most`` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.used = 0
        """Bytes that are under way."""

    def has(self, size: int) -> bool:
        """Whether nobody need wait for that much. Whatever is larger than all the room may be under way alone."""
        return not self._waiting and self.used + self._fitted(size) <= self._most

    async def take(self, size: int) -> None:
        """Wait for the turn of ``size`` bytes; they are under way until ``give``."""
        if self.has(size):
            self.used += self._fitted(size)
        else:
            await self._turn(self._fitted(size))

    def give(self, size: int) -> None:
        """That many that were taken are not under way any more."""
        self._give(self._fitted(size))

    def _fitted(self, size: int) -> int:
        return min(size, self._most)

    async def _turn(self, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            # It may just have been given; if not, who waits behind it may fit now.
            self._give(size if turn.done() and not turn.cancelled() else 0)
            raise

    def _give(self, size: int) -> None:
        self.used -= size
        while self._waiting:
            wanted, turn = self._waiting[0]
            if not turn.done() and self.used + wanted > self._most:
                return
            self._waiting.popleft()
            if not turn.done():
                self.used += wanted
                turn.set_result(None)
