"""anyio as it is where sniffio is installed, which trio and many clients of services bring: it knows its event loop in tasks alone.

From a callback of the loop (a connection's, a timer's, a signal's) it then starts no task and enters no scope.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from anyio._core import _eventloop as anyio_loop


@contextmanager
def anyio_in_tasks_alone() -> Iterator[None]:
    """Within, anyio refuses what is asked of it outside of a task, whether sniffio is here or not."""
    asked = getattr(anyio_loop, "current_async_library", None)
    if asked is None:  # releases that always asked sniffio
        yield
        return
    anyio_loop.current_async_library = _library_of_the_task
    try:
        yield
    finally:
        anyio_loop.current_async_library = asked


def _library_of_the_task() -> str | None:
    try:
        return None if asyncio.current_task() is None else "asyncio"
    except RuntimeError:
        return None
