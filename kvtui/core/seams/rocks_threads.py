"""RocksDB's threads, and what it knows as open, where a process forks.

It runs flushes and compactions in threads that all its stores of a process share. A process that is forked off has none of them,
and RocksDB there believes that it has: what it hands to them is never done, so a store that is opened there hangs sooner or
later, and the process dies where it joins them at its end. So in the moment of a fork there are none: they end before, which takes
a millisecond, and begin again after. Its table of open directories is copied, and stays so.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rocksdict import Env

from kvtui.core.seams.forked import without_destructors

ENDING_SECONDS: Final = 0.1
"""How long a fork waits for them at most: a compaction may be under way."""
_LOOK_SECONDS: Final = 0.0002
_BLIND_SECONDS: Final = 0.01
"""How long it waits where the system does not tell which there are."""
_TASKS: Final = Path("/proc/self/task")
_NAME: Final = "rocksdb:"
_EACH: Final = {"low": 1, "high": 1}
"""How many each pool has, where the system does not tell."""


class _Threads:
    """Those of this process."""

    def __init__(self) -> None:
        self.usable = True
        """Whether RocksDB can be used here: not where it was at work as this process was forked off."""
        self._registered = False
        self._used = False
        """Whether it was used in this process itself."""
        self._users = 0
        """From how many processes that had used it this one comes, by forks."""
        self._forking = threading.RLock()
        self._before: Mapping[str, int] = {}
        self._left = False

    def none_in_forks(self) -> None:
        """RocksDB is used from now on: there are none in the moment of a fork."""
        self._used = True
        if not self._registered and hasattr(os, "register_at_fork"):
            self._registered = True
            os.register_at_fork(before=self._end, after_in_parent=self._begin, after_in_child=self._leave_to_parent)

    def spelled(self, path: Path) -> str:
        """The directory as RocksDB is told it. Names in the table that a fork copied are compared as they are spelt: those who used
        it before this process spelt this one in other ways. What keeps others out is on the disk."""
        return str(path) + "/." * self._users

    def _end(self) -> None:
        self._forking.acquire()
        running = _running()
        self._before = _EACH if running is None else running
        _limit(dict.fromkeys(self._before, 0))
        until = time.monotonic() + (_BLIND_SECONDS if running is None else ENDING_SECONDS)
        while running is None or _running():
            if time.monotonic() > until:
                break
            time.sleep(_LOOK_SECONDS)
        self._left = bool(_running())

    def _begin(self) -> None:
        _limit(self._before)
        self._forking.release()

    def _leave_to_parent(self) -> None:
        # They begin as the first store is opened here. Another one, which every open store has, can't be ended before: only the end
        # of the process joins it.
        self._forking.release()
        self.usable = self.usable and not self._left
        self._users += self._used
        self._used = False
        without_destructors()


THREADS: Final = _Threads()


def _running() -> Counter[str] | None:
    """How many there are, by what they are for; None where the system does not tell."""
    found: Counter[str] = Counter()
    try:
        for task in os.listdir(_TASKS):
            try:
                name = (_TASKS / task / "comm").read_text().strip()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            if name.startswith(_NAME):
                found[name.removeprefix(_NAME)] += 1
    except OSError:
        return None
    return found


def _limit(threads: Mapping[str, int]) -> None:
    environment = Env()
    if "low" in threads:
        environment.set_background_threads(threads["low"])
    if "high" in threads:
        environment.set_high_priority_background_threads(threads["high"])
