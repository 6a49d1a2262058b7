"""Low limits hold in a run, are the product's own, and some hold in a part of the plans alone."""

import sys
from collections import Counter

from tests.simulation.limits import SOMETIMES, Limit, low_limits
from tests.simulation.plan import plan


def test_each_further_limit_is_one_of_the_product_and_lower_than_in_life() -> None:
    before = {name: [_now(limit) for limit in limits] for name, limits in SOMETIMES.items()}
    for name, limits in SOMETIMES.items():
        with low_limits((name,)):
            assert [_now(limit) for limit in limits] == [limit.value for limit in limits]
            others = [other for other in SOMETIMES if other != name]
            assert all([_now(limit) for limit in SOMETIMES[other]] == before[other] for other in others)
    after = {name: [_now(limit) for limit in limits] for name, limits in SOMETIMES.items()}
    assert after == before
    lower = [limit.value < _now(limit) for limits in SOMETIMES.values() for limit in limits]
    # Lower, but for the pause after which a verification goes on: that is longer.
    assert lower.count(False) == 1


def test_each_further_limit_holds_in_many_plans_and_not_in_many_others() -> None:
    plans = [plan(seed) for seed in range(300)]
    counted = Counter(name for each in plans for name in each.low)
    assert all(60 <= counted[name] <= 240 for name in SOMETIMES), counted
    assert sum(each.replication > 3 for each in plans) >= 8


def _now(limit: Limit) -> float:
    module = sys.modules["kvtui.core.protocol" if limit.where == "kvtui" else limit.where]
    value: float = getattr(module, limit.name)
    return value
