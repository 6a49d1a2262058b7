"""Puts and deletes: who must have stored them, and what is said when that can't be."""

import asyncio

import pytest

from kvtui.core.cluster import Outcome, Written
from kvtui.core.ledger import Counting
from kvtui.core.mover import AT_ONCE
from kvtui.core.pending_write import PendingWrite
from kvtui.core.placement import Placement
from kvtui.core.protocol import INLINE_BYTES, UPLOADS
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Behind, CutOver, Dual, Recovered, Returning
from kvtui.core.snapshot import NodeState
from kvtui.core.version import Version
from kvtui.core.work import Kind, Work
from kvtui.core.writes import Change, Writes, _Tally
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import COORDINATOR, SimCluster, settled
from tests.simulation.loop import run_virtual


def test_many_large_values_at_once_are_all_stored() -> None:
    """A node takes few values in pieces at once; the coordinator sent more, and puts failed."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            value = b"v" * (INLINE_BYTES + 1)
            ends = await asyncio.gather(*(cluster.put(b"key %d" % number, value) for number in range(3 * UPLOADS)))
            assert {end.outcome for end in ends} == {Outcome.OK}, ends[-1].text

    run_virtual(main)


def test_a_put_below_the_quorum_fails_and_says_why() -> None:
    """It was sent to the clean copies that were left, and ended unknown without a reason."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            ledger = cluster.coordinator._ledger
            # As a wipe leaves it: two replicas at once are not clean any more.
            ledger.append(Behind("n2", [(0, 1)]), Behind("n3", [(0, 1)]))
            end = await cluster.put(b"key", b"new")
            assert end.outcome is Outcome.FAILED
            assert end.text == (
                "it needs 2 clean copies and has 1 until the others are made equal (or fewer are asked for: setquorum 1)"
            )
            assert (await cluster.get(b"key")).value == b"old"

    run_virtual(main)


def test_a_write_is_unknown_if_who_has_it_was_lost_before_it_noted_who_has_not() -> None:
    """It was acknowledged: nobody waits for the note of a node that is lost, which was taken for its having noted it."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            cluster.kill("n3")
            # Room for values, and for no note.
            disk = cluster.disks.disk(cluster.data_of("n1"))
            assert isinstance(disk, FaultyDisk)
            disk.free = 260
            await cluster.until(lambda snapshot: snapshot.nodes[2].state is NodeState.DOWN)
            writing = asyncio.ensure_future(cluster.put(b"key", b"new"))
            await asyncio.sleep(0.5)
            assert not writing.done()
            cluster.network.cut("n1", COORDINATOR)
            assert (await writing).outcome is Outcome.UNKNOWN
            disk.free = None
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.UP)
            assert (await cluster.put(b"key", b"newer")).outcome is Outcome.OK

    run_virtual(main)


def test_a_write_is_unknown_if_who_has_it_was_lost_before_another_was_left_behind() -> None:
    """It was acknowledged: who was not there to be told whom the write goes on without was not waited for."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
            cluster.pause("n1")
            writing = asyncio.ensure_future(cluster.put(b"key", b"new"))
            await asyncio.sleep(0.1)
            cluster.kill("n2")
            await asyncio.sleep(0.05)
            await cluster.call(lambda coordinator: coordinator.set_quorum(1))
            end = await writing
            assert cluster.coordinator.topology.places[0].clean == ("n2",)
            assert end.outcome is Outcome.UNKNOWN, end
            cluster.resume("n1")
            await cluster.revive("n2")
            await cluster.until(settled)
            assert (await cluster.get(b"key")).value == b"new"
            assert (await cluster.put(b"key", b"newer")).outcome is Outcome.OK

    run_virtual(main)


def test_a_put_without_its_quorum_names_the_missing() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
            cluster.kill("n2")
            cluster.kill("n3")
            await cluster.until(lambda snapshot: [view.state for view in snapshot.nodes].count(NodeState.DOWN) == 2)
            end = await cluster.put(b"key", b"new")
            assert end.outcome is Outcome.FAILED
            assert end.text.startswith("it needs 2 clean copies and reaches 1: it waits for n")

    run_virtual(main)


def test_a_put_that_only_a_replica_that_is_behind_stored_is_not_called_failed() -> None:
    """All clean replicas refused it, and it was told as failed; a replica that was being made equal held it, and showed it."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            coordinator = cluster.coordinator
            await cluster.call(lambda c: c.set_reads(ReadMode.AVAILABLE))
            coordinator._ledger.append(Behind("n2", [(0, 1)]))
            full = cluster.disks.disk(cluster.data_of("n1"))
            assert isinstance(full, FaultyDisk)
            full.free = 0
            end = await cluster.put(b"key", b"new")
            assert end.outcome is Outcome.UNKNOWN, end.text
            assert "n1" in end.text

    run_virtual(main)


class Ending(Writes):
    """Puts whose ends are given."""

    ends: list[Outcome]

    async def put(self, key: bytes, value: bytes) -> Written:
        return Written(self.ends.pop(0), Version(1, 1), text="because")


@pytest.mark.parametrize(
    "ends", [[Outcome.UNKNOWN, Outcome.FAILED, Outcome.OK], [Outcome.OK, Outcome.FAILED, Outcome.UNKNOWN]]
)
def test_each_key_of_a_batch_that_was_torn_apart_ends_by_itself(ends: list[Outcome]) -> None:
    """All keys of the batch were told as the last that did not succeed: an unknown one as failed."""

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            writes = cluster.coordinator._writes
            writes.__class__ = Ending
            assert isinstance(writes, Ending)
            writes.ends = list(ends)
            batch = [Change(number, b"key %d" % number, b"v") for number in range(3)]
            tally = _Tally()
            await writes._write_singly(batch, tally)
            done = tally.report([change.key for change in batch], len(batch))
            assert done.others == {b"key %d" % number: end for number, end in enumerate(ends) if end is not Outcome.OK}
            assert done.text == "because"
            # What failed was given no version that counts.
            assert set(done.versions) == {
                b"key %d" % number for number, end in enumerate(ends) if end is not Outcome.FAILED
            }

    run_virtual(main)


def test_a_key_that_comes_twice_in_a_batch_counts_twice_and_ends_with_its_last_value() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            items = [(b"a", b"1"), (b"b", b"1"), (b"a", b"2")]
            done = await cluster.call(lambda coordinator: coordinator.put_many(items))
            assert (done.ok, done.failed, done.unknown) == (3, 0, 0)
            assert (await cluster.get(b"a")).value == b"2"
            cluster.kill("n1")
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.DOWN)
            done = await cluster.call(lambda coordinator: coordinator.put_many(items))
            assert (done.ok, done.failed, done.unknown) == (0, 3, 0)

    run_virtual(main)


@pytest.mark.parametrize("size", [1, INLINE_BYTES + 1])
def test_every_key_of_a_batch_that_is_not_failed_has_its_version(size: int) -> None:
    """A batch named no versions at all, so that nothing of what it wrote could be checked against what was read."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            keys = [b"key %d" % number for number in range(12)]
            done = await cluster.put_many([(key, b"v" * size) for key in keys])
            assert done.versions == {key: (await cluster.get(key)).version for key in keys}
            cluster.pause("n1")
            cluster.pause("n2")
            cluster.pause("n3")
            # Not answered within their deadline: they may be stored, at those versions.
            unknown = await cluster.put_many([(key, b"late") for key in keys])
            assert unknown.unknown == len(keys)
            for node in ("n1", "n2", "n3"):
                cluster.resume(node)
            await cluster.until(settled)
            found = {key: await cluster.get(key) for key in keys}
            late = {key: read.version for key, read in found.items() if read.value == b"late"}
            assert late, "what was on its way to nodes that hung arrives when they go on, some of it"
            assert unknown.versions.keys() == set(keys)
            assert late == {key: unknown.versions[key] for key in late}

    run_virtual(main)


def test_a_batch_of_deletes_says_how_many_keys_had_a_value_and_leaves_none() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            keys = [b"key %d" % number for number in range(40)]
            await cluster.call(lambda coordinator: coordinator.put_many([(key, b"v") for key in keys[:30]]))
            done = await cluster.call(lambda coordinator: coordinator.delete_many(keys))
            assert (done.ok, done.failed, done.unknown, done.existed, done.others) == (40, 0, 0, 30, {})
            found = await cluster.call(lambda coordinator: coordinator.get_many(keys))
            assert {read.value for read in found} == {None}
            assert len({read.version for read in found}) == len(keys)
            again = await cluster.call(lambda coordinator: coordinator.delete_many(keys))
            assert (again.ok, again.existed) == (40, 0)

    run_virtual(main)


def test_a_batch_names_the_keys_that_did_not_end_well() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            items = [(b"key %d" % number, b"v") for number in range(20)]
            cluster.kill("n1")
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.DOWN)
            done = await cluster.call(lambda coordinator: coordinator.put_many(items))
            ledger = cluster.coordinator._ledger
            lost = {key for key, _ in items if "n1" in ledger.topology.places[ledger.slot(key)].clean}
            assert 0 < len(lost) < 20
            assert done.others == dict.fromkeys(lost, Outcome.FAILED)
            assert (done.ok, done.failed) == (20 - len(lost), len(lost))
            assert done.text.endswith("it waits for n1")

    run_virtual(main)


def test_an_unfit_key_refuses_the_whole_batch() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            done = await cluster.call(lambda coordinator: coordinator.put_many([(b"a", b"1"), (b"", b"2")]))
            assert (done.ok, done.failed, done.text) == (0, 2, "the key is empty")
            assert set(done.others) == {b"a", b""}
            done = await cluster.call(lambda coordinator: coordinator.delete_many([b"a", b""]))
            assert (done.ok, done.failed, done.text) == (0, 2, "the key is empty")
            assert (await cluster.get(b"a")).value is None

    run_virtual(main)


def test_a_put_that_nobody_waits_for_any_more_is_stored_and_seen_by_who_waits_for_it() -> None:
    """A cancelled put went on alone; a get that waited for it must not be cancelled with it."""

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            coordinator = cluster.coordinator

            async def both() -> bytes | None:
                writing = asyncio.create_task(coordinator.put(b"key", b"value"))
                while b"key" not in coordinator._writes.in_flight:
                    await asyncio.sleep(0)
                reading = asyncio.create_task(coordinator.get(b"key"))
                while coordinator._writes.in_flight[b"key"].observers == ():
                    await asyncio.sleep(0)
                writing.cancel()
                return (await reading).value

            assert await cluster.call(lambda _: both()) == b"value"

    run_virtual(main)


class Tearing(Writes):
    """Gives the slots of one node different placements as soon as the first batch has ended."""

    placements: list[int]
    """How many each batch was sent to as if they were one."""
    torn: tuple[int, int] | None

    def _begin_batch(self, batch: list[Change]) -> PendingWrite | Written:
        places = self._ledger.topology.places
        self.placements.append(len({places[change.slot] for change in batch}))
        return super()._begin_batch(batch)

    async def _await_batch(self, write: PendingWrite, batch: list[Change], tally: _Tally) -> None:
        await super()._await_batch(write, batch, tally)
        if self.torn is not None:
            (start, stop), self.torn = self.torn, None
            self._ledger.append(Dual(start, stop, ("n2",)))


def test_every_batch_cut_before_a_move_is_looked_at_again_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first batch after the move was: later ones went whole to the replicas of their first slot."""
    monkeypatch.setattr("kvtui.core.writes.BATCHES_AT_ONCE", 1)

    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            ledger, writes = cluster.coordinator._ledger, cluster.coordinator._writes
            named = [b"key %d" % number for number in range(80)]
            keys = [key for key in named if ledger.topology.places[ledger.slot(key)].clean == ("n1",)]
            slots = {ledger.slot(key) for key in keys}
            assert len(slots) > 1
            writes.__class__ = Tearing
            assert isinstance(writes, Tearing)
            writes.placements, writes.torn = [], (min(slots), min(slots) + 1)
            items = [(key, key + b"v" * 60_000) for key in keys]
            done = await cluster.call(lambda coordinator: coordinator.put_many(items))
            assert done.ok == len(items)
            assert writes.torn is None
            assert set(writes.placements) == {1}
            found = await cluster.call(lambda coordinator: coordinator.get_many(keys))
            assert [read.value for read in found] == [value for _, value in items]

    run_virtual(main)


def test_a_write_is_not_acknowledged_when_its_refuser_made_another_clean_meanwhile() -> None:
    """A replica returned while a write was under way, and was made equal to one that had refused it: it counted as clean,
    lacked the write, and the write was acknowledged."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            coordinator = cluster.coordinator
            refuser, slow, late = coordinator.topology.places[0].replicas
            cluster.kill(late)
            await cluster.until(lambda snapshot: snapshot.behind == 1)
            full = cluster.disks.disk(cluster.data_of(refuser))
            assert isinstance(full, FaultyDisk)
            full.free = 0
            cluster.network.slow(slow, 0.6)
            writing = asyncio.ensure_future(cluster.put(b"key", b"new"))
            await asyncio.sleep(0.05)
            await cluster.revive(late)
            while late not in coordinator.topology.places[0].clean:
                assert not writing.done()
                await asyncio.sleep(0.01)
            assert (await writing).outcome is Outcome.UNKNOWN
            cluster.network.slow(slow, 0.0)
            full.free = None
            await cluster.until(settled)
            assert {(await cluster.get(b"key")).value for _ in range(6)} == {b"new"}

    run_virtual(main)


def test_a_node_that_was_made_equal_to_one_that_refused_a_write_has_lost_what_it_had_acknowledged_before() -> None:
    """It took the write while it was behind. Then it counted as clean again, without the write, and the write was acknowledged."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            coordinator = cluster.coordinator
            await cluster.until(settled)
            refuser, slow, late = coordinator.topology.places[0].replicas
            running = coordinator._mover._running
            running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE
            coordinator._ledger.append(Behind(late, [(0, 1)]))
            coordinator._ledger.append(Returning(late, [(0, 1)]))
            await coordinator._notes.noted((refuser, slow, late))
            full = cluster.disks.disk(cluster.data_of(refuser))
            assert isinstance(full, FaultyDisk)
            full.free = 0
            cluster.network.slow(slow, 0.6)
            writing = asyncio.ensure_future(cluster.put(b"key", b"new"))
            while not (write := coordinator._writes.in_flight.get(b"key")) or late not in write.acknowledged:
                await asyncio.sleep(0.001)
            running.clear()
            coordinator._ledger.stir()
            while late not in coordinator.topology.places[0].clean:
                assert not writing.done()
                await asyncio.sleep(0.01)
            assert (await writing).outcome is Outcome.UNKNOWN
            cluster.network.slow(slow, 0.0)
            full.free = None
            await cluster.until(settled)
            assert {(await cluster.get(b"key")).value for _ in range(6)} == {b"new"}

    run_virtual(main)


def test_a_newer_write_that_failed_does_not_hide_an_older_one_that_is_under_way() -> None:
    """Reads took the key for settled, and found the older write, which not all clean replicas had, or did not."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=FaultyDisk) as cluster:
            await cluster.until(settled)
            writes = cluster.coordinator._writes
            disk = cluster.disks.disk(cluster.data_of("n1"))
            assert isinstance(disk, FaultyDisk)
            cluster.pause("n2")
            oldest = asyncio.ensure_future(cluster.put(b"key", b"oldest"))
            while b"key" not in writes.in_flight:
                await asyncio.sleep(0.001)
            older = asyncio.ensure_future(cluster.put(b"key", b"older"))
            while len(writes._unsettled) < 2 or not (under_way := writes.in_flight[b"key"]).acknowledged:
                await asyncio.sleep(0.001)
            # It goes on without n2 once n1 has noted that, for which there is no space.
            disk.free = 0
            cluster.kill("n2")
            await cluster.until(lambda snapshot: any(view.state == "DOWN" for view in snapshot.nodes))
            assert (await cluster.put(b"key", b"newer")).outcome is Outcome.FAILED
            assert writes.in_flight.get(b"key") is under_way
            assert not writes.may_purge(b"key")
            disk.free = None
            assert (await oldest).outcome is not Outcome.FAILED
            assert (await older).outcome is not Outcome.FAILED
            assert (await cluster.get(b"key")).value == b"older"
            while b"key" in writes.in_flight:
                await asyncio.sleep(0.1)

    run_virtual(main)


def test_a_write_that_a_clean_replica_refuses_voids_the_verification_of_one_that_may_have_stored_it() -> None:
    """A get asked the clean one alone and was content; then the other one counted too, and answered with what that one lacks."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger, disk = cluster.coordinator._ledger, cluster.disks.disk(cluster.data_of("n1"))
            # The mover does nothing from here on.
            cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE
            ledger.append(Behind("n2", [(0, 1)]))
            verified, elsewhere = Counting("n2", 0, 1), Counting("n2", 1, 2)
            ledger.counting += [verified, elsewhere]
            assert isinstance(disk, FaultyDisk)
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            assert not verified.spoiled
            disk.free = 0
            assert (await cluster.put(b"key", b"new")).outcome is Outcome.UNKNOWN
            assert verified.spoiled
            assert not elsewhere.spoiled

    run_virtual(main)


@pytest.mark.parametrize("remade", [("n1",), ("n1", "n3"), ()])
def test_an_acknowledgement_does_not_count_once_its_node_was_made_equal_to_one_that_missed_the_write(
    remade: tuple[str, ...],
) -> None:
    """It had dropped what it had stored, and the write was acknowledged: when the others were lost, it was gone. Nor is that
    forgotten when another one is made equal later."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            ledger = cluster.coordinator._ledger
            # The mover does nothing from here on.
            cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE
            cluster.network.slow("n2", 0.5)
            cluster.network.partition(COORDINATOR, "n3", one_way=True)
            writing = asyncio.ensure_future(cluster.put(b"key", b"new"))
            await asyncio.sleep(0.1)
            cluster.network.cut("n3")
            await asyncio.sleep(0.1)
            assert not writing.done()
            for node in remade:
                ledger.append(Behind(node, [(0, 1)]))
                ledger.append(Recovered(node, 0, 1))
            ledger.append(Behind("n3", [(0, 1)]))
            assert (await writing).outcome is (Outcome.UNKNOWN if remade else Outcome.OK)

    run_virtual(main)


def test_an_acknowledgement_does_not_count_once_a_move_made_its_node_equal_to_one_that_missed_the_write() -> None:
    """As with a replica that was behind: a newcomer may have dropped what it had acknowledged while it was verified."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=1) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            ledger = cluster.coordinator._ledger
            (place,) = ledger.topology.places
            first, second = place.clean
            (third,) = {"n1", "n2", "n3"} - {first, second}
            cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE
            ledger.append(Dual(0, 1, (first, third)))
            ledger.counting.append(Counting(third, 0, 1))
            cluster.network.slow(first, 0.5)
            cluster.network.partition(COORDINATOR, second, one_way=True)
            writing = asyncio.ensure_future(cluster.put(b"key", b"new"))
            await asyncio.sleep(0.1)
            cluster.network.cut(second)
            await asyncio.sleep(0.1)
            assert not writing.done()
            ledger.append(CutOver(0, 1))
            assert (await writing).outcome is Outcome.UNKNOWN

    run_virtual(main)


def test_what_a_replica_dropped_that_was_made_equal_to_one_that_missed_it_is_not_acknowledged() -> None:
    """The whole of it, with the mover at work: the write is on one replica at the end, and two are promised."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
            assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            (place,) = ledger.topology.places
            stores, misses, late = place.clean
            cluster.network.partition(COORDINATOR, late, one_way=True)
            cluster.network.slow(misses, 0.5)
            writing = asyncio.ensure_future(cluster.put(b"key", b"new"))
            await asyncio.sleep(0.1)
            # Nothing is made equal until who missed the write is back.
            mover, blocking = cluster.coordinator._mover, Work(Kind.COMPARE, 0, 1, Placement())
            mover._running.append(blocking)
            # Two are left, and none of them may be left out as well.
            ledger.append(Behind(stores, [(0, 1)]))
            link = ledger.nodes[misses].link
            cluster.network.cut(misses)
            cluster.network.slow(misses, 0.0)
            while ledger.nodes[misses].link in (link, None):
                await ledger.changed()
            mover._running.remove(blocking)
            ledger.stir()
            while stores not in ledger.topology.places[0].clean:
                await ledger.changed()
            cluster.kill(misses)
            while ledger.nodes[misses].link is not None:
                await ledger.changed()
            # Who can't be reached is behind as soon as anything is written.
            other = asyncio.ensure_future(cluster.put(b"other", b"value"))
            await asyncio.sleep(0)
            assert not writing.done()
            cluster.network.heal(late=True)
            assert (await other).outcome is Outcome.OK
            assert set(ledger.topology.places[0].clean) == {stores, late}
            assert (await writing).outcome is Outcome.UNKNOWN
            # Whatever it is, it is that for everybody.
            read = await cluster.get(b"key")
            assert read.value == b"new"
            cluster.kill(late)
            await cluster.revive(misses)
            while len(ledger.topology.places[0].clean) < 2:
                await ledger.changed()
            assert (await cluster.get(b"key")).value == b"new"

    run_virtual(main)


def test_a_write_is_not_acknowledged_with_fewer_clean_copies_than_are_wanted_by_its_end() -> None:
    """A person asked for two while it was under way, and one of the two that it had been sent to fell behind."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await cluster.call(lambda coordinator: coordinator.rebalance())
            ledger = cluster.coordinator._ledger
            cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE
            cluster.network.slow("n1", 0.5)
            writing = asyncio.ensure_future(cluster.put(b"key", b"value"))
            await asyncio.sleep(0.1)
            assert not writing.done()
            ledger.append(Behind("n2", [(0, 1)]))
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
            assert (await writing).outcome is Outcome.UNKNOWN

    run_virtual(main)


def test_a_tombstone_whose_delete_ended_unknown_is_looked_for_like_any_other() -> None:
    """It is there all the same, on all replicas once the next read has brought it there."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
            assert (await cluster.put(b"key", b"value")).outcome is Outcome.OK
            await cluster.call(lambda coordinator: coordinator.rebalance())
            graves = cluster.coordinator._ledger.graves
            while any(graves.marks):
                await asyncio.sleep(1)
            cluster.pause("n2")
            assert (await cluster.delete(b"key")).outcome is Outcome.UNKNOWN
            assert any(graves.marks)
            cluster.resume("n2")
            await cluster.until(settled)
            assert (await cluster.get(b"key")).value is None
            await cluster.until(lambda snapshot: not any(view.tombstones for view in snapshot.nodes))

    run_virtual(main)
