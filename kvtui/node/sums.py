"""The sums of the slots as they lie in the engine, so that opening a store need not read its entries.

Every batch carries the sums of the slots that it changes, in one record (a change). When the changes have become many, a batch
carries the sums of all slots instead and removes the changes. A change holds what the sums are, not by how much they differ: they
are read in order, and the last one of a slot counts.
"""

from collections.abc import Iterable
from itertools import starmap
from struct import Struct
from typing import Final

from kvtui.core.seams.storage import Batch, StorageEngine
from kvtui.node.record import META
from kvtui.node.sealed import content_of, is_sealed, seal

CHANGES_BYTES: Final = 2 * 1024 * 1024
"""Size of the changes above which all sums are written anew: reading so many takes some 50 ms."""
_RECORD_BYTES: Final = 64
"""What a change costs beside its rows."""

_SUMS: Final = META + b"sums"
_WHOLE: Final = _SUMS + b"\x00"
_CHANGE: Final = _SUMS + b"\x01"
_AFTER: Final = _SUMS + b"\x02"
_head = Struct("<I")
"""The number of slots."""
_row = Struct("<HQIIIQ")


Row = tuple[int, int, int, int, int, int]
"""What a slot holds: its number, its digest, live keys, tombstones, damaged entries, and the bytes of its live keys and values."""


class KeptSums:
    """Puts the sums into batches, and reads them back."""

    def __init__(self) -> None:
        self._bytes: int = CHANGES_BYTES
        """Size of the changes so far. At first the limit: without sums in the engine, the next batch carries all."""

    def read(self, engine: StorageEngine, slots: int) -> list[Row] | None:
        """The sums of ``slots`` slots in the order in which they were written; None when there are none that can be relied on.

        Raises EngineFailed.
        """
        rows: list[Row] = []
        size = 0
        whole = False
        for where, stored in engine.scan(_SUMS, _AFTER):
            content = content_of(stored)
            if not is_sealed(stored) or _head.unpack_from(content) != (slots,):
                return None
            if where == _WHOLE:
                whole = True
            else:
                size += len(content) + _RECORD_BYTES
            rows += _row.iter_unpack(content[_head.size :])
        if not whole:
            return None
        self._bytes = size
        return rows

    def whole_is_due(self) -> bool:
        """Whether the next batch had better carry the sums of all slots."""
        return self._bytes >= CHANGES_BYTES

    @property
    def changes_bytes(self) -> int:
        """Size of the changes so far."""
        return self._bytes

    def add(self, batch: Batch, slots: int, number: int, rows: Iterable[Row], *, whole: bool) -> int:
        """Have batch ``number`` keep ``rows``: those that it changes, or the ``whole`` of a store of ``slots`` slots.

        Returns the size of what was added, for ``written``.
        """
        content = _head.pack(slots) + b"".join(starmap(_row.pack, rows))
        if whole:
            batch.clear(_SUMS, _AFTER)
            batch.put(_WHOLE, seal(content))
        else:
            batch.put(_CHANGE + number.to_bytes(8, "big"), seal(content))
        return len(content) + _RECORD_BYTES

    def written(self, size: int, *, whole: bool) -> None:
        """The batch with what ``add`` added is in the engine."""
        self._bytes = 0 if whole else self._bytes + size
