"""Bugs that were lost data elsewhere, or would be here: each a patch of the running code, for the simulation to catch.

A patch changes classes for good: plant it only in a process that ends afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass

Plant = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Bug:
    """``source``: where it comes from; ``story``: what it does."""

    name: str
    source: str
    story: str
    plant: Plant


def catalogue() -> dict[str, Bug]:
    """All bugs by name, in the order in which they are written down."""
    from tests.simulation.bugs import originals, others, promises

    bugs = [_bug(plant) for module in (originals, others, promises) for plant in module.BUGS]
    by_name = {bug.name: bug for bug in bugs}
    assert len(by_name) == len(bugs), "two bugs share a name"
    return by_name


def _bug(plant: Plant) -> Bug:
    source, _, story = (plant.__doc__ or "").partition(": ")
    return Bug(plant.__name__, source, " ".join(story.split()), plant)
