"""How a coordinator and a node prove to each other that they know the same secret, without sending it.

Challenge and response: each side gives a fresh nonce; then the coordinator, and after it the node, send an HMAC-SHA256 under
the secret over its own role, the place where they met, and both nonces. A recorded proof fits no later nonce (no replay), a
proof sent back to its sender carries the wrong role (no reflection), and one that a stranger relays from another
address carries the wrong place. The node proves last: it is no oracle for whoever can reach it.

Pure: bytes in, bytes out. The scheme follows ISO/IEC 9798-4, mechanism 4 (three-pass mutual authentication).
"""

import hmac
from enum import Enum
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, NoReturn

NONCE_BYTES: Final = 32
"""Length of each side's nonce."""
SECRET_BYTES_LEAST: Final = 16
"""Shortest secret: who records an exchange can try out guesses at leisure, so that only length protects."""
SECRET_BYTES_MOST: Final = 1024
"""Longest secret."""
_LABEL: Final = b"kvtui secret 1"
"""Proofs of another protocol, or of another version of this one, are never taken for these."""


class BadSecret(Exception):
    """What was given can't be a secret; the text says why, and nothing of what it was."""


class Role(Enum):
    """Who proves."""

    COORDINATOR = b"coordinator"
    NODE = b"node"


class Secret:
    """A shared secret, which shows itself in no text, can't be copied into a file by accident, and is no value to compare."""

    __slots__ = ("_key",)

    def __init__(self, text: bytes) -> None:
        """Raises BadSecret. White space around ``text``, such as a file's last newline, does not count."""
        key = text.strip()
        if not SECRET_BYTES_LEAST <= len(key) <= SECRET_BYTES_MOST:
            raise BadSecret(f"it has {len(key)} bytes; a secret has {SECRET_BYTES_LEAST} to {SECRET_BYTES_MOST:,}")
        if any(byte < 32 for byte in key):
            raise BadSecret("it holds control characters; a secret is one line of text")
        self._key = key

    def reveal(self) -> bytes:
        """The secret itself, for the environment of a node that is started here."""
        return self._key

    def proof(self, role: Role, place: str, asked: bytes, answered: bytes) -> bytes:
        """What ``role`` shows at ``place`` for the coordinator's nonce ``asked`` and the node's ``answered``: 32 bytes."""
        fields = (_LABEL, role.value, place.encode(), asked, answered)
        # Each field with its length: no two different lists of fields are the same bytes.
        message = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
        return hmac.digest(self._key, message, "sha256")

    def proves(self, given: bytes, role: Role, place: str, asked: bytes, answered: bytes) -> bool:
        """Whether ``given`` is that proof; takes equally long wherever it differs."""
        return hmac.compare_digest(given, self.proof(role, place, asked, answered))

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be stored")


def place_of(address: Any, certificate: str = "") -> str:
    """What both sides call the place where they meet.

    Over TLS it is the node's certificate, by its SHA-256 ``certificate``, whatever lies between. Without, the socket ``address``
    on which the node was reached, as both ends see it: (host, port, ...).
    """
    if certificate:
        return f"certificate {certificate}"
    host, port = address[:2]
    text = str(host).partition("%")[0]
    try:
        number = ip_address(text)
    except ValueError:
        return f"{text}:{port}"
    if isinstance(number, IPv6Address) and number.ipv4_mapped is not None:
        number = number.ipv4_mapped
    return f"{number}:{port}"


def read_hex(text: str, length: int) -> bytes | None:
    """The bytes of ``text`` if it is exactly ``length`` bytes in hexadecimal digits, else None."""
    if len(text) != 2 * length:
        return None
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return None
    return data if len(data) == length else None
