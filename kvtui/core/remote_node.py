"""A member as the coordinator sees it: its link, its state, what it last said of itself."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.protocol import ERROR, FULL, PROTOCOL, UNAUTHENTICATED, Facts, Heartbeat, Hello, Reply, other_protocol
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.launcher import NodeProcess
from kvtui.core.seams.transport import Transport, Unreachable
from kvtui.core.snapshot import NodeState
from kvtui.core.traffic import Traffic

SUSPECT_SECONDS: Final = 0.75
"""A node that owes a reply for this long is SUSPECT."""
HEARTBEAT_SECONDS: Final = 0.5


NOT_STARTED: Final = "could not start"
"""How it begins why a node that is to run here does not, where its process could not be started."""


class Refused(Exception):
    """A node answered a hello with an error; ``reply`` says which."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.msg)
        self.reply = reply


class NotANode(Exception):
    """What listens at an address is no kvtui node; the text says what it is."""


class OtherProtocol(NotANode):
    """A node of another kvtui, which gives messages another meaning."""


class NotTrusted(NotANode):
    """A node and this coordinator don't share a secret; the text goes on after the node's name and address."""


OBEYS_ANOTHER: Final = "one that another kvtui started obeys that one alone"
WANTS_SECRET: Final = f"wants a secret: give it in a secret file or as KVTUI_SECRET; {OBEYS_ANOTHER}"


SPEAKS_TLS: Final = "it speaks TLS alone: give the TLS authority that vouches for its certificate"


@dataclass(slots=True)
class RemoteNode:
    """One member. ``link`` is set only while a hello holds: the node takes this coordinator's requests."""

    id: str
    host: str
    port: int
    link: Link | None = None
    facts: Facts = field(default_factory=Facts)
    state: NodeState = NodeState.DOWN
    trouble: str = ""
    """Why the node is not UP, for people."""
    known_counter: int = 0
    """The highest write counter that the node told on earlier links, in this life of its data."""
    traffic: Traffic = field(default_factory=Traffic)
    """Operations that were answered, on whatever link."""
    process: NodeProcess | None = None
    """Of a node that this coordinator started: its newest life, which may have ended."""
    ended: str = ""
    """Why that process does not run: what kept it from starting, or ended it. Empty while it runs. It is the first cause: nothing
    that is met later at the node's address is told instead."""
    at_rest: bool = False
    """A person ended it: until a person starts it, it is to stay so."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to make the supervisor look at the node now."""

    unlogged: bool = False
    """It came back without its data, and the log has no space to say so: until it has, the node is not used."""

    losses: int = 0
    """How often a link on which it had served was taken away."""

    parting: bool = False
    """It is being released from the cluster: nobody calls it any more."""

    @property
    def usable(self) -> bool:
        return self.link is not None

    @property
    def running(self) -> bool:
        """Whether this coordinator started it and its process lives."""
        return self.process is not None and self.process.alive

    @property
    def counter(self) -> int:
        """The highest write counter that the node told in this life of its data: a lower one means that it lost some."""
        return self.known_counter if self.link is None else max(self.known_counter, self.link.counter)

    def unlink(self) -> Link | None:
        """Take the link away, keeping what was learned on it."""
        self.known_counter = self.counter
        link, self.link = self.link, None
        self.losses += link is not None
        return link

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    async def ask(self, request: object) -> Reply:
        """Send a request and wait. Raises LinkLost, also when the node is not connected, and LinkFull."""
        if self.link is None:
            raise LinkLost(f"{self.id} is not connected")
        return await self.link.ask(request)  # type: ignore[arg-type]

    def observed_state(self, now: float) -> NodeState:
        """What the link's silence says at ``now`` (monotonic seconds)."""
        if self.link is None:
            return NodeState.DOWN
        since = self.link.silent_since
        return NodeState.SUSPECT if since is not None and now - since > SUSPECT_SECONDS else NodeState.UP

    async def refresh(self) -> bool:
        """Bring ``facts`` up to date. False, and they stay as they are, when the node does not say."""
        try:
            reply = await self.ask(Heartbeat())
        except (LinkLost, LinkFull):
            return False
        if reply.facts is not None:
            self.facts = reply.facts
        return reply.facts is not None

    def beat(self, refused: Callable[[Reply], None]) -> None:
        """Send a heartbeat; its reply refreshes ``facts``. An error reply goes to ``refused``."""
        link = self.link
        if link is None:
            return

        def answered(reply: Reply | None) -> None:
            if reply is None or self.link is not link:
                return
            if reply.facts is not None:
                self.facts = reply.facts
            elif reply.status == ERROR:
                refused(reply)

        try:
            link.send(Heartbeat(), answered)
        except (LinkLost, LinkFull):
            return


async def say_hello(link: Link, hello: Hello) -> Facts:
    """Open the conversation on a fresh link. Raises Refused, NotANode (OtherProtocol, NotTrusted), LinkLost."""
    reply = await link.ask(msgspec.structs.replace(hello, protocol=PROTOCOL))
    if reply.code == UNAUTHENTICATED:
        raise NotTrusted(WANTS_SECRET)
    if reply.status == ERROR and reply.code == FULL:
        # It is one of ours, and can't store that it obeys.
        text = f"it is not used, since it has no space to note whom it obeys: {reply.msg}; make space there"
        raise Refused(msgspec.structs.replace(reply, msg=text))
    if reply.facts is None or reply.facts.product != "kvtui":
        raise NotANode(_stranger(reply))
    strange = other_protocol(reply.facts.protocol, "this one")
    if strange:
        raise OtherProtocol(f"it {strange}")
    if reply.status == ERROR:
        raise Refused(reply)
    return reply.facts


async def interview(transport: Transport, clock: Clock, host: str, port: int) -> Facts:
    """Ask what listens at an address who it is, and hang up. Raises Unreachable, NotANode."""
    link = Link(clock, lambda _link, _reason: None)
    await transport.connect(host, port, lambda: link)
    try:
        return await say_hello(link, Hello())
    except LinkLost as error:
        raise NotANode(f"it is no kvtui node: {error}") from None
    except Refused as error:
        raise NotANode(f"it refuses to say who it is: {error}") from None
    finally:
        link.close("asked enough")


def _stranger(reply: Reply) -> str:
    if reply.status == ERROR and reply.code == "tls":
        return SPEAKS_TLS
    if reply.status == ERROR and reply.msg == "unknown op":
        return "it is a node of the original C++ project, which has no versions; start kvtui-node there instead"
    return "it is no kvtui node"


__all__ = [
    "HEARTBEAT_SECONDS",
    "SUSPECT_SECONDS",
    "NotANode",
    "NotTrusted",
    "OtherProtocol",
    "Refused",
    "RemoteNode",
    "Unreachable",
    "interview",
    "say_hello",
]
