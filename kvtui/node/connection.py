"""One connection to a node: bytes in, requests to the tick, replies out, every wait with a deadline."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import msgspec

from kvtui.core.defect_place import kind_and_place
from kvtui.core.framing import Lines
from kvtui.core.protocol import (
    BAD_REQUEST,
    ERROR,
    FRAME_BYTES,
    HALF_REQUEST_SECONDS,
    PROOF_SECONDS,
    SILENT_SECONDS,
    SLOW_READER_SECONDS,
    TOO_LARGE,
    UNAUTHENTICATED,
    WRITE_BUFFER_BYTES,
    Blob,
    Del,
    Put,
    PutRun,
    Reply,
    Request,
    encode,
    encode_lines,
)
from kvtui.core.seams.clock import Clock
from kvtui.node.gate import Gate, Guard, Heard
from kvtui.node.requests import BLANK, read_request, read_requests, unframed
from kvtui.node.tick import Tick

TURN_BYTES: Final = 1024 * 1024
"""Replies that one connection may collect in a turn of the loop, and what is read for them; its other requests wait for the
next turn."""
LIST_BYTES: Final = 64 * 1024
"""What a list of entries counts for at least, because finding them took its time."""
LIGHT: Final = frozenset({Put, Del, PutRun})
"""Requests whose replies take no space to speak of."""
LINGER_SECONDS: Final = 1.0
"""How long a client that was refused amid sending may go on sending, unheard: closing at once would make its system throw
the error reply away."""

_log = logging.getLogger(__name__)


class _Plain(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A reply as the original gives it."""

    status: str
    code: str = ""
    msg: str = ""
    value: Blob | None = None
    keys: int | None = None
    data: dict[str, Blob] | None = None


class Connection(asyncio.Protocol):
    """Frames, orders and limits one client's requests. The requests' meaning is the service's."""

    def __init__(
        self,
        tick: Tick,
        clock: Clock,
        opened: Callable[["Connection"], str],
        lost: Callable[["Connection"], None],
        proved: Callable[["Connection"], str] = lambda _: "",
        gate: Gate | None = None,
    ) -> None:
        """``opened`` is called first and says why the connection is refused, or nothing; ``lost`` is called last.

        With a ``gate``, only what passes it is answered; ``proved``, called then, says why the connection is refused nevertheless.
        """
        self.peer = tick.service.new_peer()
        self.replies: list[Reply] = []
        self._tick = tick
        self._clock = clock
        self._opened = opened
        self._lost = lost
        self._proved = proved
        self._gate = gate
        self._guard: Guard | None = None
        """Who answers until the secret is proved."""
        self._opened_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._lines = Lines(FRAME_BYTES)
        self._waiting: deque[Request | Reply] = deque()
        self._turn_bytes = 0
        self._first = True
        self._ending = False
        self._ended_at = 0.0
        self._lingering = False
        self._blocked_since: float | None = None
        self._begun_at: float | None = None
        self._heard_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asserted: uvloop's transports are no subclass of asyncio's.
        self._transport = transport = cast(asyncio.Transport, transport)
        self._heard_at = self._opened_at = self._clock.monotonic()
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES, low=WRITE_BUFFER_BYTES // 2)
        refusal = self._opened(self)
        if refusal:
            transport.write(encode_lines([Reply(status=ERROR, code="busy", msg=refusal)]))
            transport.close()
            self._transport = None
        elif self._gate is not None:
            self._guard = self._gate.enter(self, transport)

    def data_received(self, data: bytes) -> None:
        if self._ending or self._transport is None:
            return
        self._heard_at = now = self._clock.monotonic()
        if self._guard is not None:
            self._follow(self._guard.hear(data))
            return
        complete = self._lines.feed(data)
        if complete:
            self._first = False
            self._begun_at = None
            self._take(read_requests(complete))
            self._tick.finish(self)
        if self._lines.overlong:
            self._refuse(TOO_LARGE, f"a line holds at most {FRAME_BYTES:,} bytes")
        elif self._lines.pending:
            if self._begun_at is None:
                self._begun_at = now
            if self._first:
                self._try_unframed()

    def eof_received(self) -> bool:
        """The client sends no more; what it has sent is answered before the connection ends."""
        if self._transport is None:
            return False
        if self._ending:
            self._lingering = False
            self._tick.touch(self)
            return self._half_open
        if self._guard is not None:
            self._follow(self._guard.ended())
            self._lingering = False
            self.end()
            return self._half_open
        rest = self._lines.take_rest()
        if rest.strip(BLANK):
            if self._first:
                self._answer_unframed(read_request(rest))
            else:
                self._take([read_request(rest)])
                self._tick.touch(self)
        self.end()
        return self._half_open

    def pause_writing(self) -> None:
        self._blocked_since = self._clock.monotonic()
        self._update_reading()

    def resume_writing(self) -> None:
        self._blocked_since = None
        if self._waiting:
            self._tick.touch(self)
        self._update_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._waiting.clear()
        self.peer.uploads.forget()
        if self._gate is not None:
            self._gate.leave(self)
        self._lost(self)

    def send_replies(self) -> None:
        replies, self.replies = self.replies, []
        transport = self._transport
        if transport is None:
            return
        if replies:
            try:
                transport.write(_plain(replies[0]) if self.peer.legacy else encode_lines(replies))
            except Exception as error:
                # Not these replies alone: others would be taken for them. And not more than this connection.
                _log.error("a connection is closed, as its replies can't be sent: %s", kind_and_place(error))
                self.abort()
                return
        self._turn_bytes = 0
        if self._waiting and self._blocked_since is None:
            asyncio.get_running_loop().call_soon(self._go_on)
        elif self._ending and not self._waiting and not self._lingering:
            transport.close()

    def end(self) -> None:
        """Read no more, answer what was read, then close."""
        if not self._ending:
            self._ending = True
            self._ended_at = self._clock.monotonic()
            self._begun_at = None
            self._update_reading()
            self._tick.touch(self)

    def abort(self) -> None:
        """Close at once; replies that wait are lost."""
        if self._transport is not None:
            self._transport.abort()

    def enforce_deadlines(self, now: float) -> None:
        """Close the connection when one of its limits is exceeded at second ``now``."""
        self.peer.uploads.expire(now)
        if self._transport is None:
            return
        if self._blocked_since is not None:
            if now - self._blocked_since > SLOW_READER_SECONDS:
                self.abort()
        elif self._ending:
            if self._lingering and now - self._ended_at > LINGER_SECONDS:
                self._lingering = False
                self._tick.touch(self)
            elif now - self._ended_at > SLOW_READER_SECONDS:
                self.abort()
        elif self._guard is not None:
            if now - self._opened_at > PROOF_SECONDS:
                self._refuse_with(self._guard.late())
        elif self._begun_at is not None and now - self._begun_at > HALF_REQUEST_SECONDS:
            self.peer.legacy = self._first
            self._refuse(
                BAD_REQUEST, f"the request was not whole after {HALF_REQUEST_SECONDS:g} s; end it with a newline"
            )
        elif not self.peer.greeted and now - self._heard_at > SILENT_SECONDS:
            self.end()

    @property
    def _half_open(self) -> bool:
        """Whether replies can still leave after the client's end: TLS has no half of a connection."""
        return self._transport is not None and self._transport.can_write_eof()

    def _follow(self, heard: Heard) -> None:
        """Do what the guard says. Until the secret is proved nothing of this connection reaches the service."""
        transport = self._transport
        assert transport is not None
        if heard.replies:
            transport.write(encode_lines(heard.replies))
        if heard.refusal is not None:
            self.peer.legacy = heard.plain
            self._refuse_with(heard.refusal)
        elif heard.rest is not None:
            assert self._gate is not None
            self._gate.leave(self)
            self._guard = None
            self._first = False
            busy = self._proved(self)
            if busy:
                self._refuse("busy", busy)
            elif heard.rest:
                self.data_received(heard.rest)

    def _take(self, requests: list[Request | Reply]) -> None:
        if self._waiting:
            self._waiting.extend(requests)
            return
        answer = self._tick.answer
        for index, request in enumerate(requests):
            if self._turn_bytes > TURN_BYTES:
                self._waiting.extend(requests[index:])
                self._begun_at = None
                self._update_reading()
                break
            if type(request) is Reply:
                self.replies.append(request)
                continue
            reply = answer(self, cast(Request, request))
            if reply is not None and type(request) not in LIGHT:
                self._turn_bytes += _weight(reply)

    def _go_on(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        if self._transport is not None:
            try:
                self._take(list(waiting))
            except BaseException:
                # As after a defect amid what is received: what was not answered must not be answered by later replies.
                self.abort()
                raise
            self._tick.touch(self)
            self._update_reading()

    def _update_reading(self) -> None:
        """Read only while nothing waits: a client that does not take its replies stops being heard."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._waiting or self._blocked_since is not None or (self._ending and not self._lingering):
            self._transport.pause_reading()
            return
        self._transport.resume_reading()
        self._heard_at = self._clock.monotonic()
        if self._lines.pending and not self._ending:
            self._begun_at = self._heard_at

    def _try_unframed(self) -> None:
        request = unframed(self._lines.rest())
        if request is not None:
            self._lines.take_rest()
            self._answer_unframed(request)
            self.end()

    def _answer_unframed(self, request: Request | Reply) -> None:
        self.peer.legacy = True
        self._take([request])
        self._tick.touch(self)

    def _refuse(self, code: str, text: str) -> None:
        self._refuse_with(Reply(status=ERROR, code=code, msg=text))

    def _refuse_with(self, reply: Reply) -> None:
        self._lines.take_rest()
        self._take([reply])
        self._tick.touch(self)
        self._lingering = not self.peer.legacy
        self.end()


def _weight(reply: Reply) -> int:
    """About how many bytes the reply takes, and how many were read for it: a value that is too long to come along was read, too."""
    value = reply.value
    if isinstance(value, str):
        return len(value)
    if value is not None:
        return len(value.b64)
    if reply.entries is not None:
        return LIST_BYTES + sum(entry.size for entry in reply.entries if entry.size > 0)
    if reply.data is not None:
        return FRAME_BYTES
    if reply.size is not None:
        return reply.size
    if reply.digests is not None:
        return 20 * len(reply.digests)
    return len(reply.note) if reply.note is not None else 0


def _plain(reply: Reply) -> bytes:
    code = reply.code if reply.code == UNAUTHENTICATED else ""
    return encode(
        _Plain(status=reply.status, code=code, msg=reply.msg, value=reply.value, keys=reply.keys, data=reply.data)
    )
