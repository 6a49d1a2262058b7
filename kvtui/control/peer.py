"""Who is at the other end of a Unix socket: the system knows, whatever the other end says."""

import asyncio
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import Final, cast

from kvtui.core.seams.forked import left_to_parent, unforked

_UCRED: Final = struct.Struct("3i")
"""Linux: pid, uid, gid."""
_XUCRED: Final = struct.Struct("=IIh2x16I")
"""macOS and FreeBSD: version, uid, number of groups, groups."""
_SOL_LOCAL: Final = 0
_LOCAL_PEERCRED: Final = 1
UNKNOWN: Final = (
    "this system does not tell who is at the other end of a control socket: its mode (0600) alone keeps others out"
)

_log = logging.getLogger(__name__)
_told: set[str] = set()


def uid_at(connected: socket.socket) -> int | None:
    """The effective uid of who opened the other end; None where the system does not tell."""
    try:
        if sys.platform == "linux":
            raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            return int(_UCRED.unpack(raw)[1])
        if sys.platform == "darwin" or sys.platform.startswith("freebsd"):
            raw = connected.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED.size)
            return int(struct.unpack_from("=II", raw)[1])
    except (OSError, struct.error):
        pass
    return None


def may_talk(peer: int | None, user: int, owner: int | None = None) -> bool:
    """Whether ``user`` has to do with ``peer`` (uids): with itself and with root; root with the directory's ``owner`` too. Who is
    not known is kept out by the mode of the socket alone."""
    return peer is None or peer in (user, 0) or (user == 0 and peer == owner)


class Admission(asyncio.Protocol):
    """A connection's first moment: it goes to the protocol that ``make`` makes if its peer is one to talk to, else it ends without
    a word."""

    def __init__(self, make: Callable[[], asyncio.Protocol], owner: int | None = None) -> None:
        self.stranger: int | None = None
        """The uid of who was not admitted."""
        self._make = make
        self._owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        left_to_parent(stream, lambda stream: (stream.get_extra_info("socket"),))
        peer = _peer_of(stream)
        if peer is None and UNKNOWN not in _told:
            _told.add(UNKNOWN)
            _log.warning(UNKNOWN)
        if not may_talk(peer, os.geteuid(), self._owner):
            self.stranger = peer
            _log.warning("user %d is at the other end of a control socket, and was told nothing", peer)
            stream.abort()
            return
        protocol = self._make()
        stream.set_protocol(protocol)
        protocol.connection_made(stream)


def _peer_of(stream: asyncio.Transport) -> int | None:
    # uvloop's sockets know few calls: ours has all of them, on the same connection.
    with unforked(), socket.socket(fileno=os.dup(stream.get_extra_info("socket").fileno())) as same:
        return uid_at(same)
