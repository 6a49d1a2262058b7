"""Keys and values as people read and type them."""

from __future__ import annotations

import re
import textwrap

SHOWN_CHARACTERS = 200
"""Longest key or value inside a sentence; a longer one is cut, and its size named."""

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def to_bytes(text: str) -> bytes:
    """What a person typed, as bytes. Surrogate escapes become the bytes they stand for."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """Bytes as text that ``to_bytes`` turns back: bytes that are not UTF-8 become surrogate escapes."""
    return data.decode("utf-8", "surrogateescape")


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def harmless(text: str) -> str:
    """Text on one line that can't drive a terminal: control and direction characters come as escapes."""
    return _UNSAFE.sub(_escape, text)


def whole(data: bytes) -> str:
    """A key or value for a person, all of it."""
    return harmless(from_bytes(data))


def shown(data: bytes) -> str:
    """A key or value within a sentence: cut when it is long."""
    if len(data) <= SHOWN_CHARACTERS:
        return whole(data)
    text = from_bytes(data[: 4 * SHOWN_CHARACTERS])
    if len(text) <= SHOWN_CHARACTERS and len(data) <= 4 * SHOWN_CHARACTERS:
        return harmless(text)
    return f"{harmless(text[:SHOWN_CHARACTERS])}… ({len(data):,} bytes)"


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 key``, ``2,000 keys``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """``text`` in lines of at most ``width`` characters, those after the first indented; at least one."""
    if len(text) <= width:
        return [text]
    return textwrap.wrap(
        text, width, subsequent_indent=" " * indent, drop_whitespace=True, replace_whitespace=False
    ) or [""]
