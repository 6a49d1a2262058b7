"""The node on real sockets, on asyncio's loop and on uvloop: what simulated streams can't tell."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from importlib.util import find_spec

import pytest

from kvtui.core.protocol import (
    FRAME_BYTES,
    INLINE_BYTES,
    WRITE_BUFFER_BYTES,
    Get,
    Put,
    Size,
    decode_reply,
    encode_lines,
)
from kvtui.core.seams.chance import SystemRandom
from kvtui.core.seams.clock import LoopClock
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.seams.transport import CannotListen, TcpTransport
from kvtui.node.server import NodeServer
from kvtui.node.store import Store

LIMIT_SECONDS = 30
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Story = Callable[[NodeServer, Callable[[], Awaitable[Streams]]], Awaitable[None]]


@pytest.fixture(params=["asyncio", "uvloop"])
def tell(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """Tells a story to a started node."""
    if request.param == "uvloop" and find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")

    async def told(story: Story) -> None:
        server = NodeServer(Store(MemoryEngine(), SystemRandom()), TcpTransport(), LoopClock())
        await server.start()
        writers: list[asyncio.StreamWriter] = []

        async def connect() -> Streams:
            streams = await asyncio.open_connection(*server.address, limit=2 * FRAME_BYTES)
            writers.append(streams[1])
            return streams

        async with asyncio.timeout(LIMIT_SECONDS):
            await story(server, connect)
            for writer in writers:
                writer.close()
            await server.close()

    def run(story: Story) -> None:
        if request.param == "uvloop":
            import uvloop

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(told(story))
        else:
            asyncio.run(told(story))

    return run


def test_one_unframed_request_is_answered_and_the_connection_closed(tell: Callable[[Story], None]) -> None:
    async def story(server: NodeServer, connect: Callable[[], Awaitable[Streams]]) -> None:
        for request, reply in [
            (b'{"op":"put","key":"a","value":"1"}', b'{"status":"ok"}'),
            (b'{"op":"get","key":"a"}', b'{"status":"ok","value":"1"}'),
        ]:
            reader, writer = await connect()
            writer.write(request)
            assert await reader.read() == reply

    tell(story)


def test_after_a_half_close_everything_is_answered(tell: Callable[[Story], None]) -> None:
    async def story(server: NodeServer, connect: Callable[[], Awaitable[Streams]]) -> None:
        reader, writer = await connect()
        writer.write(encode_lines([Put(key="a", value="v" * INLINE_BYTES)]))
        await reader.readline()
        gets = 2 * WRITE_BUFFER_BYTES // INLINE_BYTES
        writer.write(encode_lines([Get(key="a", id=number) for number in range(gets)]) + b'{"op":"size"}')
        writer.write_eof()
        lines = (await reader.read()).splitlines()
        assert [decode_reply(line).id for line in lines] == [*range(gets), None]
        assert decode_reply(lines[-1]).keys == 1

    tell(story)


def test_a_slow_reader_delays_nobody_and_gets_everything_later(tell: Callable[[Story], None]) -> None:
    async def story(server: NodeServer, connect: Callable[[], Awaitable[Streams]]) -> None:
        reader, writer = await connect()
        writer.write(encode_lines([Put(key="a", value="v" * INLINE_BYTES)]))
        await reader.readline()
        slow = socket.create_connection(server.address, timeout=LIMIT_SECONDS)
        slow.setblocking(False)
        gets = 1000
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(slow, encode_lines([Get(key="a", id=number) for number in range(gets)]))
        writer.write(encode_lines([Size()]))
        assert decode_reply(await reader.readline()).keys == 1
        received = bytearray()
        lines = 0
        while lines < gets:
            chunk = await loop.sock_recv(slow, 1 << 20)
            lines += chunk.count(b"\n")
            received += chunk
        assert [decode_reply(line).id for line in received.splitlines()] == list(range(gets))
        slow.close()

    tell(story)


def test_the_reply_to_an_oversized_line_arrives(tell: Callable[[Story], None]) -> None:
    async def story(server: NodeServer, connect: Callable[[], Awaitable[Streams]]) -> None:
        reader, writer = await connect()
        writer.write(b"x" * (FRAME_BYTES + 500_000))
        reply = decode_reply(await reader.readline())
        assert reply.code == "too_large"
        writer.write_eof()
        assert await reader.read() == b""

    tell(story)


def test_a_port_in_use_can_not_be_listened_on(tell: Callable[[Story], None]) -> None:
    async def story(server: NodeServer, connect: Callable[[], Awaitable[Streams]]) -> None:
        other = NodeServer(Store(MemoryEngine(), SystemRandom()), TcpTransport(), LoopClock(), *server.address)
        with pytest.raises(CannotListen, match="address already in use"):
            await other.start()

    tell(story)
