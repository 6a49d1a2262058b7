"""Every mutant, one file an area: plain data, of which reading imports nothing of kvtui.

The scenarios of ``catalogue/writes.py`` are in ``scenarios/writes.py``: each a function without arguments, pure, or a coroutine
that is run under virtual time, as those with a whole simulated cluster are. It passes on the product and fails with the mutant.
"""

import pkgutil
from importlib import import_module

from tests.mutants.mutant import Mutant


def catalogue() -> dict[str, Mutant]:
    """All mutants by name, area by area, in the order in which they are written down."""
    mutants: dict[str, Mutant] = {}
    for area in areas():
        for mutant in import_module(f"{__name__}.{area}").MUTANTS:
            assert mutant.name not in mutants, f"two mutants are called {mutant.name}"
            mutants[mutant.name] = mutant
    return mutants


def areas() -> list[str]:
    """The files here, by name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def area_of(name: str) -> str:
    """In which of them a mutant is."""
    for area in areas():
        if any(mutant.name == name for mutant in import_module(f"{__name__}.{area}").MUTANTS):
            return area
    raise KeyError(name)
