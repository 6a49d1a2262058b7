"""Each mutant fits, its scenario passes on the product, and fails with the mutant."""

import pytest

from tests.mutants.catalogue import area_of, catalogue
from tests.mutants.fresh import alone
from tests.mutants.mutant import PROMISES
from tests.mutants.patching import patch_of
from tests.mutants.scenarios import play
from tests.mutants.work import problem_of, show

MUTANTS = catalogue()


def test_every_mutant_says_what_it_breaks() -> None:
    assert all(mutant.promise in PROMISES and mutant.story for mutant in MUTANTS.values())


@pytest.mark.parametrize("name", MUTANTS)
def test_its_scenario_passes_on_the_product(name: str) -> None:
    play(MUTANTS[name], area_of(name))


@pytest.mark.long
@pytest.mark.parametrize("name", MUTANTS)
def test_its_scenario_fails_with_the_mutant(name: str) -> None:
    problem = problem_of(alone(show, name, patch_of(MUTANTS[name])), planted=True)
    assert not problem, f"{name}: {problem}"
