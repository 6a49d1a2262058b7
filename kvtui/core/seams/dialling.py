"""Opening a TCP connection to somebody else: never to one's own end.

The system gives a connection's own end any free port of its range. Where nothing listens at an address of that range, it may give
that very port: then the connection is one with itself, which sends back whatever is said. Nobody is there.
"""

import asyncio
import errno
import os
import socket
import struct

from kvtui.core.seams.forked import left_socket, unforked


async def dial(host: str, port: int) -> socket.socket:
    """A connected socket, of the first of the host's addresses that accepts. Raises OSError, OverflowError, UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    refused: OSError | None = None
    for family, kind, protocol, _, address in found:
        try:
            with unforked():
                opened = left_socket(socket.socket(family, kind, protocol))
            return await _dial_one(opened, address)
        except OSError as error:
            refused = refused or error
    raise refused or OSError(f"{host} has no address")


async def _dial_one(opened: socket.socket, address: tuple[object, ...]) -> socket.socket:
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, address)
        if is_own_end(opened):
            # Given up at once, without the wait that would keep the address from whoever is to listen there.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    except BaseException:
        opened.close()
        raise
    return opened


def is_own_end(connected: socket.socket) -> bool:
    """Whether both ends of a connected socket are the same. Raises OSError where it is connected no more."""
    return bool(connected.getsockname() == connected.getpeername())
