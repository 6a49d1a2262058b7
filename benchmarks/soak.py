"""``python benchmarks/soak.py --seeds 20000``: simulated clusters under faults, on all cores, for as many seeds as wanted."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.simulation.happened import Event
from tests.simulation.many import Total, replay_command, run_many

SHOWN = 10
"""Failures that are told in full, as they come."""


def main() -> int:
    """Exit status 1 if any run broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=None, help="default: one a core")
    asked = parser.parse_args()
    began = time.monotonic()
    total, told = Total(), 0
    for total in run_many(range(asked.first, asked.first + asked.seeds), asked.processes):
        rate = total.seeds / (time.monotonic() - began)
        line = f"\r{total.seeds:,} of {asked.seeds:,} seeds, {rate:.1f} a second, {len(total.failures)} violations"
        print(line, end="", file=sys.stderr, flush=True)
        for seed, failure in total.failures[told:SHOWN]:
            print(f"\nseed {seed}: {failure}\n{replay_command(seed)}", flush=True)
        told = len(total.failures)
    print(file=sys.stderr)
    report(total, time.monotonic() - began)
    return 1 if total.failures else 0


def report(total: Total, seconds: float) -> None:
    """Print what it came to."""
    print(f"seeds            {total.seeds:,} in {seconds:,.0f} s ({total.seeds / seconds:.1f} a second)")
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
