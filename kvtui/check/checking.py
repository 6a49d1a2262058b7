"""The check of a whole history, key by key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kvtui.check.attribution import misattributed
from kvtui.check.operation import History, Operation
from kvtui.check.search import DEFAULT_LIMIT, decide_by_search
from kvtui.check.shrink import shrink
from kvtui.check.staleness import staleness, together
from kvtui.check.verdict import Finding, Report, Staleness, Verdict, Violation
from kvtui.check.versions import contradiction
from kvtui.check.zones import decide_by_zones

SHRINKING_LIMIT: Final = 20_000
"""Steps of a search for a smaller counter-example, at most."""


def check(history: History | Iterable[Operation], *, limit: int = DEFAULT_LIMIT) -> Report:
    """Whether each key of a history behaved as one register that holds a value or nothing, nothing at first.

    Versions, where operations have them, must agree with the order of time and of what was read. ``limit``: how many steps the
    search may take for a key that needs it; beyond, the key is undecided. Only keys of which a value was put twice need it.
    """
    operations = history.operations if isinstance(history, History) else tuple(history)
    keys: dict[str, list[Operation]] = {}
    for operation in operations:
        keys.setdefault(operation.key, []).append(operation)
    violations: list[Violation] = []
    undecided: list[str] = []
    stale = Staleness()
    for key, of_key in keys.items():
        stale = together(stale, staleness(of_key))
        finding = _decide(of_key, limit)
        if finding.verdict is Verdict.VIOLATED:
            shown = shrink(of_key, finding.operations, _violated)
            violations.append(Violation(key, finding.reason, tuple(shown)))
        elif finding.verdict is Verdict.UNDECIDED:
            undecided.append(key)
    verdict = Verdict.VIOLATED if violations else Verdict.UNDECIDED if undecided else Verdict.LINEARIZABLE
    return Report(verdict, tuple(violations), tuple(undecided), len(operations), len(keys), stale)


def _decide(operations: list[Operation], limit: int) -> Finding:
    finding = misattributed(operations)
    if finding is None:
        finding = decide_by_zones(operations)
        if finding.verdict is Verdict.UNDECIDED:
            finding = decide_by_search(operations, limit)
    if finding.verdict is Verdict.VIOLATED:
        return finding
    wrong = contradiction(operations)
    return finding if wrong is None else Finding(Verdict.VIOLATED, *wrong)


def _violated(operations: list[Operation]) -> bool:
    return _decide(operations, SHRINKING_LIMIT).verdict is Verdict.VIOLATED
