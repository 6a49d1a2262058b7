"""What is stored under a key: bytes that tell all along which value they are of, so that no mixture of two is taken for either."""

import zlib
from typing import Final

from kvtui.core import protocol

PIECES: Final = (1, 2, 3, 5)
"""Pieces of a large value, about: one and a byte at least."""
ENDS: Final = (1, 0, 7)
"""Bytes by which a large value is longer than whole pieces: the edges among them."""
MIDDLING: Final = (120, 199)
"""Least and most bytes of the other half of the values: they come along in one message, and few of them fill a page."""
_MARK: Final = "|"
_PADDING: Final = "~"


def stored(name: str, large: bool = False) -> bytes:
    """The bytes of the value of that name. A ``large`` one travels in pieces; its length follows from its name."""
    lot = zlib.crc32(name.encode())
    if not large:
        least, most = MIDDLING
        return (name.ljust(least + lot // 2 % (most - least + 1), _PADDING) if lot % 2 else name).encode()
    pieces, end = PIECES[lot % len(PIECES)], ENDS[lot // len(PIECES) % len(ENDS)]
    size = max(protocol.INLINE_BYTES + 1, pieces * protocol.INLINE_BYTES + end)
    parts: list[str] = []
    length = 0
    while length < size:
        # Numbered, so that no part can stand for another one.
        part = f"{name}{_MARK}{len(parts)}{_MARK}"
        parts.append(part)
        length += len(part)
    return "".join(parts).encode()[:size]


def name_of(value: bytes) -> str:
    """The name of the value that was stored, if it is whole."""
    name, mark, _ = value.decode(errors="replace").partition(_MARK)
    if not mark and value == name.encode() and not name.endswith(_PADDING):
        return name
    name = name.rstrip(_PADDING)
    return name if value == stored(name, bool(mark)) else f"{name}, torn"
