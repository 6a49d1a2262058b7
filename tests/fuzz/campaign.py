"""Mutated frames against a node, round by round, and after each round a client that sends nothing wrong."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Final

from kvtui.core.protocol import FRAME_BYTES, Heartbeat, Reply, decode_reply, encode_lines
from kvtui.node.requests import BLANK
from tests.fuzz.channel import Channel, Connect
from tests.fuzz.healthy import Healthy
from tests.fuzz.model import Exchange, Written, Wrong
from tests.fuzz.mutator import Mutator

FRAMES_MOST: Final = 40
"""Mutants on one connection."""
AT_ONCE: Final = 3
"""Connections that send mutants at the same time, at most."""
SENTINEL: Final = 1 << 40
"""The id of the request after which a connection has been answered."""
CLEAR_ROUNDS: Final = 50
"""After so many rounds the node is emptied, so that its size stays that of a run's beginning."""
_START: Final = encode_lines([Heartbeat(id=0)])
_SENTINEL: Final = f'"id":{SENTINEL}'.encode()
_STOP: Final = b"\n" + encode_lines([Heartbeat(id=SENTINEL)])


_TOO_LONG: Final = (b'"msg":"a line holds at most',)
_ENDS: Final = (b'"status":"error"',)


class Door(Enum):
    """How far the sender of mutants gets."""

    OPEN = "a standalone node that anybody may write to"
    STRANGER = "a cluster's node, and a stranger"
    TRUSTED = "a cluster's node, and its own coordinator"
    GATED = "a node with a secret, and a stranger"


class Ending(Enum):
    """How a connection ends."""

    ANSWERED = 7
    HALF_CLOSED = 2
    ABORTED = 1


@dataclass(slots=True)
class Tally:
    """What was done."""

    frames: int = 0
    """Mutants sent."""
    sent_bytes: int = 0
    connections: int = 0
    answered: int = 0
    """Replies that were no error."""
    refused: int = 0
    cut_off: int = 0
    """Connections that the node ended."""


class Campaign:
    """One node under mutants."""

    def __init__(self, seed: int, door: Door, connect: Connect, vouched: Connect) -> None:
        """``connect`` opens a connection as a stranger does, ``vouched`` one that may speak."""
        self.tally = Tally()
        self._door = door
        self._connect = connect
        self._chance = random.Random(f"campaign:{seed}")
        self._mutator = Mutator(seed, versioned=door is Door.TRUSTED)
        self._written = Written(writable=door in (Door.OPEN, Door.TRUSTED))
        in_cluster = door in (Door.STRANGER, Door.TRUSTED)
        self._healthy = Healthy(seed, vouched, self._written, in_cluster=in_cluster, alone=door is not Door.OPEN)

    async def run(self, frames: int, after_round: Callable[[], None] = lambda: None) -> Tally:
        """Send at least that many mutants. Raises Wrong, Hangs, and EOFError when the node ends what it should answer."""
        await self._healthy.begin()
        rounds = 0
        while self.tally.frames < frames:
            many = 1 if self._door is Door.TRUSTED else self._chance.randint(1, AT_ONCE)
            exchanges = await asyncio.gather(*(self._converse() for _ in range(many)))
            self._written.take(exchanges)
            await self._healthy.check()
            rounds += 1
            if rounds % CLEAR_ROUNDS == 0:
                await self._healthy.empty()
            after_round()
        return self.tally

    async def _converse(self) -> Exchange:
        """One connection's mutants."""
        chance = self._chance
        most = 6 if self._door is Door.GATED else FRAMES_MOST
        frames = [self._mutator.frame() for _ in range(chance.randint(1, most))]
        self.tally.frames += len(frames)
        self.tally.connections += 1
        (ending,) = chance.choices(list(Ending), [ending.value for ending in Ending])
        unframed = self._door is Door.GATED or chance.random() < 0.1
        sent = (b"" if unframed else _START) + b"".join(frames)
        if ending is Ending.ANSWERED:
            sent += _STOP
        self.tally.sent_bytes += len(sent)
        lines = [line for line in sent.split(b"\n") if line.strip(BLANK)]
        channel = await self._open()
        for piece in self._pieces(sent):
            channel.send(piece)
            if chance.random() < 0.2:
                await asyncio.sleep(0)
        await self._finish(channel, ending, len(lines))
        replies = [decode_reply(line) for line in channel.replies]
        self._count(replies)
        if self._door is Door.GATED:
            return _refused(replies)
        if not unframed and ending is not Ending.ABORTED:
            _check_number(lines, replies)
        return Exchange(lines, [] if unframed else replies, unframed)

    async def _open(self) -> Channel:
        channel = Channel()
        await self._connect(lambda: channel)
        if self._door is Door.TRUSTED:
            await self._healthy.command(channel)
            channel.replies.clear()
        return channel

    async def _finish(self, channel: Channel, ending: Ending, wanted: int) -> None:
        if ending is Ending.ABORTED:
            seen = self._chance.randrange(wanted + 1)
            await channel.until(lambda: len(channel.replies) >= seen or self._is_over(channel))
            channel.abort()
        elif ending is Ending.HALF_CLOSED:
            if not channel.closed:
                channel.send_eof()
            await channel.until(lambda: self._is_over(channel))
            channel.abort()
        else:
            await channel.until(lambda: self._is_over(channel) or _is_sentinel(channel))
            self.tally.cut_off += channel.closed
            channel.abort()

    def _is_over(self, channel: Channel) -> bool:
        """Whether the node answers nothing more, though it may go on listening for a while."""
        refused = _ENDS if self._door is Door.GATED else _TOO_LONG
        return bool(channel.replies) and any(sign in channel.replies[-1] for sign in refused)

    def _pieces(self, sent: bytes) -> list[bytes]:
        """The bytes as they are written: whole, in a few pieces, or one by one."""
        chance = self._chance
        if chance.random() < 0.5:
            return [sent]
        if len(sent) < 1000 and chance.random() < 0.1:
            return [sent[at : at + 1] for at in range(len(sent))]
        cuts = sorted({0, len(sent), *chance.choices(range(len(sent) + 1), k=4)})
        return [sent[start:stop] for start, stop in pairwise(cuts)]

    def _count(self, replies: list[Reply]) -> None:
        refused = sum(reply.status == "error" for reply in replies)
        self.tally.refused += refused
        self.tally.answered += len(replies) - refused


def _refused(replies: list[Reply]) -> Exchange:
    """A stranger at a node with a secret gets refusals and nonces, nothing else. Raises Wrong."""
    for reply in replies:
        if reply != Reply(status=reply.status, id=reply.id, code=reply.code, msg=reply.msg, nonce=reply.nonce):
            raise Wrong(f"a stranger was served: {reply}")
        if reply.status != "error" and not reply.nonce:
            raise Wrong(f"a stranger was obeyed: {reply}")
    return Exchange([], [])


def _check_number(lines: list[bytes], replies: list[Reply]) -> None:
    """Every line gets one reply, up to the first one that is too long. Raises Wrong."""
    wanted = next((number for number, line in enumerate(lines, 1) if len(line) > FRAME_BYTES), len(lines))
    if len(replies) != wanted:
        last = replies[-1] if replies else None
        raise Wrong(f"{len(replies)} replies to {wanted} lines; the last one: {last}")


def _is_sentinel(channel: Channel) -> bool:
    return bool(channel.replies) and _SENTINEL in channel.replies[-1]
