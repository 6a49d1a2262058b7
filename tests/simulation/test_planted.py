"""The runs under faults find what they are there to find. All planted bugs, and all mutants, are hunted by .ci/nightly."""

import pytest

from tests.mutants.hunts import Diary, hunt_all
from tests.simulation.bugs import catalogue

pytestmark = pytest.mark.long

EACH = 6
"""Of so many planted bugs one is hunted here."""
SEEDS_MOST = 15


def test_half_of_some_planted_bugs_are_caught_within_few_seeds() -> None:
    bugs = list(catalogue())
    assert len(bugs) >= 40
    some = bugs[::EACH]
    hunts = hunt_all({name: name for name in some}, SEEDS_MOST, Diary(None, 0), 1)
    caught = [hunt.name for hunt in hunts if hunt.failure]
    assert len(caught) >= len(some) / 2, f"of {some} only {caught} were caught within {SEEDS_MOST} seeds"
