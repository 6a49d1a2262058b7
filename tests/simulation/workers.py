"""Processes that run stories for another one, and end with it, whatever ends it."""

import os
from multiprocessing import parent_process
from multiprocessing.connection import wait
from threading import Thread

from tests.simulation.story import quicken


def begin() -> None:
    """What such a process does first."""
    quicken()
    Thread(target=_end_with_parent, name="until the parent ends", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None, "this is no process that another one started"
    wait([parent.sentinel])
    os._exit(1)
