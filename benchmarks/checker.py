"""``python benchmarks/checker.py``: the checker on right histories of 100,000 operations, of one key and of many."""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kvtui.check import History, Verdict, check
from tests.check.histories import random_history

KEYS = (1, 100)
ROUNDS = 5
BAR_SECONDS = 2.0


def main() -> int:
    """Exit status 1 if a median is above the bar, or a verdict is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000)
    asked = parser.parse_args()
    print(f"{'keys':>5} {'operations':>10}  {'median':>8} {'least':>8} {'most':>8}  verdict")
    good = True
    for keys in KEYS:
        history = made(keys, asked.operations)
        times = []
        verdict = Verdict.UNDECIDED
        for _ in range(ROUNDS):
            began = time.process_time()
            verdict = check(history).verdict
            times.append(time.process_time() - began)
        figures = " ".join(f"{seconds:7.2f}s" for seconds in (median(times), min(times), max(times)))
        print(f"{keys:>5} {asked.operations:>10,}  {figures}  {verdict}")
        good = good and median(times) <= BAR_SECONDS and verdict is Verdict.LINEARIZABLE
    print(f"the bar, {BAR_SECONDS:g} s, is {'reached' if good else 'MISSED'}")
    return 0 if good else 1


def made(keys: int, operations: int) -> History:
    """Puts, gets and deletes of a right store, with versions and unknown outcomes."""
    whole = []
    for key in range(keys):
        dice = random.Random(key)
        part = random_history(dice, deletes=True, versions=True, operations=operations // keys)
        whole += [replace(operation, key=f"key {key}") for operation in part]
    return History(tuple(sorted(whole, key=lambda operation: operation.start)))


if __name__ == "__main__":
    sys.exit(main())
