"""How a cluster of three durable nodes grows: load, scan, memory and disk at each step; then a restart, a join and a leave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scale_machine import (
    Copies,
    Directory,
    disk_bytes,
    load_keys,
    pids_of,
    processor_seconds,
    resident_bytes,
    say,
)

from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster

NODES = 3
REBALANCE_BAR = 100_000.0
"""Keys a second that arrive at a new node, at least."""


@dataclass(frozen=True)
class Step:
    """What was measured with so many keys."""

    keys: int
    loaded_per_second: float
    nodes_bytes: int
    """Memory of all nodes together."""
    coordinator_bytes: int
    disk_bytes: int
    scanned_per_second: float
    restart_seconds: float
    join: Moved
    leave: Moved


@dataclass(frozen=True)
class Moved:
    """A rebalance until everything was where it belongs."""

    keys: int
    seconds: float
    processor: float
    """Of coordinator and nodes."""

    @property
    def per_second(self) -> float:
        return self.keys / self.seconds


async def measure(directory: Directory, steps: Sequence[int]) -> list[Step]:
    """At each number of keys of ``steps``."""
    state = directory.new()
    rows: list[Step] = []
    there = 0
    for keys in steps:
        async with open_cluster(Settings(state, nodes=NODES, replication=1, grace=0)) as cluster:
            rate = (keys - there) / await load_keys(cluster, there, keys)
            there = keys
            await cluster.rebalance()
            nodes = sum(resident_bytes(pid) for pid in pids_of(cluster))
            own, disk = resident_bytes(), disk_bytes(state)
            scanned = await _scan(cluster, keys)
        # The clients' own part of the time is in the figures: they run in the coordinator's process.
        restart = await _restart(state, keys)
        async with open_cluster(Settings(state, grace=0)) as cluster:
            await cluster.rebalance()
            joined = await join(cluster)
            left = await leave(cluster)
            assert (await cluster.refresh()).keys == keys
        rows.append(Step(keys, rate, nodes, own, disk, scanned, restart, joined, left))
        say(f"  {table(rows)[-1]}")
    directory.remove(state)
    return rows


async def _scan(cluster: Coordinator, keys: int) -> float:
    begun, found = time.monotonic(), 0
    async for page in cluster.scan(values=True):
        found += len(page)
    assert found == keys, found
    return keys / (time.monotonic() - begun)


async def _restart(state: Path, keys: int) -> float:
    """From a cluster that is closed to the first answers of all nodes."""
    begun = time.monotonic()
    async with open_cluster(Settings(state, grace=0)) as cluster:
        assert (await cluster.refresh()).copies == keys
        return time.monotonic() - begun


async def join(cluster: Coordinator) -> Moved:
    """A fourth node, from the command until everything is where it belongs: its process has to start first."""
    copies, processor, begun = Copies(cluster), _processor(cluster), time.monotonic()
    await cluster.add_node("n4", "127.0.0.1", 0)
    seen = cluster.snapshot()
    while seen.moving is not None:
        seen = await cluster.changed(seen)
    copies.end()
    return Moved(copies.keys, time.monotonic() - begun, _processor(cluster) - processor)


async def leave(cluster: Coordinator) -> Moved:
    """The fourth node drained and forgotten; its own processor time ends with it."""
    copies, begun = Copies(cluster), time.monotonic()
    await cluster.remove_node("n4")
    copies.end()
    return Moved(copies.keys, time.monotonic() - begun, 0.0)


async def rebalances(directory: Directory, keys: int, rounds: int) -> list[Moved]:
    """A quarter of ``keys`` moves onto a new node, and back, so many times."""
    state = directory.new()
    joins: list[Moved] = []
    async with open_cluster(Settings(state, nodes=NODES, replication=1, grace=0)) as cluster:
        await load_keys(cluster, 0, keys)
        await cluster.rebalance()
        for _ in range(rounds):
            joins.append(await join(cluster))
            moved = joins[-1]
            cpu = 1e6 * moved.processor / moved.keys
            say(
                f"  {moved.keys:,} keys in {moved.seconds:.2f} s: {moved.per_second:,.0f} keys/s, {cpu:.1f} µs of processor each"
            )
            await leave(cluster)
    directory.remove(state)
    return joins


def _processor(cluster: Coordinator) -> float:
    return processor_seconds() + sum(processor_seconds(pid) for pid in pids_of(cluster))


def table(rows: Sequence[Step]) -> list[str]:
    """The curve."""
    lines = [
        "| keys | load keys/s | nodes MiB | bytes a key | coordinator MiB | disk MiB | scan keys/s | restart s | join s"
        " | join keys/s | join CPU µs/key | leave s | leave keys/s |",
        "|---" * 13 + "|",
    ]
    for row in rows:
        each = row.nodes_bytes / row.keys
        lines.append(
            f"| {row.keys:,} | {row.loaded_per_second:,.0f} | {row.nodes_bytes / 2**20:,.0f} | {each:,.0f}"
            f" | {row.coordinator_bytes / 2**20:,.0f} | {row.disk_bytes / 2**20:,.0f} | {row.scanned_per_second:,.0f}"
            f" | {row.restart_seconds:.1f} | {row.join.seconds:.1f} | {row.join.per_second:,.0f}"
            f" | {1e6 * row.join.processor / row.join.keys:.1f} | {row.leave.seconds:.1f} | {row.leave.per_second:,.0f} |"
        )
    return lines
