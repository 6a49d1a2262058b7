"""``python benchmarks/fuzz.py``: a million mutated frames against real node processes.

``--files`` instead: every byte flipped and every truncation of the files of small data and state directories.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.fuzz.campaign import Door
from tests.fuzz.process import Run, fuzz_process
from tests.fuzz.sweep import DIRECTORIES, sweep

SHARES = {Door.OPEN: 0.35, Door.STRANGER: 0.2, Door.TRUSTED: 0.35, Door.GATED: 0.1}
"""Which part of the frames each kind of node gets."""
SHOW_SECONDS = 1.0
MEBIBYTE = 1024 * 1024


def main() -> int:
    """Raises what a node did wrong, if anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", action="store_true", help="damage files instead of frames")
    asked = parser.parse_args()
    if asked.files:
        return fuzz_files()
    return fuzz_sockets(asked.frames, asked.seed)


def fuzz_sockets(frames: int, seed: int) -> int:
    """Send that many mutants, then print what came of it."""
    began = time.monotonic()
    runs: list[Run] = []
    shown = began

    def show(run: Run) -> None:
        nonlocal shown
        if time.monotonic() - shown < SHOW_SECONDS:
            return
        shown = time.monotonic()
        done = sum(earlier.tally.frames for earlier in runs) + run.tally.frames
        line = f"\r{done:,} of {frames:,} frames, {done / (time.monotonic() - began):,.0f} a second"
        print(line, end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        for door, share in SHARES.items():
            runs.append(asyncio.run(fuzz_process(door, seed, round(frames * share), Path(folder) / door.name, show)))
    print(file=sys.stderr)
    report(runs, time.monotonic() - began)
    return 0


def fuzz_files() -> int:
    """Damage every byte of every directory, and print what came of it. Returns 1 if any data was wrong or absent in silence."""
    began = time.monotonic()
    bad: list[str] = []
    openings = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (what, make) in enumerate(DIRECTORIES.items()):
            swept = sweep(make(Path(folder) / str(number)), Path(folder))
            openings += swept.openings
            bad += [f"{what}: {text}" for text in swept.bad]
            print(f"{what}: {swept.openings:,} openings")
            for (file, damage, outcome), times in sorted(swept.outcomes.items(), key=str):
                print(f"  {times:>7,}  {file} {damage}: {outcome.value}", flush=True)
    print(
        f"{openings:,} openings in {time.monotonic() - began:,.0f} s, {len(bad)} with data wrong or absent in silence"
    )
    print("\n".join(bad[:20]))
    return 1 if bad else 0


def report(runs: list[Run], seconds: float) -> None:
    """Print what was done, and what it did to the nodes' memory."""
    for run in runs:
        tally = run.tally
        print(f"{run.door.value}")
        print(f"  frames        {tally.frames:,} ({tally.sent_bytes / MEBIBYTE:,.0f} MiB)")
        print(f"  connections   {tally.connections:,}, {tally.cut_off:,} of them ended by the node")
        print(f"  replies       {tally.answered:,} answers, {tally.refused:,} refusals")
        memory = " -> ".join(f"{size / MEBIBYTE:.0f}" for size in (run.before, run.after))
        print(f"  memory        {memory} MiB, at most {run.peak / MEBIBYTE:.0f}")
    frames = sum(run.tally.frames for run in runs)
    print(f"{frames:,} frames in {seconds:,.0f} s: no crash, no hang, nothing served that was not written")


if __name__ == "__main__":
    sys.exit(main())
