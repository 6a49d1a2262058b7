"""One connection at the holder: what an attached process asks is asked of the cluster, and answered.

A get or put costs a task and nothing more: no scope, no timer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

import msgspec

from kvtui.control.calls import CALLS, GET_MANY, Call
from kvtui.control.incoming import Incoming
from kvtui.control.outgoing import Outgoing, Unsent, encoded_whole
from kvtui.control.wire import (
    ANSWER_BYTES,
    EVENTS,
    HELLO_SECONDS,
    IN_FLIGHT,
    IN_FLIGHT_BYTES,
    PAGES,
    PICTURE_SECONDS,
    PIECE_BYTES,
    PROTOCOL,
    SLOW_READER_SECONDS,
    STREAMS,
    WAITING_BYTES,
    Answer,
    Ask,
    Cancel,
    Delete,
    Ended,
    Farewell,
    Found,
    Get,
    Listen,
    Look,
    Misfit,
    More,
    NotBegun,
    Part,
    Passed,
    Picture,
    Piece,
    Ping,
    Pong,
    Put,
    Refused,
    Request,
    Scan,
    Welcome,
    Wrote,
    decode_hello,
    encode,
    requests,
)
from kvtui.core.cluster import ArgumentError, Cluster, ClusterError, Item, Outcome, Read, Written
from kvtui.core.malformed import MALFORMED
from kvtui.core.seams.clock import Clock, Timer
from kvtui.core.snapshot import ClusterSnapshot, RangeView
from kvtui.core.version import NEVER

SMALL_BYTES = 4096
"""Answers up to this one are not looked at one by one: there are few enough of them in flight."""
LOOK_SECONDS = 1.0
"""How often it is looked whether anything is read of too many answers."""
PASSED_LEAST = 1 / 500
"""How far a scan must come before it is told."""

_log = logging.getLogger(__name__)


class Attached(asyncio.Protocol):
    """Ends by itself where the other side leaves or does not keep to the limits."""

    def __init__(
        self, cluster: Cluster, clock: Clock, who: str, refusal: str, gone: Callable[["Attached"], None]
    ) -> None:
        """With a ``refusal`` that is all that is said. ``gone`` is called when the connection is over."""
        self._cluster = cluster
        self._clock = clock
        self._who = who
        self._refusal = refusal
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._out: Outgoing | None = None
        self._incoming: Incoming[Request] = Incoming(requests)
        self._greeted = False
        self._running: dict[int, tuple[asyncio.Task[None], int]] = {}
        """Every request that is not answered: its task, and the bytes of its keys and values."""
        self._listening: set[int] = set()
        """Those of them that never end by themselves."""
        self._leaving = False
        """Whether the holder ends: nothing more is begun."""
        self._parting: asyncio.Transport | None = None
        """After the last word, until the other side has closed: what it still sends is read, and left."""
        self._closed = asyncio.Event()
        self._credit: dict[int, asyncio.Semaphore] = {}
        self._held = 0
        """Bytes of keys and values of requests that are not answered."""
        self._shown: ClusterSnapshot | None = None
        self._shown_ranges: tuple[RangeView, ...] | None = None
        self._next_at = 0.0
        """Before then no picture is sent to who merely looks."""
        self._looking: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        self._over: set[asyncio.Task[None]] = set()
        """Cancelled, but not at their end."""
        self._crowded_since: float | None = None
        """Since when too much waits to be read, and nothing of it was."""
        self._taken_then = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            Put: self._put,
            Get: self._get,
            Delete: self._delete,
            Ask: self._ask,
            Scan: self._scan,
            Listen: self._listen,
            Look: self._look,
            More: self._more,
            Cancel: self._cancel,
            Ping: self._ping,
            Piece: self._piece,
        }

    # The connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._refusal:
            self._turn_away(self._refusal)
            return
        self._timer = self._clock.call_later(HELLO_SECONDS, self._hello_is_late)

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._refusal:
            return
        try:
            if not self._greeted:
                first = self._incoming.first_line(data)
                if first is None:
                    return
                self._greet(first[0])
                data = first[1]
                if not data or not self._greeted:
                    return
            for message in self._incoming.feed(data):
                self._handlers[type(message)](message)
                if self._transport is None:
                    return
        except Misfit as misfit:
            self.end(str(misfit))
        self._limit_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()
        self._leave()

    def pause_writing(self) -> None:
        if self._out is not None:
            self._out.pause()

    def resume_writing(self) -> None:
        if self._out is not None:
            self._out.resume()
            self._limit_reading()

    def end(self, reason: str) -> None:
        """Close the connection, telling why."""
        transport = self._transport
        if transport is None:
            return
        _log.warning("an attached process is let go: %s", reason)
        self._say_farewell(reason)
        transport.close()

    async def finish(self) -> None:
        """Begin nothing more, which whoever asks is told, and return when all that was begun is answered, listening apart."""
        self._leaving = True
        while under_way := [task for number, (task, _) in self._running.items() if number not in self._listening]:
            await asyncio.wait(under_way)
        if self._out is not None:
            await self._out.sent()

    def part(self) -> None:
        """Tell that the holder ends, and what is not answered; what is still under way is cancelled.

        The other side closes. Were it closed here, what arrives meanwhile could cost the other side these last words.
        """
        transport = self._transport
        if transport is None:
            return
        greeted = self._out is not None
        self._say_farewell("")
        if greeted:
            self._parting = transport
            transport.resume_reading()
        else:
            transport.close()

    async def parted(self) -> None:
        """Return when the other side has closed."""
        if self._parting is not None:
            await self._closed.wait()

    def drop(self) -> None:
        """Wait no longer for the other side."""
        if self._parting is not None:
            self._parting.abort()

    def _unwritable(self, why: str) -> None:
        """Nothing can be said any more: the other side sees the end, and takes what is not answered for unknown."""
        transport = self._transport
        if transport is not None:
            _log.warning("an attached process is let go: %s", why)
            self._leave()
            transport.abort()

    def _say_farewell(self, reason: str) -> None:
        out = self._out
        if out is not None:
            # An answer that is on its way in pieces is overtaken by these words: nothing can be said of what is not answered.
            out.send(Farewell(reason, None if out.in_pieces else tuple(self._running)))
            out.flush()
        self._leave()

    async def ended(self) -> None:
        """Return when nothing runs any more for this connection."""
        if self._over:
            await asyncio.wait(self._over)

    def _leave(self) -> None:
        if self._transport is None:
            return
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._out is not None:
            self._out.close()
        for task, _ in self._running.values():
            self._stop(task)
        if self._looking is not None:
            self._stop(self._looking)
        self._running.clear()
        self._listening.clear()
        self._gone(self)

    def _stop(self, task: asyncio.Task[None]) -> None:
        if not task.done():
            task.cancel()
            self._over.add(task)
            task.add_done_callback(self._over.discard)

    def _greet(self, line: bytes) -> None:
        try:
            hello = decode_hello(line)
        except MALFORMED:
            self._turn_away("that is not how a kvtui attaches")
            return
        if hello.protocol != PROTOCOL:
            self._turn_away(
                f"{self._who} is of another version (protocol {PROTOCOL}, not {hello.protocol}): use the same kvtui for both"
            )
            return
        assert self._transport is not None
        self._greeted = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.write(encode(Welcome(PROTOCOL, self._who)) + b"\n")
        self._out = Outgoing(self._transport, self._unwritable)
        self._show()

    def _turn_away(self, refusal: str) -> None:
        transport = self._transport
        if transport is not None:
            transport.write(encode(Welcome(PROTOCOL, self._who, refusal)) + b"\n")
            self._leave()
            transport.close()

    def _hello_is_late(self) -> None:
        self._timer = None
        self._turn_away(f"nothing came within {HELLO_SECONDS:g} s")

    # Limits.

    def _limit_reading(self) -> None:
        """Read on only while what is unanswered, and what waits to be read by the other side, is within bounds."""
        transport, out = self._transport, self._out
        if transport is None or out is None:
            return
        crowded = out.waiting > WAITING_BYTES
        if crowded or self._held > IN_FLIGHT_BYTES:
            if transport.is_reading():
                transport.pause_reading()
        elif not transport.is_reading():
            transport.resume_reading()
        if not crowded:
            self._crowded_since = None
        elif self._crowded_since is None:
            self._crowded_since, self._taken_then = self._clock.monotonic(), out.taken
            if self._timer is None:
                self._timer = self._clock.call_later(LOOK_SECONDS, self._look_for_slowness)

    def _look_for_slowness(self) -> None:
        self._timer = None
        if self._crowded_since is None or self._out is None:
            return
        if self._out.taken > self._taken_then:
            # It reads: many long answers take their time.
            self._crowded_since, self._taken_then = self._clock.monotonic(), self._out.taken
        left = self._crowded_since + SLOW_READER_SECONDS - self._clock.monotonic()
        if self._out.waiting <= WAITING_BYTES:
            self._limit_reading()
        elif left > 0:
            self._timer = self._clock.call_later(min(left, LOOK_SECONDS), self._look_for_slowness)
        else:
            transport = self._transport
            self.end(f"it did not read its answers for {SLOW_READER_SECONDS:g} s")
            if transport is not None:
                transport.abort()

    def _start(self, number: int, work: Coroutine[Any, Any, None], size: int = 0) -> bool:
        """Whether it was begun."""
        if number in self._running or len(self._running) >= IN_FLIGHT + STREAMS:
            work.close()
            used = (
                "used an id twice"
                if number in self._running
                else f"has more than {IN_FLIGHT + STREAMS:,} requests in flight"
            )
            raise Misfit(f"it {used}")
        if self._leaving:
            work.close()
            if self._out is not None:
                self._out.send(NotBegun(number))
            return False
        self._held += size
        self._running[number] = (asyncio.get_running_loop().create_task(work), size)
        return True

    def _release(self, number: int) -> asyncio.Task[None] | None:
        task, size = self._running.pop(number, (None, 0))
        self._listening.discard(number)
        self._held -= size
        return task

    def _answer(self, number: int, message: msgspec.Struct, size: int = 0) -> None:
        """Send the last answer to a request; ``size`` as for ``Outgoing.send``."""
        self._release(number)
        out, transport = self._out, self._transport
        if out is None or transport is None:
            return
        try:
            out.send(message, size)
        except Unsent as error:
            out.send(Refused(number, f"the answer can't be sent: {error}"))
        if size > SMALL_BYTES or not transport.is_reading():
            self._limit_reading()

    # Keys.

    def _put(self, asked: Put) -> None:
        self._start(asked.id, self._write(asked.id, asked.key, asked.value), len(asked.value))

    def _delete(self, asked: Delete) -> None:
        self._start(asked.id, self._write(asked.id, asked.key, None))

    def _get(self, asked: Get) -> None:
        self._start(asked.id, self._read(asked.id, asked.key))

    async def _write(self, number: int, key: bytes, value: bytes | None) -> None:
        try:
            written = await (self._cluster.delete(key) if value is None else self._cluster.put(key, value))
        except Exception as error:
            written = Written(Outcome.UNKNOWN, NEVER, text=_text_of(error))
        self._answer(number, Wrote(number, written))

    async def _read(self, number: int, key: bytes) -> None:
        try:
            read = await self._cluster.get(key)
        except Exception as error:
            read = Read(Outcome.FAILED, None, NEVER, text=_text_of(error))
        self._answer(number, Found(number, read), 0 if read.value is None else len(read.value))

    # Everything else.

    def _ask(self, asked: Ask) -> None:
        call = CALLS.get(asked.call)
        if call is None:
            raise Misfit(f"it asked for {asked.call[:40]!r}, which there is not")
        try:
            arguments = call.arguments.decode(asked.arguments)
        except MALFORMED:
            raise Misfit(f"it asked for {asked.call} with other arguments") from None
        self._start(asked.id, self._called(asked.id, call, arguments), len(memoryview(asked.arguments)))

    async def _called(self, number: int, call: Call[Any], arguments: tuple[Any, ...]) -> None:
        try:
            method = getattr(self._cluster, call.name, None)
            if method is None:
                raise ClusterError(f"{call.name}: this cluster can't do that")
            given, named = call.given(arguments)
            if call is GET_MANY:
                # Whatever has no room in the answer is asked for again: to read it now as well would take ever longer.
                named["room"] = ANSWER_BYTES
            result = await method(*given, **named)
            value = b"null" if isinstance(result, ClusterSnapshot) else encode(result)
            answer: msgspec.Struct = Answer(number, msgspec.Raw(value))
            size = len(value)
        except Exception as error:
            answer, size = Refused(number, _text_of(error), isinstance(error, ArgumentError)), 0
        # Who asked looks at the picture next: it shows what the answer says.
        self._show()
        self._answer(number, answer, size)

    def _scan(self, asked: Scan) -> None:
        told = 0.0

        def passed(fraction: float) -> None:
            nonlocal told
            if self._out is not None and (fraction - told >= PASSED_LEAST or fraction >= 1.0):
                told = fraction
                self._out.send(Passed(asked.id, fraction))

        pages = self._cluster.scan(asked.prefix, values=asked.values, passed=passed)
        self._stream(asked.id, _pages_that_fit(pages), PAGES)

    def _listen(self, asked: Listen) -> None:
        if self._stream(asked.id, self._cluster.events(), EVENTS):
            self._listening.add(asked.id)

    def _stream(self, number: int, source: AsyncIterator[Any], ahead: int) -> bool:
        begun = self._start(number, self._streamed(number, source))
        if begun:
            self._credit[number] = asyncio.Semaphore(ahead)
        return begun

    async def _streamed(self, number: int, source: AsyncIterator[Any]) -> None:
        last: msgspec.Struct = Ended(number)
        try:
            async with aclosing(cast(Any, source)) as parts:
                async for part in parts:
                    await self._credit[number].acquire()
                    if self._out is None:
                        return
                    value = encode(part)
                    self._out.send(Part(number, msgspec.Raw(value)), len(value))
                    # Whatever follows must not pass a part in pieces.
                    await self._out.sent()
        except Exception as error:
            last = Refused(number, _text_of(error))
        finally:
            self._credit.pop(number, None)
        self._answer(number, last)

    def _more(self, asked: More) -> None:
        credit = self._credit.get(asked.id)
        if credit is None:
            return
        if not 0 < asked.parts <= EVENTS:
            raise Misfit(f"it wants {asked.parts:,} more parts at once")
        for _ in range(asked.parts):
            credit.release()

    def _cancel(self, asked: Cancel) -> None:
        task = self._release(asked.id)
        if task is not None:
            self._stop(task)

    def _ping(self, _asked: Ping) -> None:
        if self._out is not None:
            self._out.send(Pong())

    def _piece(self, piece: Piece) -> None:
        message = self._incoming.add_piece(piece)
        if message is not None:
            self._handlers[type(message)](message)

    # The picture.

    def _look(self, _asked: Look) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._show_next())

    async def _show_next(self) -> None:
        """Send one picture. What an answer showed meanwhile is not it: who got that may have asked again."""
        sent = False
        while self._out is not None and not sent:
            while (shown := self._shown) is not None and self._cluster.snapshot() is shown:
                await self._cluster.changed(shown)
            early = self._next_at - self._clock.monotonic()
            if early > 0:
                await self._clock.sleep(early)
            if self._out is not None:
                await self._out.sent()
            sent = self._show()

    def _show(self) -> bool:
        """Send the picture as it is now, unless it is the last one sent or that one is still on its way; whether it was sent."""
        snapshot = self._cluster.snapshot()
        if self._out is None or snapshot is self._shown or self._out.in_pieces:
            return False
        ranges = None if snapshot.ranges == self._shown_ranges else snapshot.ranges
        picture = Picture(replace(snapshot, ranges=()), ranges)
        # Names decide how long it is: no estimate is safe. Long ones (6,400 ranges are 900 KiB) come less often.
        try:
            size = len(encoded_whole(picture))
        except Unsent as error:
            self.end(f"the picture of the cluster can't be sent: {error}")
            return False
        self._next_at = self._clock.monotonic() + PICTURE_SECONDS * max(1.0, size / PIECE_BYTES)
        self._shown, self._shown_ranges = snapshot, snapshot.ranges
        self._out.send(picture, size)
        return True


def _text_of(error: Exception) -> str:
    """What the other side is told: a ClusterError's text as it is; of a defect the kind alone, since its text may hold a value."""
    if isinstance(error, ClusterError):
        return str(error)
    _log.error("a request of an attached process met a defect", exc_info=error)
    return f"a defect of kvtui stopped it ({type(error).__name__}); please report it"


async def _pages_that_fit(pages: AsyncIterator[list[Item]]) -> AsyncIterator[list[Item]]:
    """The same items in pages that have room in one message each, or hold one item."""
    async with aclosing(cast(Any, pages)) as whole:
        async for page in whole:
            start = size = 0
            for number, item in enumerate(page):
                weight = len(item.key) + len(item.value or b"")
                if size + weight > ANSWER_BYTES and number > start:
                    yield page[start:number]
                    start, size = number, 0
                size += weight
            yield page[start:]
