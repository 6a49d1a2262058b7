"""Tasks of a group, started so that one which is cancelled before its first step ends in silence, and nobody waits for it.

From anyio 4.14 on a task wraps its coroutine. An event loop that ends cancels every task: one that never came to its coroutine has
Python complain on stderr that nobody awaited it, and whoever started it and waits until it is ready would wait for ever.
"""

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, TypeVarTuple

import anyio
from anyio.abc import TaskGroup

Ts = TypeVarTuple("Ts")


def start_soon(tasks: TaskGroup, run: Callable[[*Ts], Coroutine[Any, Any, Any]], *given: *Ts) -> None:
    """As ``tasks.start_soon``."""
    handle: Any = tasks.start_soon(run, *given)
    if handle is not None:
        # It is closed as its task goes, or as the program ends.
        weakref.finalize(handle, _close_unbegun, handle.coro)


async def started(tasks: TaskGroup, run: Callable[..., Coroutine[Any, Any, Any]], *given: object) -> Any:
    """As ``tasks.start``: return what ``run`` passes to ``task_status.started``, or raise what it raises before. Where this is
    cancelled, so is that, and it has ended before this does."""
    starting = _Starting(run, given)
    start_soon(tasks, starting.go)
    try:
        return await starting.ready
    except BaseException:
        starting.ready.cancel()
        starting.scope.cancel()
        if starting.begun:
            with anyio.CancelScope(shield=True):
                await starting.over.wait()
        raise


def _close_unbegun(coroutine: Coroutine[Any, Any, Any]) -> None:
    if getcoroutinestate(coroutine) == CORO_CREATED:
        coroutine.close()


class _Starting:
    """A task that says when it is ready: the ``anyio.abc.TaskStatus`` of what it runs."""

    def __init__(self, run: Callable[..., Coroutine[Any, Any, Any]], given: tuple[object, ...]) -> None:
        self._run = run
        self._given = given
        self.ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.scope = anyio.CancelScope()
        self.begun = False
        """Only then is there an end to be waited for: before its first step it may be cancelled without a sign."""
        self.over = asyncio.Event()

    def started(self, value: Any = None) -> None:
        if not self.ready.done():
            self.ready.set_result(value)

    async def go(self) -> None:
        self.begun = True
        try:
            if self.ready.cancelled():
                return
            with self.scope:
                await self._run(*self._given, task_status=self)
            self._fail(RuntimeError("it ended before it was ready"))
        except Exception as error:
            if not self._fail(error):
                raise
        finally:
            self.ready.cancel()
            self.over.set()

    def _fail(self, error: Exception) -> bool:
        """Whether it is a matter of whoever waits, or does so no more; not of the whole group."""
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # should nobody wait any more, nothing is complained of
            return True
        return self.ready.cancelled()
