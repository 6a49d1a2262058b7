"""``python benchmarks/faults.py``: real clusters under faults for long, each single fault and pairs, and the verdict on each."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice, product
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kvtui.check import Verdict
from kvtui.core.writes import DEADLINE_SECONDS
from tests.processes.faults.injuries import INJURIES, PAIRS, why_not
from tests.processes.faults.trial import Trial, trial

SLACK_SECONDS = 0.5
HEADING = (
    f"{'fault':<24} {'N':>1} {'ops':>8} {'op/s':>6} {'injuries':>8} {'failed':>7} {'unknown':>7} {'slowest':>8} {'gap':>7}"
    f" {'lost':>5}  verdict"
)


def main() -> int:
    """Exit status 1 if any trial broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each trial injures")
    parser.add_argument("--at-once", type=int, default=4, help="trials that run together")
    parser.add_argument("--only", default="", help="a fault, or two with a dash between them")
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    singles = product(((fault,) for fault in INJURIES), (1, 2, 3))
    pairs = product(PAIRS, (2, 3))
    todo: list[tuple[Sequence[str], int]] = [*singles, *pairs]
    if asked.only:
        todo = [each for each in todo if "-".join(each[0]) == asked.only]
    began = time.monotonic()
    print(HEADING, flush=True)
    bad = anyio.run(_all, todo, asked.seconds, asked.at_once)
    print(f"{len(todo)} trials in {time.monotonic() - began:,.0f} s, {bad} with a broken promise")
    return 1 if bad else 0


async def _all(todo: list[tuple[Sequence[str], int]], seconds: float, at_once: int) -> int:
    waiting = iter(todo)
    bad = 0
    while some := list(islice(waiting, at_once)):
        ended: list[bool] = []
        async with anyio.create_task_group() as tasks:
            for faults, copies in some:
                tasks.start_soon(_one, faults, copies, seconds, ended)
        bad += ended.count(False)
    return bad


async def _one(faults: Sequence[str], copies: int, seconds: float, ended: list[bool]) -> None:
    name = "-".join(faults)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        reason = next((why for fault in faults if (why := why_not(fault, path))), "")
        if reason:
            print(f"{name:<24} {copies} not run: {reason}", flush=True)
            return
        done = await trial(path / "trial", copies, faults, seconds)
    problem = broken(done, faults)
    print(
        f"{name:<24} {copies} {done.operations:>8,} {done.rate:>6.0f} {done.injuries:>8} {done.failed:>7,} {done.unknown:>7,}"
        f" {done.slowest:>6.2f} s {done.gap:>5.2f} s {done.lost:>5}  {problem or done.report.verdict}",
        flush=True,
    )
    ended.append(not problem)


def broken(done: Trial, faults: Sequence[str]) -> str:
    """Which promise was broken; empty when none was."""
    if done.report.verdict is not Verdict.LINEARIZABLE:
        return "\n".join(done.report.lines())
    if done.served:
        return f"READ ALTHOUGH LOST: {done.served}"
    if done.unreadable:
        return f"UNREADABLE: {done.unreadable}"
    if done.lost and "wiped" not in faults:
        return f"{done.lost} SLOTS LOST"
    if done.slowest > DEADLINE_SECONDS + SLACK_SECONDS:
        return f"HANGING: {done.slowest:.1f} s"
    return ""


if __name__ == "__main__":
    sys.exit(main())
