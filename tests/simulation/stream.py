"""One simulated byte stream: two ends, each the ``asyncio.Transport`` of its protocol.

Bytes go from the writer's buffer onto the wire, as far as the window allows, and arrive in order, each piece after a
delay of its own; several that are due together may arrive as one. Everything that an end's protocol is told runs as code of its
machine: a paused machine is told later, a crashed one never.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final, Protocol

from tests.simulation.machine import Machine

Address = tuple[str, int]

WINDOW_BYTES: Final = 256 * 1024
"""Bytes of one direction that may be on the wire, unread; what else is written waits in the writer's buffer."""
READ_BYTES: Final = 256 * 1024
"""Most bytes of one ``data_received``."""
HIGH_WATER_BYTES: Final = 64 * 1024
"""Buffered bytes above which a protocol is asked to pause writing, unless it sets another limit; asyncio's own default."""


class Mark(Enum):
    """What travels on a stream besides bytes."""

    OPEN = "open"
    END = "end"
    RESET = "reset"


class Wire(Protocol):
    """What a stream asks of its network."""

    def delay(self, sender: str, receiver: str) -> float:
        """Seconds that the next piece takes."""
        ...

    def pieces(self, data: bytes) -> list[bytes]:
        """``data``, cut where the network cuts it."""
        ...

    def survivors(self, count: int) -> int | None:
        """How many of ``count`` pieces on the wire still arrive when their writer aborts; None: all, and an orderly end."""
        ...

    def blocked(self, sender: str, receiver: str) -> bool:
        """Whether nothing gets through now."""
        ...

    def delivered(self, sender: str, receiver: str, item: bytes | Mark) -> None:
        """Told of everything that arrives."""
        ...

    def closed(self, connection: "Connection") -> None:
        """Told when both ends are gone."""
        ...


class End(asyncio.Transport):
    """One end of a stream."""

    peer: "End"
    connection: "Connection"

    def __init__(
        self, wire: Wire, machine: Machine, make: Callable[[], asyncio.Protocol], own: Address, other: Address
    ) -> None:
        super().__init__({"sockname": own, "peername": other})
        self.machine = machine
        self.lost = False
        """Whether this end is gone: its protocol has been told, or its machine crashed."""
        self._wire = wire
        self._make = make
        self._protocol: asyncio.Protocol | None = None
        self._context = machine.context()
        self._loop = asyncio.get_running_loop()
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._arriving: deque[tuple[float, bytes | Mark]] = deque()
        self._arriving_bytes = 0
        self._last_due = 0.0
        self._timer: asyncio.Handle | None = None
        self._held = False
        self._reading = True
        self._writing_paused = False
        self._closing = False
        self._ended = False
        self._end_sent = False
        self._high, self._low = HIGH_WATER_BYTES, HIGH_WATER_BYTES // 4

    def open(self) -> None:
        """Make the protocol and tell it of the connection."""
        self._protocol = self._make()
        self._protocol.connection_made(self)

    # What protocols call.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be bytes-like, not {type(data).__name__}")
        if self._ended:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._closing or self.lost or not data:
            return
        if not self._outbox and self.peer._arriving_bytes + len(data) <= WINDOW_BYTES:
            for piece in self._wire.pieces(bytes(data)):
                self.peer.accept(piece)
            return
        self._outbox.append(bytes(data))
        self._outbox_bytes += len(data)
        self._send()
        if self._outbox_bytes > self._high and not self._writing_paused and self._protocol is not None:
            self._writing_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if not (self._closing or self._ended):
            self._ended = True
            self._send()

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        if not (self._closing or self.lost):
            self._closing = True
            self._send()

    def abort(self) -> None:
        if not self.lost:
            self._closing = True
            self._leave()
            self._soon(self._lose, None)

    def is_closing(self) -> bool:
        return self._closing or self.lost

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._schedule()

    def is_reading(self) -> bool:
        return self._reading and not self.is_closing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = HIGH_WATER_BYTES if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high, self._low = high, low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return self._outbox_bytes

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._protocol is not None
        return self._protocol

    # What the network calls.

    def accept(self, item: bytes | Mark) -> None:
        """Put ``item`` on the wire to this end."""
        if self.lost and not self.machine.alive:
            return
        due = self._loop.time() + self._wire.delay(self.peer.machine.name, self.machine.name)
        if due < self._last_due:
            due = self._last_due
        self._last_due = due
        self._arriving.append((due, item))
        if isinstance(item, bytes):
            self._arriving_bytes += len(item)
        if self._timer is None:
            self._schedule()

    def reset(self, survivors: int) -> None:
        """Of what is on the wire to this end only the first ``survivors`` pieces arrive; then it learns that the stream broke."""
        while len(self._arriving) > survivors:
            _, item = self._arriving.pop()
            if isinstance(item, bytes):
                self._arriving_bytes -= len(item)
        self.accept(Mark.RESET)

    def linger(self, seconds: float) -> None:
        """What is on the wire to this end takes so much longer. That the stream broke it learns when it answers."""
        self._arriving = deque((due + seconds, item) for due, item in self._arriving)
        self._last_due += seconds
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._schedule()

    def drop_outbox(self) -> None:
        """Lose what waits in the writer's buffer."""
        self._outbox.clear()
        self._outbox_bytes = 0

    def die(self, orderly: bool) -> None:
        """The machine ended: its system closes the stream, and nobody here is told. ``orderly``: what is on the wire arrives."""
        if not self.lost:
            self.lost = True
            if orderly:
                self._end()
            else:
                self._leave()
            self._arriving.clear()
            self._finish()

    @property
    def held(self) -> bool:
        """Whether something waits for a partition to heal."""
        return self._held

    def unhold(self) -> None:
        """Let arrive what a partition held back."""
        self._held = False
        self._schedule()

    # Sending.

    def _send(self) -> None:
        while self._outbox and (room := WINDOW_BYTES - self.peer._arriving_bytes) > 0:
            data = self._outbox.popleft()
            if len(data) > room:
                self._outbox.appendleft(data[room:])
                data = data[:room]
            self._outbox_bytes -= len(data)
            for piece in self._wire.pieces(data):
                self.peer.accept(piece)
        if self._outbox:
            return
        if self._ended or self._closing:
            self._end()
        if self._closing:
            self._soon(self._lose, None)

    def _end(self) -> None:
        if not self._end_sent:
            self._end_sent = True
            self.peer.accept(Mark.END)

    def _leave(self) -> None:
        """Stop sending at once, as an aborted socket does."""
        self.drop_outbox()
        survivors = self._wire.survivors(len(self.peer._arriving))
        if survivors is None:
            self._end()
        else:
            self.peer.reset(survivors)

    def _refill(self) -> None:
        if self.lost:
            return
        self._send()
        if self._writing_paused and self._outbox_bytes <= self._low and self._protocol is not None:
            self._writing_paused = False
            self._guard(self._protocol.resume_writing)

    # Receiving.

    def _schedule(self) -> None:
        if self._timer is None and self._arriving and not self._held and self._listens:
            due = self._arriving[0 if self._reading else -1][0]
            self._timer = self._loop.call_at(due, self._arrive, context=self._context)

    @property
    def _listens(self) -> bool:
        """Whether anything is taken off the wire. A broken stream is noticed even where reading is paused."""
        return self._reading or self._closing or self._arriving[-1][1] is Mark.RESET

    def _arrive(self) -> None:
        self._timer = None
        sender, receiver = self.peer.machine.name, self.machine.name
        if self._wire.blocked(sender, receiver):
            self._held = True
        elif self._arriving and self._listens:
            item = self._take()
            self._wire.delivered(sender, receiver, item)
            if self.lost:
                self._refuse(item)
            elif isinstance(item, Mark):
                self._heed(item)
            elif not self._closing and self._reading and self._protocol is not None:
                self._guard(self._protocol.data_received, item)
        if self._arriving:
            self._schedule()

    def _take(self) -> bytes | Mark:
        """The next mark, or the next bytes with all that are due by now."""
        _, item = self._arriving.popleft()
        if isinstance(item, Mark):
            return item
        if not self._arriving and not self.peer._outbox:
            self._arriving_bytes = 0
            return item
        now = self._loop.time()
        parts, size = [item], len(item)
        while self._arriving and self._arriving[0][0] <= now and size < READ_BYTES:
            following = self._arriving[0][1]
            if isinstance(following, Mark):
                break
            self._arriving.popleft()
            parts.append(following)
            size += len(following)
        self._arriving_bytes -= size
        if self.peer._outbox:
            self.peer._soon(self.peer._refill)
        return b"".join(parts)

    def _heed(self, mark: Mark) -> None:
        if mark is Mark.OPEN:
            self._guard(self.open)
        elif mark is Mark.RESET:
            self._closing = True
            self.drop_outbox()
            self._lose(ConnectionResetError(104, "Connection reset by peer"))
        elif self._protocol is not None and not self._closing:
            keep_open = False

            def end() -> None:
                nonlocal keep_open
                keep_open = bool(self._protocol is not None and self._protocol.eof_received())

            self._guard(end)
            if not keep_open:
                self.close()

    def _refuse(self, item: bytes | Mark) -> None:
        """Bytes for an end that is gone make its system break the stream."""
        if isinstance(item, bytes) and not self.peer.lost:
            self.peer.accept(Mark.RESET)

    def _lose(self, error: Exception | None) -> None:
        if self.lost:
            return
        self.lost = True
        self._finish()
        if self._protocol is not None:
            self._protocol.connection_lost(error)

    def _finish(self) -> None:
        if self.peer.lost:
            self._wire.closed(self.connection)

    def _soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        self._loop.call_soon(callback, *arguments, context=self._context)

    def _guard(self, callback: Callable[..., None], *arguments: Any) -> None:
        """Call the protocol; what it raises ends the stream and fails the run, as asyncio's own transports do it."""
        try:
            callback(*arguments)
        except Exception as error:
            context = {"message": "a protocol's callback failed", "exception": error, "transport": self}
            self._loop.call_exception_handler(context)
            self.abort()


class Connection:
    """A stream as a whole, for tests that break it."""

    def __init__(self, client: End, server: End) -> None:
        self._ends = (client, server)
        client.peer, server.peer = server, client
        client.connection = server.connection = self

    @property
    def client(self) -> str:
        """The name of the machine that connected."""
        return self._ends[0].machine.name

    @property
    def server(self) -> str:
        """The name of the machine that accepted."""
        return self._ends[1].machine.name

    @property
    def address(self) -> Address:
        """Where it was accepted."""
        address: Address = self._ends[1].get_extra_info("sockname")
        return address

    @property
    def ends(self) -> tuple[End, End]:
        """The client's end and the server's."""
        return self._ends

    @property
    def sent(self) -> bytes:
        """What is on the wire to the server."""
        return b"".join(item for _, item in self._ends[1]._arriving if isinstance(item, bytes))

    def cut(self, survivors: Callable[[int], int] = lambda count: 0) -> None:
        """Break it: both ends learn so, after what ``survivors`` leaves of the pieces on the wire to them."""
        for end in self._ends:
            end.drop_outbox()
        for end in self._ends:
            if not end.lost:
                end.reset(survivors(len(end._arriving)))

    def strand(self, seconds: float) -> None:
        """The client learns that it broke; what it sent still arrives, so much later, when there may be another stream already."""
        client, server = self._ends
        client.drop_outbox()
        if not server.lost:
            server.linger(seconds)
        if not client.lost:
            client.reset(0)
