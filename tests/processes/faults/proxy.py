"""A TCP proxy before a node: it passes bytes on, late, in one direction only, not at all, or breaks its connections."""

import asyncio
from contextlib import suppress
from typing import Final

CHUNK_BYTES: Final = 64 * 1024
CHUNKS_HELD: Final = 1_000
"""Most chunks on their way in one direction of a connection; beyond that the sender waits, as TCP has it."""


class Way:
    """One direction, of all connections."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds that everything is late."""
        self.open = asyncio.Event()
        """Cleared, nothing comes through; what is sent meanwhile comes once it is set again."""
        self.open.set()


class Proxy:
    """Listens on a port of its own. ``target`` is where it connects to; None: nobody is there."""

    def __init__(self) -> None:
        self.target: tuple[str, int] | None = None
        self.there, self.back = Way(), Way()
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        self._server.close()
        self.break_connections()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def break_connections(self) -> None:
        """Reset every connection, both sides."""
        for writer in list(self._connections):
            writer.transport.abort()

    def heal(self) -> None:
        """Everything comes through at once."""
        for way in (self.there, self.back):
            way.delay = 0.0
            way.open.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio reports the cancellation of one that it made itself as an error.
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.target is None:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._connections |= both
        try:
            ways = [
                asyncio.ensure_future(_carry(reader, far_writer, self.there)),
                asyncio.ensure_future(_carry(far_reader, writer, self.back)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._connections -= both
            for end in both:
                end.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
    """Until either end is gone."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_HELD)

    async def deliver() -> None:
        while True:
            due, chunk = await queue.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            await way.open.wait()
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()

    delivery = asyncio.ensure_future(deliver())
    try:
        with suppress(OSError):
            while not delivery.done():
                chunk = await reader.read(CHUNK_BYTES)
                await queue.put((loop.time() + way.delay, chunk))
                if not chunk:
                    await delivery
    finally:
        delivery.cancel()
        await asyncio.gather(delivery, return_exceptions=True)
