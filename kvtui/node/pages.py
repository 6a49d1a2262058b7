"""One page of a scan."""

from collections.abc import Iterable
from typing import Final

from kvtui.core.protocol import BATCH_BYTES, INLINE_BYTES, Blob, Entry, to_blob
from kvtui.node.record import key_of, size_of, value_of, version_of

EXAMINED: Final = 16_384
"""Most entries that one page looks at, so that a rare prefix does not keep other requests waiting."""
EXAMINED_BYTES: Final = 16 * 1024 * 1024
"""Most bytes of records that one page reads, beyond which it ends with the entry that exceeds them."""


def page(
    pairs: Iterable[tuple[bytes, bytes]], limit: int, values: bool, prefix: bytes
) -> tuple[list[Entry], Blob | None]:
    """The next entries of ``pairs`` whose key begins with ``prefix``, and the key after which to go on (None: that was all).

    A value longer than a request may carry is left out; its size tells.
    """
    entries: list[Entry] = []
    space = BATCH_BYTES
    examined_bytes = 0
    last: bytes | None = None
    for examined, (where, record) in enumerate(pairs):
        if len(entries) >= limit or space <= 0 or examined >= EXAMINED or examined_bytes > EXAMINED_BYTES:
            return entries, None if last is None else to_blob(last)
        key = key_of(where)
        examined_bytes += len(record)
        if key.startswith(prefix):
            size = size_of(record)
            carried = to_blob(value_of(record)) if values and 0 <= size <= INLINE_BYTES else None
            cost = len(key) + (size if carried is not None else 0)
            if cost > space and entries:
                return entries, to_blob(last) if last is not None else None
            space -= cost
            entries.append(Entry(to_blob(key), version_of(record), size, carried))
        last = key
    return entries, None
