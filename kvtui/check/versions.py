"""What versions add: the writes of a key took effect in their order, so that it must agree with time and with what was read.

One that has no version switches nothing off. Where values tell writes apart, what was read tells the version of its write; what is
left without one takes no part in the order, and may be who wrote what nobody else can have written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf

from kvtui.check.operation import Kind, Operation, Outcome
from kvtui.check.register import Act, acts_of
from kvtui.notation import brief

NEVER = (0, 0)
"""The version of a key that was never written, or whose tombstone is forgotten."""

Version = tuple[int, int]
Contradiction = tuple[str, tuple[Operation, ...]]
"""What can't be, and the operations that show it."""


def contradiction(operations: Sequence[Operation]) -> Contradiction | None:
    """What is wrong with the versions of one key's operations; None: nothing, or there are none."""
    if all(operation.version is None for operation in operations):
        return None
    acts = acts_of(operations)
    writes = _Writes(act for act in acts if act.writes)
    if writes.twins:
        return "two writes have the same version", writes.twins
    failed = {
        op.version: op for op in operations if op.outcome is Outcome.FAILED and op.kind is not Kind.GET and op.version
    }
    for get in operations:
        if get.kind is Kind.GET and get.outcome is Outcome.OK and get.version is not None:
            wrong = _misread(get, get.version, writes, failed)
            if wrong is not None:
                return wrong
    return _disorder(acts, writes) or _forgotten(acts, writes)


class _Writes:
    """The writes of a key, as far as they may have happened, by their versions and by their values."""

    def __init__(self, acts: Iterable[Act]) -> None:
        self.at: dict[Version, Operation] = {}
        self.twins: tuple[Operation, ...] = ()
        """Two that have the same version, if there are any."""
        self.unversioned_deletes: list[Operation] = []
        self.deletes: list[tuple[Version, float]] = []
        """Versions and starts of deletes."""
        self._of: dict[str, list[Operation]] = {}
        self._told: dict[int, Version] = {}
        for act in acts:
            write = act.origin
            if write.version is not None and write.version != NEVER:
                twin = self.at.setdefault(write.version, write)
                if twin is not write:
                    self.twins = (twin, write)
                if act.value is None:
                    self.deletes.append((write.version, write.start))
            elif act.value is None:
                self.unversioned_deletes.append(write)
            if act.value is not None:
                self._of.setdefault(act.value, []).append(write)
        self._seen: dict[Version, Operation] = {}
        self._unclaimed: set[Version] = set()

    def of(self, value: str) -> list[Operation]:
        """Who put the value."""
        return self._of.get(value, [])

    def version(self, write: Operation) -> Version | None:
        """Its version, as it was told, or as a get told it."""
        if write.version is not None and write.version != NEVER:
            return write.version
        return self._told.get(id(write))

    def tell(self, write: Operation, version: Version) -> None:
        """A get of its value had that version."""
        self._told[id(write)] = version

    def see(self, get: Operation, version: Version) -> Operation:
        """The first get that was seen at the version."""
        return self._seen.setdefault(version, get)

    def claim(self, version: Version) -> bool:
        """Whether a delete of which no version is known may have written at that one: each wrote at one alone."""
        self._unclaimed.add(version)
        return len(self._unclaimed) <= len(self.unversioned_deletes)


def _misread(
    get: Operation, version: Version, writes: _Writes, failed: dict[Version, Operation]
) -> Contradiction | None:
    """What is wrong with the version of a get, flagged as stale or not, beside that of the write that it names."""
    value = get.value
    if version == NEVER:
        return None if value is None else ("a get found a value at the version of what was never written", (get,))
    first = writes.see(get, version)
    if first.value != value:
        return "two gets name one version, and found different things", (first, get)
    written = writes.at.get(version)
    if written is not None:
        if written.value != value:
            return "a read names a version that something else was written at", (written, get)
        return None
    if version in failed:
        return "a get names the version of a write that failed", (failed[version], get)
    if value is None:
        began = any(get.end is None or delete.start < get.end for delete in writes.unversioned_deletes)
        return (
            None if began and writes.claim(version) else ("a get found nothing, at a version that nobody wrote", (get,))
        )
    puts = writes.of(value)
    if puts and all(writes.version(put) not in (None, version) for put in puts):
        return f"a get found {brief(value)}, and names another version than it was put at", (*puts, get)
    if len(puts) == 1:
        writes.tell(puts[0], version)
    return None


def _disorder(acts: Sequence[Act], writes: _Writes) -> Contradiction | None:
    """Two acts of which the later in the order of versions ended before the earlier began."""
    read = {act.version for act in acts if not act.writes}
    ordered: list[tuple[Version, bool, float, Act]] = []
    for act in acts:
        version = writes.version(act.origin) if act.writes else act.version
        if version is None or version == NEVER or (act.writes and not act.certain and version not in read):
            # Of a write that nobody saw, it may as well never have happened; what was forgotten has no place in the order.
            continue
        ordered.append((version, not act.writes, act.start, act))
    ordered.sort(key=lambda item: item[:3])
    first_end, who = inf, None
    for _, _, _, act in reversed(ordered):
        if who is not None and first_end < act.start:
            return "versions run against time", (act.origin, who.origin)
        if act.end < first_end:
            first_end, who = act.end, act
    return None


def _forgotten(acts: Sequence[Act], writes: _Writes) -> Contradiction | None:
    """A get that found nothing and no tombstone, where no delete can have been the last word: what is known to have been
    there before it is newer than every delete that had begun."""
    absences = [act for act in acts if not act.writes and act.version == NEVER]
    if not absences or writes.unversioned_deletes:
        return None
    deletes = sorted(writes.deletes, key=lambda delete: delete[1])
    newest = list(accumulate((version for version, _ in deletes), max))
    starts = [start for _, start in deletes]
    ended = sorted((act for act in acts if act.end < inf), key=lambda act: act.end)
    best: tuple[Version, Act] | None = None
    passed = 0
    for absence in sorted(absences, key=lambda act: act.start):
        while passed < len(ended) and ended[passed].end < absence.start:
            act = ended[passed]
            known = writes.version(act.origin) if act.writes else act.version
            if known is not None and known != NEVER and (best is None or known > best[0]):
                best = known, act
            passed += 1
        if best is None:
            continue
        begun = bisect_left(starts, absence.end)
        if not begun or newest[begun - 1] < best[0]:
            return "a get found nothing, and no delete is newer than what was there before", (
                best[1].origin,
                absence.origin,
            )
    return None
