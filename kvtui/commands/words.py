"""A command line cut into words.

A word is a run of characters without spaces, or anything between ``"`` and ``"`` or ``'`` and ``'``. Between double quotes a
backslash begins an escape (``notation``); between single quotes, and without quotes, it is a character like any other, and so is a
quote inside a word. The rest of a line is taken as it stands, unless one pair of quotes encloses all of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kvtui.commands.wording import from_bytes, quoted, to_bytes
from kvtui.notation import BLANKS, QUOTES, EscapeError, unescape

_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_BEGUN = re.compile(r"(?:x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?\Z")
"""What may stand behind the backslash of an escape that is still being typed."""


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
    problem: str = ""
    """Why an escape in it stands for nothing, and where that is; empty where all do."""


def skip_spaces(text: str, start: int) -> int:
    """The first place from ``start`` that holds no space."""
    while start < len(text) and text[start] in BLANKS:
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
    while stop < len(text) and text[stop] not in BLANKS:
        stop += 1
    return Word(text[start:stop], start, stop)


def rest_of(text: str, start: int) -> Word | None:
    """Everything from ``start`` on, without the spaces around it; None when nothing is left."""
    start = skip_spaces(text, start)
    if start == len(text):
        return None
    stop = len(text.rstrip(BLANKS))
    if text[start] in QUOTES:
        word = _quoted(text, start)
        if word.stop == stop or not word.closed:
            return word
    return Word(text[start:stop], start, stop)


def check_text(line: str) -> None:
    """Raises ValueError where a line holds half of a character, which no bytes stand for."""
    half = None if line.isascii() else _HALF.search(line)
    if half is not None:
        raise ValueError(f"what stands at column {half.start() + 1} is no character ({quoted(half[0])})")


def one_text(line: str, *, typing: bool = False) -> str:
    """What a line that takes one text alone means by it, as what stands last in a command does.

    ``typing``: a quote that is not closed yet may still be. Raises ValueError, with words for a person.
    """
    check_text(line)
    word = rest_of(line, 0)
    if word is None:
        return ""
    if word.problem:
        raise ValueError(word.problem)
    if not word.closed and not typing:
        raise ValueError(f"the {word.quote} that opens it is never closed")
    return word.text


def _quoted(text: str, start: int) -> Word:
    quote = text[start]
    end = _end(text, start + 1, quote)
    closed = end < len(text)
    inside, problem = text[start + 1 : end], ""
    if quote == '"':
        if not closed:
            inside = _without_begun(inside)
        try:
            said = unescape(inside, start + 2)
        except EscapeError as error:
            said, problem = inside, str(error)
        if "\\x" in inside and not problem:  # bytes one by one may come to a character
            said = from_bytes(to_bytes(said))
        inside = said
    return Word(inside, start, end + 1 if closed else end, quote, closed, problem)


def _without_begun(inside: str) -> str:
    """Without an escape that is still being typed at its end."""
    begun = _BEGUN.search(inside[-8:])
    before = inside[: len(inside) - len(begun[0])] if begun is not None else inside
    backslashes = len(before) - len(before.rstrip("\\"))
    return before[:-1] if backslashes % 2 else inside


def _end(text: str, start: int, quote: str) -> int:
    """Where the quote stands that closes; the end of the text where none does."""
    at = text.find(quote, start)
    while at >= 0 and quote == '"':
        before = at
        while before > start and text[before - 1] == "\\":
            before -= 1
        if (at - before) % 2 == 0:
            break
        at = text.find(quote, at + 1)
    return at if at >= 0 else len(text)
