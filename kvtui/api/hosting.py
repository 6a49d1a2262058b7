"""An async context manager kept open by a task of its own: entered from one task, left from any other."""

from __future__ import annotations

import asyncio
import os
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import ContextVar
from typing import Any, Final, Generic, TypeVar

import anyio

from kvtui.api.standstill import stand_still
from kvtui.core.seams.forked import when_forked

T = TypeVar("T")

CLOSE_SECONDS: Final = 30.0
"""How long leaving may take. All that it waits for has a limit of its own, and all of them together are below this one."""
_KEPT: Final[set[asyncio.Task[None]]] = set()
"""The loop holds its tasks weakly; who forgets to close has them end with the loop, in order."""
_WITHIN: Final[ContextVar[Hosted[Any] | None]] = ContextVar("kvtui", default=None)
"""In whose task, or a task that was started there, this runs."""


class Hosted(Generic[T]):
    """What a cluster opens with is bound to the task that enters it, as task groups are. Notebooks, test fixtures and threads enter
    and leave in different ones: so a task of its own does both."""

    def __init__(self, manager: AbstractAsyncContextManager[T]) -> None:
        self._manager = manager
        self._leave = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._process = os.getpid()

    @property
    def forked(self) -> bool:
        """Whether this process was forked off from the one that it lives in."""
        return os.getpid() != self._process

    @property
    def over(self) -> bool:
        """Whether it was left, or ended by itself."""
        return self._leave.is_set() or (self._task is not None and self._task.done())

    async def open(self) -> T:
        """Enter it. Raises what entering raises; cancelled, it is left again first."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[T] = loop.create_future()
        self._task = task = loop.create_task(self._live(opened), name="kvtui")
        _KEPT.add(task)
        task.add_done_callback(_KEPT.discard)
        when_forked(self, lambda hosted: hosted._leave_to_parent(loop))
        try:
            return await opened
        except GeneratorExit:  # the loop is gone, or whoever ran it let go of it: nothing can be waited for
            with suppress(RuntimeError):
                task.cancel()
            raise
        except BaseException:
            if not self.forked:
                task.cancel()
                await _over(task)
            raise

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self._task is None or self._task.done()

    async def close(self) -> None:
        """Leave it, undisturbed by cancellation. It has ``ended`` then, or takes longer than ``CLOSE_SECONDS`` and is left.
        Raises what it ended with, if it ended by itself. In a process that was forked off it does nothing."""
        if self._task is not None and not self.forked:
            self._leave.set()
            await _over(self._task)
            if self._task.done() and not self._task.cancelled():
                self._task.result()

    def _leave_to_parent(self, loop: asyncio.AbstractEventLoop) -> None:
        """This process was forked off. Where the loop goes on here, to end in order, nothing of what is hosted does."""
        if self._task is not None and not self._task.done():
            stand_still(loop, lambda context: context.get(_WITHIN) is self)

    async def _live(self, opened: asyncio.Future[T]) -> None:
        _WITHIN.set(self)
        try:
            async with self._manager as entered:
                if not opened.done():
                    opened.set_result(entered)
                await self._leave.wait()
        except BaseException as error:
            if opened.done():
                raise
            if isinstance(error, Exception):
                opened.set_exception(error)
            else:
                opened.cancel()
                raise


async def _over(task: asyncio.Task[Any]) -> None:
    """Wait for the end of a task, for ``CLOSE_SECONDS`` at most. Cancelled meanwhile: raises CancelledError, but after that."""
    cancelled: asyncio.CancelledError | None = None
    loop = asyncio.get_running_loop()
    until = loop.time() + CLOSE_SECONDS
    with anyio.CancelScope(shield=True):
        while not task.done() and (left := until - loop.time()) > 0:
            try:
                await asyncio.wait([task], timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled
