"""kvtui in one process with a load on it, for ``benchmarks/dashboard.py``: with the dashboard, or the same without one.

The coordinator has no door for others: whatever uses it is a task in its process, as the load is here. Both kinds run the same
load on the same event loop, so what differs between them is the dashboard.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kvtui.control.event_log import OF_KVTUI, log_events
from kvtui.core.cluster import Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster

CLIENTS = 40
BURST = 5
"""Operations that a client makes one after the other, before it waits until the next are due."""
PUTS_OF_TEN = 5
KEYS = 200_000
PICTURE_SECONDS = 0.1


@dataclass(frozen=True)
class Served:
    """What a load came to."""

    seconds: float
    operations: int
    failed: int
    snapshots: int
    """That the coordinator made."""
    processor: float
    """Seconds of processor time that this process took meanwhile, all its threads."""


class Load:
    """So many operations a second, for so long, evenly spread; half of them puts."""

    def __init__(self, cluster: Coordinator) -> None:
        self._cluster = cluster
        self._numbers = count()

    async def run(self, rate: float, seconds: float, pictures: bool) -> Served:
        """``pictures``: nodes are asked for their counts at 10 Hz, so that there is a new snapshot to draw each time."""
        self._operations = self._failed = self._snapshots = 0
        self._bursts = count()
        begun, processor = time.monotonic(), _processor()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._count_snapshots)
            if pictures:
                tasks.start_soon(self._look)
            async with anyio.create_task_group() as clients:
                for _ in range(CLIENTS if rate else 0):
                    clients.start_soon(self._client, BURST / rate, begun, begun + seconds)
                await anyio.sleep(seconds)
            tasks.cancel_scope.cancel()
        took = time.monotonic() - begun
        return Served(took, self._operations, self._failed, self._snapshots, _processor() - processor)

    async def _client(self, apart: float, begun: float, end: float) -> None:
        while (due := begun + next(self._bursts) * apart) < end:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() > end:
                return  # what could not be served in time is not made up for
            for _ in range(BURST):
                await self._operate(next(self._numbers))

    async def _operate(self, number: int) -> None:
        key = b"key-%d" % (number * 7919 % KEYS)
        if number % 10 < PUTS_OF_TEN:
            outcome = (await self._cluster.put(key, b"value-%d" % number)).outcome
        else:
            outcome = (await self._cluster.get(key)).outcome
        self._operations += 1
        self._failed += outcome is not Outcome.OK

    async def _look(self) -> None:
        due = time.monotonic()
        while True:
            await self._cluster.refresh()
            due = max(due + PICTURE_SECONDS, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _count_snapshots(self) -> None:
        seen = self._cluster.snapshot()
        while True:
            seen = await self._cluster.changed(seen)
            self._snapshots += 1


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _serve(load: Load, control: str) -> None:
    """Loads as they are asked for, one a line, until the other side is gone."""
    reader, writer = await asyncio.open_unix_connection(control)
    while line := await reader.readline():
        rate, seconds, pictures = json.loads(line)
        writer.write(json.dumps(asdict(await load.run(rate, seconds, pictures))).encode() + b"\n")


async def _run(control: str, nodes: int, copies: int, headless: bool) -> None:
    settings = Settings(None, name="bench", nodes=nodes, replication=copies, role="kvtui benchmark")
    async with open_cluster(settings) as cluster, anyio.create_task_group() as tasks:
        tasks.start_soon(log_events, cluster.events(), OF_KVTUI)
        load = Load(cluster)
        if headless:
            await _serve(load, control)
        else:
            from kvtui.app import run_dashboard

            tasks.start_soon(_serve, load, control)
            await run_dashboard(cluster, state=None)
        tasks.cancel_scope.cancel()


def main() -> None:
    """Run until the dashboard is left, or the control socket closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("control", help="the Unix socket from which loads are asked for")
    parser.add_argument("--nodes", type=int, default=5)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--headless", action="store_true")
    asked = parser.parse_args()
    anyio.run(_run, asked.control, asked.nodes, asked.copies, asked.headless)


if __name__ == "__main__":
    main()
