"""The launcher seam: storage nodes as processes on this machine."""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from kvtui.core.authentication import Secret


class LaunchFailed(Exception):
    """A node could not be started; the text is the node's own last line, or what the system said."""


class LaunchRefused(LaunchFailed):
    """No node can be started from this process, now or later."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """What became of a data directory that was to be deleted."""

    left: str = ""
    """What could not be deleted, where and why, on one line for people; empty: nothing is left of it."""
    intact: bool = False
    """The store in it opens as before: nothing was deleted."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """What to start: ``port`` 0 takes any free one; ``data`` None keeps everything in memory. Who asks the node must prove to know
    ``secret``; None: it answers everybody on this machine."""

    node: str
    host: str
    port: int
    data: Path | None
    secret: Secret | None = field(default=None, compare=False, repr=False)


SAID_MOST: Final = 300
"""Characters of a process's last line that are told."""


KILLED_SECONDS: Final = 5.0
"""How long a process may take to end by SIGKILL. One that hangs in the system (a dead disk, say) does not end even by that."""


def how_ended(status: int | None, said: str = "") -> str:
    """The end of a process in words. ``status`` is its exit status (negative: ended by that signal; None: somebody else in the
    program that started it took it), ``said`` its last line."""
    if status is None:
        last = f"; it said last: {said[:SAID_MOST]}" if said else ""
        return f"its process ended, how is not known: the program that started it took its exit status elsewhere{last}"
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"its process was ended by {name}"
    return f"its process ended: {said[:SAID_MOST]}" if said and status else f"its process ended with status {status}"


class NodeProcess(Protocol):
    """A node that was started here."""

    @property
    def pid(self) -> int: ...

    @property
    def address(self) -> tuple[str, int]:
        """Host and port on which it accepts."""
        ...

    @property
    def alive(self) -> bool: ...

    @property
    def ended(self) -> str:
        """How the process ended, in words (``how_ended``); empty while it runs."""
        ...

    def signal(self, number: int) -> bool:
        """Send a signal; does nothing when the process has ended. False: this user may not signal it."""
        ...

    def orphan(self) -> None:
        """Have it see what it sees when this process ends: then it ends in order. Needs no right to signal it."""
        ...

    async def wait(self) -> int | None:
        """The exit status, once the process has ended (negative: ended by that signal; None: not known)."""
        ...


class Launcher(Protocol):
    """Starts nodes that end with this process, even when it is killed."""

    async def start(self, spec: NodeSpec) -> NodeProcess:
        """Start a node; it accepts connections when this returns. What is left of a store that was discarded there is deleted
        before. Raises LaunchFailed."""
        ...

    def refusal(self) -> str:
        """Why no node can be started from this process, now or later, and what to do; empty: nothing is known to be in the way."""
        ...

    def stored(self, directory: Path) -> list[str]:
        """The ids of the nodes whose data directories lie in ``directory``, in order."""
        ...

    def discard(self, spec: NodeSpec) -> Discarded:
        """Delete the data of a node for good, and its directory. Nothing is raised: what can't be deleted is told."""
        ...
