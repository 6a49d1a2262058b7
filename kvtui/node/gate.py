"""The gate of a node that has a secret: who has not proved to know it gets no further, and can't keep others from it."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from kvtui.core.authentication import NONCE_BYTES, Role, Secret, place_of, read_hex
from kvtui.core.crowd import Crowd, Waiting
from kvtui.core.protocol import (
    ERROR,
    OK,
    PROOF_BYTES,
    RELAYED,
    UNAUTHENTICATED,
    UNPROVED,
    WRONG_SECRET,
    Challenge,
    Prove,
    Reply,
)
from kvtui.core.seams.chance import Random
from kvtui.core.seams.clock import Clock
from kvtui.node.refusals import Kind, Refusals
from kvtui.node.requests import read_request, unframed

REMEMBERED: Final = 4096
"""Coordinators' nonces that were proved, kept to tell a replayed exchange from a wrong secret. Either is refused."""
PROOF_LENGTH: Final = 32
WANTED: Final = "this node wants a secret: prove it first"


class Heard(NamedTuple):
    """What to do after a connection that has proved nothing spoke."""

    replies: tuple[Reply, ...] = ()
    """To be sent."""
    refusal: Reply | None = None
    """To be sent last: the connection ends."""
    plain: bool = False
    """Whether the refused one speaks as the original's coordinator does."""
    rest: bytes | None = None
    """Set once the secret is proved: what came after the proof, to be answered as anybody's."""


class Gate:
    """What the connections of one node share: its secret, who waits, what was refused."""

    def __init__(
        self, secret: Secret, random: Random, clock: Clock, say: Callable[[str], None], *, certificate: str = ""
    ) -> None:
        """``say`` is given lines for the operator; ``certificate`` is the SHA-256 of the node's own, where it speaks TLS."""
        self.secret = secret
        self.random = random
        self.certificate = certificate
        self._refusals = Refusals(clock, say)
        self._crowd: Crowd[Waiting] = Crowd(UNPROVED)
        self._proved: dict[bytes, None] = {}
        self._order: deque[bytes] = deque()

    @property
    def waiting(self) -> int:
        """Connections that have proved nothing yet."""
        return len(self._crowd)

    def enter(self, connection: Waiting, transport: asyncio.BaseTransport) -> "Guard":
        """A connection begins. For one too many, another that has proved nothing ends."""
        own, other = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        # A peer that is gone already has no name any more.
        host = str(other[0]) if other else "a closed connection"
        crowded = self._crowd.enter(connection, host)
        if crowded is not None:
            self._refusals.note(Kind.FLOOD, crowded)
        return Guard(self, host, place_of(own or ("", 0), self.certificate))

    def leave(self, connection: Waiting) -> None:
        """A connection has proved its secret, or ended."""
        self._crowd.leave(connection)

    def refused(self, kind: Kind, host: str) -> None:
        self._refusals.note(kind, host)

    def crowded(self, host: str) -> None:
        """Too many connections from ``host`` came no further than their TLS handshake."""
        self._refusals.note(Kind.FLOOD, host)

    def close(self) -> None:
        """Tell of refusals that were only counted so far."""
        self._refusals.tell()

    def is_replay(self, nonce: bytes) -> bool:
        return nonce in self._proved

    def remember(self, nonce: bytes) -> None:
        self._proved[nonce] = None
        self._order.append(nonce)
        if len(self._order) > REMEMBERED:
            del self._proved[self._order.popleft()]


class Guard:
    """One connection's exchange, from its first byte to its proof. No more than ``PROOF_BYTES`` are read."""

    def __init__(self, gate: Gate, host: str, place: str) -> None:
        self._gate = gate
        self._host = host
        self._place = place
        self._text = b""
        self._heard = 0
        self._asked: bytes | None = None
        self._answered = b""

    def hear(self, data: bytes) -> Heard:
        """What ``data`` leads to."""
        self._heard += len(data)
        if self._heard > PROOF_BYTES:
            return self._refuse(Kind.NONE, UNAUTHENTICATED, WANTED)
        self._text += data
        replies: list[Reply] = []
        while b"\n" in self._text:
            line, _, self._text = self._text.partition(b"\n")
            if not line.strip():
                continue
            reply = self._answer(line)
            if isinstance(reply, Heard):
                return reply._replace(replies=tuple(replies))
            replies.append(reply)
            if reply.proof:
                rest, self._text = self._text, b""
                return Heard(tuple(replies), rest=rest)
        request = unframed(self._text)
        if request is not None:
            return self._refuse(Kind.NONE, UNAUTHENTICATED, WANTED)._replace(
                replies=tuple(replies), plain=self._asked is None
            )
        return Heard(tuple(replies))

    def late(self) -> Reply:
        """The refusal of one that proved nothing in time."""
        refusal = self._refuse(Kind.SILENT, UNAUTHENTICATED, "no proof of the secret came in time").refusal
        assert refusal is not None
        return refusal

    def ended(self) -> Heard:
        """What it leads to that the client sends no more."""
        if not self._text.strip():
            return Heard()
        return self._refuse(Kind.NONE, UNAUTHENTICATED, WANTED)._replace(plain=self._asked is None)

    def _answer(self, line: bytes) -> Reply | Heard:
        request = read_request(line)
        if isinstance(request, Challenge) and self._asked is None:
            return self._challenged(request)
        if isinstance(request, Prove) and self._asked is not None:
            return self._proved(request, self._asked)
        return self._refuse(Kind.NONE, UNAUTHENTICATED, WANTED, request.id)

    def _challenged(self, request: Challenge) -> Reply | Heard:
        nonce = read_hex(request.nonce, NONCE_BYTES)
        if nonce is None:
            text = f"a nonce is {NONCE_BYTES} bytes in hexadecimal"
            return self._refuse(Kind.WRONG, UNAUTHENTICATED, text, request.id)
        if self._gate.is_replay(nonce):
            return self._refuse(Kind.REPLAY, WRONG_SECRET, "this exchange was had before", request.id)
        if request.place != self._place:
            text = "it was not reached where it was meant: use the node's own address, or TLS"
            return self._refuse(Kind.RELAYED, RELAYED, text, request.id)
        self._asked, self._answered = nonce, self._gate.random.nonce()
        return Reply(status=OK, id=request.id, nonce=self._answered.hex())

    def _proved(self, request: Prove, asked: bytes) -> Reply | Heard:
        given = read_hex(request.proof, PROOF_LENGTH) or b""
        secret = self._gate.secret
        if not secret.proves(given, Role.COORDINATOR, self._place, asked, self._answered):
            return self._refuse(Kind.WRONG, WRONG_SECRET, "this is not the node's secret", request.id)
        self._gate.remember(asked)
        own = secret.proof(Role.NODE, self._place, asked, self._answered)
        return Reply(status=OK, id=request.id, proof=own.hex())

    def _refuse(self, kind: Kind, code: str, text: str, number: int | None = None) -> Heard:
        self._gate.refused(kind, self._host)
        return Heard(refusal=Reply(status=ERROR, id=number, code=code, msg=text))
