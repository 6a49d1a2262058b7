"""Real moves, of real nodes on simulated seams: the arcs change hands bit by bit."""

import asyncio

import pytest

from kvtui.core.cluster import Outcome
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.ring.arcs import arcs_of
from kvtui.widgets.ring.view import View
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

SLOTS = 4096
KEYS = 400


async def watched_join(replication: int) -> list[ClusterSnapshot]:
    """All snapshots from before a third node joins until it has what it should."""
    async with SimCluster(seed=3, nodes=2, replication=replication, slots=SLOTS) as cluster:
        for number in range(KEYS):
            assert (await cluster.put(b"key %d" % number, b"value")).outcome is Outcome.OK
        seen = [await cluster.call(lambda coordinator: coordinator.refresh())]

        async def watch() -> None:
            while True:
                seen.append(await cluster.coordinator.changed(seen[-1]))

        watching = asyncio.ensure_future(watch())
        await cluster.call(lambda coordinator: coordinator.add_node("n3", "127.0.0.1", 0))
        await cluster.until(settled)
        watching.cancel()
        return seen


def lengths(snapshot: ClusterSnapshot) -> tuple[float, float]:
    """How much of the ring the newcomer leads, and on how much its later copies show."""
    arcs = arcs_of(snapshot, View.ARCS, "")
    led = sum(arc.length for arc in arcs if arc.node == "n3")
    later = sum(arc.length for arc in arcs if arc.follower == "n3")
    return led, later


@pytest.mark.parametrize("replication", [1, 2])
def test_a_newcomers_arcs_grow_bit_by_bit_as_copies_arrive(replication: int) -> None:
    seen = run_virtual(lambda: watched_join(replication))
    moving = [snapshot for snapshot in seen if snapshot.moving is not None]
    shown = [sum(lengths(snapshot)) for snapshot in moving]
    assert shown == sorted(shown), "what has arrived stays"
    assert len(set(shown)) >= 4, "not all at once"
    assert any(arc.gaining == "n3" for snapshot in moving for arc in arcs_of(snapshot, View.ARCS, ""))
    led, later = lengths(seen[-1])
    assert led == pytest.approx(1 / 3, abs=0.01)
    assert later == 0, "at the end, only first replicas show"


def test_later_copies_show_in_progress_too() -> None:
    """With two copies the newcomer gets later ones as well: they are at the inner rim, more and more."""
    seen = run_virtual(lambda: watched_join(2))
    laters = [lengths(snapshot)[1] for snapshot in seen if snapshot.moving is not None]
    assert len(set(laters)) >= 2
    assert max(laters) > 0
