"""The one notation for keys, values and names: what is shown can be typed, and means exactly that.

Text that is plain stands as it is. All else stands in double quotes, where ``\\n \\t \\r \\" \\\\`` are escapes, ``\\xNN`` is a
byte and ``\\uNNNN`` or ``\\UNNNNNNNN`` a code point. Outside double quotes a backslash is a backslash.

Text here is Unicode with surrogate escapes for bytes that are not UTF-8, as ``wording.from_bytes`` makes it.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from functools import lru_cache
from typing import Final

QUOTES: Final = "\"'"
BLANKS: Final = " \t\r\n\v\f"
NOT_FOUND: Final = "[not found]"
"""What ``get`` says of a key that is not there."""
ARROWS: Final = (" -> ", " → ", " ← ")
"""What stands between a value and what is said of it."""
COLUMN: Final = "its column"
"""Stands in a message until it is known which one."""
CUT: Final = ("…", "~")
"""How what is cut ends; in a terminal that has letters alone the first is the second."""
PATH_TOLD: Final = 300
"""Characters of a path that are told where it need not be typed again."""
MARKS_MOST: Final = 3
"""Combining marks that one letter may carry: living scripts need no more, and more of them climb into the lines around."""
READ_CHARACTERS: Final = 64 * 1024
"""Of longer text nobody reads every letter: marks come as escapes there, which costs far less."""
ESCAPES: Final = r"\n \t \r \" \\ \xNN \uNNNN \UNNNNNNNN"
"""All of them, for messages."""

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED_CONTROL: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
_ODD: Final = re.compile(
    "["
    # Printable by name, and yet nothing is seen of them, or they change how the one before looks.
    "\u034f\u115f-\u11ff\u17b4\u17b5\u180b-\u180f\u2800\u3164\ud7b0-\ud7ff\ufe00-\ufe0f\uffa0"
    "\U00013441-\U00013446\U00016fe4\U0001d159\U000e0100-\U000e01ef"
    # What terminals and programs show for text that they can't.
    "\ufffc\ufffd"
    # Terminals don't agree how wide they are, alone or beside another one.
    "\u2630-\u2637\u268a-\u268f\u3248-\u324f\U0001d300-\U0001d356\U0001d360-\U0001d376\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff"
    "]"
)
_ESCAPE: Final = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)?", re.DOTALL)
_NO_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_IN_SHELL: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e", "\\": "\\\\", "'": "\\'"}
_MEANT: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


def escape_of(character: str) -> str:
    """One character as an escape."""
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if character in '"\\':
        return "\\" + character
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_CONTROLS: Final = {code: escape_of(chr(code)) for code in (*range(0x20), 0x7F)}
_QUOTED_CONTROLS: Final = _CONTROLS | {ord(character): escape_of(character) for character in '"\\'}
_ascii_alone = False


def use_ascii_alone(alone: bool) -> None:
    """Whether all that is no ASCII comes as an escape, for an output that can't show it or shows something else in its place. What
    is typed means the same either way."""
    global _ascii_alone
    _ascii_alone = alone


def as_word(text: str) -> str:
    """``text`` as one word of a command line: a key, an id, the name of a file."""
    return text if _is_plain(text) and not text.startswith("--") and " " not in text else in_quotes(text)


def as_rest(text: str) -> str:
    """``text`` as what stands last in a command line, where blanks are of it: a value.

    In quotes also where a sentence about it would read otherwise: what stands for no value at all, and an arrow.
    """
    misread = text == NOT_FOUND or any(arrow in text for arrow in ARROWS)
    return text if _is_plain(text) and not misread else in_quotes(text)


def as_shell_word(text: str) -> str:
    """``text``, such as a path, as one word of a command to copy into a system's shell: quoted as any shell reads it, or with
    escapes in ``$'...'`` (bash, zsh, ksh) where some of it can't be shown."""
    if escape(text) == text and (text.isascii() or not _ascii_alone):
        return shlex.quote(text)
    word = "".join(map(_in_shell, text))
    if escape(word) != word or _ascii_alone:  # characters that can be shown alone, and not together
        word = _NO_ASCII.sub(lambda found: _octal(found[0]), word)
    return f"$'{word}'"


def _in_shell(character: str) -> str:
    if character in _IN_SHELL:
        return _IN_SHELL[character]
    return character if escape(character) == character else _octal(character)


def _octal(character: str) -> str:
    """Byte by byte: three digits, which no digit that follows becomes part of."""
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


def brief(text: str, width: int = 40) -> str:
    """``text`` as one word of at most ``width`` characters; one that is cut ends in …, as no word does."""
    word = as_word(text[: width + 1])
    return word if len(word) <= width and len(text) <= width else word[: width - 1] + "…"


def in_quotes(text: str) -> str:
    """``text`` in double quotes, on one line, without a character that can't be seen."""
    escaped = escape(text, quoted=True)
    if _ascii_alone:
        escaped = _NO_ASCII.sub(lambda found: escape_of(found[0]), escaped)
    return f'"{escaped}"'


def cut(text: str, width: int, size: int) -> str:
    """The beginning of a long ``text``, which has ``size`` bytes, in at most ``width`` characters or so. What follows the closing
    quote tells that it goes on: no other text is written like that."""
    begun = text[:width]
    while len(shown := in_quotes(begun)) > width + 2 and len(begun) > 1:
        begun = begun[: max(1, len(begun) - (len(shown) - width + 7) // 10)]  # an escape has ten characters at most
    return f"{shown}… ({size:,} bytes)"


def escape(text: str, *, quoted: bool = False) -> str:
    """``text`` on one line, with escapes for what is invisible, drives a terminal, or has no width that all agree on; with
    ``quoted`` also for quotes and backslashes."""
    if text.isascii():
        found = (_QUOTED_CONTROL if quoted else _CONTROL).search(text)
        return text if found is None else text.translate(_QUOTED_CONTROLS if quoted else _CONTROLS)
    there = set(text)
    hidden = {character for character in there if not character.isprintable() or _ODD.match(character)}
    marks = {character for character in there if unicodedata.category(character).startswith("M")}
    hidden |= {character for character in marks if unicodedata.category(character) != "Mn"}
    normal = unicodedata.is_normalized("NFC", text)
    if not normal:
        # Another text looks just like this one: what it is put together of is shown, and what stands beside it stays as it is.
        hidden |= {character for character in there if unicodedata.normalize("NFC", character) != character}
    if len(text) > READ_CHARACTERS:
        hidden |= marks
    if quoted:
        hidden |= there & set('"\\')
    escapes = {ord(character): escape_of(character) for character in hidden}
    stray = marks - hidden
    if not stray:
        return text.translate(escapes) if escapes else text

    def written(found: re.Match[str]) -> str:
        base, run = found[1] or "", found[2]
        if run is None:
            return escapes[ord(found[0])]
        fits = base.isalnum() and base not in hidden and len(run) <= MARKS_MOST
        if fits and (normal or unicodedata.is_normalized("NFC", found[0])):
            return found[0]
        return (base + run).translate(escapes | {ord(mark): escape_of(mark) for mark in stray})

    either = f"|[{_set(hidden)}]" if hidden else ""
    return re.sub(f"([^{_set(stray)}])?([{_set(stray)}]+){either}", written, text, flags=re.DOTALL)


def _set(characters: set[str]) -> str:
    """As the inside of a regular expression's brackets."""
    return "".join(map(re.escape, characters))


def _is_plain(text: str) -> bool:
    """Whether it may stand as it is: all of it is seen, where it begins and ends too, and that it is not cut."""
    if not text or text[0] in QUOTES or text.strip(" ") != text or text.endswith(CUT):
        return False
    return escape(text) == text and (text.isascii() or not _ascii_alone)


class EscapeError(ValueError):
    """What follows a backslash in double quotes stands for nothing; the text is said to a person."""


def unescape(text: str, column: int) -> str:
    """What the inside of double quotes stands for. ``column``: of its first character in the line. Raises EscapeError."""
    if "\\" not in text:
        return text

    def meant(found: re.Match[str]) -> str:
        try:
            return _meaning(found[0])
        except EscapeError as error:
            raise EscapeError(str(error).replace(COLUMN, f"column {column + found.start()}", 1)) from None

    return _ESCAPE.sub(meant, text)


@lru_cache(maxsize=4096)
def _meaning(escape: str) -> str:
    """What one escape stands for. Raises EscapeError, with a place for the column."""
    kind, digits = escape[1:2], escape[2:]
    if kind in _MEANT and not digits:
        return _MEANT[kind]
    if not digits:
        raise EscapeError(
            f"{as_word(escape)} at {COLUMN} stands for nothing in double quotes: write \\\\ for a backslash, or use {ESCAPES}"
        )
    code = int(digits, 16)
    if kind == "x":
        return chr(code if code < 0x80 else 0xDC00 + code)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise EscapeError(f"{escape} at {COLUMN} is no character; bytes that are no text are written \\xNN")
    return chr(code)
