"""Where TCP connections wait until their TLS handshake is done: limited apart, as each costs memory and has proved nothing."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final

from kvtui.core.crowd import Crowd
from kvtui.core.seams.tls import SHUTDOWN_SECONDS

HANDSHAKE_SECONDS: Final = 3.0
"""A TLS handshake must be done by then."""
HANDSHAKES: Final = 64
"""Most of them at once; each costs about 300 KiB."""
ACCEPTS: Final = 32
"""Connections accepted in one turn of the loop: who is served already waits no longer for more."""
EXHAUSTED_SECONDS: Final = 1.0
"""How long nothing is accepted after the system had no file handle left."""
_TLS_HANDSHAKE: Final = b"\x16"
"""The first byte of everybody who speaks TLS."""
_SPEAK_TLS: Final = b'{"status":"error","code":"tls","msg":"this node speaks TLS alone"}\n'


class TlsDoor:
    """Accepts TCP connections on one socket, and passes on those whose handshake succeeds."""

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        make: Callable[[], asyncio.Protocol],
        crowded: Callable[[str], None],
    ) -> None:
        """``make`` gives the protocol of a connection whose handshake is done. ``listening`` is closed by ``close``.

        ``crowded`` is told the address of each connection that had to go for another.
        """
        listening.setblocking(False)
        self.context = context
        self.make = make
        self._listening = listening
        self._crowded = crowded
        self._crowd: Crowd[_Stranger] = Crowd(HANDSHAKES)
        self._loop = asyncio.get_running_loop()
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self._resume()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listening.getsockname()[:2]
        return str(host), int(port)

    @property
    def waiting(self) -> int:
        """Handshakes under way."""
        return len(self._crowd)

    def close(self) -> None:
        """Accept no more, and give up the handshakes under way."""
        if self._closed:
            return
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listening)
        self._listening.close()
        self._crowd.disperse()

    def leave(self, stranger: "_Stranger") -> None:
        self._crowd.leave(stranger)

    def _resume(self) -> None:
        self._retry = None
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTS):
            try:
                connection, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._loop.remove_reader(self._listening)
                self._retry = self._loop.call_later(EXHAUSTED_SECONDS, self._resume)
                return
            connection.setblocking(False)
            gone = self._crowd.enter(_Stranger(self, connection), str(address[0]))
            if gone is not None:
                self._crowded(gone)


class _Stranger:
    """A connection during its handshake."""

    def __init__(self, door: TlsDoor, connection: socket.socket) -> None:
        self._door = door
        self._connection = connection
        self._handed_over = False
        self._task = asyncio.get_running_loop().create_task(self._shake_hands())
        # Not in the task's own ``finally``: a task that is cancelled before its first step has none.
        self._task.add_done_callback(self._end)

    def abort(self) -> None:
        self._task.cancel()

    async def _shake_hands(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                if await self._speaks_tls():
                    self._handed_over = True
                    await loop.connect_accepted_socket(
                        self._door.make,
                        self._connection,
                        ssl=self._door.context,
                        ssl_handshake_timeout=HANDSHAKE_SECONDS,
                        ssl_shutdown_timeout=SHUTDOWN_SECONDS,
                    )
        except (OSError, TimeoutError):
            # What a stranger gets wrong is none of our errors; the connection is gone.
            pass

    def _end(self, task: "asyncio.Task[None]") -> None:
        self._door.leave(self)
        if not self._handed_over:
            self._connection.close()

    async def _speaks_tls(self) -> bool:
        """Wait for the first byte. Who speaks anything else is told so, in the clear."""
        loop = asyncio.get_running_loop()
        spoken: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._connection, lambda: None if spoken.done() else spoken.set_result(None))
        try:
            await spoken
        finally:
            loop.remove_reader(self._connection)
        first = self._connection.recv(1, socket.MSG_PEEK)
        if first and first != _TLS_HANDSHAKE:
            self._connection.recv(64 * 1024)
            self._connection.send(_SPEAK_TLS)
        return first == _TLS_HANDSHAKE
