"""The runs under faults find what they are there to find: every planted bug, each within few seeds."""

from statistics import median

import pytest

from tests.simulation.bugs import catalogue
from tests.simulation.planted import SEEDS_MOST, hunt_all

pytestmark = pytest.mark.long

MEDIAN_MOST = 200
SEEDS_MOST_ELSEWHERE = 10_000
"""The hardest bug takes a thousand seeds on average or so."""


@pytest.mark.timeout(900)
def test_every_planted_bug_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    bugs = catalogue()
    assert len(bugs) >= 30
    hunts = list(hunt_all(list(bugs)))
    with capsys.disabled():
        print(f"\n{'seeds':>5}  planted bug")
        for hunt in hunts:
            print(
                f"{hunt.seeds if hunt.failure else 'none':>5}  {bugs[hunt.name].source}: {hunt.name.replace('_', ' ')}"
            )
    missed = [hunt.name for hunt in hunts if not hunt.failure]
    assert not missed, f"not caught within {SEEDS_MOST:,} seeds: {missed}"
    assert median(hunt.seeds for hunt in hunts) <= MEDIAN_MOST


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(1_000_000, 9_000_000, 1_000_000))
def test_every_planted_bug_is_caught_wherever_the_seeds_begin(first: int) -> None:
    missed = [hunt.name for hunt in hunt_all(list(catalogue()), SEEDS_MOST_ELSEWHERE, first) if not hunt.failure]
    assert not missed, f"not caught within {SEEDS_MOST_ELSEWHERE:,} seeds from {first:,}: {missed}"
