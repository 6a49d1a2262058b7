"""A transport whose streams can be slowed down or cut at will: what networks do to a cluster, done on purpose.

A cut is a partition, not a reset: nothing comes through either way, not even the end of a stream, until it is healed; then what
waited goes on its way. Streams that nothing impairs pass their bytes on at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from kvtui.core.seams.clock import Clock, Timer
from kvtui.core.seams.transport import CONNECT_SECONDS, Listener, Transport, Unreachable

HELD_BYTES: Final = 64 * 1024 * 1024
"""Most bytes that wait in one direction of an impaired stream; more break it, as a full network would."""


@dataclass(frozen=True, slots=True)
class Impairment:
    """What is wrong with the way to an address."""

    seconds: float = 0.0
    """Delay of everything, each way."""
    cut: bool = False

    @property
    def words(self) -> str:
        """``cut off``, ``slowed by 200 ms``; empty when nothing is wrong."""
        slow = f"slowed by {self.seconds * 1000:g} ms" if self.seconds else ""
        return ", ".join(part for part in ("cut off" if self.cut else "", slow) if part)


WHOLE: Final = Impairment()


class ImpairedTransport:
    """Passes on to another transport, as well as ``impairment_of`` an address (host, port) lets it."""

    def __init__(self, inner: Transport, clock: Clock, impairment_of: Callable[[str, int], Impairment]) -> None:
        self._inner = inner
        self._clock = clock
        self._impairment_of = impairment_of
        self._streams: dict[_Stream, None] = {}

    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        """As ``Transport.connect``, and with its exceptions; a cut address does not answer."""
        impairment = self._impairment_of(host, port)
        if impairment.cut:
            await self._clock.sleep(CONNECT_SECONDS)
            raise Unreachable(f"{host}:{port} did not answer within {CONNECT_SECONDS:g} s")
        if impairment.seconds:
            await self._clock.sleep(2 * impairment.seconds)
        await self._inner.connect(host, port, lambda: self._stream(host, port, make()))

    async def listen(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> Listener:
        return await self._inner.listen(host, port, make)

    def look_again(self) -> None:
        """What ``impairment_of`` says has changed: open streams follow it."""
        for stream in list(self._streams):
            stream.suffer(self._impairment_of(*stream.address))

    def _stream(self, host: str, port: int, protocol: asyncio.Protocol) -> "_Stream":
        stream = _Stream((host, port), protocol, self._clock, self._forget)
        self._streams[stream] = None
        stream.suffer(self._impairment_of(host, port))
        return stream

    def _forget(self, stream: "_Stream") -> None:
        self._streams.pop(stream, None)


class _Pipe:
    """One direction of a stream: things on their way, each with the time at which it may arrive, in order."""

    def __init__(self, clock: Clock, overflow: Callable[[], None]) -> None:
        self.impairment = WHOLE
        self.held = 0
        """Bytes on their way."""
        self._clock = clock
        self._overflow = overflow
        self._items: deque[tuple[float, int, Callable[[], None]]] = deque()
        self._timer: Timer | None = None

    @property
    def clear(self) -> bool:
        """Whether things may pass at once, because nothing is wrong and nothing waits before them."""
        return self.impairment is WHOLE and not self._items

    def send(self, size: int, arrive: Callable[[], None]) -> None:
        self.held += size
        if self.held > HELD_BYTES:
            self._overflow()
            return
        self._items.append((self._clock.monotonic() + self.impairment.seconds, size, arrive))
        self.move()

    def move(self) -> None:
        """Let arrive what may, and wait for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.impairment.cut:
            return
        now = self._clock.monotonic()
        while self._items and (self._items[0][0] <= now or self.impairment is WHOLE):
            _, size, arrive = self._items.popleft()
            self.held -= size
            arrive()
        if self._items and not self.impairment.cut:
            self._timer = self._clock.call_later(self._items[0][0] - now, self.move)

    def drop(self) -> None:
        self._items.clear()
        self.held = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Stream(asyncio.Transport, asyncio.Protocol):
    """A stream's protocol towards the network, and its transport towards the protocol that uses it."""

    def __init__(
        self, address: tuple[str, int], protocol: asyncio.Protocol, clock: Clock, ended: Callable[["_Stream"], object]
    ) -> None:
        super().__init__()
        self.address = address
        self._protocol = protocol
        self._ended = ended
        self._network: asyncio.Transport | None = None
        self._lost = False
        """The network's stream has ended, whether its protocol knows of it yet or not."""
        self._outgoing = _Pipe(clock, self.abort)
        self._incoming = _Pipe(clock, self.abort)

    def suffer(self, impairment: Impairment) -> None:
        """From now on."""
        for pipe in (self._outgoing, self._incoming):
            pipe.impairment = WHOLE if impairment == WHOLE else impairment
            pipe.move()

    # Towards the network.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._network = cast(asyncio.Transport, transport)
        self._protocol.connection_made(self)

    def data_received(self, data: bytes) -> None:
        if self._incoming.clear:
            self._protocol.data_received(data)
        else:
            self._incoming.send(len(data), lambda: self._protocol.data_received(data))

    def eof_received(self) -> None:
        if self._incoming.clear:
            self._protocol.eof_received()
        else:
            self._incoming.send(0, self._end_input)

    def _end_input(self) -> None:
        self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._outgoing.drop()
        if self._incoming.clear or self._network is None:
            self._end(exc)
        else:
            self._incoming.send(0, lambda: self._end(exc))

    def _end(self, exc: Exception | None) -> None:
        self._network = None
        self._incoming.drop()
        self._ended(self)
        self._protocol.connection_lost(exc)

    # Towards the protocol.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._network is None:
            return
        if self._outgoing.clear:
            self._network.write(data)
        else:
            kept = bytes(data)
            self._outgoing.send(len(kept), lambda: self._pass_on(kept))

    def _pass_on(self, data: bytes) -> None:
        if self._network is not None:
            self._network.write(data)

    def get_write_buffer_size(self) -> int:
        waiting = 0 if self._network is None else self._network.get_write_buffer_size()
        return waiting + self._outgoing.held

    def abort(self) -> None:
        """Ends here and now, whatever is on its way."""
        network, self._network = self._network, None
        self._outgoing.drop()
        self._incoming.drop()
        if self._lost:
            self._ended(self)
        elif network is not None:
            network.abort()

    def close(self) -> None:
        if self._network is None:
            return
        if self._outgoing.clear:
            self._network.close()
        else:
            self._outgoing.send(0, self._close_network)

    def _close_network(self) -> None:
        if self._network is not None:
            self._network.close()

    def is_closing(self) -> bool:
        return self._network is None or self._network.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default if self._network is None else self._network.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)
