"""A join, a leave and a change of N, with a crash at each write that they make: the move goes on and nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.notes import SHORT, write_note
from kvtui.core.records import CutOver, Record
from kvtui.core.snapshot import ClusterSnapshot
from tests.simulation.harness import CoordinatorGone, SimCluster, settled
from tests.simulation.loop import run_virtual

KEYS = [b"key %d" % number for number in range(30)]
Change = Callable[[Coordinator], Awaitable[object]]


async def join(coordinator: Coordinator) -> None:
    await coordinator.add_node("n4", "127.0.0.1", 0)


async def leave(coordinator: Coordinator) -> None:
    await coordinator.remove_node("n1")


async def copy_more(coordinator: Coordinator) -> None:
    await coordinator.set_replication(2)


def as_wanted(change: Change) -> Callable[[ClusterSnapshot], bool]:
    """Whether a change that was logged is carried out (one that wasn't leaves all as it was)."""

    def holds(snapshot: ClusterSnapshot) -> bool:
        leaving = any(view.leaving for view in snapshot.nodes)
        return settled(snapshot) and not leaving

    return holds


async def put_all(cluster: SimCluster) -> None:
    for key in KEYS:
        assert (await cluster.put(key, b"value of " + key)).outcome is Outcome.OK


async def check_all(cluster: SimCluster) -> None:
    for key in KEYS:
        read = await cluster.get(key)
        assert (read.outcome, read.value) == (Outcome.OK, b"value of " + key), read.text


async def crash_during(change: Change, machine: str, write: int, written: bool) -> bool:
    """Crash ``machine`` at its ``write``-th write during the change; False when it made fewer."""
    async with SimCluster(seed=write, nodes=3, replication=1, slots=16) as cluster:
        await put_all(cluster)
        cluster.disks.crash_at(machine, write, written=written)
        before = cluster.disks.writes.get(machine, 0)
        try:
            async with asyncio.timeout(20):
                await cluster.call(change)
                await cluster.until(as_wanted(change))
        except (ClusterError, CoordinatorGone, TimeoutError):
            pass
        if cluster.disks.writes.get(machine, 0) - before < write:
            cluster.disks.crash_at(machine, 10**9, written=written)
            return False
        if not cluster.machine.alive:
            await cluster.open()
        for view in cluster.coordinator.snapshot().nodes:
            if not cluster.process(view.id).alive:
                await cluster.revive(view.id)
        await cluster.until(as_wanted(change))
        await check_all(cluster)
        await cluster.call(lambda coordinator: coordinator.rebalance())
        await check_all(cluster)
    return True


@pytest.mark.parametrize("written", [True, False], ids=["written", "unwritten"])
@pytest.mark.parametrize("machine", ["coordinator", "n1", "n2"])
@pytest.mark.parametrize("change", [join, leave, copy_more], ids=["join", "leave", "copies"])
def test_a_change_goes_on_after_a_crash_at_any_of_its_writes(change: Change, machine: str, written: bool) -> None:
    crashes = 0
    while run_virtual(crash_during, change, machine, crashes + 1, written, seed=crashes):
        crashes += 1
    assert crashes >= 1


def test_writes_and_reads_go_on_while_slots_move() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=1, slots=64) as cluster:
            await put_all(cluster)
            adding = asyncio.create_task(cluster.call(join))
            number = 0
            while cluster.coordinator.snapshot().moving is not None or not adding.done():
                for key in KEYS:
                    number += 1
                    assert (await cluster.put(key, b"%d" % number)).outcome is Outcome.OK
                    assert (await cluster.get(key)).value == b"%d" % number
            await cluster.until(settled)
            snapshot = cluster.coordinator.snapshot()
            assert {view.id for view in snapshot.nodes} == {"n1", "n2", "n4"}
            assert number > len(KEYS)

    run_virtual(main)


async def seconds_of_a_join(cluster: SimCluster) -> float:
    began = asyncio.get_running_loop().time()
    await cluster.join("n4")
    await cluster.until(settled)
    return asyncio.get_running_loop().time() - began


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_throttled_move_copies_no_faster_than_allowed_and_all_of_it(limit: int) -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=1, slots=16) as cluster:
            await put_all(cluster)
            await cluster.call(lambda coordinator: coordinator.set_throttle(limit))
            took = await seconds_of_a_join(cluster)
            arrived = next(view.keys for view in cluster.coordinator.snapshot().nodes if view.id == "n4")
            assert arrived > 3
            assert took > (arrived - 1) / limit
            await check_all(cluster)

    run_virtual(main)


def test_a_throttle_that_is_lifted_lets_a_move_end_at_once() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=1, slots=16) as cluster:
            await put_all(cluster)
            await cluster.call(lambda coordinator: coordinator.set_throttle(1))
            await cluster.until(lambda snapshot: snapshot.copies == len(KEYS))
            await cluster.join("n4")
            await asyncio.sleep(1.5)
            assert not settled(await cluster.call(lambda coordinator: coordinator.refresh()))
            await cluster.call(lambda coordinator: coordinator.set_throttle(0))
            await cluster.until(settled, seconds=5)
            await check_all(cluster)

    run_virtual(main)


def test_a_throttle_slows_a_recovery_too_and_outlives_the_coordinator() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=16) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_throttle(5))
            cluster.kill("n2")
            await cluster.until(lambda snapshot: snapshot.under_replicated > 0 or snapshot.nodes[1].state == "DOWN")
            await put_all(cluster)
            await cluster.close()
            await cluster.open()
            assert cluster.coordinator.snapshot().throttle == 5
            began = asyncio.get_running_loop().time()
            await cluster.until(settled)
            assert asyncio.get_running_loop().time() - began > (len(KEYS) - 5) / 5
            await check_all(cluster)

    run_virtual(main)


def test_a_throttle_below_nothing_is_refused() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=16) as cluster:
            with pytest.raises(ClusterError, match="-1 keys a second are not possible"):
                await cluster.call(lambda coordinator: coordinator.set_throttle(-1))
            assert cluster.coordinator.snapshot().throttle == 0

    run_virtual(main)


def test_moves_of_a_ring_whose_notes_are_long_are_logged_together_and_lose_nothing() -> None:
    """Each cut-over was noted by itself: a node that joined a hundred others kept the coordinator busy for a minute."""

    async def main() -> None:
        async with SimCluster(nodes=20, replication=3, slots=1024, memory=True) as cluster:
            await cluster.until(settled)
            ledger = cluster.coordinator._ledger
            assert len(write_note(ledger.topology)) > SHORT
            await put_all(cluster)
            together: list[int] = []
            follow = ledger.on_records

            def counted(records: Sequence[Record]) -> None:
                together.append(sum(isinstance(record, CutOver) for record in records))
                follow(records)

            ledger.on_records = counted
            await cluster.call(lambda coordinator: coordinator.add_node("joined", "127.0.0.1", 0))
            await cluster.until(settled)
            moves = [number for number in together if number]
            assert sum(moves) > 100
            assert len(moves) < sum(moves) / 2
            await check_all(cluster)

    run_virtual(main)
