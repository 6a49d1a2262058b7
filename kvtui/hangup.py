"""A terminal that is gone, noticed without looking: not every one that goes sends a SIGHUP first."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def told_of_hangup(lost: Callable[[], None]) -> Iterator[None]:
    """Call ``lost``, once, when the terminal that this process reads from or writes to is closed on its other side.

    The system tells; nothing is polled. Where it can't tell (no epoll), a SIGHUP has to do.
    """
    terminals = {file.fileno() for file in (sys.stdin, sys.stdout, sys.stderr) if _is_terminal(file)}
    if not hasattr(select, "epoll") or not terminals:
        yield
        return
    loop = asyncio.get_running_loop()
    with select.epoll() as watch:
        for terminal in terminals:
            watch.register(terminal, 0)  # hanging up is always told

        def told() -> None:
            loop.remove_reader(watch.fileno())
            lost()

        loop.add_reader(watch.fileno(), told)
        try:
            yield
        finally:
            loop.remove_reader(watch.fileno())


def _is_terminal(file: Any) -> bool:
    try:
        return file is not None and os.isatty(file.fileno())
    except (OSError, ValueError):
        return False
