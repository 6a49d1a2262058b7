"""Runs many seeds on all cores."""

import os
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.simulation.happened import FLOORS, KINDS, STORIES, Event, too_seldom
from tests.simulation.plan import FaultKind, plan
from tests.simulation.sources import fingerprint
from tests.simulation.story import Run, run, told
from tests.simulation.workers import begin

CHUNK: Final = 20
"""Seeds that a process is given at once."""

FAULT_FLOORS: Final = {kind: STORIES if kind is FaultKind.LEAVE_TO_THE_LAST else KINDS for kind in FaultKind}
"""How often each kind of fault is done in ``FLOOR_SEEDS`` runs, at least: a cluster that all nodes leave is a story."""


@dataclass(slots=True)
class Total:
    """What many runs came to. ``failures`` are (seed, text)."""

    seeds: int = 0
    operations: int = 0
    seconds: float = 0.0
    faults: Counter[FaultKind] = field(default_factory=Counter)
    lost: int = 0
    happened: Counter[Event] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: "Total") -> None:
        self.seeds += other.seeds
        self.operations += other.operations
        self.seconds += other.seconds
        self.faults += other.faults
        self.lost += other.lost
        self.happened += other.happened
        self.failures += other.failures

    def seldom(self) -> dict[str, tuple[int, float]]:
        """What happened less often than it must: how often it did, and how often it must in so many runs."""
        return {
            **too_seldom(self.faults, FAULT_FLOORS, self.seeds),
            **too_seldom(self.happened, FLOORS, self.seeds),
        }


def run_many(seeds: Sequence[int], processes: int | None = None, kept: Path | None = None) -> Iterator[Total]:
    """The total so far, after each few seeds. ``kept``: the file where it is, to go on with if it is interrupted."""
    total = total_of(kept)
    chunks = _chunks(seeds[total.seeds :])
    with ProcessPoolExecutor(processes or os.cpu_count(), get_context("spawn"), begin) as pool:
        for part in pool.map(_run_some, chunks):
            total.add(part)
            if kept is not None:
                _keep(total, kept)
            yield total


def kept_at(folder: Path, first: int) -> Path:
    """Where the soak of these sources is kept that begins with seed ``first``."""
    return folder / f"soak-{fingerprint()}-{first}.pickle"


def total_of(kept: Path | None) -> Total:
    """What is kept there; nothing, if nothing is."""
    if kept is None or not kept.exists():
        return Total()
    total = pickle.loads(kept.read_bytes())
    assert isinstance(total, Total)
    return total


def _keep(total: Total, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all, whenever it is interrupted.
    new = kept.with_suffix(".new")
    new.write_bytes(pickle.dumps(total))
    new.replace(kept)


def replay_command(seed: int) -> str:
    """What a person types to see a seed's failure again."""
    return f"python -m tests.simulation.replay {seed} --shrink"


def _chunks(seeds: Iterable[int]) -> Iterator[Sequence[int]]:
    rest = iter(seeds)
    while chunk := tuple(islice(rest, CHUNK)):
        yield chunk


def _run_some(seeds: Sequence[int]) -> Total:
    total = Total()
    for seed in seeds:
        total.seeds += 1
        ended = run_or_failure(seed)
        if isinstance(ended, str):
            total.failures.append((seed, ended))
            continue
        total.operations += ended.operations
        total.seconds += ended.seconds
        total.faults += ended.faults
        total.lost += ended.lost
        total.happened += ended.happened
    return total


def run_or_failure(seed: int) -> Run | str:
    """What the seed's run came to, or what is wrong with it."""
    try:
        return run(plan(seed))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return told(error)
