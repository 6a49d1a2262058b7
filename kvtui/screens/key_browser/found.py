"""What a scan has found so far: a bounded number of rows, and how far it is. Pure values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate

from kvtui.core.cluster import Item
from kvtui.core.ring.token import token_of

ROWS_MOST = 2_000
"""Rows held at once; the next ones take their place."""
KEY_BYTES_MOST = 4 * 1024 * 1024
"""Bytes of keys held at once: a key may have 64 KiB."""


class Phase(StrEnum):
    """What the scan does."""

    SEARCHING = "searching"
    FULL = "full"
    """It waits: as many rows are held as may be, and more may follow."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Found:
    """The matches of one search that are held, in ring order."""

    prefix: bytes = b""
    phase: Phase = Phase.SEARCHING
    rows: tuple[Item, ...] = ()
    skipped: int = 0
    """Matches before ``rows`` that are not held any more."""
    waiting: tuple[Item, ...] = ()
    """Matches that came with the last of ``rows`` and had no room: the first of the next rows."""
    turning: bool = False
    """The next match takes the place of all ``rows``."""
    passed: float = 0.0
    """How far round the ring the scan is, 0..1."""
    trouble: str = ""
    """Why the scan failed."""

    def with_matches(self, items: Sequence[Item]) -> "Found":
        """More matches; those that have no room wait."""
        if not items:
            return self
        rows = () if self.turning else self.rows
        skipped = self.skipped + len(self.rows) if self.turning else self.skipped
        taken = _room(rows, items)
        full = taken < len(items) or len(rows) + taken >= ROWS_MOST
        return replace(
            self,
            rows=(*rows, *items[:taken]),
            skipped=skipped,
            waiting=tuple(items[taken:]),
            turning=False,
            phase=Phase.FULL if full else Phase.SEARCHING,
        )

    def went_on(self) -> "Found":
        """A person wants the rows that follow: what waits comes first."""
        if self.phase is not Phase.FULL:
            return self
        waiting = self.waiting
        return replace(self, phase=Phase.SEARCHING, turning=True, waiting=()).with_matches(waiting)

    def far(self, passed: float) -> "Found":
        """The scan is so far round the ring."""
        return replace(self, passed=passed)

    def ended(self) -> "Found":
        """The scan is round the ring."""
        return replace(self, phase=Phase.DONE, passed=1.0, turning=False)

    def failed(self, trouble: str) -> "Found":
        """The scan can't go on."""
        return replace(self, phase=Phase.FAILED, trouble=trouble, turning=False)

    def stored(self, item: Item) -> "Found":
        """A key was put here: its row is renewed, or comes in where the scan has been already."""
        rows = list(self.rows)
        at = next((place for place, row in enumerate(rows) if row.key == item.key), None)
        if at is not None:
            rows[at] = item
            return replace(self, rows=tuple(rows))
        if not item.key.startswith(self.prefix):
            return self
        place = next((at for at, row in enumerate(rows) if _order(row.key) > _order(item.key)), len(rows))
        if place == 0 and self.skipped:
            return self  # among rows that are not held any more
        if place == len(rows) and _order(item.key)[0] / 2**64 > self.passed:
            return self  # the scan brings it
        if place == len(rows) and self.phase is Phase.FULL:
            return replace(self, waiting=tuple(sorted((*self.waiting, item), key=lambda row: _order(row.key))))
        rows.insert(place, item)
        return replace(self, rows=tuple(rows[:ROWS_MOST]), waiting=(*rows[ROWS_MOST:], *self.waiting))

    def without(self, key: bytes) -> "Found":
        """A key was deleted here."""
        rows, waiting = (tuple(row for row in part if row.key != key) for part in (self.rows, self.waiting))
        return replace(self, rows=rows, waiting=waiting)

    @property
    def position(self) -> float:
        """How far round the ring the rows are: the last one's token while more may follow."""
        return _order(self.rows[-1].key)[0] / 2**64 if self.phase is Phase.FULL and self.rows else self.passed


def _order(key: bytes) -> tuple[int, bytes]:
    return token_of(key), key


def _room(rows: Sequence[Item], items: Sequence[Item]) -> int:
    """How many of ``items`` may join ``rows``; one at least where there are no rows yet."""
    held = sum(len(row.key) for row in rows)
    sums = list(accumulate((len(item.key) for item in items), initial=held))
    fitting = sum(total <= KEY_BYTES_MOST for total in sums[1:])
    return min(ROWS_MOST - len(rows), max(fitting, 0 if rows else 1))
