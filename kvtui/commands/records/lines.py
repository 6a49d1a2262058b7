"""A file's lines, if it is a text file in UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from kvtui.core.protocol import KEY_BYTES, VALUE_BYTES

LINE_BYTES: Final = 6 * (KEY_BYTES + VALUE_BYTES) + 1024
"""Longest line read: the largest record, each byte of it written as ``\\u00xx``."""
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
JOINED: Final = "a byte order mark amid the file: were two files joined?"
LOOKED_AT: Final = 64
"""Bytes at the beginning of a file that tell what it is."""
_MARKED: Final = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_PACKED: Final = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive: save it as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook: save it as CSV"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (b"\xfd7zXZ\0", "compressed with xz: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
)

SHIFTED: Final = re.compile(rb"\x1b(?:\$[@AB]|\$[()*+./-][@-Z]|\([IJ])")
"""How ISO-2022, the old encoding of Japanese mail, goes over to other letters: bytes that are UTF-8 too, and mean others there."""
ISO_2022: Final = "letters in ISO-2022, another encoding: save the file as UTF-8"


class BadRecord(ValueError):
    """What is no record: its line and, where known, the character in it, both counted from 1, and what is wrong; never a key or a
    value."""

    def __init__(self, line: int, problem: str, character: int | None = None) -> None:
        where = f"line {line}" if character is None else f"line {line}, character {character}"
        super().__init__(f"{where}: {problem}")
        self.line = line
        self.problem = problem
        self.character = character


class Lines:
    """A file's lines with their ends, none longer than ``LINE_BYTES``; counts lines and bytes as they pass.

    Raises BadRecord where the file is no text, or in another encoding than UTF-8, as far as its beginning tells.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        strange = foreign(self._file.read(LOOKED_AT))
        if strange is not None:
            raise BadRecord(1, strange)
        self._file.seek(0)
        while line := self._file.readline(LINE_BYTES + 1):
            self.number += 1
            self.bytes += len(line)
            if len(line) > LINE_BYTES:
                raise BadRecord(self.number, "longer than any record can be")
            yield line.removeprefix(BYTE_ORDER_MARK) if self.number == 1 else line


def foreign(start: bytes) -> str | None:
    """What a file is that begins so, in words, if it is no text in UTF-8; None for what may be."""
    for mark, encoding in _MARKED:
        if start.startswith(mark):
            return f"the file is in {encoding}, as its byte order mark says: save it as UTF-8"
    for mark, words in _PACKED:
        if start.startswith(mark):
            return f"the file is {words}"
    units = start[: len(start) - len(start) % 4]
    for width, encoding in ((4, "UTF-32"), (2, "UTF-16")):
        if len(start) >= width and _padded_with_zeros(units or start[:2], width):
            return f"the file seems to be in {encoding}, without a byte order mark: save it as UTF-8"
    if start and not start.strip(b"\0"):
        return "the file begins with zero bytes, and is no text"
    return None


def _padded_with_zeros(units: bytes, width: int) -> bool:
    """Whether of each ``width`` bytes all are zero but the first, or all but the last."""
    columns = [units[at::width] for at in range(width)]
    return any(
        0 not in columns[place] and not any(any(zeros) for zeros in (*columns[:place], *columns[place + 1 :]))
        for place in (0, width - 1)
    )


def not_utf8(line: int, data: bytes, error: UnicodeDecodeError) -> BadRecord:
    """The complaint about a line whose bytes are no UTF-8."""
    byte = data[error.start]
    problem = f"the byte 0x{byte:02x} is not UTF-8: save the file as UTF-8"
    return BadRecord(line, problem, len(data[: error.start].decode()) + 1)
