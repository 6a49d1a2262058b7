"""A ring of many simulated nodes: the real coordinator and real nodes in one process, under virtual time; and its dashboard.

Costs are processor time of this one process: nodes and simulated network included, which a coordinator of real nodes does not bear.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import anyio
from scale_machine import name_of, say

from kvtui.core.cluster import ClusterError
from kvtui.core.notes import write_note
from kvtui.core.records import Planned
from kvtui.core.ring import SLOTS
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.core.work import Outlook
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running

COPIES: Final = 3
KEYS: Final = 10_000
FRAMES: Final = 20
LONG_SECONDS: Final = 36_000.0
Lines = list[tuple[str, str]]


@contextmanager
def _timed(lines: Lines, name: str, repeats: int = 1) -> Iterator[None]:
    began = time.process_time()
    yield
    took = (time.process_time() - began) / repeats
    lines.append((name, f"{took:,.1f} s" if took >= 1 else f"{1000 * took:,.1f} ms"))
    say(f"  {name}: {lines[-1][1]}")


def measure(nodes: int) -> Lines:
    """What was measured, and how much it was."""
    lines: Lines = []
    picture = run_virtual(_live, nodes - 1, lines, limit=LONG_SECONDS)
    anyio.run(_draw, picture, lines)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines.append(("memory of the process, all nodes included, at most", f"{peak:,.0f} MiB"))
    return lines


async def _live(nodes: int, lines: Lines) -> ClusterSnapshot:
    cluster = SimCluster(nodes=0, replication=COPIES, slots=SLOTS, memory=True)
    await cluster.open()
    coordinator = cluster.coordinator
    ledger = coordinator._ledger

    def plan() -> None:
        """At once: one node after the other takes minutes."""
        ring = ledger.topology.planned
        planned = ring._next(dict.fromkeys(ledger.topology.members, 1), ring.replication)
        ledger.append(Planned(planned.to_record()))

    planning, coordinator._membership._plan_joined = coordinator._membership._plan_joined, plan  # type: ignore[method-assign]
    names = [f"n{number + 1}" for number in range(nodes)]
    with _timed(lines, f"start {nodes:,} nodes and place {SLOTS:,} slots"):
        await cluster.call(lambda it: it.add_local_nodes(names))
        await cluster.until(settled)
    coordinator._membership._plan_joined = planning  # type: ignore[method-assign]
    with _timed(lines, f"put {KEYS:,} keys, {COPIES} copies"):
        items = [(name_of(number), b"v" * 100) for number in range(KEYS)]
        written = await cluster.call(lambda it: it.put_many(items))
        assert written.ok == KEYS, written
    topology = ledger.topology
    with _timed(lines, "plan a node more", 3):
        for _ in range(3):
            topology.planned.join("one more")
    with _timed(lines, "write a note", 5):
        for _ in range(5):
            text = write_note(topology)
    lines.append(("length of a note", f"{len(text) / 1024:,.0f} KiB"))
    observatory = coordinator._observatory
    with _timed(lines, "a snapshot, placement unchanged", 20):
        for _ in range(20):
            observatory._draw()
    with _timed(lines, "a snapshot, placement changed", 5):
        for _ in range(5):
            observatory._geometry = None
            observatory._draw()
    with _timed(lines, "ask all nodes for their counts"):
        await cluster.call(lambda it: it.refresh())
    outlook = Outlook()
    with _timed(lines, "look for work, all slots new"):
        outlook.look(topology, set(ledger.nodes), ledger.unverified)
    with _timed(lines, "look for work, nothing changed", 20):
        for _ in range(20):
            outlook.look(topology, set(ledger.nodes), ledger.unverified)
    await asyncio.sleep(60)
    with _timed(lines, "a second of rest", 10):
        await asyncio.sleep(10)
    began = asyncio.get_running_loop().time()
    with _timed(lines, "a node more joins, until all is moved"):
        await cluster.call(lambda it: it.add_node("joined", "127.0.0.1", 0))
        await cluster.until(settled, seconds=LONG_SECONDS)
    lines.append(("the same, seconds of virtual time", f"{asyncio.get_running_loop().time() - began:,.1f} s"))
    picture = await cluster.call(lambda it: it.refresh())
    assert picture.keys == KEYS, picture.keys
    await _leave(cluster)
    return picture


async def _leave(cluster: SimCluster) -> None:
    try:
        await cluster.close()
    except ClusterError as error:
        say(f"  closing: {error}")


async def _draw(picture: ClusterSnapshot, lines: Lines) -> None:
    """The dashboard without a terminal, from a new snapshot to its picture."""
    cluster = FrozenCluster(picture)
    with _timed(lines, "open the dashboard"):
        opened = running(cluster, size=(160, 48))
        shown = await opened.__aenter__()
    counts = await _frames(
        cluster, shown.pilot.pause, lambda number: replace(picture, density=(number, *picture.density[1:]))
    )
    lines.append(("draw a snapshot with new counts", f"{1000 * counts:,.1f} ms"))
    say(f"  {': '.join(lines[-1])}")
    placed = await _frames(
        cluster,
        shown.pilot.pause,
        lambda number: replace(
            picture,
            ranges=(replace(picture.ranges[0], receiving=(picture.nodes[number].id,)), *picture.ranges[1:]),
            nodes=tuple(replace(view, keys=view.keys + number) for view in picture.nodes),
        ),
    )
    lines.append(("draw a snapshot with new placement and other nodes", f"{1000 * placed:,.1f} ms"))
    say(f"  {': '.join(lines[-1])}")
    await opened.__aexit__(None, None, None)


async def _frames(
    cluster: FrozenCluster, pause: Callable[[], object], changed: Callable[[int], ClusterSnapshot]
) -> float:
    """Median of processor seconds."""
    times = []
    for number in range(1, FRAMES + 1):
        following = changed(number)
        began = time.process_time()
        cluster.show(following)
        await asyncio.sleep(0.15)
        await pause()  # type: ignore[misc]
        times.append(time.process_time() - began)
    return statistics.median(times)
