"""What happened in runs is counted, and what happened too seldom is told."""

from collections import Counter

import pytest

from tests.simulation.happened import FLOOR_SEEDS, FLOORS, Event, too_seldom
from tests.simulation.many import run_many
from tests.simulation.plan import plan
from tests.simulation.story import run


def test_every_event_has_a_floor() -> None:
    assert set(FLOORS) == set(Event)
    assert min(FLOORS.values()) >= 100


def test_what_happened_less_often_than_its_floor_for_so_many_seeds_is_told() -> None:
    floors = {Event.PURGE: 300, Event.FENCED: 100}
    counted = Counter({Event.PURGE: 30, Event.FENCED: 9})
    assert too_seldom(counted, floors, FLOOR_SEEDS // 10) == {str(Event.FENCED): (9, 10.0)}
    assert set(too_seldom(Counter(), floors, 1)) == {str(Event.PURGE), str(Event.FENCED)}


def test_runs_count_what_goes_by_on_the_wire_and_into_the_log() -> None:
    happened: Counter[Event] = Counter()
    for seed in range(12):
        happened += run(plan(seed)).happened
    # Common ones, each of which is seen in another way.
    for event in (Event.GET, Event.FAILED, Event.CLEAR, Event.FULL, Event.MOVED, Event.BEHIND, Event.CUT_OVER):
        assert happened[event], event
    assert happened[Event.CUT_OVER] <= happened[Event.MOVED]


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_everything_happens_often_enough_in_the_runs_of_a_change() -> None:
    *_, total = run_many(range(FLOOR_SEEDS))
    assert total.seeds == FLOOR_SEEDS
    assert not total.seldom()
