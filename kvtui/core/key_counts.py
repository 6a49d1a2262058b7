"""How many distinct keys the slots hold: as counted last, where nobody can count them now as well."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kvtui.core.records import Runs

Run = tuple[int, int]
"""Slots ``start`` up to but without ``stop``."""


class Count(NamedTuple):
    """Keys of a run of slots. ``written`` is the newest write that had been begun, None where some were under way."""

    keys: int
    written: int | None
    sure: bool = True
    """Once the run can't be reached: whether nothing had been written since it was counted."""


class Totals(NamedTuple):
    """What the counts come to."""

    density: tuple[int, ...]
    """Keys that can be reached, in equal parts of the ring."""
    unreachable: int | None
    """Keys that can't, as counted while they could; None where not all of them were counted."""
    sure: bool
    """Whether nothing may have been written after that."""


class KeyCounts:
    """Keeps a count for each run of slots that was counted."""

    def __init__(self) -> None:
        self._counts: Mapping[Run, Count] = {}
        self._away: Runs = []
        self._totals: tuple[object, object, int, Totals] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was ever counted."""
        return not self._counts

    def renew(self, slots: int, counted: Iterable[tuple[Run, int]], written: int | None) -> None:
        """Runs were counted anew; the others keep what is known of them, as far as none of it is in those."""
        fresh = {run: Count(keys, written) for run, keys in counted}
        covered = bytearray(slots)
        for start, stop in fresh:
            covered[start:stop] = b"\1" * (stop - start)
        kept = {
            run: count for run, count in self._counts.items() if run not in fresh and not any(covered[run[0] : run[1]])
        }
        self._counts = {**kept, **fresh}

    def totals(self, slots: int, parts: int, away: Runs, newest: int) -> Totals:
        """``away``: slots that can't be served now; ``newest``: the write begun last."""
        if away is not self._away and away != self._away:
            self._part(slots, away, newest)
        self._away = away
        known = self._totals
        if known is None or known[0] is not self._counts or known[1] is not away or known[2] != parts:
            known = self._totals = self._counts, away, parts, self._sum(slots, parts, away)
        return known[3]

    def _part(self, slots: int, away: Runs, newest: int) -> None:
        """Others can be reached than before: what becomes unreachable was counted after its last write, or not."""
        before, now = _marked(slots, self._away), _marked(slots, away)
        self._counts = {
            run: count._replace(sure=count.written == newest) if now[run[0]] and not before[run[0]] else count
            for run, count in self._counts.items()
        }

    def _sum(self, slots: int, parts: int, away: Runs) -> Totals:
        density = [0] * parts
        if not away:
            for (start, _), count in self._counts.items():
                density[start * parts // slots] += count.keys
            return Totals(tuple(density) if self._counts else (), 0, True)
        marked = _marked(slots, away)
        missing = known = 0
        sure = True
        for (start, stop), count in self._counts.items():
            lacking = sum(marked[start:stop])
            if not lacking:
                density[start * parts // slots] += count.keys
            elif lacking == stop - start:
                missing += count.keys
                known += lacking
                sure = sure and count.sure
        complete = known == sum(marked)
        return Totals(tuple(density) if self._counts else (), missing if complete else None, sure and complete)


def _marked(slots: int, runs: Runs) -> bytearray:
    marked = bytearray(slots)
    for start, stop in runs:
        marked[start:stop] = b"\1" * (stop - start)
    return marked
