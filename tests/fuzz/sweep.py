"""The damages of one directory, one after the other, and what each came to."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from tests.fuzz.directories import Directory, log_directory, node_directory
from tests.fuzz.files import BAD, Damage, Opener, Outcome, damages

DIRECTORIES: Final[dict[str, Callable[[Path], Directory]]] = {
    "a node that was killed": partial(node_directory, killed=True),
    "a node that was killed after its buffer was full": partial(node_directory, killed=True, flushed=True),
    "a node that ended in order": partial(node_directory, killed=False),
    "a coordinator that was killed": partial(log_directory, killed=True),
    "a coordinator that ended in order": partial(log_directory, killed=False),
}


@dataclass(slots=True)
class Swept:
    """What came of the damages of one directory."""

    outcomes: Counter[tuple[str, str, Outcome]] = field(default_factory=Counter)
    """By kind of file and kind of damage."""
    bad: list[str] = field(default_factory=list)
    """What must not have happened, in words."""

    @property
    def openings(self) -> int:
        return self.outcomes.total()


def sweep(directory: Directory, work: Path, *, every: int = 1) -> Swept:
    """Open the directory under each of its damages, or under one in ``every``."""
    swept = Swept()
    opener = Opener(work / "laid out")
    try:
        outcome, found = opener.open(directory)
        assert outcome is Outcome.WHOLE, found
        for damage in islice(damages(directory), 0, None, every):
            outcome, found = opener.open(directory, damage)
            swept.outcomes[_kind(damage), "flipped" if damage.mask else "cut", outcome] += 1
            if outcome in BAD or (outcome is Outcome.CUT_BACK and not _may_cut_back(directory, damage)):
                swept.bad.append(f"{damage}: {outcome.value}: {found[:300]}")
    finally:
        opener.close()
    return swept


def _may_cut_back(directory: Directory, damage: Damage) -> bool:
    """Only what a kill does too, and only there: the log ends earlier, at a batch or within one that was not acknowledged."""
    killed = not any(file.endswith("CLOSED") for file in directory.files)
    return killed and not damage.mask and damage.file.endswith(".log")


def _kind(damage: Damage) -> str:
    name = damage.file.rpartition("/")[2]
    return f"*.{name.rpartition('.')[2]}" if name[0].isdigit() else name.split("-")[0].split(".")[0]
