"""The two formats of ``load`` and ``save``, one record at a time, streamed.

JSON lines: an object ``{"key": ..., "value": ...}`` a line; text, or ``{"b64": ...}`` for bytes that are not UTF-8.
CSV: two columns, key and value, as RFC 4180 has them; bytes that are not UTF-8 stand as they are. A first row ``key,value``
is the header.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from enum import Enum
from pathlib import PurePath
from typing import BinaryIO, NamedTuple

import msgspec

from kvtui.commands.wording import from_bytes, to_bytes
from kvtui.core.malformed import MALFORMED, Fault, fault_of
from kvtui.core.protocol import KEY_BYTES, VALUE_BYTES, Blob, from_blob, to_blob

LINE_BYTES = 6 * (KEY_BYTES + VALUE_BYTES) + 1024
"""Longest line read: the largest record, each byte of it written as ``\\u00xx``."""
HEADER = ["key", "value"]


class Format(Enum):
    """A file's format, told by the end of its name."""

    JSON_LINES = "JSON lines"
    CSV = "CSV"


_FORMATS = {".jsonl": Format.JSON_LINES, ".ndjson": Format.JSON_LINES, ".json": Format.JSON_LINES, ".csv": Format.CSV}


class BadRecord(ValueError):
    """A line that is no record: its number, counted from 1, and what is wrong; never what it holds."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


class Record(NamedTuple):
    """``line`` is where it begins; ``end`` how many bytes of the file are read by then."""

    line: int
    key: bytes
    value: bytes
    end: int


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    key: Blob
    value: Blob


_decoder = msgspec.json.Decoder(_Row)
_encoder = msgspec.json.Encoder()


def format_of(path: str) -> Format | None:
    """The format that the file's name stands for; None for a name that tells none."""
    return _FORMATS.get(PurePath(path).suffix.lower())


def read_records(file: BinaryIO, form: Format) -> Iterator[Record]:
    """The file's records. Raises BadRecord at the first line that is none, OSError when reading fails."""
    records = _read_json_lines(file) if form is Format.JSON_LINES else _read_csv(file)
    for record in records:
        if not record.key:
            raise BadRecord(record.line, "the key is empty")
        if len(record.key) > KEY_BYTES:
            raise BadRecord(record.line, f"the key has {len(record.key):,} bytes; {KEY_BYTES:,} are the most")
        if len(record.value) > VALUE_BYTES:
            raise BadRecord(record.line, f"the value has {len(record.value):,} bytes; {VALUE_BYTES:,} are the most")
        yield record


def written(key: bytes, value: bytes, form: Format) -> bytes:
    """One record as it stands in a file, its newline included."""
    if form is Format.JSON_LINES:
        return _encoder.encode(_Row(to_blob(key), to_blob(value))) + b"\n"
    return _cell(key) + b"," + _cell(value) + b"\n"


def head(form: Format) -> bytes:
    """What comes before the first record."""
    return b"key,value\n" if form is Format.CSV else b""


class _Lines:
    """A file's lines with their ends, none longer than ``LINE_BYTES``; counts lines and bytes as they pass."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        while line := self._file.readline(LINE_BYTES + 1):
            self.number += 1
            self.bytes += len(line)
            if len(line) > LINE_BYTES:
                raise BadRecord(self.number, "longer than any record can be")
            yield line.removeprefix(b"\xef\xbb\xbf") if self.number == 1 else line


def _read_json_lines(file: BinaryIO) -> Iterator[Record]:
    lines = _Lines(file)
    for line in lines:
        if line.isspace():
            continue
        try:
            row = _decoder.decode(line)
            key, value = from_blob(row.key), from_blob(row.value)
        except MALFORMED as error:
            raise BadRecord(lines.number, _complaint(error, line)) from None
        except ValueError as error:
            raise BadRecord(lines.number, str(error)) from None
        yield Record(lines.number, key, value, lines.bytes)


def _complaint(error: Exception, line: bytes) -> str:
    """Without what the line holds."""
    match fault_of(error, line):
        case Fault.NOT_UTF8:
            return "not UTF-8"
        case Fault.MISFIT:
            return f'not {{"key": …, "value": …}} with text or {{"b64": …}}: {error}'
        case Fault.NOT_JSON | Fault.TOO_DEEP:
            return "not JSON"


def _read_csv(file: BinaryIO) -> Iterator[Record]:
    csv.field_size_limit(max(csv.field_size_limit(), VALUE_BYTES + 1))
    lines = _Lines(file)
    rows = csv.reader((from_bytes(line) for line in lines), strict=True)
    start = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise BadRecord(start, f"not CSV: {error}") from None
        if row is None:
            return
        if len(row) not in (0, 2):
            raise BadRecord(start, f"{len(row)} columns; there must be two, key and value")
        if row and not (start == 1 and row == HEADER):
            yield Record(start, to_bytes(row[0]), to_bytes(row[1]), lines.bytes)
        start = lines.number + 1


def _cell(data: bytes) -> bytes:
    if data and not any(special in data for special in (b",", b'"', b"\r", b"\n")):
        return data
    return b'"' + data.replace(b'"', b'""') + b'"'
