"""Nodes that died by themselves are started again, where nobody looks on who would: under ``kvtui serve``, and where a program that
kvtui is embedded in holds the ring.

Each start waits longer than the one before, and after some that came to nothing it is left to a person. What a person ended stays
ended: ``RemoteNode.at_rest``.

One that keeps its data in memory comes back without it, and is told apart by that: other copies of its keys are copied to it, and
of what had none it is told that it is lost.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

import anyio
from anyio.abc import TaskGroup

from kvtui.core.background import start_soon
from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.ledger import Ledger
from kvtui.core.remote_node import RemoteNode
from kvtui.core.seams.clock import Clock

LOOK_SECONDS: Final = 0.5
"""How often it is looked who died."""
FIRST_SECONDS: Final = 1.0
"""How long a node has been dead when it is started again; doubles with each start that came to nothing, up to ``MOST_SECONDS``."""
MOST_SECONDS: Final = 30.0
STARTS_MOST: Final = 6
"""Starts in a row after which it is left to a person."""
GOOD_SECONDS: Final = 60.0
"""A node that lived for so long was well: what comes later is a new trouble."""


class Verdict(Enum):
    """What is to be done about a node now."""

    NOTHING = auto()
    START = auto()
    GIVE_UP = auto()
    """Tell that it is left to a person; once."""


@dataclass(frozen=True, slots=True)
class Lives:
    """What is remembered of a node's last lives."""

    starts: int = 0
    """How often it was started again since it was well."""
    since: float | None = None
    """Since when it is as it is now, running or dead (monotonic seconds); None: not looked at yet."""
    running: bool = True
    given_up: bool = False


def judge(lives: Lives, running: bool, now: float) -> tuple[Lives, Verdict]:
    """What a look at ``now`` comes to: what is remembered from here on, and what is to be done."""
    if lives.since is None or running is not lives.running:
        well = lives.since is not None and lives.running and now - lives.since >= GOOD_SECONDS
        return replace(lives, starts=0 if well else lives.starts, since=now, running=running), Verdict.NOTHING
    if running:
        well = now - lives.since >= GOOD_SECONDS
        return (Lives(since=lives.since) if well else lives), Verdict.NOTHING
    if lives.given_up:
        return lives, Verdict.NOTHING
    if now - lives.since < min(MOST_SECONDS, FIRST_SECONDS * 2**lives.starts):
        return lives, Verdict.NOTHING
    if lives.starts >= STARTS_MOST:
        return replace(lives, given_up=True), Verdict.GIVE_UP
    return replace(lives, starts=lives.starts + 1, since=now), Verdict.START


class Revival:
    """Watches the nodes that this coordinator started, for as long as ``run`` runs."""

    def __init__(
        self, ledger: Ledger, clock: Clock, happenings: Happenings, start: Callable[[str], Awaitable[None]]
    ) -> None:
        """``start`` starts a node and returns once it serves; it raises ClusterError."""
        self._ledger = ledger
        self._clock = clock
        self._happenings = happenings
        self._start = start
        self._lives: dict[str, Lives] = {}
        self._starting: set[str] = set()
        self._scope = anyio.CancelScope()

    async def run(self) -> None:
        """Look who died, for ever, or until ``close``."""
        with self._scope:
            async with anyio.create_task_group() as tasks:
                while not self._ledger.stopped:
                    self._look(tasks)
                    await self._clock.sleep(LOOK_SECONDS)
                tasks.cancel_scope.cancel()

    def close(self) -> None:
        """Start nothing any more; what is being started is given up."""
        self._scope.cancel()

    def forget(self, name: str) -> None:
        """A person starts the node: what it came to before does not count."""
        self._lives.pop(name, None)

    def _look(self, tasks: TaskGroup) -> None:
        now = self._clock.monotonic()
        members = self._ledger.topology.members
        own = [node for node in self._ledger.nodes.values() if node.id in members and members[node.id].started_here]
        self._lives = {node.id: self._lives.get(node.id, Lives()) for node in own if not node.at_rest}
        for node in own:
            if node.at_rest or node.parting or node.id in self._starting:
                continue
            self._lives[node.id], verdict = judge(self._lives[node.id], node.running, now)
            if verdict is Verdict.START:
                self._starting.add(node.id)
                start_soon(tasks, self._revive, node)
            elif verdict is Verdict.GIVE_UP:
                self._give_up(node)

    async def _revive(self, node: RemoteNode) -> None:
        attempt = self._lives[node.id].starts
        try:
            self._happenings.emit(Level.WARNING, f"{node.id} is started again ({attempt} of {STARTS_MOST})", node.id)
            await self._start(node.id)
        except ClusterError:
            # Its trouble says why.
            pass
        finally:
            self._starting.discard(node.id)
            if node.id in self._lives and not node.running:
                lives = self._lives[node.id]
                # A disk without space is no fault of the node's: it is not given up before there is some.
                starts = min(lives.starts, STARTS_MOST - 1) if self._ledger.full else lives.starts
                # The next wait counts from here.
                self._lives[node.id] = replace(lives, starts=starts, since=self._clock.monotonic(), running=False)

    def _give_up(self, node: RemoteNode) -> None:
        why = node.ended or node.trouble
        node.ended = f"{why}; started {STARTS_MOST} times in vain, it is left so: start {node.id}"
        node.trouble = node.ended
        self._happenings.emit(Level.BAD, f"{node.id}: {node.ended}", node.id)
        self._ledger.stir()
