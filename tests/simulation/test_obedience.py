"""A copy of the log that does something before all obey who may know better is noticed: each of what it may do."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kvtui.check import Kind, Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.ledger import Ledger
from kvtui.core.placement import Placement
from kvtui.core.records import Behind, Dual, Record, Returning
from kvtui.core.work import Kind as Kinds
from kvtui.core.work import Work
from tests.simulation.harness import COORDINATOR, SimCluster, settled
from tests.simulation.invariants import Invariants, WatchedRecorder
from tests.simulation.loop import run_virtual
from tests.simulation.model import Model

COPY = Path("copy")
KEY = b"key"


async def log(cluster: SimCluster, *records: Record) -> None:
    """As if the coordinator had."""

    async def logged(coordinator: Coordinator) -> None:
        coordinator._ledger.append(*records)

    await cluster.call(logged)


async def served(cluster: SimCluster, recorder: WatchedRecorder) -> None:
    recorder.invariants.look()
    pending = recorder.begin(1, Kind.GET, KEY.decode())
    read = await cluster.get(KEY)
    pending.end(Outcome(read.outcome), (read.value or b"").decode(), read.version)


async def moved(cluster: SimCluster, recorder: WatchedRecorder) -> None:
    await log(cluster, Dual(0, 1, ("n1",)))


async def went_on(cluster: SimCluster, recorder: WatchedRecorder) -> None:
    await log(cluster, Behind("n2", [(0, 1)]))


async def came_home(cluster: SimCluster, recorder: WatchedRecorder) -> None:
    async def believed(coordinator: Coordinator) -> None:
        coordinator._ledger.grant("n2")

    await cluster.call(believed)


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (served, "a copy of the log serves a slot while ['n2'] obey another one"),
        (moved, "a copy of the log moves slots while ['n2'] obey another one"),
        (went_on, "a copy of the log goes on without ['n2'], who obey another one"),
        (came_home, "a copy of the log is at home while ['n2'] obey another one"),
    ],
)
@pytest.mark.parametrize("obeyed", [True, False])
def test_what_a_copy_of_the_log_does_before_all_obey_is_noticed(
    done: Callable[[SimCluster, WatchedRecorder], Awaitable[None]],
    told: str,
    obeyed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Model()

    async def main() -> None:
        async with SimCluster(
            nodes=0, attached=True, replication=2, slots=1, make_disk=lambda path: model.make(path, 0)
        ) as cluster:
            recorder = WatchedRecorder(asyncio.get_running_loop().time, Invariants(cluster, model))
            for name in ("n1", "n2"):
                await cluster.join(name)
            await cluster.until(settled)
            await cluster.put(KEY, b"value")
            # Nothing makes it equal again.
            cluster.coordinator._mover._running.append(Work(Kinds.COMPARE, 0, 1, Placement()))
            await log(cluster, Behind("n2", [(0, 1)]), Returning("n2", [(0, 1)]))
            cluster.copy_log(COPY)
            cluster.crash()
            if not obeyed:
                cluster.network.partition(COORDINATOR, "n2")
                monkeypatch.setattr(Ledger, "may_place", lambda self, place: True)
            await cluster.open_at(COPY)
            await cluster.until(lambda now: len(cluster.coordinator._ledger.granted) == 1 + obeyed)
            await done(cluster, recorder)

    run_virtual(main)
    assert [told in text for text in model.wrong[:1]] == [True] * (not obeyed)
