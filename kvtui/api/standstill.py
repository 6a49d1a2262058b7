"""What of ours a loop would go on with in a process that was forked off: it stands still there for good.

The loop of a program goes on in such a process where its code leaves by an exception, for asyncio then cancels all tasks, closes
all generators and waits for them; and what is due meanwhile is run. All of that is the parent's.
"""

import asyncio
import gc
import os
import select
import selectors
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import Context
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import kvtui
from kvtui.core.seams.forked import pin
from kvtui.core.seams.same_file import is_epoll

_OURS: Final = str(Path(kvtui.__file__).parent) + os.sep


def stand_still(loop: asyncio.AbstractEventLoop, within: Callable[[Context], bool]) -> None:
    """Take from the loop, which is a copy of the parent's, the tasks that run in such a context, their callbacks and those of our
    own functions, and our generators."""
    _part_from_parent(loop)
    for task in asyncio.all_tasks(loop):
        if within(_context(task)):
            # It is neither cancelled, nor destroyed as the process ends, which would be complained of.
            pin(task)
            asyncio.tasks._unregister_task(task)
    for handle in _handles(loop):
        if within(handle._context) or _is_ours(handle._callback):
            handle._callback, handle._args = _nothing, ()
    for handle in _uvloops_handles(loop):
        parts = gc.get_referents(handle)
        if any(_is_ours(part) or (isinstance(part, Context) and within(part)) for part in parts):
            handle.cancel()
    for generators in _generators(loop):
        for generator in list(generators):
            if generator.ag_code.co_filename.startswith(_OURS):
                generators.discard(generator)


def _part_from_parent(loop: Any) -> None:
    """What the system watches for asyncio's own loop is one thing for both processes: the loop's end here would take the parent's
    means of being woken from it."""
    selector = getattr(loop, "_selector", None)
    if sys.platform != "linux" or not isinstance(selector, selectors.EpollSelector) or not selector.get_map():
        return
    with select.epoll() as fresh:
        for key in selector.get_map().values():
            reading = select.EPOLLIN if key.events & selectors.EVENT_READ else 0
            writing = select.EPOLLOUT if key.events & selectors.EVENT_WRITE else 0
            with suppress(OSError):
                fresh.register(key.fd, reading | writing)
        if is_epoll(selector.fileno()):  # else the program closed it, and has a file of its own under its number
            os.dup2(fresh.fileno(), selector.fileno(), inheritable=False)


def _nothing() -> None:
    pass


def _context(task: asyncio.Task[Any]) -> Context:
    if hasattr(task, "get_context"):  # from Python 3.12 on
        context: Context = task.get_context()
        return context
    return next((found for found in gc.get_referents(task) if isinstance(found, Context)), Context())


def _handles(loop: Any) -> Iterator[Any]:
    """Those of asyncio's own loops: what is to run, now or later, and what a descriptor wakes."""
    yield from [*getattr(loop, "_ready", ()), *getattr(loop, "_scheduled", ())]
    selector = getattr(loop, "_selector", None)
    for key in [] if selector is None else list((selector.get_map() or {}).values()):
        if isinstance(key.data, tuple):
            yield from (handle for handle in key.data if handle is not None)


def _uvloops_handles(loop: asyncio.AbstractEventLoop) -> list[Any]:
    """Those of uvloop, which shows them to nobody but the collector."""
    if hasattr(loop, "_ready"):
        return []
    known = [found for found in gc.get_referents(loop) if isinstance(found, deque | set)]
    return [handle for handles in known for handle in list(handles) if hasattr(handle, "cancel")]


def _generators(loop: asyncio.AbstractEventLoop) -> list[Any]:
    """Those that the loop closes as it ends. uvloop shows its own to nobody but the collector."""
    known = getattr(loop, "_asyncgens", None)
    return [found for found in gc.get_referents(loop) if isinstance(found, WeakSet)] if known is None else [known]


def _is_ours(callback: Any) -> bool:
    code = getattr(getattr(callback, "__func__", callback), "__code__", None)
    return code is not None and code.co_filename.startswith(_OURS)
