"""The attached end of the control socket: requests out, answers to whoever waits for them.

As on the way to a node, a request costs a future: no task, scope or timer. One sweep notices a holder that went silent.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec

from kvtui.control import wire
from kvtui.control.calls import Call
from kvtui.control.incoming import Incoming
from kvtui.control.outgoing import Outgoing, Unsent, encoded_whole
from kvtui.control.wire import (
    HUSH_SECONDS,
    IN_FLIGHT,
    PROTOCOL,
    QUIET_SECONDS,
    SILENT_SECONDS,
    STREAMS,
    WAITING_BYTES,
    Answer,
    Ask,
    Cancel,
    Ended,
    Farewell,
    Found,
    Hello,
    Misfit,
    More,
    Part,
    Passed,
    Picture,
    Piece,
    Ping,
    Pong,
    Refused,
    Reply,
    Wrote,
    decode_welcome,
    encode,
    replies,
)
from kvtui.core.cluster import ArgumentError, ClusterError
from kvtui.core.malformed import MALFORMED
from kvtui.core.seams.clock import Clock, Timer

T = TypeVar("T")

UNDONE: Final = "it was not carried out"
_AT_ONCE_SECONDS: Final = 0.001
"""What is due by then is due now: timers may be early by what a clock rounds."""


class Unanswered(ClusterError):
    """A request that the holder did not answer. None of these kinds leaves a session: a program is told in words what to do."""


class NotBegun(Unanswered):
    """There is nobody to ask, or whoever was asked ended before it began. Nothing happened, and nothing will: who finds another
    holder may ask that one."""


class Unsendable(Unanswered):
    """The request can't go over the control socket. Nothing happened, and nothing will, at any other holder either."""


class ConnectionEnded(Unanswered):
    """The connection ended before the answer, or is silent for too long: the request may have been carried out."""


class TurnedAway(ClusterError):
    """The holder answers, and refuses to be attached to."""


class Watcher(Protocol):
    """Who is told what comes unasked."""

    def show(self, picture: Picture) -> None:
        """The cluster looks different."""
        ...

    def ended(self, reason: str) -> None:
        """The connection is over; told once."""
        ...


class _Parts:
    """What arrived of a scan or of events and was not taken yet."""

    def __init__(self, ahead: int, passed: Callable[[float], None] | None) -> None:
        self.ahead = ahead
        self.passed = passed
        self.queue: deque[msgspec.Raw] = deque()
        self.over = False
        self.error: Exception | None = None
        self.ready = asyncio.Event()


class Channel(asyncio.Protocol):
    """One connection to a holder."""

    def __init__(self, clock: Clock, who: str) -> None:
        """``who`` is this process, in words for the holder."""
        self._clock = clock
        self._who = who
        self._transport: asyncio.Transport | None = None
        self._out: Outgoing | None = None
        self._incoming: Incoming[Reply] = Incoming(replies)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._streams: dict[int, _Parts] = {}
        self._number = 0
        self._reason = ""
        self._sweep: Timer | None = None
        self._heard = 0.0
        self._pinged = -1.0
        """When it was asked whether it is there; before ``_heard``: it was since."""
        self._hushed = False
        """It has been silent for so long that no operation on keys waits for it."""
        self._patient: set[int] = set()
        """Requests of other kinds, which wait until it is given up."""
        self._room: asyncio.Future[None] | None = None
        self.watcher: Watcher | None = None
        self.holder = "another process"
        """Who holds the coordinator, in its own words: what it is, and its process."""
        self.greeted: asyncio.Future[Picture] = asyncio.get_running_loop().create_future()
        """The first picture; fails with TurnedAway, or with ConnectionEnded."""
        self._handlers: dict[type, Callable[[Any], None]] = {
            Wrote: self._wrote,
            Found: self._found,
            Answer: self._answered,
            Refused: self._refused,
            wire.NotBegun: self._not_begun,
            Part: self._part,
            Passed: self._passed,
            Ended: self._ended,
            Picture: self._picture,
            Pong: lambda _: None,
            Farewell: self._farewell,
            Piece: self._piece,
        }

    @property
    def open(self) -> bool:
        """Whether requests can be sent."""
        return self._out is not None

    @property
    def reason(self) -> str:
        """Why the connection ended; empty while it has not."""
        return self._reason

    # Asking.

    async def ask(self, make: Callable[[int], msgspec.Struct], size: int, *, patient: bool = False) -> Any:
        """Send the request that ``make`` makes of an id, and wait for its answer. ``size``: bytes of keys and values in it.
        ``patient``: it is no operation on keys.

        Raises ClusterError: NotBegun, Unsendable and ConnectionEnded among them.
        """
        out = self._out
        if out is None or self._hushed or len(self._waiting) >= IN_FLIGHT or out.waiting > WAITING_BYTES:
            out = await self._when_possible()
        self._number = number = self._number + 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            out.send(make(number), size)
        except Unsent as error:
            raise Unsendable(f"the request can't be sent to the coordinator: {error}") from None
        self._waiting[number] = future
        if patient:
            self._patient.add(number)
        if self._sweep is None:
            self._watch_for_silence()
        try:
            return await future
        except asyncio.CancelledError:
            if self._waiting.pop(number, None) is not None and self._out is not None:
                self._out.send(Cancel(number))
            raise
        finally:
            if patient:
                self._patient.discard(number)
            if self._room is not None:
                self._tell_of_room()

    async def call(self, call: Call[T], *arguments: Any) -> T:
        """Ask for a call by its name. Raises ClusterError."""
        try:
            encoded = encoded_whole(arguments)
        except Unsent as error:
            raise Unsendable(f"{call.name} can't be asked of the coordinator: {error}") from None
        try:
            raw = await self.ask(
                lambda number: Ask(number, call.name, msgspec.Raw(encoded)), len(encoded), patient=not call.keys
            )
        except ConnectionEnded as ended:
            if call.changes:
                raise ConnectionEnded(f"{ended}; whether it was carried out is not known") from None
            raise
        try:
            return call.answer.decode(raw)
        except MALFORMED:
            raise ClusterError(
                f"{self.holder} answers {call.name} with something else: is it of another version?"
            ) from None

    async def stream(
        self,
        make: Callable[[int], msgspec.Struct],
        decoder: "msgspec.json.Decoder[T]",
        ahead: int,
        passed: Callable[[float], None] | None = None,
    ) -> AsyncIterator[T]:
        """The parts of a scan, or events. Whoever stops reading ends it at the holder too. Raises ClusterError."""
        if len(self._streams) >= STREAMS:
            raise ClusterError(f"{STREAMS} scans and listenings are under way, and that is the most: end one of them")
        out = self._out or await self._when_possible()
        self._number = number = self._number + 1
        try:
            out.send(make(number))
        except Unsent as error:
            raise Unsendable(f"the request can't be sent to the coordinator: {error}") from None
        parts = self._streams[number] = _Parts(ahead, passed)
        if self._sweep is None:
            self._watch_for_silence()
        try:
            while True:
                while parts.queue:
                    part = decoder.decode(parts.queue.popleft())
                    if self._out is not None:
                        self._out.send(More(number, 1))
                    yield part
                if parts.error is not None:
                    raise parts.error
                if parts.over:
                    return
                parts.ready.clear()
                await parts.ready.wait()
        finally:
            self._streams.pop(number, None)
            if not parts.over and self._out is not None:
                self._out.send(Cancel(number))

    def tell(self, message: msgspec.Struct) -> None:
        """Send what has no answer; nothing where the connection is over."""
        if self._out is not None:
            self._out.send(message)
            if self._sweep is None:
                self._watch_for_silence()

    def close(self, reason: str, begun: Collection[int] | None = None) -> None:
        """Give the connection up now. ``begun``: requests that may have been carried out; None: all that are not answered may."""
        transport = self._transport
        if transport is not None:
            self._end(reason, begun)
            transport.abort()

    async def _when_possible(self) -> Outgoing:
        """Wait for room. Raises NotBegun."""
        while True:
            if self._out is None:
                raise NotBegun(self._reason or "not attached to a coordinator")
            if self._hushed:
                raise NotBegun(f"{self._hush_words}; {UNDONE}")
            await self._out.room(WAITING_BYTES, lambda: self._hushed)
            if self._hushed:
                continue
            if self._out is not None and len(self._waiting) < IN_FLIGHT:
                return self._out
            if self._out is not None:
                if self._room is None:
                    self._room = asyncio.get_running_loop().create_future()
                await asyncio.shield(self._room)

    def _tell_of_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    # The connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._heard = self._clock.monotonic()
        self._transport.write(encode(Hello(PROTOCOL, self._who)) + b"\n")

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._heard = self._clock.monotonic()
        self._hushed = False
        try:
            if self._out is None:
                first = self._incoming.first_line(data)
                if first is None:
                    return
                self._welcome(first[0])
                data = first[1]
                if not data or self._out is None:
                    return
            for message in self._incoming.feed(data):
                self._handlers[type(message)](message)
                if self._transport is None:
                    return
        except Misfit as misfit:
            self.close(f"the connection to {self.holder} was given up: {misfit}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the coordinator in {self.holder} ended")

    def pause_writing(self) -> None:
        if self._out is not None:
            self._out.pause()

    def resume_writing(self) -> None:
        if self._out is not None:
            self._out.resume()

    def _welcome(self, line: bytes) -> None:
        try:
            welcome = decode_welcome(line)
        except MALFORMED:
            raise Misfit("it is no kvtui") from None
        if welcome.refusal or welcome.protocol != PROTOCOL:
            refusal = welcome.refusal or (
                f"{welcome.who} is of another version (protocol {welcome.protocol}, not {PROTOCOL}): use the same kvtui for both"
            )
            if not self.greeted.done():
                self.greeted.set_exception(TurnedAway(refusal))
            self.close(refusal)
            return
        self.holder = welcome.who
        assert self._transport is not None
        self._out = Outgoing(
            self._transport, lambda why: self.close(f"the connection to {self.holder} was given up: {why}")
        )

    def _end(self, reason: str, begun: Collection[int] | None = None) -> None:
        """``begun``: requests that may have been carried out; None: all that are not answered may."""
        if self._transport is None:
            return
        self._transport = None
        self._reason = reason
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        if self._out is not None:
            self._out.close()
            self._out = None
        if not self.greeted.done():
            self.greeted.set_exception(ConnectionEnded(reason))

        def error_of(number: int) -> ClusterError:
            return ConnectionEnded(reason) if begun is None or number in begun else NotBegun(f"{reason}; {UNDONE}")

        waiting, self._waiting = self._waiting, {}
        for number, future in waiting.items():
            if not future.done():
                future.set_exception(error_of(number))
        for number, parts in self._streams.items():
            parts.error = parts.error or error_of(number)
            parts.ready.set()
        self._tell_of_room()
        if self.watcher is not None:
            self.watcher.ended(reason)

    def _watch_for_silence(self) -> None:
        """While anything is owed, see that the holder is there."""
        self._sweep = None
        if self._out is None:
            return
        now = self._clock.monotonic()
        if self._heard > self._pinged:
            again = self._heard + QUIET_SECONDS - now
            if again <= _AT_ONCE_SECONDS:
                self._pinged = now
                self._out.send(Ping())
                again = HUSH_SECONDS - QUIET_SECONDS
        elif (again := self._pinged + HUSH_SECONDS - QUIET_SECONDS - now) <= _AT_ONCE_SECONDS:
            again = self._pinged + SILENT_SECONDS - QUIET_SECONDS - now
            if again <= _AT_ONCE_SECONDS:
                self.close(f"the coordinator in {self.holder} has been silent for {SILENT_SECONDS:g} s")
                return
            if not self._hushed:
                self._hush()
        if self._waiting or self._streams:
            self._sweep = self._clock.call_later(again, self._watch_for_silence)

    @property
    def _hush_words(self) -> str:
        return f"the coordinator in {self.holder} has been silent for {HUSH_SECONDS:g} s"

    def _hush(self) -> None:
        """No operation on keys waits any longer, or begins to."""
        self._hushed = True
        for number in [number for number in self._waiting if number not in self._patient]:
            self._fail(number, ConnectionEnded(self._hush_words))
        if self._out is not None:
            self._out.wake()
        self._tell_of_room()

    # Answers. Those to requests that nobody waits for any more are left.

    def _wrote(self, message: Wrote) -> None:
        future = self._waiting.pop(message.id, None)
        if future is not None and not future.done():
            future.set_result(message.written)

    def _found(self, message: Found) -> None:
        future = self._waiting.pop(message.id, None)
        if future is not None and not future.done():
            future.set_result(message.read)

    def _answered(self, message: Answer) -> None:
        future = self._waiting.pop(message.id, None)
        if future is not None and not future.done():
            future.set_result(message.value)

    def _refused(self, message: Refused) -> None:
        self._fail(message.id, (ArgumentError if message.argument else ClusterError)(message.text))

    def _not_begun(self, message: wire.NotBegun) -> None:
        self._fail(message.id, NotBegun(f"the coordinator in {self.holder} is ending; {UNDONE}"))

    def _fail(self, number: int, error: ClusterError) -> None:
        future = self._waiting.pop(number, None)
        if future is not None and not future.done():
            future.set_exception(error)
        parts = self._streams.get(number)
        if parts is not None:
            parts.error, parts.over = error, True
            parts.ready.set()

    def _part(self, message: Part) -> None:
        parts = self._streams.get(message.id)
        if parts is None:
            return
        if len(parts.queue) >= parts.ahead:
            raise Misfit("it sends more than was asked for")
        parts.queue.append(message.value)
        parts.ready.set()

    def _passed(self, message: Passed) -> None:
        parts = self._streams.get(message.id)
        if parts is not None and parts.passed is not None:
            try:
                parts.passed(message.fraction)
            except Exception as error:
                # The caller's own: it ends the scan, and nothing else on this connection.
                parts.error = error
                parts.ready.set()

    def _ended(self, message: Ended) -> None:
        parts = self._streams.get(message.id)
        if parts is not None:
            parts.over = True
            parts.ready.set()

    def _picture(self, message: Picture) -> None:
        if not self.greeted.done():
            self.greeted.set_result(message)
        elif self.watcher is not None:
            self.watcher.show(message)

    def _farewell(self, message: Farewell) -> None:
        told = f"{self.holder} closed the connection: {message.reason}"
        self.close(told if message.reason else f"the coordinator in {self.holder} ended", message.begun)

    def _piece(self, piece: Piece) -> None:
        message = self._incoming.add_piece(piece)
        if message is not None:
            self._handlers[type(message)](message)
