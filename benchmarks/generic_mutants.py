"""``python benchmarks/generic_mutants.py --folder DIR``: mutmut's mutants of pure decisions, against unit tests and a few seeds.

It needs the extra ``mutation``. All is done in a copy of the tree in ``--folder``; begun again there, it goes on. What survives is
looked at by a person, one by one, and listed in ``generic_mutants.txt`` with why it may: a line that begins with the function,
the line it changes and what to, each after a bar, then the reason.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
LOOKED_AT: Final = ROOT / "benchmarks" / "generic_mutants.txt"
SHARE_LEAST: Final = 0.9
"""So much of them dies at least."""
MUTATED: Final = (
    "core/quorum.py", "core/placement.py", "core/topology.py", "core/ledger.py", "core/work.py", "core/rebuilding.py",
    "core/graves.py", "core/version.py", "node/record.py", "node/sums.py", "check/zones.py", "check/register.py",
)  # fmt: skip
TESTS: Final = (
    "tests/core", "tests/check", "tests/node", "tests/simulation/test_moves.py", "tests/simulation/test_purge.py",
    "tests/simulation/test_restored.py", "tests/simulation/test_housekeeping.py", "tests/simulation/test_few_seeds.py",
)  # fmt: skip
SEEDS: Final = 12
FEW_SEEDS: Final = f"""import pytest

from tests.simulation.plan import plan
from tests.simulation.story import failure_of


@pytest.mark.parametrize("seed", range({SEEDS}))
def test_no_promise_is_broken(seed: int) -> None:
    assert failure_of(plan(seed)) == ""
"""
KILLED: Final = 1
"""What mutmut notes of a mutant that a test failed for; 0 is one that survived."""
SURVIVED: Final = 0
UNREACHED: Final = 33
"""What it notes of one that no test reaches."""


@dataclass(frozen=True, slots=True)
class Left:
    """A mutant that is not dead: the function, the line, and what became of it."""

    function: str
    before: str
    after: str

    @property
    def line(self) -> str:
        return f"{self.function} | {self.before} | {self.after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 if fewer die than should, or one survives that nobody has looked at."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=None, help="where the copy is kept, to go on with")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(arguments)
    if shutil.which("mutmut", path=str(Path(sys.executable).parent)) is None:
        print("mutmut is not installed: pip install -e '.[test,mutation]'", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.folder or Path(temporary)).resolve() / "tree"
        if not folder.exists():
            copy(folder)
        mutmut(folder, "run", "--max-children", str(asked.processes), shown=True)
        ended = results(folder)
        left = [told(folder, name) for name, code in sorted(ended.items()) if code in (SURVIVED, UNREACHED, None)]
    return report(len(ended), left, looked_at(LOOKED_AT.read_text().splitlines()))


def copy(folder: Path) -> None:
    """What is tracked, with mutmut's settings and a few seeds of the simulation as tests."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        there = folder / name
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, there)
    (folder / "tests" / "simulation" / "test_few_seeds.py").write_text(FEW_SEEDS)
    settings = {
        "source_paths": ["kvtui/"],
        "only_mutate": [f"kvtui/{name}" for name in MUTATED],
        "also_copy": ["tests/", "benchmarks/", "docs/", "README.md", ".ci/"],
        "pytest_add_cli_args_test_selection": list(TESTS),
        "pytest_add_cli_args": ["-p", "no:xdist", "-p", "no:cacheprovider", "-m", "not long and not nightly"],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    with (folder / "pyproject.toml").open("a") as file:
        print("", "[tool.mutmut]", *lines, sep="\n", file=file)


def mutmut(folder: Path, *arguments: str, shown: bool = False) -> str:
    """What it prints."""
    command = [str(Path(sys.executable).parent / "mutmut"), *arguments]
    ended = subprocess.run(command, cwd=folder, check=False, capture_output=not shown, text=True)
    if ended.returncode and not shown:
        raise SystemExit(f"mutmut {' '.join(arguments)} failed: {ended.stderr.strip()}")
    return ended.stdout or ""


def results(folder: Path) -> dict[str, int | None]:
    """How the tests of each mutant ended, by mutmut's name for it."""
    ended: dict[str, int | None] = {}
    for name in MUTATED:
        noted = folder / "mutants" / "kvtui" / f"{name}.meta"
        if noted.exists():
            ended |= json.loads(noted.read_text())["exit_code_by_key"]
    return ended


def told(folder: Path, name: str) -> Left:
    """Which line it changes, and what to."""
    lines = mutmut(folder, "show", name).splitlines()
    before = [line[1:].strip() for line in lines if line.startswith("-") and not line.startswith("---")]
    after = [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")]
    function = name.rpartition("__mutmut_")[0].replace("\u01c1", ".").replace(".x_", ".").replace(".x.", ".")
    return Left(function, " ".join(before), " ".join(after))


def looked_at(lines: Iterable[str]) -> set[str]:
    """The mutants of a list, each as ``Left.line``."""
    kept = [line.rsplit(" | ", 1)[0].strip() for line in lines if line.strip() and not line.startswith("#")]
    return set(kept)


def report(number: int, left: Sequence[Left], known: set[str]) -> int:
    """Print what it came to; the exit status."""
    share = 1 - len(left) / number if number else 0.0
    fresh = [each for each in left if each.line not in known]
    print(f"mutants     {number:,}\ndied        {number - len(left):,} ({share:.1%})\nleft        {len(left):,}")
    for each in fresh:
        print(f"  not looked at: {each.line}")
    return 1 if fresh or share < SHARE_LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
