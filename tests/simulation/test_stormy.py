"""Much at once on few keys: a share of the plans, and storms in others as they begin."""

import pytest

from tests.simulation import contested, stormy
from tests.simulation.plan import FaultKind, plan
from tests.simulation.seeds import seeded
from tests.simulation.story import run


def test_a_share_of_the_plans_is_stormy_and_all_others_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contested, "SHARE", 0.0)
    plans = [plan(seed) for seed in range(500)]
    monkeypatch.setattr(stormy, "SHARE", 0.0)
    changed = [one for one in plans if one != plan(one.seed)]
    assert 30 <= len(changed) <= 80
    for one in changed:
        kinds = [fault.kind for fault in one.faults]
        assert stormy.STORMS[0] <= kinds.count(FaultKind.STORM) <= stormy.STORMS[1]
        assert sorted(fault.at for fault in one.faults) == [fault.at for fault in one.faults]


@seeded(12)
def test_nothing_is_lost_in_storms(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contested, "SHARE", 0.0)
    monkeypatch.setattr(stormy, "SHARE", 1.0)
    assert run(plan(seed)).faults[FaultKind.STORM] > 0
