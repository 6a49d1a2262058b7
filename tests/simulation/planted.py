"""How many seeds it takes to catch each planted bug. Each is planted in a process of its own."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import cpu_count
from typing import Final, NamedTuple

from tests.simulation.bugs import catalogue
from tests.simulation.plan import plan
from tests.simulation.story import failure_of
from tests.simulation.workers import begin

SEEDS_MOST: Final = 2_500


class Hunt(NamedTuple):
    """``seeds`` it took to catch the bug, and how it showed; empty ``failure``: not caught within that many."""

    name: str
    seeds: int
    failure: str


def hunt(name: str, most: int = SEEDS_MOST, first: int = 0) -> Hunt:
    """Plant a bug in this process, for good, and run seeds, beginning with ``first``, until one fails."""
    catalogue()[name].plant()
    for seed in range(first, first + most):
        failure = failure_of(plan(seed))
        if failure:
            return Hunt(name, seed - first + 1, failure)
    return Hunt(name, most, "")


def hunt_all(names: Sequence[str], most: int = SEEDS_MOST, first: int = 0) -> Iterator[Hunt]:
    """Each bug's hunt, in order, on all cores."""
    with ProcessPoolExecutor(cpu_count(), get_context("spawn"), begin, max_tasks_per_child=1) as pool:
        yield from pool.map(hunt, names, [most] * len(names), [first] * len(names))
