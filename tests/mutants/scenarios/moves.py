"""Scenarios of moves: whole clusters, in which something happens at a point of a comparison."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from kvtui.core import mover as mover_module
from kvtui.core.catch_up import Peer, ask, differences, digests_of
from kvtui.core.cluster import ClusterError, Outcome, OwnData, Read, WrittenMany
from kvtui.core.importing import Keys, import_keys
from kvtui.core.link import Link
from kvtui.core.notes import read_note
from kvtui.core.placement import Placement
from kvtui.core.protocol import Clear, Put, Reply, Request
from kvtui.core.records import Dual, Planned
from kvtui.core.ring import slot_of, token_of
from kvtui.core.snapshot import NodeState
from kvtui.core.throttle import Throttle
from kvtui.core.version import NEVER, Version
from kvtui.core.work import Kind, keeps_reach
from kvtui.node.record import engine_key
from tests.mutants.scenarios.constants import lowered
from tests.node.nodes import Bench
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import SimClock
from tests.simulation.machine import Machine

SLOTS = 8
KEYS = [b"key %d" % number for number in range(30)]

Compared = Callable[[Sequence[Peer], int, int], Awaitable[None]]


class _Comparisons:
    """Counts comparisons, and lets something happen after the first one that finds equal what is not empty: before anybody sees
    what came of it."""

    def __init__(self, happens: Compared) -> None:
        self.count = 0
        self._happened = False
        self._happens = happens

    async def digests_of(self, peers: Sequence[Peer], start: int, stop: int) -> list[list[int]]:
        digests = await digests_of(peers, start, stop)
        self.count += 1
        equal = len(digests) > 1 and any(digests[0]) and all(other == digests[0] for other in digests)
        if equal and not self._happened:
            self._happened = True
            await self._happens(peers, start, stop)
        return digests


async def _fill(cluster: SimCluster, keys: Sequence[bytes] = KEYS) -> None:
    for key in keys:
        assert (await cluster.put(key, b"v")).outcome is Outcome.OK


async def a_suspicion_during_a_comparison_is_cleared_by_it() -> None:
    async with SimCluster(nodes=2, replication=2, slots=SLOTS) as cluster:
        await cluster.until(settled)
        await _fill(cluster)
        ledger = cluster.coordinator._ledger

        async def suspect(peers: Sequence[Peer], start: int, stop: int) -> None:
            ledger.suspect(start, start + 1)

        comparisons = _Comparisons(suspect)
        with lowered(mover_module, digests_of=comparisons.digests_of):
            ledger.unverified[ledger.slot(KEYS[0])] = 1
            ledger.stir()
            await asyncio.sleep(2.0)
        assert comparisons.count > 1, "what was suspected since the digests were taken counts as compared"
        assert not any(ledger.unverified)


async def newcomers_are_counted_while_they_are_compared() -> None:
    async with SimCluster(nodes=3, replication=1, slots=SLOTS) as cluster:
        await _fill(cluster)
        ledger = cluster.coordinator._ledger
        uncounted: set[str] = set()

        async def looked(peers: Sequence[Peer], start: int, stop: int) -> list[list[int]]:
            newcomers = {node for node, _ in peers[1:]}
            uncounted.update(newcomers - {each.node for each in ledger.counting if each.start == start})
            return await digests_of(peers, start, stop)

        with lowered(mover_module, digests_of=looked):
            await cluster.call(lambda coordinator: coordinator.set_replication(3))
            await cluster.until(settled)
        assert not uncounted, f"a write may miss {sorted(uncounted)} while they are compared"


async def _moved(cluster: SimCluster, happens: Compared) -> int:
    """Give every key a second copy; how many comparisons it took where one goes on with what happens after the first."""
    comparisons = _Comparisons(happens)
    with lowered(mover_module, digests_of=comparisons.digests_of):
        await cluster.call(lambda coordinator: coordinator.set_replication(2))
        await cluster.until(settled)
    return comparisons.count


async def a_newcomer_may_have_been_away() -> None:
    """It is killed, wiped and back between its comparison and the cut-over."""
    async with SimCluster(nodes=2, replication=1, slots=SLOTS, make_disk=FaultyDisk) as cluster:
        await _fill(cluster)
        await cluster.until(settled)
        places = cluster.coordinator.topology.places
        wiped: list[str] = []

        async def wipe(peers: Sequence[Peer], start: int, stop: int) -> None:
            node = peers[1][0]
            wiped.append(node)
            cluster.kill(node)
            cluster.wipe(node)
            await cluster.revive(node)
            await cluster.until(lambda s: all(view.state == "UP" for view in s.nodes))

        own = {key: places[slot_of(token_of(key), SLOTS)].replicas[0] for key in KEYS}
        with suppress(TimeoutError):
            await _moved(cluster, wipe)
        (node,) = wiped
        for slot, place in enumerate(cluster.coordinator.topology.places):
            server = cluster.process(node).server
            assert server is not None
            if node not in place.clean:
                continue
            held = {key for key in KEYS if own[key] != node and slot_of(token_of(key), SLOTS) == slot}
            missing = {key for key in held if server.store.read(key) is None}
            assert not missing, f"{node} counts as clean in slot {slot}, and lacks {missing}"


async def a_newcomer_that_missed_a_write_is_taken() -> None:
    async with SimCluster(nodes=2, replication=1, slots=SLOTS) as cluster:
        await _fill(cluster)
        await cluster.until(settled)
        ledger = cluster.coordinator._ledger

        async def spoil(peers: Sequence[Peer], start: int, stop: int) -> None:
            ledger.spoil(start)

        whole = await _moved(cluster, lambda peers, start, stop: asyncio.sleep(0))
        await cluster.call(lambda coordinator: coordinator.set_replication(1))
        await cluster.until(settled)
        assert await _moved(cluster, spoil) > whole, "a write missed the newcomer, and it counts as clean"


async def a_slot_is_cleared_before_that_is_noted() -> None:
    async with SimCluster(nodes=2, replication=1, slots=SLOTS) as cluster:
        await _fill(cluster)
        early: list[str] = []

        async def asked(node: str, link: Link, request: Request) -> Reply:
            if isinstance(request, Clear):
                noted = _noted(cluster, node)[request.start : request.stop]
                early.extend(node for place in noted if node in place.clean)
            return await ask(node, link, request)

        with lowered(mover_module, ask=asked):
            await cluster.join("n3")
            await cluster.until(settled)
            await asyncio.sleep(3.0)
        assert not early, f"{early[0]} is emptied, and its note says that it serves the slot"


def _noted(cluster: SimCluster, node: str) -> Sequence[Placement]:
    server = cluster.process(node).server
    assert server is not None
    return read_note(server.store.read_note()).places


async def a_move_is_not_noted_before_it_cuts_over() -> None:
    async with SimCluster(nodes=2, replication=1, slots=SLOTS) as cluster:
        await _fill(cluster)
        await cluster.until(settled)
        early: list[str] = []

        async def looked(peers: Sequence[Peer], start: int, stop: int) -> list[list[int]]:
            place = cluster.coordinator.topology.places[start]
            if place.receiving and not any(_noted(cluster, node)[start].receiving for node in place.clean):
                early.extend(place.clean)
            return await digests_of(peers, start, stop)

        with lowered(mover_module, digests_of=looked):
            await cluster.call(lambda coordinator: coordinator.set_replication(2))
            await cluster.until(settled)
        assert not early, f"{early[0]} has not noted the move that is about to cut over"


async def moves_do_not_ask_whether_the_log_is_old() -> None:
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        for number in range(4):
            await cluster.join(f"n{number + 1}")
        await cluster.until(settled)
        cluster.pause("n4")
        await cluster.take_over(Path("taken"))
        await asyncio.sleep(3.0)
        assert "n4" not in cluster.coordinator._ledger.granted
        before = cluster.coordinator.topology.places
        await cluster.call(lambda coordinator: coordinator.set_replication(1))
        await asyncio.sleep(3.0)
        for place, was in zip(cluster.coordinator.topology.places, before, strict=True):
            assert place == was or "n4" not in was.clean, f"it moved from {was}, and n4 may know better: {place}"
        cluster.resume("n4")
        await cluster.until(settled)


def recovery_keeps_what_is_newer() -> None:
    assert differences({b"k": Version(1, 1)}, {b"k": Version(1, 2)}).drops == [(b"k", Version(1, 2))]


def recovery_keeps_what_the_clean_set_lacks() -> None:
    assert differences({}, {b"k": Version(1, 2)}).drops == [(b"k", Version(1, 2))]


async def the_only_sound_copy_is_dropped() -> None:
    """Of two copies, one is behind and sound, the other damaged."""
    async with SimCluster(nodes=2, replication=2, slots=SLOTS, make_disk=FaultyDisk) as cluster:
        await cluster.until(settled)
        await _fill(cluster, [b"k"])
        cluster.kill("n2")
        await cluster.until(lambda s: any(view.state == "DOWN" for view in s.nodes))
        disk = cluster.disks.disk(cluster.data_of("n1"))
        assert isinstance(disk, FaultyDisk)
        disk.flip(engine_key(b"k"), 25)
        assert (await cluster.get(b"k")).outcome is Outcome.FAILED
        await cluster.revive("n2")
        await asyncio.sleep(5.0)
        server = cluster.process("n2").server
        assert server is not None
        assert server.store.read(b"k") is not None, "the only copy that can be read was dropped"
        cluster.crash()


async def a_purge_reaches_one_replica() -> None:
    async with SimCluster(nodes=2, replication=2, slots=SLOTS) as cluster:
        await cluster.until(settled)
        await _fill(cluster, [b"k"])
        await cluster.delete(b"k")
        await asyncio.sleep(20.0)
        assert [_tombstones(cluster, node) for node in ("n1", "n2")] == [0, 0]


def _tombstones(cluster: SimCluster, node: str) -> int:
    server = cluster.process(node).server
    assert server is not None
    return sum(server.store.table.dead)


async def a_key_with_a_write_under_way_is_purged() -> None:
    async with SimCluster(nodes=2, replication=2, slots=SLOTS) as cluster:
        await cluster.until(settled)
        await _fill(cluster, [b"k"])
        await cluster.delete(b"k")
        ledger = cluster.coordinator._ledger
        ledger.suspect_key(b"k", ledger.slot(b"k"), ledger.next_version())
        await asyncio.sleep(20.0)
        assert [_tombstones(cluster, node) for node in ("n1", "n2")] == [1, 1]


def a_move_may_leave_nobody_who_can_be_reached() -> None:
    place = Placement(("a", "b"), ("a", "b"))
    assert not keeps_reach(place, ("b",), {"a"})


async def what_is_suspected_is_never_compared() -> None:
    async with SimCluster(nodes=2, replication=2, slots=SLOTS) as cluster:
        await cluster.until(settled)
        ledger = cluster.coordinator._ledger
        ledger.unverified[2] = 1
        ledger.stir()
        await asyncio.sleep(5.0)
        assert not any(ledger.unverified)


async def what_is_throttled_goes_side_by_side() -> None:
    clock = SimClock()
    throttle = Throttle(clock, lambda: 1_000, lambda: 0)
    began = clock.monotonic()

    async def copy() -> int:
        copied = 0
        for _ in range(10):
            turn = await throttle.turn()
            copied += turn.entries
            throttle.took(turn, turn.entries)
        return copied

    copied = sum(await asyncio.gather(*(copy() for _ in range(4))))
    assert clock.monotonic() - began >= copied / 1_000 * 0.9


async def a_damaged_key_is_left_behind_in_silence() -> None:
    async with SimCluster(nodes=1, slots=SLOTS, make_disk=FaultyDisk) as cluster:
        await cluster.until(settled)
        process = await cluster.launch("alone")
        server = process.server
        assert server is not None
        for key in (b"sound", b"damaged"):
            server.store.write(key, server.store.next_version(), b"v")
            server.store.commit()
        disk = cluster.disks.disk(Path("alone") / "alone")
        assert isinstance(disk, FaultyDisk)
        disk.flip(engine_key(b"damaged"), 25)
        try:
            port = process.address[1]
            await cluster.call(lambda c: c.add_node("n2", "127.0.0.1", port, own_data=OwnData.IMPORT))
        except ClusterError:
            return
        raise AssertionError("it joined, and a key that could not be read is gone")


async def what_could_not_be_imported_is_wiped() -> None:
    bench = Bench()
    await bench.server.start()
    client = await bench.client()
    await client.ask(Put("a", "1"), Put("b", "2"))

    async def get_many(keys: Sequence[bytes]) -> list[Read]:
        return [Read(Outcome.OK, None, NEVER) for _ in keys]

    async def put_many(items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        return WrittenMany(1, 0, 1, "no answer")

    host, port = bench.server.address
    transport = bench._network.transport(Machine("coordinator"))
    try:
        await import_keys(transport, bench.clock, host, port, Keys(get_many, put_many))
    except ClusterError:
        return
    finally:
        await bench.server.close()
    raise AssertionError("half of its keys were stored, and it is taken for imported")


async def tombstones_that_come_amid_a_purge_are_forgotten() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        assert (await cluster.delete(KEYS[0])).outcome is Outcome.OK
        await cluster.call(lambda coordinator: coordinator.rebalance())
        cluster.network.slow("n2", 0.2)
        running = cluster.coordinator._mover._running
        while not any(piece.kind is Kind.PURGE for piece in running):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert any(piece.kind is Kind.PURGE for piece in running)
        assert (await cluster.delete(KEYS[1])).outcome is Outcome.OK
        cluster.network.slow("n2", 0.0)
        await asyncio.sleep(20.0)
        servers = [process.server for process in cluster.launcher.processes.values()]
        assert [sum(server.store.table.dead) for server in servers if server is not None] == [0, 0]


async def a_move_that_goes_on_is_not_noted() -> None:
    async with SimCluster(nodes=0, attached=True, slots=1, make_disk=lambda path: FaultyDisk(path)) as cluster:
        for node in ("n1", "n2"):
            await cluster.join(node)
        await cluster.call(lambda coordinator: coordinator.rebalance())
        ledger = cluster.coordinator._ledger
        (there,) = ledger.topology.places[0].replicas
        (other,) = {"n1", "n2"} - {there}
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
        assert cluster.coordinator.topology.places[0].replicas == (there,)
