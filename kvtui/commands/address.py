"""``[host:]<port>``."""

from __future__ import annotations

from typing import NamedTuple

LOOPBACK = "127.0.0.1"
PORT_MOST = 65_535


class Address(NamedTuple):
    host: str
    port: int
    """0: any free one."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """``5001``, ``host:5001`` or ``[::1]:5001``; without a host, 127.0.0.1. ValueError says what is wrong with it."""
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > PORT_MOST:
        raise ValueError(f"a port is a number from 0 (any free one) to {PORT_MOST}")
    if not colon:
        return Address(LOOPBACK, int(port))
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("an IPv6 address goes in brackets, as in [::1]:5001")
    if not host or any(character.isspace() for character in host):
        raise ValueError("the host before the colon is missing")
    return Address(host, int(port))
