"""``python benchmarks/soak.py --seeds 20000``: simulated clusters under faults, on all cores, for as many seeds as wanted.

With ``--state DIR`` it goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.simulation.happened import FLOOR_SEEDS, Event
from tests.simulation.many import Total, kept_at, replay_command, run_many, total_of

SHOWN = 10
"""Failures that are told in full, as they come."""


def main() -> int:
    """Exit status 1 if any run broke a promise, or if something happened too seldom in many runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=None, help="default: one a core")
    parser.add_argument("--state", type=Path, default=None, metavar="DIR", help="where it is kept, to go on with")
    asked = parser.parse_args()
    kept = None if asked.state is None else kept_at(asked.state, asked.first)
    total, told = total_of(kept), 0
    before, began = total.seeds, time.monotonic()
    for total in run_many(range(asked.first, asked.first + asked.seeds), asked.processes, kept):
        rate = (total.seeds - before) / (time.monotonic() - began)
        line = f"\r{total.seeds:,} of {asked.seeds:,} seeds, {rate:.1f} a second, {len(total.failures)} violations"
        print(line, end="", file=sys.stderr, flush=True)
        for seed, failure in total.failures[told:SHOWN]:
            print(f"\nseed {seed}: {failure}\n{replay_command(seed)}", flush=True)
        told = len(total.failures)
    print(file=sys.stderr)
    report(total, time.monotonic() - began, before)
    # In few runs chance decides what happens how often.
    seldom = total.seeds >= FLOOR_SEEDS and total.seldom()
    return 1 if total.failures or seldom else 0


def report(total: Total, seconds: float, before: int = 0) -> None:
    """Print what it came to; so many seeds were run ``before``, not in these seconds."""
    now = total.seeds - before
    earlier = f", after {before:,} before" if before else ""
    print(f"seeds            {total.seeds:,}: {now:,} in {seconds:,.0f} s ({now / seconds:.1f} a second){earlier}")
    print(f"simulated hours  {total.seconds / 3600:,.1f}")
    print(f"operations       {total.operations:,}")
    print(f"faults           {total.faults.total():,}")
    for kind, number in total.faults.most_common():
        print(f"  {number:>9,}  {kind}")
    print("events")
    for event in Event:
        print(f"  {total.happened[event]:>9,}  {event}")
    for name, (times, floor) in total.seldom().items():
        print(f"TOO SELDOM: {name}: {times:,}, and at least {floor:,.0f} are to be")
    print(f"slots lost       {total.lost:,} (last clean copy wiped: reported, refused, accepted)")
    print(f"violations       {len(total.failures)}")


if __name__ == "__main__":
    sys.exit(main())
