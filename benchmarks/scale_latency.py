"""What clients feel of a rebalance: their latencies without one, with one that is throttled, and with one that is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from scale_machine import VALUE, Copies, Directory, load_keys, median_and_spread, name_of, say

from kvtui.core.cluster import Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster

OPERATIONS_PER_SECOND: Final = 2_000
LIMIT: Final = 10_000
"""Keys a second of the throttled rebalance."""
BAR: Final = 2.0
"""Most p99 of the throttled rebalance, against none."""
WINDOW_SECONDS: Final = 6.0
SETTLING_SECONDS: Final = 1.0
"""Between two kinds, so that the one before is over."""


@dataclass(frozen=True)
class Felt:
    """Latencies of one window, in milliseconds, from when each operation was due."""

    p50: float
    p99: float
    p999: float
    operations: int
    copied_per_second: float


class Clients:
    """Operations that begin when they are due, whether those before are answered or not: half puts, half gets."""

    def __init__(self, cluster: Coordinator, keys: int) -> None:
        self._cluster = cluster
        self._keys = keys
        self._number = 0
        self._running: set[asyncio.Task[None]] = set()
        self.latencies: list[float] = []

    async def work(self, over: Callable[[], bool]) -> None:
        """Until ``over``; what is under way then is still waited for."""
        due = time.monotonic()
        while not over():
            now = time.monotonic()
            while due <= now:
                task = asyncio.create_task(self._operate(due))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                due += 1 / OPERATIONS_PER_SECOND
            await asyncio.sleep(due - now)
        await asyncio.gather(*self._running)

    async def _operate(self, due: float) -> None:
        self._number += 1
        key = name_of(self._number * 7919 % self._keys)
        asked = self._cluster.put(key, VALUE) if self._number % 2 else self._cluster.get(key)
        outcome = (await asked).outcome
        assert outcome is Outcome.OK, outcome
        self.latencies.append(1000 * (time.monotonic() - due))


def felt(latencies: list[float], copied_per_second: float = 0.0) -> Felt:
    """Percentiles of a window."""
    ranked = sorted(latencies)

    def at(part: float) -> float:
        return ranked[min(len(ranked) - 1, int(part * len(ranked)))]

    return Felt(at(0.5), at(0.99), at(0.999), len(ranked), copied_per_second)


async def measure(directory: Directory, keys: int, rounds: int) -> tuple[list[str], dict[str, list[Felt]]]:
    """Interleaved rounds. Returns a table and what it was made of."""
    kinds: dict[str, list[Felt]] = {"none": [], f"throttled to {LIMIT:,} keys/s": [], "unthrottled": []}
    none, throttled, unthrottled = kinds.values()
    async with open_cluster(Settings(directory.new(), nodes=3, replication=1, grace=0)) as cluster:
        await load_keys(cluster, 0, keys)
        await cluster.rebalance()
        for number in range(rounds):
            none.append(await _without(cluster, keys))
            await cluster.set_throttle(LIMIT)
            throttled.append(await _during(cluster, keys, cluster.add_node("n4", "127.0.0.1", 0)))
            await cluster.set_throttle(0)
            seen = cluster.snapshot()
            while seen.moving is not None:
                seen = await cluster.changed(seen)
            await asyncio.sleep(SETTLING_SECONDS)
            unthrottled.append(await _during(cluster, keys, cluster.remove_node("n4")))
            await asyncio.sleep(SETTLING_SECONDS)
            said = ", ".join(f"{kind} {rows[-1].p99:.2f}" for kind, rows in kinds.items())
            say(f"  round {number + 1} of {rounds}: p99 in ms: {said}")
    return _table(kinds), kinds


async def _without(cluster: Coordinator, keys: int) -> Felt:
    end = time.monotonic() + WINDOW_SECONDS
    clients = Clients(cluster, keys)
    await clients.work(lambda: time.monotonic() > end)
    return felt(clients.latencies)


async def _during(cluster: Coordinator, keys: int, change: Coroutine[Any, Any, object]) -> Felt:
    """While ``change`` is under way, for a window at most: what comes before the first copy, and after the last, is not counted."""
    clients = Clients(cluster, keys)
    copies = Copies(cluster)
    changing = asyncio.create_task(change)
    while not (copies.keys or changing.done()):
        await asyncio.sleep(0.01)
    begun, before = time.monotonic(), copies.keys

    def over() -> bool:
        gone = changing.done() and cluster.snapshot().moving is None
        return gone or time.monotonic() - begun > WINDOW_SECONDS

    await clients.work(over)
    rate = (copies.keys - before) / (time.monotonic() - begun)
    copies.end()
    await changing
    return felt(clients.latencies, rate)


def _table(kinds: dict[str, list[Felt]]) -> list[str]:
    lines = [
        "| rebalance | keys copied/s | p50 ms | p99 ms | p99.9 ms | p99 against none |",
        "|---|---|---|---|---|---|",
    ]
    none = kinds["none"]
    for kind, rows in kinds.items():
        columns = [[row.p50 for row in rows], [row.p99 for row in rows], [row.p999 for row in rows]]
        ratios = [row.p99 / other.p99 for row, other in zip(rows, none, strict=True)]
        copied = f"{sorted(row.copied_per_second for row in rows)[len(rows) // 2]:,.0f}"
        said = " | ".join(median_and_spread(column) for column in [*columns, ratios])
        lines.append(f"| {kind} | {copied} | {said} |")
    return lines
