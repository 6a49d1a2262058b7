"""Keys and values as people read and type them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from kvtui.notation import as_rest, as_word, cut, escape, in_quotes

SHOWN_CHARACTERS = 200
"""Longest key or value inside a sentence; a longer one is cut, and its size named."""
WRITTEN_CHARACTERS = 4 * SHOWN_CHARACTERS + 2
"""The most that it may come to in the notation: as many bytes, each an escape, in quotes."""


def to_bytes(text: str) -> bytes:
    """What a person typed, as bytes. Surrogate escapes become the bytes they stand for."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """Bytes as text that ``to_bytes`` turns back: bytes that are not UTF-8 become surrogate escapes."""
    return data.decode("utf-8", "surrogateescape")


def harmless(text: str) -> str:
    """A sentence of somebody else's on one line, in which nothing hides or drives a terminal. Keys, values and names come in the
    notation instead (``whole``, ``shown``, ``named``): two of them never look alike."""
    return escape(text)


def shown_file(text: str) -> str:
    """The name of a file, as it can be typed behind ``load``."""
    return as_rest(text)


def quoted(text: str) -> str:
    """What was typed, within a sentence about it: always in quotes."""
    return in_quotes(text)


def whole(key: bytes) -> str:
    """A key as it can be typed, all of it."""
    return as_word(from_bytes(key))


def shown(key: bytes) -> str:
    """A key within a sentence: as it can be typed, and cut when it is long."""
    return _within(key, as_word)


def whole_value(value: bytes) -> str:
    """A value as it can be typed, all of it."""
    return as_rest(from_bytes(value))


def shown_value(value: bytes) -> str:
    """A value within a sentence: as it can be typed, and cut when it is long."""
    return _within(value, as_rest)


def _within(data: bytes, written: Callable[[str], str]) -> str:
    begun = from_bytes(data[: 4 * (SHOWN_CHARACTERS + 1)])[: SHOWN_CHARACTERS + 1]
    if len(begun) <= SHOWN_CHARACTERS and len(text := written(begun)) <= WRITTEN_CHARACTERS:
        return text
    return cut(begun, SHOWN_CHARACTERS, len(data))


def is_tame(data: bytes) -> bool:
    """Whether a terminal shows it as what it is: lines of text, and nothing hidden."""
    lines = from_bytes(data).replace("\n", "").replace("\t", "")
    return escape(lines) == lines


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
