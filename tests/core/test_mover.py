"""Recoveries and moves of what is awkward to carry: they end, and carry all of it."""

import asyncio
from collections.abc import Sequence

import pytest

from kvtui.core.batches import batches
from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.ledger import SUSPECTED_ANEW
from kvtui.core.mover import SMALL_AT_ONCE
from kvtui.core.notes import Notes
from kvtui.core.placement import Placement
from kvtui.core.protocol import BATCH_BYTES, DAMAGED, INLINE_BYTES, UPLOAD_SECONDS, UPLOADS, Entry, Get, Piece, PutMany
from kvtui.core.records import Behind, Dual, Planned, Returning
from kvtui.core.snapshot import NodeState
from kvtui.core.version import Version
from kvtui.core.work import Kind, Work
from kvtui.node.record import engine_key
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled
from tests.simulation.limits import low_limits
from tests.simulation.loop import run_virtual
from tests.simulation.seeds import seeded


async def put_all(cluster: SimCluster, items: dict[bytes, bytes]) -> None:
    written = await cluster.call(lambda coordinator: coordinator.put_many(list(items.items())))
    assert written.ok == len(items), written.text


async def recover(cluster: SimCluster, items: dict[bytes, bytes]) -> None:
    """Write all of ``items`` while n2 is dead, and let it catch up; then it alone answers for them."""
    cluster.kill("n2")
    await cluster.until(lambda snapshot: snapshot.nodes[1].state is NodeState.DOWN)
    await put_all(cluster, items)
    await cluster.revive("n2")
    await cluster.until(settled)
    cluster.kill("n1")
    reads = await cluster.call(lambda coordinator: coordinator.get_many(list(items)))
    assert {read.outcome for read in reads} == {Outcome.OK}
    assert [read.value for read in reads] == list(items.values())


@pytest.mark.parametrize(
    ("keys", "key_bytes", "value_bytes"),
    [(1500, 16, 300), (400, 2000, 10), (40, 16, INLINE_BYTES), (6, 16, 3 * INLINE_BYTES)],
    ids=["a page above a batch", "long keys", "full values", "large values"],
)
def test_a_node_that_was_behind_gets_all_that_changed(keys: int, key_bytes: int, value_bytes: int) -> None:
    """Copies were asked for and sent in requests above the wire's limits: the recovery was refused, for ever."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            names = [(b"%d " % number).ljust(key_bytes, b"k") for number in range(keys)]
            await put_all(cluster, dict.fromkeys(names, b"old " + b"o" * value_bytes))
            await recover(cluster, dict.fromkeys(names, b"v" * value_bytes))

    assert keys * (key_bytes + value_bytes) > BATCH_BYTES
    run_virtual(main)


def test_what_a_node_should_not_have_is_dropped_however_much_it_is() -> None:
    """Writes that reached only a node which was left behind; they were to be dropped in one request above the wire's limit."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            assert (await cluster.put(b"kept", b"v")).outcome is Outcome.OK
            ledger = cluster.coordinator._ledger
            link = ledger.nodes["n2"].link
            assert link is not None
            ledger.append(Behind("n2", [(0, 8)]))
            stray = [Entry(f"{number}".ljust(2000, "k"), Version(1, 1000 + number), 1, "v") for number in range(400)]
            for batch in batches(stray, lambda entry: 2001):
                assert (await link.ask(PutMany(entries=batch))).status == "ok"
            await cluster.until(settled)
            snapshot = await cluster.call(lambda coordinator: coordinator.refresh())
            assert [view.keys for view in snapshot.nodes] == [1, 1]

    run_virtual(main)


def test_a_node_that_takes_no_large_value_now_gets_it_later() -> None:
    """The refusal of a piece went up through the mover and ended the whole coordinator."""

    async def main() -> None:
        async with SimCluster(nodes=1, replication=1, slots=8) as cluster:
            items = {b"key %d" % number: b"v" * 2 * INLINE_BYTES for number in range(8)}
            await put_all(cluster, items)
            ledger = cluster.coordinator._ledger
            adding = asyncio.create_task(cluster.call(lambda coordinator: coordinator.add_node("n2", "127.0.0.1", 0)))
            while "n2" not in ledger.nodes:
                await ledger.changed()
            link = ledger.nodes["n2"].link
            assert link is not None
            for number in range(UPLOADS):
                reply = await link.ask(Piece(upload=f"held {number}", offset=0, total=10, data="unended"))
                assert reply.status == "ok"
            await asyncio.sleep(UPLOAD_SECONDS / 2)
            assert not settled(cluster.coordinator.snapshot())
            await cluster.until(settled, 2 * UPLOAD_SECONDS)
            await adding
            for key, value in items.items():
                assert (await cluster.get(key)).value == value

    run_virtual(main)


def test_a_replica_that_falls_behind_in_the_middle_of_a_move_does_not_end_up_alone() -> None:
    """From two copies to one: the copy that was to stay fell behind, and the clean one was taken away and cleared."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await put_all(cluster, {b"key": b"value"})
            await cluster.until(settled)
            ledger = cluster.coordinator._ledger
            lowering = asyncio.create_task(cluster.call(lambda coordinator: coordinator.set_replication(1)))
            while not ledger.topology.places[0].target:
                await ledger.changed()
            (staying,) = ledger.topology.places[0].target
            ledger.append(Behind(staying, [(0, 1)]))
            while ledger.topology.places[0].replicas != (staying,):
                assert ledger.topology.places[0].clean
                await ledger.changed()
            assert ledger.topology.places[0].clean == (staying,)
            await lowering
            assert (await cluster.get(b"key")).value == b"value"

    run_virtual(main)


@seeded(5)
def test_a_slot_that_is_suspected_during_its_comparison_is_compared_again(seed: int) -> None:
    """The comparison, whose digests were older, declared it verified."""

    async def main() -> None:
        async with SimCluster(seed, nodes=2, replication=2, slots=1) as cluster:
            await put_all(cluster, {b"key": b"value"})
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            assert list(ledger.unverified) == [0]
            comparing = asyncio.create_task(cluster.call(lambda coordinator: coordinator.rebalance()))
            while not cluster.coordinator._mover._running:
                await asyncio.sleep(0)
            await asyncio.sleep(0.0001)
            link = ledger.nodes["n2"].link
            assert link is not None
            assert list(ledger.unverified) == [1]
            written = link.ask(PutMany(entries=[Entry("key", Version(1, 1000), 3, "new")]))
            ledger.unverified[0] = SUSPECTED_ANEW
            assert (await written).status == "ok"
            await comparing
            assert list(ledger.unverified) == [0]
            assert (await cluster.get(b"key")).value == b"new"
            location = await cluster.call(lambda coordinator: coordinator.locate(b"key"))
            assert {copy.version for copy in location.replicas} == {Version(1, 1000)}

    run_virtual(main, seed=seed)


def test_a_rebalance_tries_again_at_once_what_was_put_off_for_trouble_that_is_over() -> None:
    """It said that it could not finish, because of a disk that was full some seconds ago."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            coordinator, disk = cluster.coordinator, cluster.disks.disk(cluster.data_of("n1"))
            assert isinstance(disk, FaultyDisk)
            disk.free = 0
            entry = Entry("key", Version(coordinator.topology.epoch, 1), 3, "new")
            await coordinator._ledger.nodes["n2"].ask(PutMany(entries=[entry]))
            with pytest.raises(ClusterError, match="no space"):
                await cluster.call(lambda c: c.rebalance())
            disk.free = None
            await cluster.call(lambda c: c.rebalance())
            assert not coordinator._mover.trouble

    run_virtual(main)


def test_a_piece_that_waits_and_waits_is_told_once() -> None:
    """Every five seconds, for as long as a disk was full."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            coordinator, disk = cluster.coordinator, cluster.disks.disk(cluster.data_of("n1"))
            assert isinstance(disk, FaultyDisk)
            disk.free = 0
            assert (await cluster.put(b"key", b"value")).outcome is Outcome.OK
            await asyncio.sleep(120)
            told = [event.text for event in coordinator._happenings._past if "tried again: " in event.text]
            assert len(told) == 1, told
            disk.free = None
            await cluster.until(settled)
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ended = "no slot waits any more: all that was tried again is done"
            assert [event.text for event in coordinator._happenings._past].count(ended) == 1

    run_virtual(main)


def test_a_replica_counts_again_only_once_a_clean_one_has_noted_that_it_may() -> None:
    """Else the one that has not noted it could be left behind next, and an older copy of the log would take it for clean."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger, disk = cluster.coordinator._ledger, cluster.disks.disk(cluster.data_of("n1"))
            cluster.kill("n2")
            await cluster.until(lambda snapshot: snapshot.behind > 0)
            assert ledger.topology.places[0].clean == ("n1",)
            assert isinstance(disk, FaultyDisk)
            disk.free = 0
            await cluster.revive("n2")
            await asyncio.sleep(20)
            place = ledger.topology.places[0]
            assert (place.clean, place.returning, place.counted) == (("n1",), ("n2",), ("n1", "n2"))
            disk.free = None
            await cluster.until(settled)
            assert ledger.topology.places[0].returning == ()

    run_virtual(main)


def test_a_replica_that_is_away_again_before_it_was_made_equal_is_not_wondered_about() -> None:
    """Else nobody could rebuild the table without it, though it never counted."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=lambda path: FaultyDisk(path)) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger, disk = cluster.coordinator._ledger, cluster.disks.disk(cluster.data_of("n1"))
            cluster.kill("n2")
            await cluster.until(lambda snapshot: snapshot.behind > 0)
            assert isinstance(disk, FaultyDisk)
            disk.free = 0
            await cluster.revive("n2")
            await asyncio.sleep(1)
            assert {place.returning for place in ledger.topology.distinct} == {("n2",)}
            cluster.kill("n2")
            await asyncio.sleep(1)
            assert {place.returning for place in ledger.topology.distinct} == {()}

    run_virtual(main)


def test_a_move_that_goes_on_after_a_crash_is_noted_first_all_the_same() -> None:
    """The crash may have come before anybody had heard of it."""

    async def main() -> None:
        make = lambda path: FaultyDisk(path)  # noqa: E731
        async with SimCluster(nodes=0, attached=True, replication=1, slots=1, make_disk=make) as cluster:
            await cluster.join("n1")
            await cluster.call(lambda coordinator: coordinator.rebalance())
            await cluster.join("n2")
            disk = cluster.disks.disk(cluster.data_of("n1"))
            assert isinstance(disk, FaultyDisk)
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            (there,) = ledger.topology.places[0].replicas
            other = "n2" if there == "n1" else "n1"
            disk = cluster.disks.disk(cluster.data_of(there))
            assert isinstance(disk, FaultyDisk)
            cluster.kill(other)
            await cluster.until(lambda snapshot: any(view.state is NodeState.DOWN for view in snapshot.nodes))
            ledger.append(Dual(0, 1, (other,)), Planned(ledger.topology.planned.leave(there).to_record()))
            cluster.crash()
            await cluster.open()
            await asyncio.sleep(1)
            disk.free = 0
            await cluster.revive(other)
            await asyncio.sleep(20)
            place = cluster.coordinator.topology.places[0]
            assert (place.replicas, place.receiving) == ((there,), (other,))
            disk.free = None
            await cluster.until(settled)
            assert cluster.coordinator.topology.places[0].replicas == (other,)

    run_virtual(main)


def test_what_digests_showed_holds_no_longer_once_a_placement_or_a_connection_is_another() -> None:
    """Who was equal may have fallen behind, or come back without what it had."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger, mover = cluster.coordinator._ledger, cluster.coordinator._mover
            (place,) = ledger.topology.places
            piece = Work(Kind.MOVE, 0, 1, place)
            peers = [mover._peer(name) for name in place.replicas]
            assert mover._stays_equal(piece, place, peers, [])
            network = cluster.network
            network.cut("n2")
            await cluster.until(lambda snapshot: settled(snapshot) and ledger.nodes["n2"].usable)
            assert ledger.topology.places == (place,)
            assert not mover._stays_equal(piece, place, peers, [])
            peers = [mover._peer(name) for name in place.replicas]
            assert mover._stays_equal(piece, place, peers, [])
            ledger.append(Behind(place.replicas[1], [(0, 1)]))
            assert not mover._stays_equal(piece, place, peers, [])

    run_virtual(main)


def test_a_node_is_emptied_only_once_it_has_noted_that_it_serves_the_slot_no_more() -> None:
    """Whoever rebuilds the log from its note would take it for a clean replica, with nothing in it."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await put_all(cluster, {b"key": b"value"})
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger, notes = cluster.coordinator._ledger, cluster.coordinator._notes
            (leaver,) = set(ledger.topology.planned.replicate(1).table[0]) ^ {"n1", "n2"}
            server = cluster.process(leaver).server
            assert server is not None
            while notes._spread is not None:
                await asyncio.sleep(0.1)
            # Of what nothing waits for, nobody is told for the time being.
            notes._spread = cluster.coordinator._mover._clock.call_later(60.0, lambda: None)
            lowering = asyncio.create_task(cluster.call(lambda coordinator: coordinator.set_replication(1)))
            while ledger.topology.places[0].garbage != (leaver,):
                await ledger.changed()
            cut_over = ledger.logged
            while server.store.table.keys:
                await asyncio.sleep(0.001)
            assert server.store.noted >= cut_over
            await lowering

    run_virtual(main)


def test_a_coordinator_that_stopped_meanwhile_empties_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waited for the note before that, and went on when all was over, though the node had noted nothing: whoever is obeyed
    instead, on a copy of the log from before, would take it for a clean replica with nothing in it."""

    async def superseded(self: Notes, names: Sequence[str], logged: Version | None = None) -> None:
        self._ledger.stop("another coordinator took this cluster over")

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await put_all(cluster, {b"key": b"value"})
            await cluster.call(lambda coordinator: coordinator.rebalance())
            monkeypatch.setattr(Notes, "noted", superseded)
            await cluster.call(lambda coordinator: coordinator.set_replication(1))
            await cluster.until(lambda now: bool(now.stopped))
            await asyncio.sleep(5.0)
            for name in ("n1", "n2"):
                server = cluster.process(name).server
                assert server is not None
                assert server.store.table.keys == 1

    run_virtual(main)


def test_the_only_sound_copy_does_not_leave_as_long_as_the_one_that_stays_is_damaged() -> None:
    """A node met its damaged entry just before the other copy went, and told so with its next heartbeat, which was too late."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            assert (await cluster.put(b"key", b"value")).outcome is Outcome.OK
            await cluster.until(settled)
            ledger = cluster.coordinator._ledger
            staying = ledger.topology.places[0].replicas[0]
            disk, link = cluster.disks.disk(cluster.data_of(staying)), ledger.nodes[staying].link
            assert isinstance(disk, FaultyDisk)
            assert link is not None
            disk.flip(engine_key(b"key"), -1)
            assert (await link.ask(Get("key"))).code == DAMAGED
            await cluster.call(lambda coordinator: coordinator.set_replication(1))
            await cluster.until(lambda _: ledger.topology.places[0].replicas == (staying,))
            assert (await cluster.get(b"key")).value == b"value"

    run_virtual(main)


def test_a_replica_that_was_lost_and_is_returning_anew_does_not_count_by_what_was_noted_before() -> None:
    """It was away for a moment while it was about to count: that it returns once more nobody had noted."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            await put_all(cluster, {b"key": b"value"})
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger, mover = cluster.coordinator._ledger, cluster.coordinator._mover
            mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * SMALL_AT_ONCE
            ledger.append(Behind("n2", [(0, 1)]))
            ledger.append(Returning("n2", [(0, 1)]))
            recovering = asyncio.ensure_future(
                mover._recover(Work(Kind.RECOVER, 0, 1, ledger.topology.places[0], "n2"))
            )
            while not mover._finishing:
                await asyncio.sleep(0.0001)
            disk = cluster.disks.disk(cluster.data_of("n1"))
            assert isinstance(disk, FaultyDisk)
            disk.free = 0
            link = ledger.nodes["n2"].link
            cluster.network.cut("n2")
            while ledger.nodes["n2"].link in (None, link):
                await asyncio.sleep(0.0001)
            assert mover._finishing
            ledger.append(Returning("n2", [(0, 1)]))
            await recovering
            assert ledger.topology.places[0].clean == ("n1",)
            assert ledger.topology.places[0].returning == ("n2",)

    with low_limits(["notes"]):
        run_virtual(main)
