"""One write on its way to its replicas: a small value that is fed with answers and then says how it ended."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from kvtui.core.cluster import Outcome, ReplicaAnswer
from kvtui.core.protocol import ERROR, FENCED, OK, SUPERSEDED, Reply
from kvtui.core.version import Version

_NOBODY: Mapping[str, str] = MappingProxyType({})


class PendingWrite:
    """Keys of equal placement that were sent together. ``waiting`` are the nodes whose answers it needs.

    What few writes ever need has its default in the class: to make one is a good part of what a write costs.
    """

    observers: "Sequence[asyncio.Future[None]]" = ()
    """Futures of others who wait for its end, by ``settled``."""
    silent: Sequence[str] = ()
    """Nodes whose link was lost before they answered: they may hold the write."""
    refused: Mapping[str, str] = _NOBODY
    """Nodes that answered with an error, and why: they don't hold the write."""
    remade: Collection[str] = ()
    """Nodes that came to be clean anew since it was sent: made equal to one that may lack it, they may have dropped what they had
    acknowledged."""
    fenced = ""
    """Why a node does not take this coordinator's requests any more."""
    ahead = 0.0
    """Seconds after ``began`` for which it waited for its turn and sent its value ahead: its deadline counts from then."""
    overdue = False
    """Its deadline passed before it settled: whoever waited for it was told that its outcome is unknown."""
    ended = 0.0
    """When its fate was known, in monotonic seconds; 0 while it is not."""
    existed = False
    """A node had a value before."""
    found = 0
    """Keys of a batch that a node had a value for."""
    outcome = Outcome.UNKNOWN
    """How it ended, once that is known."""

    def __init__(
        self,
        keys: Sequence[bytes],
        slots: Sequence[int],
        version: Version,
        waiting: set[str],
        began: float,
        waiter: "asyncio.Future[None]",
        *,
        may_hold: set[str] | None = None,
        buries: bool = False,
    ) -> None:
        """``version`` is that of the first key; those that follow count on. ``began`` is in monotonic seconds.

        ``buries``: it stores tombstones.
        """
        self.keys = keys
        self.slots = slots
        self.version = version
        self.waiting = waiting
        self.began = began
        self.waiter = waiter
        """Done when its fate is known, or its deadline has passed. Whoever wrote waits for it, and may cancel it."""
        self.may_hold: set[str] = set() if may_hold is None else may_hold
        """Nodes that it was sent to, those that get it without counting included, and that did not refuse it."""
        self.acknowledged: list[str] = []
        self.buries = buries
        self.answers: dict[str, ReplicaAnswer] = {}
        """What each node said so far."""

    def feed(self, node: str, reply: Reply | None, now: float) -> bool:
        """Take a node's answer (None: its link was lost). True when nothing more is waited for."""
        milliseconds = (now - self.began) * 1000
        if reply is None:
            self.silent = [*self.silent, node]
            self.answers[node] = ReplicaAnswer(node, "silent", "", milliseconds)
        elif (status := reply.status) == ERROR:
            self.refused = {**self.refused, node: reply.msg}
            self.may_hold.discard(node)
            if reply.code in (FENCED, SUPERSEDED):
                self.fenced = self.fenced or f"{node}: {reply.msg}"
            self.answers[node] = ReplicaAnswer(node, ERROR, reply.msg, milliseconds)
        else:
            self.acknowledged.append(node)
            self.answers[node] = ReplicaAnswer(node, status, "", milliseconds)
            if status == OK:
                self.existed = True
                if reply.counts is not None:
                    self.found = max(self.found, *reply.counts)
        self.waiting.discard(node)
        return not self.waiting

    def settled(self) -> "asyncio.Future[None]":
        """A future of the caller's own, done when the write's fate is known or its deadline has passed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.observers = [*self.observers, future]
        return future

    def let_go(self) -> None:
        """Its fate is known, or its deadline has passed: whoever waits goes on."""
        if not self.waiter.done():
            self.waiter.set_result(None)
        if self.observers:
            observers, self.observers = self.observers, ()
            for future in observers:
                if not future.done():
                    future.set_result(None)

    @property
    def stored_nowhere(self) -> bool:
        """Every node that it was sent to refused it: nobody holds it, or ever will."""
        return not self.may_hold
