"""Coordinators that contend for the same nodes: a share of the plans, and a few of them each time."""

import pytest

from tests.simulation import contested
from tests.simulation.plan import FaultKind, plan
from tests.simulation.seeds import seeded
from tests.simulation.story import failure_of


def test_a_share_of_the_plans_is_contested_and_all_others_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = [plan(seed) for seed in range(500)]
    monkeypatch.setattr(contested, "SHARE", 0.0)
    changed = [one for one in plans if one != plan(one.seed)]
    assert 15 <= len(changed) <= 50
    for one in changed:
        kinds = [fault.kind for fault in one.faults]
        assert one.attached
        assert contested.TAKEOVERS[0] <= kinds.count(FaultKind.TAKEOVER) <= contested.TAKEOVERS[1]
        assert sorted(fault.at for fault in one.faults) == [fault.at for fault in one.faults]


@seeded(12)
def test_nothing_is_lost_among_them(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contested, "SHARE", 1.0)
    assert failure_of(plan(seed)) == ""
