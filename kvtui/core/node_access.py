"""Which nodes a coordinator speaks to: those that prove to know what is expected of them.

Nodes that it started itself know a secret that nobody else does. Others know the person's, or, where there is none, are on this
machine.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple, Self, cast

from kvtui.core.authentication import NONCE_BYTES, Role, Secret, place_of, read_hex
from kvtui.core.framing import Lines
from kvtui.core.loopback import is_loopback
from kvtui.core.malformed import MALFORMED
from kvtui.core.protocol import (
    BUSY,
    NO_SECRET,
    PROOF_BYTES,
    RELAYED,
    WRONG_SECRET,
    Challenge,
    Prove,
    Reply,
    Request,
    decode_reply,
    encode_lines,
)
from kvtui.core.remote_node import OBEYS_ANOTHER, SPEAKS_TLS, NotANode, NotTrusted
from kvtui.core.seams.chance import Random
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.tls import fingerprint_of
from kvtui.core.seams.transport import Listener, Transport

ANSWER_SECONDS: Final = 1.5
"""How long a node may take for the whole exchange."""
PROOF_LENGTH: Final = 32
ELSEWHERE: Final = "is not on this machine: nodes elsewhere need a secret: give it in a secret file or as KVTUI_SECRET"
IMPOSTOR: Final = (
    "is not the process that was started there: something else answers at its address, and was sent nothing"
)
NO_PROOF: Final = "does not prove that it knows the secret: it may be a stranger, nothing was sent to it"
_REFUSALS: Final = {
    NO_SECRET: "has no secret, and this kvtui has one: start the node with that one too",
    WRONG_SECRET: f"has another secret: give the node's in a secret file or as KVTUI_SECRET; {OBEYS_ANOTHER}",
    RELAYED: "is reached through something that passes the bytes on: use its own address, or TLS",
}


class Access(NamedTuple):
    """How a coordinator reaches nodes. What is expected goes by who the node is: its address may be another's by now."""

    others: Transport
    """For nodes that run by themselves, members and strangers."""
    own: Transport
    """For those that this coordinator started."""

    @classmethod
    def over(cls, transport: Transport, secret: Secret | None, own: Secret, random: Random, clock: Clock) -> Self:
        """``secret``: what nodes of others must know; ``own``: what nodes of this coordinator's do."""
        return cls(NodeAccess(transport, secret, random, clock), OwnNodeAccess(transport, own, random, clock))


class NodeAccess:
    """A transport that hands a stream over once the node has proved itself, and opens none where none may be trusted.

    A node without a secret is refused even on loopback when this side has one: else whoever takes a node's port could
    ask to be spared the proof.
    """

    def __init__(self, transport: Transport, secret: Secret | None, random: Random, clock: Clock) -> None:
        self._transport = transport
        self._secret = secret
        self._random = random
        self._clock = clock

    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        """As ``Transport.connect``. Raises Unreachable, NotTrusted, and NotANode for something of another kind."""
        if self._secret is None:
            if not is_loopback(host):
                raise NotTrusted(ELSEWHERE)
            await self._transport.connect(host, port, make)
            return
        exchange = _Exchange(self._secret, self._random.nonce(), make)
        await self._transport.connect(host, port, lambda: exchange)
        timer = self._clock.call_later(ANSWER_SECONDS, exchange.give_up)
        try:
            await exchange.done
        except BaseException:
            exchange.abort()
            raise
        finally:
            timer.cancel()

    async def listen(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> Listener:
        return await self._transport.listen(host, port, make)


class OwnNodeAccess(NodeAccess):
    """The same for nodes that were started here: there is nothing that a person could give or mend."""

    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        try:
            await super().connect(host, port, make)
        except NotTrusted:
            raise NotTrusted(IMPOSTOR) from None


def fresh_secret(random: Random) -> Secret:
    """One that nobody can foresee, for the nodes that a coordinator starts in its life."""
    return Secret(random.nonce().hex().encode())


class _Exchange(asyncio.Protocol):
    """The coordinator's side of the challenge and response, before its stream's real protocol begins."""

    def __init__(self, secret: Secret, nonce: bytes, make: Callable[[], asyncio.Protocol]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails with NotTrusted or NotANode."""
        self._secret = secret
        self._asked = nonce
        self._answered: bytes | None = None
        self._make = make
        self._place = ""
        self._lines = Lines(PROOF_BYTES)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._place = place_of(transport.get_extra_info("peername") or ("", 0), fingerprint_of(transport))
        self._send(Challenge(nonce=self._asked.hex(), place=self._place))

    def data_received(self, data: bytes) -> None:
        for line in self._lines.feed(data).splitlines():
            if not self.done.done():
                self._hear(line)
        if self._lines.overlong:
            self._fail(NotANode("it is no kvtui node"))

    def eof_received(self) -> None:
        # A server of another kind may answer without a newline.
        rest = self._lines.take_rest()
        if rest.strip() and not self.done.done():
            self._hear(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(NotANode("it ended the connection instead of proving that it knows the secret"))

    def give_up(self) -> None:
        self._fail(NotANode(f"it did not answer as a kvtui node within {ANSWER_SECONDS:g} s"))

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _hear(self, line: bytes) -> None:
        try:
            reply = decode_reply(line)
        except MALFORMED:
            self._fail(NotANode("it is no kvtui node"))
            return
        if reply.status != "ok":
            self._fail(_refusal(reply))
        elif self._answered is None:
            self._prove(reply)
        else:
            self._check(reply, self._answered)

    def _prove(self, reply: Reply) -> None:
        nonce = read_hex(reply.nonce, NONCE_BYTES)
        # A node that gives this side's own nonce back wants it to prove to itself.
        if nonce is None or nonce == self._asked:
            self._fail(NotTrusted(NO_PROOF))
            return
        self._answered = nonce
        self._send(Prove(proof=self._secret.proof(Role.COORDINATOR, self._place, self._asked, nonce).hex()))

    def _check(self, reply: Reply, answered: bytes) -> None:
        given = read_hex(reply.proof, PROOF_LENGTH) or b""
        if not self._secret.proves(given, Role.NODE, self._place, self._asked, answered):
            self._fail(NotTrusted(NO_PROOF))
            return
        transport = self._transport
        assert transport is not None
        protocol = self._make()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self.done.set_result(None)

    def _send(self, request: Request) -> None:
        assert self._transport is not None
        self._transport.write(encode_lines([request]))

    def _fail(self, error: NotANode) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            # Who gave up waiting never looks at it.
            self.done.exception()


def _refusal(reply: Reply) -> NotANode:
    known = _REFUSALS.get(reply.code)
    if known is not None:
        return NotTrusted(known)
    if reply.code == "tls":
        return NotANode(SPEAKS_TLS)
    if reply.code == BUSY:
        return NotANode("it is busy: it has as many connections as it serves")
    if reply.msg == "unknown op":
        return NotTrusted("is a node of the original C++ project, which has no secret; start kvtui-node there instead")
    # Its words are not repeated: they are a stranger's.
    return NotANode("it is no kvtui node, or refuses to talk")
