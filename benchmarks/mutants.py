"""``python benchmarks/mutants.py hunt --seeds 2000 --state DIR``: which small mistakes the simulation catches, and how soon.

``list`` names the mutants, ``show`` plays their scenarios, ``hunt`` lets the simulation look for them on all cores, and goes on
where it was interrupted if it has a ``--state``. ``--planted``: the planted bugs of ``tests/simulation/bugs`` instead.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.mutants.catalogue import area_of, catalogue
from tests.mutants.fresh import Crew
from tests.mutants.hunts import Diary, Hunt, hunt_all
from tests.mutants.mutant import PROMISES, Mutant, Unfit
from tests.mutants.patching import Patch, patch_of
from tests.mutants.work import problem_of, show

SHARE_LEAST = 0.9
"""The simulation catches at least so much of the mutants in what it runs; of the planted bugs all."""
MEDIAN_MOST = 100
"""Seeds within which half of what is caught is caught."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 if a mutant does not fit, is not shown, or, in a hunt, if fewer are caught than should be, or later."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["list", "show", "hunt"])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="mutants, areas, or parts of their names")
    parser.add_argument("--planted", action="store_true", help="the planted bugs, which have no scenarios")
    parser.add_argument("--seeds", type=int, default=2_000, help="most seeds a hunt (2,000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one a core")
    parser.add_argument("--state", type=Path, default=None, metavar="DIR", help="where hunts are kept, to go on with")
    asked = parser.parse_args(arguments)
    if asked.planted:
        names = [name for name in _bugs() if not asked.only or any(part in name for part in asked.only)]
        if asked.what != "hunt":
            print(*names, sep="\n")
            return 0 if asked.what == "list" else _nothing("planted bugs have no scenarios; hunt them")
        return _hunt({name: name for name in names}, asked)
    mutants = {name: mutant for name, mutant in catalogue().items() if _asked_for(name, asked.only)}
    if not mutants:
        return _nothing("no mutant has such a name")
    if asked.what == "list":
        _list(mutants.values())
        return 0
    patches, fit = _fitting(mutants)
    if asked.what == "show":
        return _show(patches, asked.processes) or fit
    return _hunt({name: patch for name, patch in patches.items() if mutants[name].simulated}, asked) or fit


def _fitting(mutants: Mapping[str, Mutant]) -> tuple[dict[str, Patch], int]:
    """The patches of those that fit; exit status 1 if some don't, which is told."""
    patches: dict[str, Patch] = {}
    for name, mutant in mutants.items():
        try:
            patches[name] = patch_of(mutant)
        except Unfit as error:
            print(error, file=sys.stderr)
    return patches, int(len(patches) < len(mutants))


def _asked_for(name: str, only: Sequence[str]) -> bool:
    return not only or any(part in name or part == area_of(name) for part in only)


def _bugs() -> list[str]:
    from tests.simulation.bugs import catalogue as bugs

    return list(bugs())


def _nothing(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


def _list(mutants: Iterable[Mutant]) -> None:
    for mutant in mutants:
        print(f"{mutant.name} ({mutant.where}): {mutant.story}\n    {mutant.promise}: {PROMISES[mutant.promise]}")


def _show(patches: Mapping[str, Patch], processes: int) -> int:
    bad = 0
    waiting = [(name, patch) for name, found in patches.items() for patch in (None, found)]
    with Crew[tuple[str, bool]](processes) as crew:
        while waiting or not crew.idle:
            while waiting and not crew.busy:
                name, patch = waiting.pop(0)
                crew.give((name, patch is not None), show, name, patch)
            (name, planted), shown = crew.take()
            problem = problem_of(shown, planted)
            bad += bool(problem)
            if problem or planted:
                print(f"{name}: {problem or shown.failure}", flush=True)
    print(f"{len(patches)} mutants, {bad} of their scenarios wrong")
    return 1 if bad else 0


def _hunt(planted: Mapping[str, Patch | str], asked: argparse.Namespace) -> int:
    began = time.monotonic()

    def told(hunt: Hunt) -> None:
        print(
            f"{hunt.name}: {f'caught by seed {hunt.seeds}' if hunt.failure else f'not by {hunt.seeds}'}",
            file=sys.stderr,
        )

    diary = Diary(asked.state, asked.first)
    hunts = hunt_all(planted, asked.seeds, diary, asked.processes, told)
    report(hunts, diary, asked.seeds, time.monotonic() - began)
    caught = [hunt.seeds for hunt in hunts if hunt.failure]
    least = len(hunts) * (1 if asked.planted else SHARE_LEAST)
    enough = len(caught) >= least and median(caught) <= MEDIAN_MOST
    return 0 if enough and not diary.unsound else 1


def report(hunts: Sequence[Hunt], diary: Diary, most: int, seconds: float) -> None:
    """Print how soon each was caught, and what was not."""
    for hunt in hunts:
        print(f"{hunt.seeds if hunt.failure else 'none':>6}  {hunt.name}: {hunt.failure.partition(chr(10))[0]}")
    caught = [hunt.seeds for hunt in hunts if hunt.failure]
    print(f"caught      {len(caught)} of {len(hunts)} within {most:,} seeds, in {seconds:,.0f} s")
    if caught:
        print(f"median      {median(caught):g} seeds")
    for seed, failure in diary.unsound.items():
        print(f"violation   of the product itself, seed {seed}: {failure.partition(chr(10))[0]}")
    missed = [hunt.name for hunt in hunts if not hunt.failure]
    print("not caught  " + (", ".join(missed) or "none"))


if __name__ == "__main__":
    sys.exit(main())
