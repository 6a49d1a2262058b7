"""The state directories whose control sockets this process has open itself. Who opens one of them a second time in the same program
can be told so, and what is in the way where that can't be attached to: waiting for its end would be waiting for oneself."""

import asyncio
import os
from pathlib import Path
from typing import Final
from weakref import WeakSet

from kvtui.notation import as_rest


class Held:
    """One of them. ``end`` when it is not any more."""

    def __init__(self, state: Path) -> None:
        """Raises OSError where the directory is gone."""
        self._state = state
        self.name = os.path.realpath(state)
        self.identity = _identity(state)
        self.loop = asyncio.get_running_loop()
        self._process = os.getpid()
        _held.add(self)

    @property
    def here(self) -> bool:
        """Whether it is this process's own: one that was forked off has a copy."""
        return self._process == os.getpid()

    @property
    def there(self) -> bool:
        """Whether its name still leads to the directory."""
        try:
            return _identity(self._state) == self.identity
        except OSError:
            return False

    def end(self) -> None:
        """Calling it again does nothing."""
        _held.discard(self)


_held: "Final[WeakSet[Held]]" = WeakSet()


def holds(state: Path, loop: asyncio.AbstractEventLoop | None = None) -> bool:
    """Whether this process holds what lies there now; with ``loop``: whether that one serves it."""
    ours = [held for held in list(_held) if held.here and loop in (None, held.loop)]
    try:
        return bool(ours) and _identity(state) in [held.identity for held in ours]
    except OSError:
        return False


def in_the_way(state: Path) -> str:
    """Why this process can't open that directory until it closed a store of its own, in words; or empty."""
    ours = [held for held in list(_held) if held.here]
    if not ours:
        return ""
    name = os.path.realpath(state)
    try:
        identity = _identity(state)
        became = "replaced by another one"
    except OSError:
        identity = None
        became = "deleted, or moved away"
    if any(held.name == name and held.identity != identity for held in ours):
        return (
            f"this program has {as_rest(str(state))} open already, and that directory was {became} meanwhile: close that store"
            " first"
        )
    return ""


def _identity(state: Path) -> tuple[int, int]:
    status = os.stat(state)
    return status.st_dev, status.st_ino
