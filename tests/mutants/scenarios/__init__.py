"""What shows the mutants: one file an area, one function a mutant, or one for several."""

import inspect
from importlib import import_module

from tests.mutants.mutant import Mutant


def play(mutant: Mutant, area: str) -> None:
    """Run the scenario of a mutant on the product as this process has it. Raises what the scenario raises, and Stuck."""
    from tests.simulation.loop import run_virtual

    scenario = getattr(import_module(f"{__name__}.{area}"), mutant.shown_by or mutant.name)
    if inspect.iscoroutinefunction(scenario):
        run_virtual(scenario)
    else:
        scenario()
