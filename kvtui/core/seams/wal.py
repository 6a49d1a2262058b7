"""Tells a write-ahead log, or a table of contents, that ends within an unfinished record from one that was damaged.

RocksDB can refuse both or accept both: when the length of a record in the last block is damaged, it reads as a record that
runs past the end of the file, and all that follows it would be lost without a word.

The format is RocksDB's own (its wiki, "Write Ahead Log File Format"): blocks of 32 KiB; records of crc32c (4 bytes,
masked), length (2), type (1) and payload, the checksum being over type and payload.
"""

from functools import cache
from pathlib import Path
from typing import Final

_BLOCK: Final = 32 * 1024
_HEADER: Final = 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_CRC32C_POLYNOMIAL: Final = 0x82F63B78
_MASK_DELTA: Final = 0xA282EAD8


def ends_torn(directory: Path) -> bool:
    """Whether the newest log of ``directory`` merely ends within a record that was never wholly written.

    False when anything else is wrong with any log's structure; payloads before the end are RocksDB's to verify.
    """
    logs = sorted((path for path in directory.glob("*.log") if path.stem.isdigit()), key=lambda path: int(path.stem))
    if not logs:
        return False
    *older, newest = (path.read_bytes() for path in logs)
    return all(_unfinished(log) == b"" for log in older) and _torn(newest)


def manifest_is_sound(directory: Path) -> bool:
    """Whether the table of contents ends with a whole record, or within one that was never wholly written.

    It has the format of a log. True as well where there is none, or none can be found: that is RocksDB's to say.
    """
    try:
        name = (directory / "CURRENT").read_bytes().decode("ascii").strip()
        return not name.startswith("MANIFEST-") or _torn((directory / name).read_bytes())
    except (FileNotFoundError, ValueError):
        return True


def _torn(log: bytes) -> bool:
    rest = _unfinished(log)
    return rest is not None and (len(rest) < _HEADER or not _whole_under_another_length(rest))


def _unfinished(log: bytes) -> bytes | None:
    """What follows the last whole record: nothing, a record that the file's end cuts off, or None where the structure is broken."""
    position, begun, resume = 0, False, 0
    while position < len(log):
        left_in_block = _BLOCK - position % _BLOCK
        if left_in_block < _HEADER:
            position += left_in_block
            continue
        if not begun:
            resume = position
        header = log[position : position + _HEADER]
        if len(header) < _HEADER:
            return header
        length, kind = int.from_bytes(header[4:6], "little"), header[6]
        if not any(header):
            return b"" if not any(log[position:]) and not begun else None
        if _HEADER + length > left_in_block or begun != (kind in (_MIDDLE, _LAST)):
            return None
        if position + _HEADER + length > len(log):
            return log[position:]
        begun = kind in (_FIRST, _MIDDLE)
        position += _HEADER + length
    # A record whose first fragments are whole and whose last was never written is unfinished as well.
    return log[resume : resume + 1] if begun else b""


def _whole_under_another_length(record: bytes) -> bool:
    """Whether the checksum fits the record with a smaller length than it claims: then the length was damaged."""
    stored = int.from_bytes(record[:4], "little")
    crc, table = 0xFFFFFFFF, _crc32c_table()
    for byte in record[6:]:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
        if _masked(crc ^ 0xFFFFFFFF) == stored:
            return True
    return False


def _masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


@cache
def _crc32c_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_CRC32C_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return tuple(table)
