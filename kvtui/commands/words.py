"""A command line cut into words.

A word is a run of characters without spaces, or anything between ``"`` and ``"`` or ``'`` and ``'``; within double quotes ``\\"``
and ``\\\\`` stand for ``"`` and ``\\``. A quote inside a word is a character like any other.
The rest of a line is taken as it stands, unless one pair of quotes encloses all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

SPACES = " \t\r\n\v\f"
QUOTES = "\"'"


@dataclass(frozen=True, slots=True)
class Word:
    """``text`` is what was meant, ``start``..``stop`` where it stands in the line."""

    text: str
    start: int
    stop: int
    quote: str = ""
    """The quote that opens it, if one does."""
    closed: bool = True
    """False when that quote is never closed."""


def skip_spaces(text: str, start: int) -> int:
    """The first place from ``start`` that holds no space."""
    while start < len(text) and text[start] in SPACES:
        start += 1
    return start


def next_word(text: str, start: int) -> Word | None:
    """The word at or after ``start``; None at the end of the line."""
    start = skip_spaces(text, start)
    if start == len(text):
        return None
    if text[start] in QUOTES:
        return _quoted(text, start)
    stop = start
    while stop < len(text) and text[stop] not in SPACES:
        stop += 1
    return Word(text[start:stop], start, stop)


def rest_of(text: str, start: int) -> Word | None:
    """Everything from ``start`` on, without the spaces around it; None when nothing is left."""
    start = skip_spaces(text, start)
    if start == len(text):
        return None
    stop = len(text.rstrip(SPACES))
    if text[start] in QUOTES:
        word = _quoted(text, start)
        if word.stop == stop or not word.closed:
            return word
    return Word(text[start:stop], start, stop)


def quoted(text: str) -> str:
    """``text`` as one word of a command line, in quotes only where it needs them."""
    if text and text[0] not in QUOTES and not text.startswith("--") and not any(space in text for space in SPACES):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted(text: str, start: int) -> Word:
    quote = text[start]
    parts: list[str] = []
    at = start + 1
    while at < len(text):
        character = text[at]
        if character == quote:
            return Word("".join(parts), start, at + 1, quote)
        if quote == '"' and character == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
            at += 1
            character = text[at]
        parts.append(character)
        at += 1
    return Word("".join(parts), start, len(text), quote, closed=False)
