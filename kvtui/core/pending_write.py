"""One write on its way to its replicas: a small value that is fed with answers and then says how it ended."""

import asyncio
from collections.abc import Sequence

from kvtui.core.cluster import Outcome, ReplicaAnswer
from kvtui.core.protocol import ERROR, FENCED, OK, SUPERSEDED, Reply
from kvtui.core.version import Version


class PendingWrite:
    """Keys of equal placement that were sent together. ``waiting`` are the nodes whose answers it needs."""

    __slots__ = (
        "acknowledged", "answers", "began", "buries", "ended", "existed", "fenced", "found", "keys", "may_hold", "observers",
        "outcome", "overdue", "refused", "silent", "slots", "version", "waiter", "waiting",
    )  # fmt: skip

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
        """``version`` is that of the first key; those that follow count on. ``began`` is in monotonic seconds."""
        self.keys = keys
        self.slots = slots
        self.version = version
        self.waiting = waiting
        self.began = began
        self.waiter = waiter
        """Done when its fate is known, or its deadline has passed. Whoever wrote waits for it, and may cancel it."""
        self.observers: list[asyncio.Future[None]] | None = None
        """Futures of others who wait for its end, by ``settled``."""
        self.may_hold: set[str] = set() if may_hold is None else may_hold
        """Nodes that it was sent to, those that get it without counting included, and that did not refuse it."""
        self.acknowledged: list[str] = []
        self.silent: list[str] = []
        """Nodes whose link was lost before they answered: they may hold the write."""
        self.refused: dict[str, str] = {}
        """Nodes that answered with an error, and why: they don't hold the write."""
        self.fenced = ""
        """Why a node does not take this coordinator's requests any more."""
        self.buries = buries
        """It stores tombstones."""
        self.overdue = False
        """Its deadline passed before it settled: whoever waited for it was told that its outcome is unknown."""
        self.ended = 0.0
        """When its fate was known, in monotonic seconds; 0 while it is not."""
        self.existed = False
        self.found = 0
        """Keys of a batch that a node had a value for."""
        self.outcome = Outcome.UNKNOWN
        """How it ended, once that is known."""
        self.answers: dict[str, ReplicaAnswer] = {}

    def feed(self, node: str, reply: Reply | None, now: float) -> bool:
        """Take a node's answer (None: its link was lost). True when nothing more is waited for."""
        milliseconds = (now - self.began) * 1000
        if reply is None:
            self.silent.append(node)
            self.answers[node] = ReplicaAnswer(node, "silent", "no answer", milliseconds)
        elif reply.status == ERROR:
            self.refused[node] = reply.msg
            self.may_hold.discard(node)
            if reply.code in (FENCED, SUPERSEDED):
                self.fenced = self.fenced or f"{node}: {reply.msg}"
            self.answers[node] = ReplicaAnswer(node, ERROR, reply.msg, milliseconds)
        else:
            self.acknowledged.append(node)
            if reply.status == OK:
                self.existed = True
                if reply.counts is not None:
                    self.found = max(self.found, *reply.counts)
            self.answers[node] = ReplicaAnswer(node, reply.status, "", milliseconds)
        self.waiting.discard(node)
        return not self.waiting

    def settled(self) -> "asyncio.Future[None]":
        """A future of the caller's own, done when the write's fate is known or its deadline has passed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.observers is None:
            self.observers = []
        self.observers.append(future)
        return future

    def let_go(self) -> None:
        """Its fate is known, or its deadline has passed: whoever waits goes on."""
        if not self.waiter.done():
            self.waiter.set_result(None)
        observers, self.observers = self.observers, None
        for future in observers or ():
            if not future.done():
                future.set_result(None)

    @property
    def stored_nowhere(self) -> bool:
        """Every node that it was sent to refused it: nobody holds it, or ever will."""
        return not self.may_hold
