"""How a value is presented: JSON laid out, text as it is where all of it can be seen and else in quotes, anything else as hex;
cut where it is long. Pure functions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

import msgspec

from kvtui.commands.wording import counted, harmless
from kvtui.notation import BLANKS, QUOTES, escape, in_quotes

SHOWN_CHARACTERS = 32 * 1024
"""Characters of text that are shown."""
SHOWN_LINES = 2_000
SHOWN_HEX = 4 * 1024
"""Bytes shown as hex."""
LAID_OUT_BYTES = 1024 * 1024
"""JSON longer than that is shown as it is stored."""
LAID_OUT_MOST = 8 * 1024 * 1024
"""Bytes that laying out may make of it: indenting what is deeply nested makes much of little."""
HEX_COLUMNS = (16, 8, 4)
"""Bytes a line, as many as there is room for."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_NOT_TEXT = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r\x1b")
_NOT_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")


class Kind(StrEnum):
    """What a value is, as far as one can tell from its bytes."""

    JSON = "JSON"
    TEXT = "text"
    QUOTED = "text in quotes, for what can't be seen"
    BINARY = "binary"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Presented:
    """A value for a screen. ``text`` can't drive a terminal."""

    kind: Kind
    text: str
    left_out: str = ""
    """What of it is not shown, in words; empty when all is."""


def kind_of(value: bytes) -> Kind:
    """JSON is an object or an array; text is UTF-8 without control characters but those of layout."""
    if not value:
        return Kind.EMPTY
    if len(value.translate(None, _NOT_TEXT)) != len(value):
        return Kind.BINARY
    try:
        value.decode()
    except UnicodeDecodeError:
        return Kind.BINARY
    return Kind.JSON if laid_out(value) is not None else Kind.TEXT


def present(value: bytes, width: int) -> Presented:
    """A value in lines for that many cells; text may be longer, and wraps."""
    kind = kind_of(value)
    if kind is Kind.EMPTY:
        return Presented(kind, "")
    if kind is Kind.BINARY:
        return Presented(kind, "\n".join(hex_lines(value[:SHOWN_HEX], width)), _left_out(len(value), SHOWN_HEX))
    whole = value if kind is Kind.TEXT else laid_out(value) or value
    # Four bytes a character at most; a character that the cut splits is left out.
    text = whole[: 4 * SHOWN_CHARACTERS].decode("utf-8", "ignore")[:SHOWN_CHARACTERS]
    kept = "\n".join(text.split("\n")[:SHOWN_LINES])
    if kind is Kind.TEXT and not _is_seen(kept):
        kept, shown = _quoted_lines(text)
        return Presented(Kind.QUOTED, shown, _left_out(len(value), len(kept.encode())))
    left = len(whole) - len(kept.encode())
    shown = "\n".join(map(harmless, kept.split("\n")))
    if left <= 0:
        return Presented(kind, shown)
    if kind is Kind.JSON:
        lines_shown, lines_all = kept.count("\n") + 1, whole.count(b"\n") + 1
        return Presented(kind, shown, f"cut: the first {lines_shown:,} of {lines_all:,} lines that it is laid out in")
    return Presented(kind, shown, _left_out(len(value), len(value) - left))


def _is_seen(text: str) -> bool:
    """Whether lines of text look like no others: nothing hides in them or at their ends, and no quote is taken for kvtui's own."""
    begins = text[0] not in QUOTES + BLANKS
    return begins and all(line[-1:] != " " and escape(line) == line for line in text.split("\n"))


def _quoted_lines(text: str) -> tuple[str, str]:
    """As much of a text as may be shown, and its lines in quotes, each with the newline that ends it."""
    lines: list[str] = []
    kept, room = 0, SHOWN_CHARACTERS
    for line in _LINE.findall(text)[:SHOWN_LINES]:
        taken = line
        while len(shown := in_quotes(taken)) + 1 > room and taken:
            taken = taken[: max(0, len(taken) - (len(shown) - room + 10) // 10)]  # an escape has ten characters at most
        if taken:
            lines.append(shown)
            kept, room = kept + len(taken), room - len(shown) - 1
        if taken != line:
            break
    return text[:kept], "\n".join(lines)


def _left_out(size: int, shown: int) -> str:
    if size <= shown:
        return ""
    return f"cut: the first {shown:,} of {counted(size, 'byte')} are shown, {size - shown:,} are not"


def laid_out(value: bytes) -> bytes | None:
    """A JSON object or array over several lines, its numbers and names as they are stored; None for anything else."""
    if len(value) > LAID_OUT_BYTES or value.lstrip()[:1] not in (b"{", b"["):
        return None
    brackets = value.translate(None, _NOT_BRACKETS)
    deepest = max(accumulate(1 if code in b"[{" else -1 for code in brackets), default=0)
    if (value.count(b",") + len(brackets) + 1) * 2 * deepest > LAID_OUT_MOST:
        return None
    try:
        return msgspec.json.format(value, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return None


def hex_lines(data: bytes, width: int) -> Iterator[str]:
    """Offset, bytes in hex, and those that are ASCII as such."""
    columns = next((columns for columns in HEX_COLUMNS if 4 * columns + 7 <= width), HEX_COLUMNS[-1])
    for start in range(0, len(data), columns):
        part = data[start : start + columns]
        letters = "".join(chr(code) if 32 <= code < 127 else "·" for code in part)
        yield f"{start:04x}  {part.hex(' '):<{3 * columns - 1}}  {letters}"
