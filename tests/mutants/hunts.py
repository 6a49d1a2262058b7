"""Hunts: how many seeds of the simulation it takes to catch each mistake. What they came to is kept, to go on with."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.mutants.fresh import Crew
from tests.mutants.patching import Patch
from tests.mutants.work import run_seeds
from tests.simulation.sources import fingerprint

SLICE: Final = 100
"""Most seeds that a process is given at once: what an interruption loses."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """``seeds`` run so far; ``failure``: how the last of them failed, which the product passes. Empty: not caught yet."""

    name: str
    seeds: int = 0
    failure: str = ""


@dataclass(slots=True)
class Diary:
    """The hunts of one state of the sources from one first seed, as lines of a file in ``folder``; None keeps nothing."""

    folder: Path | None
    first: int
    hunts: dict[str, Hunt] = field(default_factory=dict)
    unsound: dict[int, str] = field(default_factory=dict)
    """Seeds that the product itself fails, and how: they tell nothing of a mistake."""

    def __post_init__(self) -> None:
        if self.folder is None or not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                told = json.loads(line)
            except ValueError:
                # The last line of one that was killed while it wrote.
                continue
            if "seed" in told:
                self.unsound[told["seed"]] = told["failure"]
            else:
                self.hunts[told["name"]] = Hunt(**told)

    def note(self, hunt: Hunt) -> None:
        """A hunt has got so far."""
        self.hunts[hunt.name] = hunt
        self._write(asdict(hunt))

    def note_unsound(self, seed: int, failure: str) -> None:
        """The product itself fails that seed."""
        self.unsound[seed] = failure
        self._write({"seed": seed, "failure": failure})

    def _write(self, told: Mapping[str, object]) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            # A line that was cut short before is ended first.
            file.write(("\n" if file.tell() else "") + json.dumps(told))

    @property
    def _path(self) -> Path:
        assert self.folder is not None
        return self.folder / f"hunts-{fingerprint('tests/mutants')}-{self.first}.jsonl"


@dataclass(frozen=True, slots=True)
class _Task:
    """A slice of a hunt; with ``failure``, the question whether the product fails its one seed as well."""

    hunt: Hunt
    seeds: tuple[int, ...]
    after: int
    """Seeds that the hunt has run when all of these have passed."""
    failure: str = ""


def hunt_all(
    planted: Mapping[str, Patch | str],
    most: int,
    diary: Diary,
    processes: int,
    told: Callable[[Hunt], None] = lambda hunt: None,
) -> list[Hunt]:
    """Run each mistake's seeds, ``most`` of them from the diary's first on, until one fails that the product passes.

    ``told`` hears of each slice; a slice of each comes before the next slice of any."""
    # Those that have run the fewest seeds come first, also when it is gone on with.
    hunts = sorted((diary.hunts.get(name, Hunt(name)) for name in planted), key=lambda hunt: hunt.seeds)
    tasks = deque(task for hunt in hunts if (task := _next(hunt, most, diary)))
    with Crew[_Task](processes) as crew:
        while tasks or not crew.idle:
            while tasks and not crew.busy:
                task = tasks.popleft()
                if not task.failure:
                    # What the product fails may have been found since.
                    task = replace(task, seeds=tuple(seed for seed in task.seeds if seed not in diary.unsound))
                crew.give(task, run_seeds, None if task.failure else planted[task.hunt.name], task.seeds)
            task, (passed, failure) = crew.take()
            if failure and not task.failure:
                # The mistake shows only if the product passes.
                seed = task.seeds[passed]
                tasks.appendleft(_Task(task.hunt, (seed,), seed - diary.first + 1, failure))
                continue
            if failure:
                diary.note_unsound(task.seeds[0], failure)
            hunt = Hunt(task.hunt.name, task.after, "" if failure else task.failure)
            diary.note(hunt)
            told(hunt)
            following = _next(hunt, most, diary)
            if following:
                tasks.append(following)
    return [diary.hunts.get(name, Hunt(name)) for name in planted]


def _next(hunt: Hunt, most: int, diary: Diary) -> _Task | None:
    """The hunt's next slice; None where it is over."""
    if hunt.failure or hunt.seeds >= most:
        return None
    after = min(most, hunt.seeds + SLICE)
    return _Task(hunt, tuple(range(diary.first + hunt.seeds, diary.first + after)), after)
