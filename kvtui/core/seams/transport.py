"""The transport seam: byte streams between a coordinator and its nodes.

The bytes of a stream go through ``asyncio.Protocol`` callbacks, not through awaited reads: an awaited
receive costs more than all the rest of a small request.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from kvtui.core.seams.dialling import dial
from kvtui.core.seams.forked import left_socket, left_to_parent
from kvtui.core.seams.tls import SHUTDOWN_SECONDS, Tls
from kvtui.core.seams.tls_door import TlsDoor

CONNECT_SECONDS = 1.5
"""How long a connection may take to open before it counts as refused."""
BACKLOG = 512
"""Connections that may wait for being accepted."""


class Unreachable(Exception):
    """Nothing accepts connections at an address, or nothing answered within ``CONNECT_SECONDS``."""


class Untrusted(Unreachable):
    """Something answers at an address, but TLS with it fails: its certificate is not vouched for, or it speaks no TLS."""


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
        left_to_parent(self, lambda listener: listener._server.sockets)

    @property
    def address(self) -> tuple[str, int]:
        return self._address

    def close(self) -> None:
        self._server.close()


class TcpTransport:
    """TCP on the running asyncio loop, under TLS where ``tls`` says so."""

    def __init__(self, tls: Tls | None = None, crowded: Callable[[str], None] = lambda _: None) -> None:
        """``crowded`` is told the address of each TLS handshake under way that was ended because there were too many."""
        self._crowded = crowded
        self._calling = None if tls is None else tls.client
        self._answering = None if tls is None else tls.server

    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                opened = await dial(host, port)
                if self._calling is None:
                    await loop.create_connection(make, sock=opened)
                else:
                    await loop.create_connection(
                        make,
                        sock=opened,
                        ssl=self._calling,
                        server_hostname=host,
                        ssl_shutdown_timeout=SHUTDOWN_SECONDS,
                    )
        except TimeoutError:
            raise Unreachable(f"{host}:{port} did not answer within {CONNECT_SECONDS:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise Untrusted(
                f"{host}:{port} shows a certificate that the TLS authority does not vouch for: {_why(error)}"
            ) from None
        except ssl.SSLError as error:
            raise Untrusted(
                f"{host}:{port} does not agree on TLS (has the node a certificate?): {_why(error)}"
            ) from None
        except (OSError, OverflowError, UnicodeError) as error:
            reason = _reason(error)
            raise Unreachable(f"{host}:{port} can't be reached: {reason}") from None

    async def listen(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> Listener:
        loop = asyncio.get_running_loop()
        try:
            if self._answering is not None:
                return TlsDoor(await _listening_socket(host, port), self._answering, make, self._crowded)
            server = await loop.create_server(make, host, port, backlog=BACKLOG)
        except (OSError, OverflowError, UnicodeError) as error:
            reason = _reason(error)
            raise CannotListen(f"can't listen on {host}:{port}: {reason}") from None
        return _TcpListener(server)


async def _listening_socket(host: str, port: int) -> socket.socket:
    """Raises OSError, OverflowError, UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, _, _, _, address = found[0]
    return left_socket(socket.create_server(address[:2], family=family, backlog=BACKLOG))


def _why(error: ssl.SSLError) -> str:
    """What OpenSSL says, in words, without its file names and numbers."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.strip().rstrip(".")
    return (error.reason or "unknown reason").replace("_", " ").lower()


def _reason(error: Exception) -> str:
    """What the system says, without the address, which asyncio's own wording repeats."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error)
