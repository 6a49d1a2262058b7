"""A batch takes as few requests as there are placements among its keys, however the ring came to be as it is."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kvtui.core.cluster import Outcome
from kvtui.core.protocol import Get, GetMany, PutRun
from tests.core.sent import requests_sent
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

KEYS = [b"key %d" % number for number in range(1_000)]
ITEMS = [(key, b"value of " + key) for key in KEYS]
SLOTS = 512


async def fresh(cluster: SimCluster) -> None:
    pass


async def moved(cluster: SimCluster) -> None:
    await cluster.join("n4")
    await cluster.call(lambda coordinator: coordinator.rebalance())


async def left(cluster: SimCluster) -> None:
    await cluster.join("n4")
    await cluster.call(lambda coordinator: coordinator.rebalance())
    await cluster.call(lambda coordinator: coordinator.remove_node("n2"))
    await cluster.call(lambda coordinator: coordinator.rebalance())


async def weighted(cluster: SimCluster) -> None:
    await cluster.call(lambda coordinator: coordinator.set_weight("n1", 3))
    await cluster.call(lambda coordinator: coordinator.rebalance())


async def recovered(cluster: SimCluster) -> None:
    """A node was away, writes were acknowledged without it, and it is clean again."""
    cluster.kill("n2")
    await cluster.put_many(ITEMS)
    await cluster.revive("n2")
    await cluster.until(settled)


async def wiped(cluster: SimCluster) -> None:
    cluster.kill("n2")
    cluster.wipe("n2")
    await cluster.revive("n2")
    if cluster.settings.replication == 1:
        await cluster.until(lambda snapshot: bool(snapshot.lost))
        await cluster.call(lambda coordinator: coordinator.accept_loss())


async def reopened(cluster: SimCluster) -> None:
    await cluster.close()
    await cluster.open()


async def rebuilt(cluster: SimCluster) -> None:
    """Its log was lost, and made anew from the notes of its nodes."""
    await cluster.recover(Path("elsewhere"))


@pytest.mark.parametrize("replication", [1, 3])
@pytest.mark.parametrize("came", [fresh, moved, left, weighted, recovered, wiped, reopened, rebuilt])
def test_batches_are_cut_by_equal_placements(
    came: Callable[[SimCluster], Awaitable[None]], replication: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fresh rings, whose placements come one record a run of slots, sent 66 requests of 15 keys instead of 3 of 333."""
    sent = requests_sent(monkeypatch)

    async def main() -> None:
        async with SimCluster(nodes=3, replication=replication, slots=SLOTS) as cluster:
            await came(cluster)
            await cluster.until(settled)
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            places = ledger.topology.places
            distinct = {places[ledger.slot(key)] for key in KEYS}
            copies = sum(len(place.replicas) for place in distinct)
            if came is fresh:
                assert len(distinct) <= (3 if replication == 1 else 6)

            sent.clear()
            assert (await cluster.put_many(ITEMS)).ok == len(ITEMS)
            assert sent[PutRun] == copies

            sent.clear()
            reads = await cluster.get_many(KEYS)
            assert [read.value for read in reads] == [value for _, value in ITEMS]
            assert {read.outcome for read in reads} == {Outcome.OK}
            assert sent[GetMany] == len({place.clean[0] for place in distinct})
            assert not sent[Get]

            sent.clear()
            assert (await cluster.delete_many(KEYS)).existed == len(KEYS)
            assert sent[PutRun] == copies
            assert ledger.topology.places is places

    run_virtual(main)
