"""An event loop in a thread of its own, for programs that have none."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from kvtui.core.cluster import ClusterError, KvtuiError

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for any thread, on one of uvloop's loops where that is installed.

    A daemon thread: a program that ends without ``end`` is not kept alive by it.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._lock = threading.RLock()  # what is dropped while it is held may want it too, in the same thread
        self._ended = False
        self._leave = asyncio.Event()
        ready: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._live, args=(ready,), name="kvtui", daemon=True)
        self._thread.start()
        self._loop = ready.result()

    @property
    def usable(self) -> bool:
        """Whether it runs, and in this process: of a fork's two copies, the child's has no thread."""
        return not self._ended and os.getpid() == self._process

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for what it returns or raises. Interrupted (Ctrl-C), the coroutine is cancelled.

        Raises ClusterError where it would wait for ever: after ``end``, after a fork, in the loop's own thread; and KvtuiError
        where ``end`` cancels it.
        """
        future = self._begin(coroutine)
        if future is None:
            coroutine.close()
            raise ClusterError(self._refusal())
        try:
            return future.result()
        except CancelledError:
            raise KvtuiError("the store was closed while this was under way: whether it was done is unknown") from None
        except BaseException:
            future.cancel()
            raise

    def start(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Call a coroutine function there from any thread, and don't wait. Where it can't run, nothing happens."""
        if self.usable:
            with self._lock:
                if self.usable:
                    self._loop.call_soon_threadsafe(lambda: self._loop.create_task(function()))

    def end(self) -> None:
        """Cancel what still runs, and wait until the loop is closed. Does nothing a second time."""
        if self.usable:
            with self._lock:
                if self.usable:
                    self._ended = True
                    self._loop.call_soon_threadsafe(self._leave.set)
            self._thread.join()

    def _begin(self, coroutine: Coroutine[Any, Any, T]) -> Future[T] | None:
        if not self.usable or threading.current_thread() is self._thread:
            return None
        with self._lock:
            # What is begun before the end is over before the loop is.
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop) if self.usable else None

    def _refusal(self) -> str:
        if os.getpid() != self._process:
            return "the store belongs to the process that this one was forked from: open one here"
        if self._ended:
            return "the store is closed: open another with kvtui.connect_sync"
        return "a synchronous store can't be used in its own event loop: use the cluster there"

    def _live(self, ready: Future[asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
            ready.set_result(runner.get_loop())
            runner.run(self._until_end())

    async def _until_end(self) -> None:
        await self._leave.wait()


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
