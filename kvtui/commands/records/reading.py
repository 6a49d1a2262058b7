"""Records out of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import PurePath
from typing import BinaryIO, NamedTuple

from kvtui.commands.records.csv_rows import CsvRows
from kvtui.commands.records.json_lines import pair_of
from kvtui.commands.records.lines import ISO_2022, SHIFTED, BadRecord, Lines
from kvtui.core.protocol import KEY_BYTES, VALUE_BYTES


class Format(Enum):
    """A file's format, told by the end of its name."""

    JSON_LINES = "JSON lines"
    CSV = "CSV"


_FORMATS = {".jsonl": Format.JSON_LINES, ".ndjson": Format.JSON_LINES, ".json": Format.JSON_LINES, ".csv": Format.CSV}


class Record(NamedTuple):
    """``line`` is where it begins; ``end`` how many bytes of the file are read by then."""

    line: int
    key: bytes
    value: bytes
    end: int


def format_of(path: str) -> Format | None:
    """The format that the file's name stands for; None for a name that tells none."""
    return _FORMATS.get(PurePath(path).suffix.lower())


def read_records(file: BinaryIO, form: Format, noted: Callable[[str], None] = lambda _: None) -> Iterator[Record]:
    """The records of a file, from its beginning. Raises BadRecord at the first line that is none, OSError when reading fails.

    ``noted`` is told what is right as it stands, and may not be what was meant.
    """
    file.seek(0)
    lines = Lines(file)
    records = _read_json_lines(lines) if form is Format.JSON_LINES else _read_csv(lines, noted)
    for record in records:
        if not record.key:
            raise BadRecord(record.line, "the key is empty")
        if len(record.key) > KEY_BYTES:
            raise BadRecord(record.line, f"the key has {len(record.key):,} bytes; {KEY_BYTES:,} are the most")
        if len(record.value) > VALUE_BYTES:
            raise BadRecord(record.line, f"the value has {len(record.value):,} bytes; {VALUE_BYTES:,} are the most")
        yield record


def _read_json_lines(lines: Lines) -> Iterator[Record]:
    for line in lines:
        if line.strip(b" \t\r\n"):
            if b"\x1b" in line and (shift := SHIFTED.search(line)) is not None:
                raise BadRecord(lines.number, ISO_2022, len(line[: shift.start()].decode(errors="replace")) + 1)
            key, value = pair_of(line, lines.number)
            yield Record(lines.number, key, value, lines.bytes)


def _read_csv(lines: Lines, noted: Callable[[str], None]) -> Iterator[Record]:
    for start, key, value in CsvRows(lines, noted):
        yield Record(start, key, value, lines.bytes)
