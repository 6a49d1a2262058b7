"""What versions add: the writes of a key took effect in their order, so that it must agree with time and with what was read."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from kvtui.check.register import Act

NEVER = (0, 0)
"""The version of a key that was never written, or whose tombstone is forgotten."""

Contradiction = tuple[str, tuple[Act, ...]]
"""What can't be, and the acts that show it."""


def contradiction(acts: Sequence[Act]) -> Contradiction | None:
    """What is wrong with the versions of one key's acts, which are in order of start; None: nothing, or there are none."""
    writes: dict[tuple[int, int], Act] = {}
    for act in acts:
        if act.writes and act.version is not None and act.version != NEVER:
            twin = writes.setdefault(act.version, act)
            if twin is not act:
                return "two writes have the same version", (twin, act)
    for act in acts:
        written = None if act.writes or act.version is None else writes.get(act.version)
        if written is not None and written.value != act.value:
            return "a read names a version that something else was written at", (written, act)
    ordered = _by_version(acts, writes)
    disorder = None if ordered is None else _against_time(ordered)
    return None if disorder is None else ("versions run against time", disorder)


def _by_version(acts: Sequence[Act], writes: dict[tuple[int, int], Act]) -> list[Act] | None:
    """The acts as their versions order them, each read right after its write; None where versions don't tell that."""
    read = {act.version for act in acts if not act.writes}
    ordered: list[tuple[tuple[int, int], bool, float, Act]] = []
    for act in acts:
        if act.writes and not act.certain and act.version not in read:
            # Nobody saw it: it may as well never have happened.
            continue
        version = act.version
        if version is None or (act.writes and version == NEVER):
            return None
        if version == NEVER:
            forgotten = _latest_before(acts, act)
            if act.value is not None or (forgotten is not None and forgotten.value is not None):
                return None
            version = NEVER if forgotten is None else forgotten.version or NEVER
        elif not act.writes and version not in writes:
            return None
        ordered.append((version, not act.writes, act.start, act))
    ordered.sort(key=lambda item: item[:3])
    return [item[3] for item in ordered]


def _against_time(ordered: Sequence[Act]) -> tuple[Act, Act] | None:
    """Two acts of which the later in this order ended before the earlier began."""
    first_end, who = inf, None
    for act in reversed(ordered):
        if who is not None and first_end < act.start:
            return act, who
        if act.end < first_end:
            first_end, who = act.end, act
    return None


def _latest_before(acts: Sequence[Act], read: Act) -> Act | None:
    """What is of the highest version among all that had ended before the read began: a write, or a read that saw it done."""
    before = [act for act in acts if act.version is not None and act.version != NEVER and act.end < read.start]
    return max(before, key=lambda act: act.version or NEVER, default=None)
