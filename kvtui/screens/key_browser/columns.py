"""The columns of the table of keys. Pure functions."""

from bisect import bisect_right
from dataclasses import dataclass

from kvtui.core.ring.token import token_of
from kvtui.core.snapshot import ClusterSnapshot

PADDING = 2
"""Cells that a column has beside its text."""
KEY_LEAST = 12


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells of each column; 0 for one that has no room."""

    key: int
    size: int
    version: int
    replicas: int


def columns(width: int, longest_replicas: int) -> Columns:
    """How ``width`` cells are shared out; replicas go first where there is little room, then the version."""
    size, version = (9, 7) if width < 48 else (9, 10)
    replicas = max(8, min(longest_replicas, width // 4))
    for parts in ((size, version, replicas), (size, version, 0), (size, 0, 0)):
        key = width - PADDING - sum(part + PADDING for part in parts if part)
        if key >= KEY_LEAST:
            return Columns(key, *parts)
    return Columns(max(1, width - PADDING), 0, 0, 0)


def bytes_in_words(size: int) -> str:
    """``132 B``, ``1.5 KiB``, ``16.0 MiB``."""
    if size < 1024:
        return f"{size} B"
    for unit, bytes_each in (("KiB", 1024), ("MiB", 1024 * 1024)):
        if size < 999.95 * bytes_each or unit == "MiB":
            return f"{size / bytes_each:.1f} {unit}"
    raise AssertionError("unreachable")


def replicas_of(snapshot: ClusterSnapshot, key: bytes) -> tuple[str, ...]:
    """The key's preference list, as the snapshot's ranges have it."""
    if not snapshot.ranges:
        return ()
    position = token_of(key) / 2**64
    place = bisect_right(snapshot.ranges, position, key=lambda part: part.start) - 1
    return snapshot.ranges[place].replicas
