"""The transport seam: byte streams between a coordinator and its nodes.

The bytes of a stream go through ``asyncio.Protocol`` callbacks, not through awaited reads: an awaited
receive costs more than all the rest of a small request.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Protocol

CONNECT_SECONDS = 1.5
"""How long a connection may take to open before it counts as refused."""


class Unreachable(Exception):
    """Nothing accepts connections at an address, or nothing answered within ``CONNECT_SECONDS``."""


class CannotListen(Exception):
    """An address can't be listened on; the text says which and why."""


class Listener(Protocol):
    """An open listening address."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that accept connections; the port is never 0."""
        ...

    def close(self) -> None:
        """Accept no more. Open connections go on."""
        ...


class Transport(Protocol):
    """Opens and accepts byte streams. Each stream's life is told to an ``asyncio.Protocol``."""

    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        """Open a stream; its protocol's ``connection_made`` has run when this returns.

        Raises Unreachable.
        """
        ...

    async def listen(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> Listener:
        """Accept streams at ``host`` and ``port`` (0: any free one), one protocol each. Raises CannotListen."""
        ...


class _TcpListener:
    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        host, port = server.sockets[0].getsockname()[:2]
        self._address = (str(host), int(port))

    @property
    def address(self) -> tuple[str, int]:
        return self._address

    def close(self) -> None:
        self._server.close()


class TcpTransport:
    """TCP on the running asyncio loop."""

    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_connection(make, host, port)
        except TimeoutError:
            raise Unreachable(f"{host}:{port} did not answer within {CONNECT_SECONDS:g} s") from None
        except (OSError, OverflowError, UnicodeError) as error:
            reason = _reason(error)
            raise Unreachable(f"{host}:{port} can't be reached: {reason}") from None

    async def listen(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> Listener:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(make, host, port, backlog=512)
        except (OSError, OverflowError, UnicodeError) as error:
            reason = _reason(error)
            raise CannotListen(f"can't listen on {host}:{port}: {reason}") from None
        return _TcpListener(server)


def _reason(error: Exception) -> str:
    """What the system says, without the address, which asyncio's own wording repeats."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error)
