"""What processes of their own do with a mutant. Nothing of kvtui is imported before the mistake is planted."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.mutants.catalogue import area_of, catalogue
from tests.mutants.fresh import Limit
from tests.mutants.patching import Patch, plant
from tests.mutants.scenarios import play

SCENARIO_SECONDS: Final = 30.0
"""Real seconds that a scenario may take."""
SEED_SECONDS: Final = 60.0
"""Real seconds that one run of the simulation may take: commonly it takes a twentieth of one."""
NO_PYTHON: Final = (NameError, ImportError, SyntaxError)
"""What tells that a mutant is no mistake of meaning: it does not run at all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a scenario ended: empty ``failure``: it passed. ``broken``: it failed because the mutant does not run at all."""

    failure: str
    broken: bool = False


def show(name: str, patch: Patch | None) -> Shown:
    """Play the mutant's scenario with the mistake planted; on the product, without a patch."""
    if patch is not None:
        plant(patch)
    mutant = catalogue()[name]
    try:
        with Limit(SCENARIO_SECONDS):
            play(mutant, area_of(name))
    except BaseException as error:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return Shown(_told(error), isinstance(error, NO_PYTHON))
    return Shown("")


def problem_of(shown: Shown, planted: bool) -> str:
    """What is wrong with a scenario that ended so, in one line; empty: it passed on the product, or failed with its mutant."""
    if not planted:
        return f"its scenario fails on the product: {shown.failure}" if shown.failure else ""
    if shown.broken:
        return f"the mutant does not run: {shown.failure}"
    return "" if shown.failure else "its scenario does not show it: it passes with the mutant as well"


def run_seeds(planted: Patch | str | None, seeds: Sequence[int]) -> tuple[int, str]:
    """Run the simulation's seeds with a mutant's mistake or a planted bug, or on the product, until one fails: how many passed, and
    how the next one failed; an empty text when all passed."""
    if isinstance(planted, Patch):
        plant(planted)
    from tests.simulation.plan import plan
    from tests.simulation.story import failure_of, quicken

    if isinstance(planted, str):
        from tests.simulation.bugs import catalogue as bugs

        bugs()[planted].plant()
    quicken()
    for passed, seed in enumerate(seeds):
        with Limit(SEED_SECONDS):
            failure = failure_of(plan(seed))
        if failure:
            return passed, failure
    return len(seeds), ""


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno})" if frames else ""
    text = str(error).strip().split("\n", maxsplit=1)[0]
    return f"{type(error).__name__}: {text}{where}"
