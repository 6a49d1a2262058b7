"""``python benchmarks/space.py``: does the disk shrink after deletes and overwrites, and what do clients feel of it?

Three durable nodes, 16-byte keys and 100-byte values, one copy. Sizes are blocks of the whole state directory. Three parts:

deleted      a million keys are put and deleted: size at its peak, when all is purged, a minute later, and opened again
overwritten  200,000 keys are put eleven times, then deleted; the same
clients      2,000 operations a second, without a compaction and during one, taking turns; half of the keys are garbage

The bars: one minute after everything is purged at most a tenth of the peak, or 4 MiB; p99 during a compaction at most twice the one
without. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from scale_latency import Clients, Felt, felt
from scale_machine import BATCH, VALUE, Directory, directory, disk_bytes, load_keys, median_and_spread, name_of, say

from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster

MIB: Final = 1024 * 1024
NODES: Final = 3
AFTER_SECONDS: Final = 60.0
PURGE_PATIENCE: Final = 600.0
SHARE_BAR: Final = 0.10
LEAST_BAR: Final = 4 * MIB
P99_BAR: Final = 2.0
OVERWRITTEN: Final = 200_000
TIMES: Final = 11
SETTLING_SECONDS: Final = 1.0
"""Of clients, before they are measured."""
WINDOW_SECONDS: Final = 1.0
"""Of a window without a compaction: about as long as the others."""


class Sizes:
    """The largest size of a directory while it is watched, and what it is now."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.peak = 0
        self._watching = asyncio.create_task(self._watch())

    @property
    def now(self) -> int:
        size = disk_bytes(self._state)
        self.peak = max(self.peak, size)
        return size

    async def _watch(self) -> None:
        while True:
            _ = self.now
            await asyncio.sleep(0.25)

    def end(self) -> None:
        self._watching.cancel()


async def delete_keys(cluster: Coordinator, stop: int) -> float:
    """Delete keys 0..``stop``; returns the seconds that it took."""
    begun = time.monotonic()
    for first in range(0, stop, 4 * BATCH):
        keys = [name_of(number) for number in range(first, min(stop, first + 4 * BATCH))]
        written = await cluster.delete_many(keys)
        assert written.ok == len(keys), written
    return time.monotonic() - begun


async def until_purged(cluster: Coordinator) -> float:
    """Seconds until no node holds a tombstone."""
    begun = time.monotonic()
    while True:
        await cluster.refresh()
        left = sum(node.facts.tombstones for node in cluster._ledger.nodes.values())
        if not left:
            return time.monotonic() - begun
        if time.monotonic() - begun > PURGE_PATIENCE:
            raise SystemExit(f"{left:,} tombstones are still there after {PURGE_PATIENCE:g} s")
        await asyncio.sleep(0.5)


async def shrinking(place: Directory, put: Callable[[Coordinator], Awaitable[None]], keys: int) -> dict[str, float]:
    """Put, delete all, wait; sizes in bytes, and seconds."""
    state = place.new()
    seen: dict[str, float] = {}
    async with open_cluster(Settings(state, nodes=NODES, replication=1, grace=0)) as cluster:
        sizes = Sizes(state)
        begun = time.monotonic()
        await put(cluster)
        seen["put s"] = time.monotonic() - begun
        seen["when put"] = sizes.now
        seen["delete s"] = await delete_keys(cluster, keys)
        seen["when deleted"] = sizes.now
        seen["purge s"] = await until_purged(cluster)
        seen["when purged"] = sizes.now
        seen["peak"] = sizes.peak
        purged, small = time.monotonic(), 0.0
        while time.monotonic() - purged < AFTER_SECONDS:
            if not small and sizes.now <= most(seen["peak"]):
                small = time.monotonic() - purged
            await asyncio.sleep(0.25)
        seen["bar after s"] = small or float("inf")
        seen["a minute later"] = sizes.now
        sizes.end()
    seen["closed"] = disk_bytes(state)
    async with open_cluster(Settings(state, grace=0)):
        await asyncio.sleep(1.0)
        seen["opened again"] = disk_bytes(state)
    place.remove(state)
    return seen


def most(peak: float) -> float:
    """The bar for a peak."""
    return max(LEAST_BAR, SHARE_BAR * peak)


def shown(title: str, rounds: Sequence[dict[str, float]]) -> bool:
    """A line a figure; whether the bar was reached each time."""
    say(f"\n{title}")
    for name in rounds[0]:
        values = [seen[name] if name.endswith(" s") else seen[name] / MIB for seen in rounds]
        unit = "s" if name.endswith(" s") else "MiB"
        say(f"  {name.removesuffix(' s'):<16} {median_and_spread(values, 1)} {unit}")
    reached = all(seen["a minute later"] <= most(seen["peak"]) for seen in rounds)
    say(f"  {'reached' if reached else 'MISSED '}  at most a tenth of the peak, or 4 MiB")
    return reached


async def client_latencies(place: Directory, keys: int, rounds: int) -> bool:
    """Windows in turns: no compaction, of one node after the other, of all nodes at once."""
    kinds: dict[str, list[Felt]] = {"none": [], "one node after the other": [], "all nodes at once": []}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    pooled: dict[str, list[float]] = {kind: [] for kind in kinds}
    async with open_cluster(Settings(place.new(), nodes=NODES, replication=1, grace=0)) as cluster:
        await load_keys(cluster, 0, keys)
        await cluster.rebalance()
        names = [view.id for view in cluster.snapshot().nodes]
        for number in range(rounds):
            for kind, rows in kinds.items():
                await load_keys(cluster, 0, keys // 2)
                clients = Clients(cluster, keys)
                over = asyncio.Event()
                working = asyncio.create_task(clients.work(over.is_set))
                await asyncio.sleep(SETTLING_SECONDS)
                clients.latencies.clear()
                begun = time.monotonic()
                if kind == "none":
                    await asyncio.sleep(WINDOW_SECONDS)
                elif kind == "all nodes at once":
                    await asyncio.gather(*(compacted(cluster, name) for name in names))
                else:
                    await in_turn(cluster, names)
                seconds[kind].append(time.monotonic() - begun)
                over.set()
                await working
                rows.append(felt(clients.latencies))
                pooled[kind] += clients.latencies
            said = ", ".join(f"{kind} {rows[-1].p99:.2f}" for kind, rows in kinds.items())
            say(f"  round {number + 1} of {rounds}: p99 in ms: {said}")
    say(f"\nclients: 2,000 operations/s, {keys:,} keys, half of them overwritten just before")
    for kind, rows in kinds.items():
        low, high = (median_and_spread([getattr(row, name) for row in rows]) for name in ("p50", "p99"))
        say(f"  {kind:<26} p50 {low} ms, p99 {high} ms, for {median_and_spread(seconds[kind], 1)} s")
    reached = True
    for kind in list(kinds)[1:]:
        p99 = felt(pooled[kind]).p99
        ratio = p99 / felt(pooled["none"]).p99
        reached &= ratio <= P99_BAR
        said = f"{kind}: p99 of all windows {p99:.2f} ms, {ratio:.2f} times that of none (at most {P99_BAR:g})"
        say(f"  {'reached' if ratio <= P99_BAR else 'MISSED '}  {said}")
    return reached


async def compacted(cluster: Coordinator, node: str) -> None:
    """Until the node is compacted."""
    found = await cluster.compact(node)
    while found.done < found.total:
        await asyncio.sleep(0.02)
        found = await cluster.compact(node, begin=False)


async def in_turn(cluster: Coordinator, names: Sequence[str]) -> None:
    """As the command ``compact`` does it."""
    for name in names:
        await compacted(cluster, name)


async def overwrite(cluster: Coordinator) -> None:
    """The same keys again and again."""
    for _ in range(TIMES):
        await load_keys(cluster, 0, OVERWRITTEN)


async def main(keys: int, rounds: int, windows: int, where: str | None, parts: Sequence[str]) -> bool:
    reached = True
    say(f"values of {len(VALUE)} bytes, {NODES} nodes, one copy; median (least..greatest) of {rounds}")
    with directory(where) as place:
        if "deleted" in parts:

            async def put(cluster: Coordinator) -> None:
                await load_keys(cluster, 0, keys)

            runs = [await shrinking(place, put, keys) for _ in range(rounds)]
            reached &= shown(f"deleted: {keys:,} keys", runs)
        if "overwritten" in parts:
            runs = [await shrinking(place, overwrite, OVERWRITTEN) for _ in range(rounds)]
            reached &= shown(f"overwritten: {OVERWRITTEN:,} keys, {TIMES} times, then deleted", runs)
        if "clients" in parts:
            reached &= await client_latencies(place, keys, windows)
    return reached


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="of the first two parts")
    parser.add_argument("--windows", type=int, default=9, help="of the third")
    parser.add_argument("--directory", help="where data is written; default: the system's place for temporary files")
    parser.add_argument("parts", nargs="*", default=["deleted", "overwritten", "clients"])
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(main(given.keys, given.rounds, given.windows, given.directory, given.parts)) else 1)
