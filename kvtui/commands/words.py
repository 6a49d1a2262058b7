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

_RUN = {quote: re.compile(f"[^{quote}\\\\]+" if quote == '"' else f"[^{quote}]+") for quote in QUOTES}
"""What stands for itself between two quotes."""
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_BEGUN = re.compile(r"\\(x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?\Z")
"""An escape that is still being typed."""


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
    parts: list[str] = []
    problem, bytewise = "", False
    at = start + 1
    while at < len(text):
        run = _RUN[quote].match(text, at)
        if run is not None:
            parts.append(run[0])
            at = run.end()
        elif text[at] == quote:
            break
        elif _BEGUN.match(text, at):
            at = len(text)
        else:
            try:
                part, stop = unescape(text, at)
            except EscapeError as error:
                problem = problem or str(error)
                part, stop = "", at + 2  # whatever stands there, a quote as well, it ends nothing
            bytewise = bytewise or "\udc80" <= part <= "\udcff"
            parts.append(part)
            at = stop
    said = "".join(parts)
    if bytewise:  # bytes one by one may come to a character
        said = from_bytes(to_bytes(said))
    closed = at < len(text)
    return Word(said, start, at + 1 if closed else len(text), quote, closed, problem)
