"""Records of large values that are being read piece by piece: at hand, so that each piece does not read the whole one."""

from typing import Final

LARGE_BYTES: Final = 96 * 1024 * 1024
"""Bytes of records that are kept: what gets of one coordinator have under way at once, a move's, and a repair's."""


class LargeRecords:
    """The records that were read last, by where they lie; the last one whatever its length."""

    def __init__(self, most: int = LARGE_BYTES) -> None:
        self._most = most
        self._kept: dict[bytes, bytes] = {}
        self.size = 0
        """Bytes that are kept."""

    def __bool__(self) -> bool:
        return bool(self._kept)

    def get(self, where: bytes) -> bytes | None:
        """The record, if it is kept: it is the last one that goes from here on."""
        record = self._kept.pop(where, None)
        if record is not None:
            self._kept[where] = record
        return record

    def keep(self, where: bytes, record: bytes) -> None:
        """Keep a record, and let go of those that were not read for the longest time."""
        self.forget(where)
        while self._kept and self.size + len(record) > self._most:
            self.forget(next(iter(self._kept)))
        self._kept[where] = record
        self.size += len(record)

    def forget(self, where: bytes) -> None:
        """It changed, or is read to its end."""
        record = self._kept.pop(where, None)
        if record is not None:
            self.size -= len(record)

    def clear(self) -> None:
        """All changed."""
        self._kept.clear()
        self.size = 0
