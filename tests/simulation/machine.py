"""A machine: code that is paused, resumed and crashed together.

Code belongs to a machine when it runs in a context made by ``Machine.context``: asyncio copies the context into every task, timer
and callback which that code starts, so the loop knows each one's machine without help from the code itself.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class MachineCrashed(BaseException):
    """Unwinds the code of a machine that crashed in the midst of a call. Not an Exception: a dead process handles nothing."""


class State(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    CRASHED = "crashed"


class Machine:
    """One life of a machine. A machine that comes back after a crash is a new one of the same name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = State.RUNNING
        self._parked: list[asyncio.Handle] = []
        self._on_end: list[Callable[[bool], None]] = []

    def __repr__(self) -> str:
        return f"<{self.name} {self.state}>"

    @property
    def alive(self) -> bool:
        """Whether it may still run: running or paused."""
        return self.state is not State.CRASHED

    def context(self) -> Context:
        """A context whose code belongs to this machine."""
        context = copy_context()
        context.run(CURRENT.set, self)
        return context

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run ``function`` now, as this machine's code."""
        return self.context().run(function, *arguments)

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of this machine. Nobody may wait for it without an eye on a crash: it then never ends."""
        return asyncio.get_running_loop().create_task(coroutine, context=self.context())

    def pause(self) -> None:
        """Run nothing until ``resume``: timers that come due, callbacks and arriving bytes wait."""
        if self.state is State.RUNNING:
            self.state = State.PAUSED

    def resume(self) -> None:
        """Go on, with all that waited."""
        if self.state is State.PAUSED:
            self.state = State.RUNNING
            for handle in self.take_parked():
                _requeue(handle)

    def crash(self) -> None:
        """Run nothing any more: what waits is never called, not even to clean up. Doing it twice does nothing."""
        self._end(orderly=False)

    def exit(self) -> None:
        """End as a process does that has finished: as ``crash``, but what it wrote to its streams still arrives."""
        self._end(orderly=True)

    def on_end(self, callback: Callable[[bool], None]) -> None:
        """Call ``callback`` within ``crash`` (False) or ``exit`` (True): what the world does when the machine ends."""
        self._on_end.append(callback)

    def _end(self, *, orderly: bool) -> None:
        if self.alive:
            self.state = State.CRASHED
            for callback in self._on_end:
                callback(orderly)

    def park(self, handle: asyncio.Handle) -> None:
        """Keep what may not run now."""
        self._parked.append(handle)

    def take_parked(self) -> list[asyncio.Handle]:
        """What was kept, in the order in which it would have run."""
        parked, self._parked = self._parked, []
        return parked


CURRENT: ContextVar[Machine | None] = ContextVar("machine", default=None)


def machine_in(context: Context) -> Machine | None:
    """The machine whose code runs in ``context``; None for the test itself."""
    return context.get(CURRENT)


def _requeue(handle: asyncio.Handle) -> None:
    asyncio.get_running_loop()._ready.append(handle)  # type: ignore[attr-defined]
