"""What of ours a loop would go on with in a process that was forked off: it stands still there for good.

The loop of a program goes on in such a process where its code leaves by an exception, for asyncio then cancels all tasks, closes
all generators and waits for them; and what is due meanwhile is run. All of that is the parent's.
"""

import asyncio
import gc
import os
from collections.abc import Callable, Iterator
from contextvars import Context
from pathlib import Path
from typing import Any, Final

import kvtui
from kvtui.core.seams.forked import pin

_OURS: Final = str(Path(kvtui.__file__).parent) + os.sep


def stand_still(loop: asyncio.AbstractEventLoop, within: Callable[[Context], bool]) -> None:
    """Take from the loop, which is a copy of the parent's, the tasks that run in such a context, their callbacks and those of our
    own functions, and our generators. Of uvloop's only the tasks can be taken."""
    for task in asyncio.all_tasks(loop):
        if within(_context(task)):
            # It is neither cancelled, nor destroyed as the process ends, which would be complained of.
            pin(task)
            asyncio.tasks._unregister_task(task)
    for handle in _handles(loop):
        if within(handle._context) or _is_ours(handle._callback):
            handle._callback, handle._args = _nothing, ()
    generators: Any = getattr(loop, "_asyncgens", ())
    for generator in list(generators):
        if generator.ag_code.co_filename.startswith(_OURS):
            generators.discard(generator)


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


def _is_ours(callback: Any) -> bool:
    code = getattr(getattr(callback, "__func__", callback), "__code__", None)
    return code is not None and code.co_filename.startswith(_OURS)
