"""One pipelined connection from the coordinator to a node.

Requests of one loop tick leave in one write, replies come back in order and are handed to their callbacks. There is no task, cancel
scope or timer per request: one sweep notices a node that went silent and gives up the whole connection. Two kinds of request don't
wait for the end of the tick: one of many keys, so that its node works while the next is made, and one of a client that seems to be
alone, since nothing else will come to travel with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import msgspec

from kvtui.core.framing import Lines
from kvtui.core.malformed import MALFORMED, what_is_wrong
from kvtui.core.protocol import FRAME_BYTES, IN_FLIGHT, Reply, Request
from kvtui.core.seams.clock import Clock, Timer
from kvtui.core.traffic import SINGLE, Traffic, keys_of
from kvtui.core.undisturbed import undisturbed

SILENT_SECONDS: Final = 1.5
"""A node that owes a reply and sends nothing for this long is given up."""
SWEEP_SECONDS: Final = 0.1
LATE_SECONDS: Final = 5 * SWEEP_SECONDS
"""A sweep that comes so long after the last tells that this process was not listening meanwhile."""
IN_FLIGHT_BYTES: Final = 64 * 1024 * 1024
"""Most bytes of requests that wait in a link to be sent; more are refused at once."""
TICK_BYTES: Final = 256 * 1024
"""Bytes of keys and values that wait for the end of the tick; above it they leave at once."""

OnReply = Callable[[Reply | None], None]
"""Called once a request: with the reply, or with None when the link was lost before one came."""

_encode_into = msgspec.json.Encoder().encode_into
_decode_lines = msgspec.json.Decoder(Reply).decode_lines


class LinkLost(Exception):
    """The connection ended before the reply: whether the node carried the request out is unknown."""


class LinkFull(Exception):
    """Too many requests wait for the node; nothing was sent."""


class Unencodable(LinkFull):
    """What is in the request has no place on the wire; nothing was sent. The text holds nothing of it."""


class Link(asyncio.Protocol):
    """An ``asyncio.Protocol`` that speaks ``kvtui.core.protocol`` to one node."""

    def __init__(self, clock: Clock, lost: Callable[["Link", str], None], traffic: Traffic | None = None) -> None:
        """``lost`` is called once, with the reason for people, before the waiting callbacks get their None. ``traffic`` counts
        the operations that are answered."""
        self._clock = clock
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._lines = Lines(FRAME_BYTES)
        self._traffic = traffic or Traffic()
        self._note_latency = self._traffic.note_latency
        self._waiting: deque[tuple[OnReply | asyncio.Future[Reply], float, int]] = deque()
        """Who waits for a reply, since when, and for how many keys."""
        self._outgoing = bytearray()
        """Requests that wait for the end of the tick, as lines: what can't be encoded is refused to who sends it, alone."""
        self._outgoing_requests = 0
        self._outgoing_bytes = 0
        self._alone = True
        """The last write carried one request."""
        self._flushing = False
        """A flush comes at the end of the tick."""
        self._ticked = 0.0
        """When the first request of this tick came: for all of them, the time at which they were sent."""
        self._sweep: Timer | None = None
        self._swept = 0.0
        """When the last sweep was, or when the first one was asked for."""
        self._resumed = 0.0
        """When this process had last been kept from listening for a while: what was silent until then may not have been."""
        self._reason = ""
        self.heard = 0.0
        """When bytes last came, on the clock's monotonic scale."""
        self.counter = 0
        """The highest write counter that the node told on this connection: so far its data is synced."""

    @property
    def open(self) -> bool:
        return self._transport is not None

    @property
    def reason(self) -> str:
        """Why the connection ended; empty while it has not."""
        return self._reason

    @property
    def silent_since(self) -> float | None:
        """Since when the node owes a reply without sending anything; None when it owes none."""
        return max(self.heard, self._waiting[0][1], self._resumed) if self._waiting else None

    def send(self, request: Request, on_reply: "OnReply | asyncio.Future[Reply]", size: int = 0) -> None:
        """Queue a request, whose keys and values have about ``size`` bytes.

        The reply goes to ``on_reply``; a future that was cancelled meanwhile is passed over. Raises LinkLost or LinkFull, and
        then ``on_reply`` is never called.
        """
        if self._transport is None:
            raise LinkLost(self._reason or "not connected")
        waiting = self._waiting
        if len(waiting) >= IN_FLIGHT:
            raise LinkFull(f"{len(waiting)} requests wait for the node")
        outgoing = self._outgoing
        before = len(outgoing)
        if not before:
            self._begin_tick()
        try:
            _encode_into(request, outgoing, -1)
        except Exception as error:
            del outgoing[before:]
            # The words of the error may hold a part of the text that it is about.
            raise Unencodable(f"something in the request can't be encoded ({type(error).__name__})") from None
        outgoing += b"\n"
        self._outgoing_requests += 1
        keys = 1 if type(request) in SINGLE else keys_of(request)
        alone = self._alone and not waiting
        waiting.append((on_reply, self._ticked, keys))
        self._outgoing_bytes += size
        if alone or keys > 1 or self._outgoing_bytes > TICK_BYTES:
            self._flush()
        elif not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._end_tick)

    def ask(self, request: Request) -> "asyncio.Future[Reply]":
        """Like ``send``, with a future, which fails with LinkLost. Raises LinkLost or LinkFull."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.send(request, future)
        return future

    def close(self, reason: str) -> None:
        """Give the connection up now; waiting requests are lost."""
        transport = self._transport
        if transport is not None:
            self._end(reason)
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport without being one.
        self._transport = cast(asyncio.Transport, transport)
        self.heard = self._clock.monotonic()

    def data_received(self, data: bytes) -> None:
        self.heard = self._clock.monotonic()
        complete = self._lines.feed(data)
        if complete:
            self._deliver(complete)
        if self._lines.overlong:
            self.close(f"it sent a line of more than {FRAME_BYTES:,} bytes")

    def eof_received(self) -> None:
        # A server of another kind may answer without a newline and close: what it said is still its answer.
        rest = self._lines.take_rest()
        if rest.strip() and self._waiting:
            self._deliver(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        reason = f"the connection broke ({exc})" if exc else "the node closed the connection"
        self._end(reason)

    def _deliver(self, lines: bytes) -> None:
        try:
            replies = _decode_lines(lines)
        except MALFORMED as error:
            self.close(f"it does not speak this protocol ({what_is_wrong(error, lines)})")
            return
        for reply in replies:
            if self._transport is None:
                return
            if not self._waiting:
                self.close("it answered without being asked")
                return
            counter = reply.counter if reply.facts is None else reply.facts.counter
            if counter is not None and counter > self.counter:
                self.counter = counter
            on_reply, sent, keys = self._waiting.popleft()
            if keys == 1:
                self._note_latency(self.heard - sent)
            elif keys:
                self._traffic.add(keys)
            if not isinstance(on_reply, asyncio.Future):
                on_reply(reply)
            elif not on_reply.done():
                on_reply.set_result(reply)

    def _begin_tick(self) -> None:
        """The first of the tick's requests is about to be queued. Raises LinkFull."""
        transport = self._transport
        if transport is not None and transport.get_write_buffer_size() > IN_FLIGHT_BYTES:
            raise LinkFull(f"{len(self._waiting)} requests wait for the node")
        self._ticked = self._clock.monotonic()
        if self._sweep is None:
            self._sweep_later(self._ticked)

    def _sweep_later(self, now: float) -> None:
        self._swept = now
        self._sweep = self._clock.call_later(SWEEP_SECONDS, self._look_for_silence)

    def _end_tick(self) -> None:
        self._flushing = False
        self._flush()

    def _flush(self) -> None:
        outgoing = self._outgoing
        if self._transport is not None and outgoing:
            self._alone = self._outgoing_requests == 1
            self._outgoing = bytearray()
            self._outgoing_requests = self._outgoing_bytes = 0
            try:
                self._transport.write(outgoing)
            except Exception as error:
                self.close(f"writing to it failed ({type(error).__name__})")

    def _look_for_silence(self) -> None:
        self._sweep = None
        now = self._clock.monotonic()
        if now - self._swept > LATE_SECONDS:
            # The loop was busy, or the process stopped: answers may have come that nobody could read yet.
            self._resumed = now
        since = self.silent_since
        if since is None:
            return
        if now - since > SILENT_SECONDS:
            self.close(f"silent for {SILENT_SECONDS:g} s")
            return
        self._sweep_later(now)

    def _end(self, reason: str) -> None:
        if self._transport is None:
            return
        self._transport = None
        self._reason = reason
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        self._outgoing = bytearray()
        self._outgoing_requests = self._outgoing_bytes = 0
        waiting, self._waiting = self._waiting, deque()
        undisturbed(self._lost, self, reason)
        for on_reply, _, _ in waiting:
            if not isinstance(on_reply, asyncio.Future):
                undisturbed(on_reply, None)
            elif not on_reply.done():
                on_reply.set_exception(LinkLost(reason))
                # Who asked several nodes may have given up at the first loss: nobody need look at this one.
                on_reply.exception()
