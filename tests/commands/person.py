"""Someone who types commands on a cluster and reads the answers."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from kvtui.commands import Context, Level, Line, parse, run
from kvtui.core.cluster import Cluster, Location


class Person:
    """Types lines on a cluster and reads the answers."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.lines: list[Line] = []
        self.locations: list[Location] = []
        self.bars: list[tuple[str, int, int]] = []
        self.left = False

    async def types(self, text: str) -> list[str]:
        """The answer's lines; the command must succeed."""
        assert await self._run(text), [line.text for line in self.lines]
        return [line.text for line in self.lines]

    async def fails(self, text: str) -> list[str]:
        """The answer's lines; the command must fail, and say so in a line of level BAD."""
        assert not await self._run(text)
        assert self.lines[-1].level is Level.BAD
        return [line.text for line in self.lines]

    async def _run(self, text: str) -> bool:
        self.lines.clear()
        invocation = parse(text)
        assert invocation is not None
        context = Context(
            self.cluster,
            self.lines.append,
            self.locations.append,
            lambda *bar: self.bars.append(bar),
            self._leave,
        )
        ok = await run(invocation, context)
        assert all("\n" not in line.text for line in self.lines)
        return ok

    def _leave(self) -> None:
        self.left = True


Opened = Callable[..., AbstractAsyncContextManager[Person]]
