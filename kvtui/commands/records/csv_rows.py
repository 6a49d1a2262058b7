"""Rows of CSV with two columns, as RFC 4180 has them, or a complaint that names the place.

Read by hand: what Python's reader passes over in silence (a quote amid a cell, another encoding, other separators) would be stored
as keys and values that nobody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from kvtui.commands.records.lines import BYTE_ORDER_MARK, ISO_2022, JOINED, SHIFTED, BadRecord, Lines, not_utf8
from kvtui.core.protocol import VALUE_BYTES

_QUOTE: Final = b'"'
_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_READ: Final = (",", ";")
_BYTES_MEANT: Final = "; if bytes are meant, the first line must be key,bytes"
_ENDS: Final = (b"", b"\n", b"\r\n")
_FIRST_BYTES: Final = 256
"""Longest line that is looked at as a header or a hint."""
_HINT: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""The first line of a file in which Excel says what separates columns."""
_HEADER: Final = re.compile(r'(\s*"?\s*)key\s*"?\s*([,;\t|])(\s*"?\s*)(value|bytes)(\s*"?\s*)', re.IGNORECASE)
CELLS_MOST: Final = 3
"""Cells of a row that are looked at: one more than are right."""
_COLUMN_NAMES: Final = frozenset({
    "key", "keys", "id", "ids", "uid", "uuid", "name", "names", "value", "values", "val", "code", "title", "word", "term", "text",
    "data", "count", "number", "amount", "total", "price", "size", "date", "time", "timestamp", "type", "kind", "status", "label",
    "description", "email", "url", "address", "city", "country", "user", "username", "index", "item",
    "k", "v", "vals",
})  # fmt: skip
"""What columns are often called: two of these in the first row are a header rather than an entry."""


class CsvRows:
    """The rows of a file as (line where it begins, key, value); how to read them its first row tells."""

    def __init__(self, lines: Lines, noted: Callable[[str], None]) -> None:
        """``noted`` is told what is right as it stands, and may not be what was meant."""
        self._lines = lines
        self._next = iter(lines)
        self._noted = noted
        self._separator = b","
        self._text = True
        self._told = False
        """Something in front of the entries said what separates them."""

    def __iter__(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Raises BadRecord."""
        line = self._after_the_header()
        while line:
            start = self._lines.number
            if line.startswith(BYTE_ORDER_MARK):
                raise BadRecord(start, JOINED, 1)
            if line.strip(b" \t\r\n"):
                cells = self._simple(line) or self._cells(line)
                if len(cells) != 2:
                    raise BadRecord(start, _miscounted(cells))
                yield start, cells[0], cells[1]
            line = self._line()

    def _line(self) -> bytes:
        """The next line, checked to be text where it must be; empty after the last."""
        line = next(self._next, b"")
        if self._text and not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError as error:
                complaint = not_utf8(self._lines.number, line, error)
                raise BadRecord(complaint.line, complaint.problem + _BYTES_MEANT, complaint.character) from None
        if self._text and (at := line.find(0)) >= 0:
            problem = f"a zero byte: the file is no text, or not in UTF-8{_BYTES_MEANT}"
            raise BadRecord(self._lines.number, problem, _character(line, at))
        if self._text and b"\x1b" in line and (shift := SHIFTED.search(line)) is not None:
            raise BadRecord(self._lines.number, ISO_2022 + _BYTES_MEANT, _character(line, shift.start()))
        return line

    def _after_the_header(self) -> bytes:
        """The first line of the first entry; what is in front of it is taken in."""
        line = self._line()
        while line and not line.strip(b" \t\r\n"):
            line = self._line()
        hint = _HINT.fullmatch(_text(line)) if len(line) <= _FIRST_BYTES else None
        if hint is not None:
            self._separate(hint[1])
            line = self._line()
        header = _HEADER.fullmatch(_text(line)) if len(line) <= _FIRST_BYTES else None
        if header is None:
            if not self._told:
                self._check_without_header(line)
            return line
        if not self._told:
            self._separate(header[2])
        elif header[2].encode() != self._separator:
            raise BadRecord(self._lines.number, "the header's columns are not separated as the line above it says")
        self._text = header[4].lower() != "bytes"
        if any('"' not in blank and blank.strip("\r\n") for blank in (header[1], header[3], header[5])):
            self._noted("blanks beside its commas are parts of keys and values")
        return self._line()

    def _separate(self, separator: str) -> None:
        if separator not in _READ:
            named = _SEPARATORS.get(separator, "another character")
            raise BadRecord(
                self._lines.number, f"the columns are separated by {named}: save it with commas or semicolons"
            )
        self._separator = separator.encode()
        self._told = True

    def _check_without_header(self, line: bytes) -> None:
        """A first row that is an entry, or should be: whether it can be taken for something else."""
        number = self._lines.number
        text = _text(line).strip("\r\n")
        if re.match(r'\s*[{[]\s*(["{]|$)', text):
            raise BadRecord(number, "this is JSON, not CSV: JSON lines are read from a file whose name ends in .jsonl")
        if '"' in text or not text:
            return
        names = [cell.strip() for cell in re.split("[,;\t|]", text)]
        if len(names) == 2 and all(name.casefold() in _COLUMN_NAMES for name in names):
            problem = "this seems to be a header: call the columns key,value; or, if it is an entry, put a line key,value before it"
            raise BadRecord(number, problem)
        first, comma, _ = text.partition(",")
        decimal = re.search(r"\d,\d", text) is not None
        for sign in _SEPARATORS:
            if sign != "," and text.count(sign) == 1 and text.count(",") <= 1 and (sign in first or decimal):
                raise BadRecord(number, _unsaid(sign, also=bool(comma)))

    def _simple(self, line: bytes) -> list[bytes] | None:
        """The cells of a row as most are: without quotes and carriage returns; None for another."""
        if _QUOTE in line:
            return None
        body = line.removesuffix(b"\n").removesuffix(b"\r")
        return None if b"\r" in body else body.split(self._separator, CELLS_MOST - 1)

    def _cells(self, line: bytes) -> list[bytes]:
        """The cells of the row that begins with ``line``; lines that a quoted cell goes on in are read."""
        cells: list[bytes] = []
        at = 0
        while True:
            if line[at : at + 1] == _QUOTE:
                data, line, at = self._quoted(line, at)
                cells.append(data)
            else:
                stop = line.find(self._separator, at)
                end = stop if stop >= 0 else len(line.rstrip(b"\n").removesuffix(b"\r"))
                cells.append(self._plain(line, at, end))
                at = end
            if line[at : at + 1] != self._separator or len(cells) == CELLS_MOST:
                return cells
            at += 1

    def _plain(self, line: bytes, at: int, end: int) -> bytes:
        """The cell between two places of a line."""
        data = line[at:end]
        quote = data.find(_QUOTE)
        if quote >= 0:
            problem = 'a quote amid a cell: put quotes round the whole cell, and write "" for each in it'
            raise BadRecord(self._lines.number, problem, _character(line, at + quote))
        lone = data.find(b"\r")
        if lone >= 0:
            problem = "a carriage return that ends no line: lines end with LF or CR LF, and in a cell it needs quotes"
            raise BadRecord(self._lines.number, problem, _character(line, at + lone))
        return data

    def _quoted(self, line: bytes, at: int) -> tuple[bytes, bytes, int]:
        """The cell whose quote opens at a place of a line; the line in which it closes, and the place behind it."""
        opened, place = self._lines.number, _character(line, at)
        parts: list[bytes] = []
        size = 0
        begin = at + 1
        while True:
            close = line.find(_QUOTE, begin)
            if close < 0:
                parts.append(line[begin:])
                line, begin = self._line(), 0
                if not line:
                    raise BadRecord(opened, "the quote that opens here is never closed", place)
            elif line[close + 1 : close + 2] == _QUOTE:
                parts.append(line[begin : close + 1])
                begin = close + 2
            else:
                parts.append(line[begin:close])
                break
            size += len(parts[-1])
            if size > VALUE_BYTES:
                raise BadRecord(opened, f"the quote that opens here is not closed within {VALUE_BYTES:,} bytes", place)
        after = close + 1
        if line[after : after + 1] != self._separator and line[after:] not in _ENDS:
            other = _text(line[after : after + 1])
            if other in _SEPARATORS:
                raise BadRecord(self._lines.number, _unsaid(other, also=False), _character(line, after))
            began = f" (the cell begins in line {opened})" if opened != self._lines.number else ""
            problem = f'something stands behind the quote that closes a cell; a quote in a cell is written ""{began}'
            raise BadRecord(self._lines.number, problem, _character(line, after))
        return b"".join(parts), line, after


def _unsaid(separator: str, *, also: bool) -> str:
    """About columns that something separates of which the file says nothing; ``also``: there is a comma too."""
    by = _SEPARATORS[separator]
    if separator not in _READ:
        return f"the columns seem to be separated by {by}: save it with commas or semicolons"
    doubt = f"the columns seem to be separated by {by}{', unless the comma does' if also else ''}"
    return f"{doubt}: begin the file with the line key,value or key;value, as they are"


def _miscounted(cells: list[bytes]) -> str:
    columns = "1 column" if len(cells) == 1 else "more than 2 columns"
    if len(cells) > 2:
        hint = "; a cell that holds the separator stands in quotes"
    elif cells[0].startswith(b"#"):
        hint = " (a comment? there are none)"
    elif cells[0] == b"\x1a":
        hint = " (the byte 0x1a, Ctrl-Z, with which old programs end files: delete it)"
    else:
        hint = ""
    return f"{columns}; there must be two, key and value{hint}"


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


def _character(line: bytes, at: int) -> int:
    """Which character, counted from 1, is at a place of a line."""
    return len(line[:at].decode(errors="replace")) + 1
