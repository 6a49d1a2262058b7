"""One write on its way to its replicas: a small value that is fed with answers and then says how it ended."""

import asyncio
from dataclasses import dataclass, field

from kvtui.core.cluster import Outcome, ReplicaAnswer
from kvtui.core.protocol import ERROR, FENCED, SUPERSEDED, Reply
from kvtui.core.version import Version


@dataclass(slots=True, eq=False)
class PendingWrite:
    """Keys of equal placement that were sent together. ``waiting`` are the nodes whose answers it needs."""

    keys: tuple[bytes, ...]
    slots: tuple[int, ...]
    version: Version
    """Of the first key; those that follow count on."""
    waiting: set[str]
    began: float
    """Monotonic seconds."""
    settled: "asyncio.Future[None]"
    """Done when its fate is known, or its deadline has passed: then another future takes its place."""
    may_hold: set[str] = field(default_factory=set)
    """Nodes that it was sent to, those that get it without counting included, and that did not refuse it."""
    acknowledged: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    """Nodes whose link was lost before they answered: they may hold the write."""
    refused: dict[str, str] = field(default_factory=dict)
    """Nodes that answered with an error, and why: they don't hold the write."""
    fenced: str = ""
    """Why a node does not take this coordinator's requests any more."""
    buries: bool = False
    """It stores a tombstone."""
    overdue: bool = False
    """Its deadline passed before it settled: whoever waited for it was told that its outcome is unknown."""
    ended: float = 0.0
    """When its fate was known, in monotonic seconds; 0 while it is not."""
    existed: bool = False
    outcome: Outcome = Outcome.UNKNOWN
    """How it ended, once ``settled``."""
    answers: dict[str, ReplicaAnswer] = field(default_factory=dict)

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
            self.existed = self.existed or reply.status == "ok"
            self.answers[node] = ReplicaAnswer(node, reply.status, "", milliseconds)
        self.waiting.discard(node)
        return not self.waiting

    @property
    def stored_nowhere(self) -> bool:
        """Every node that it was sent to refused it: nobody holds it, or ever will."""
        return not self.may_hold
