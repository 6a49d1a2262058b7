"""How kvtui grows. ``python benchmarks/scale.py [--keys 10_000_000] [--only PART] [--quick] [--write]``.

growth     keys on three durable nodes, up to ``--keys``: load, scan, memory, disk, restart, join, leave, and the curve
rebalance  a million keys onto a new node, as fast as they go
latency    what clients feel at 2,000 operations a second while a rebalance runs, throttled and not
ring       999 simulated nodes and one more: plans, notes, snapshots, a join, and their dashboard

Keys of 16 bytes, values of 100, one copy of each unless said. Clients run in the coordinator's process. Everything is written
below a directory for temporary files (``--directory``), which is removed. ``--write`` puts the tables into ``docs/scale.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import anyio
import scale_growth
import scale_latency
from scale_machine import Directory, directory, median_and_spread, say

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "scale.md"
PARTS: Final = ("growth", "rebalance", "latency", "ring")
BYTES_PER_KEY: Final = 1_000
"""Disk that is asked for: what a key takes while it moves and is compacted, with room to spare."""


def growth(where: Directory, keys: int) -> list[str]:
    """The curve."""
    steps = [step for step in (keys // 100, keys // 10, keys // 4, keys // 2, keys) if step >= 10_000] or [keys]
    return scale_growth.table(anyio.run(scale_growth.measure, where, steps))


def rebalance(where: Directory, keys: int, rounds: int) -> list[str]:
    """The bar of it."""
    joins = anyio.run(scale_growth.rebalances, where, 4 * keys, rounds)
    rates = [moved.per_second for moved in joins]
    cpu = [1e6 * moved.processor / moved.keys for moved in joins]
    moved = f"{statistics.median(moved.keys for moved in joins):,.0f}"
    verdict = _verdict(statistics.median(rates) >= scale_growth.REBALANCE_BAR)
    return [
        "| keys moved | keys/s | processor µs a key | at least 100,000 keys/s |",
        "|---|---|---|---|",
        f"| {moved} | {median_and_spread(rates, 0)} | {median_and_spread(cpu, 1)} | {verdict} |",
    ]


def latency(where: Directory, keys: int, rounds: int) -> list[str]:
    """The bar of it."""
    lines, kinds = anyio.run(scale_latency.measure, where, keys, rounds)
    none, throttled, _ = kinds.values()
    ratio = statistics.median(row.p99 / other.p99 for row, other in zip(throttled, none, strict=True))
    verdict = _verdict(ratio <= scale_latency.BAR)
    return [*lines, "", f"p99 while throttled: {ratio:.2f} x (at most {scale_latency.BAR:g}): {verdict}"]


def ring(nodes: int) -> list[str]:
    """Costs of many nodes."""
    import scale_ring

    lines = scale_ring.measure(nodes)
    return [f"| {nodes:,} nodes, 3 copies | processor time |", "|---|---|", *(f"| {a} | {b} |" for a, b in lines)]


def _verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def machine() -> str:
    """Where this ran."""
    version = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=DOCUMENT.parent, check=False
    )
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), Python {platform.python_version()},"
        f" kvtui {version.stdout.strip() or 'unknown'}, load average {load:.1f} at the start"
    )


def main() -> int:
    """Exit status 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=10_000_000, help="of the curve's last step")
    parser.add_argument("--nodes", type=int, default=1_000, help="of the simulated ring, one of which joins last")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--directory", help="where to write; default: the system's place for temporary files")
    parser.add_argument(
        "--quick", action="store_true", help="a hundredth of the keys, a tenth of the nodes, two rounds"
    )
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    asked = parser.parse_args()
    keys, nodes, rounds, moved, served = asked.keys, asked.nodes, asked.rounds, 1_000_000, 1_000_000
    if asked.quick:
        keys, nodes, rounds, moved, served = keys // 100, nodes // 10, min(rounds, 2), 50_000, 300_000
    free = shutil.disk_usage(asked.directory or tempfile.gettempdir()).free
    say(f"{machine()}; {free / 2**30:,.0f} GiB of disk are free")
    if free < BYTES_PER_KEY * keys:
        sys.exit(
            f"{keys:,} keys need {BYTES_PER_KEY * keys / 1e9:,.0f} GB of disk at {asked.directory or 'the temporary'}"
        )
    parts: dict[str, Callable[[Directory], list[str]]] = {
        "growth": partial(growth, keys=keys),
        "rebalance": partial(rebalance, keys=moved, rounds=rounds),
        "latency": partial(latency, keys=served, rounds=rounds),
        "ring": lambda _: ring(nodes),
    }
    sections: dict[str, str] = {}
    for part in asked.only or PARTS:
        say(f"\n{part}")
        with directory(asked.directory) as where:
            lines = parts[part](where)
        say("\n".join(lines))
        measured = f"Measured on {machine()}; {free / 2**30:,.0f} GiB of disk free."
        sections[part] = "\n".join([measured, "", *lines, ""])
    if asked.write:
        write(sections)
    return any("MISSED" in text for text in sections.values())


def write(sections: dict[str, str]) -> None:
    """Put tables between the marks of their parts; what else the document says stays."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for part, table in sections.items():
        before, rest = text.split(f"<!-- {part} -->\n", 1)
        _, after = rest.split(f"<!-- end of {part} -->\n", 1)
        text = f"{before}<!-- {part} -->\n{table}<!-- end of {part} -->\n{after}"
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
