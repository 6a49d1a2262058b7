"""Zones against the search, which is exact: on tens of thousands of small random histories, right and faulty, they agree."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from kvtui.check import Operation, Outcome, Verdict, check
from kvtui.check.search import decide_by_search
from kvtui.check.zones import decide_by_zones
from tests.check.histories import random_history, with_a_fault

HISTORIES = 4_000
"""Of each of the six kinds."""


@pytest.mark.parametrize("faulty", [False, True], ids=["right", "faulty"])
@pytest.mark.parametrize(
    ("deletes", "versions"), [(False, False), (True, False), (True, True)], ids=["puts", "deletes", "versions"]
)
def test_the_fast_ways_agree_with_the_search(deletes: bool, versions: bool, faulty: bool) -> None:
    dice = random.Random(f"{deletes} {versions} {faulty}")
    verdicts: Counter[Verdict] = Counter()
    for _ in range(HISTORIES):
        history = random_history(dice, deletes=deletes, versions=versions, operations=dice.randint(2, 12))
        if faulty:
            history = with_a_fault(dice, history)
        verdicts[agreed(history)] += 1
    assert verdicts[Verdict.UNDECIDED] == 0
    if not faulty:
        assert verdicts[Verdict.VIOLATED] == 0
    else:
        assert verdicts[Verdict.VIOLATED] > HISTORIES / 10
        assert verdicts[Verdict.LINEARIZABLE] > HISTORIES / 10


def agreed(history: list[Operation]) -> Verdict:
    """The verdict on the values, which both ways share; the whole check adds only what versions tell."""
    exact = decide_by_search(history).verdict
    assert decide_by_zones(history).verdict is exact, history
    whole = check(history).verdict
    if exact is Verdict.VIOLATED or all(operation.version is None for operation in history):
        assert whole is exact, history
    return exact


@pytest.mark.parametrize("deletes", [False, True], ids=["puts", "deletes"])
def test_they_agree_where_operations_begin_and_end_at_the_same_moments(deletes: bool) -> None:
    """A coarse clock, or a virtual one, tells many moments to be one."""
    dice = random.Random(f"ties {deletes}")
    verdicts: Counter[Verdict] = Counter()
    for _ in range(HISTORIES):
        history = with_a_fault(
            dice, random_history(dice, deletes=deletes, versions=False, operations=dice.randint(2, 9))
        )
        verdicts[agreed([_coarse(operation) for operation in history])] += 1
    assert verdicts[Verdict.UNDECIDED] == 0
    assert min(verdicts[Verdict.VIOLATED], verdicts[Verdict.LINEARIZABLE]) > HISTORIES / 10


def _coarse(operation: Operation) -> Operation:
    end = None if operation.end is None else float(round(operation.end))
    return replace(operation, start=float(round(operation.start)), end=end)


def test_right_histories_with_versions_pass_whole() -> None:
    dice = random.Random(7)
    for _ in range(1_000):
        history = random_history(dice, deletes=True, versions=True, operations=dice.randint(2, 14))
        assert check(history).verdict is Verdict.LINEARIZABLE, history


def test_histories_have_every_outcome() -> None:
    dice = random.Random(1)
    seen = {op.outcome for _ in range(50) for op in random_history(dice, deletes=True, versions=True, operations=12)}
    assert seen == set(Outcome)
