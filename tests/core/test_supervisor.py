"""What the coordinator makes of what nodes say of themselves: damage is repaired, a lost tail is noticed."""

import asyncio
from collections.abc import Callable

import pytest

from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.remote_node import HEARTBEAT_SECONDS
from kvtui.core.snapshot import NodeState
from kvtui.core.supervisor import COUNTER_SECONDS
from kvtui.core.version import Version
from kvtui.node.record import engine_key
from kvtui.node.store import EntryDamaged, Store
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import STATE, SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.machine import Machine
from tests.simulation.transport import SimNetwork, SimTransport

KEY, VALUE = b"apple", b"a value that is damaged on one node"


def disk_of(cluster: SimCluster, node: str) -> FaultyDisk:
    disk = cluster.disks.disk(STATE / "nodes" / node)
    assert isinstance(disk, FaultyDisk)
    return disk


def store_of(cluster: SimCluster, node: str) -> Store:
    server = cluster.process(node).server
    assert server is not None
    return server.store


def test_a_damaged_entry_is_never_served_and_is_repaired_without_being_asked_to() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=lambda path: FaultyDisk()) as cluster:
            await cluster.put(KEY, VALUE)
            first = (await cluster.call(lambda coordinator: coordinator.locate(KEY))).replicas[0].node
            disk_of(cluster, first).flip(engine_key(KEY), -1)
            read = await cluster.get(KEY)
            assert (read.outcome, read.value) == (Outcome.OK, VALUE)
            other = next(view.id for view in cluster.coordinator.snapshot().nodes if view.id != first)
            # Told first, then repaired.
            coordinator = cluster.coordinator
            told = anext(event async for event in coordinator.events() if "damaged" in event.text)
            assert first in (await told).nodes
            await cluster.until(lambda snapshot: coordinator._ledger.nodes[first].facts.damaged == 0)
            cluster.kill(other)
            read = await cluster.get(KEY)
            assert (read.outcome, read.value, read.node) == (Outcome.OK, VALUE, first), read.text

    run_virtual(main)


def test_damage_that_is_found_while_other_damage_is_repaired_is_repaired_as_well() -> None:
    """As many entries are damaged before and after, at two heartbeats."""
    more = b"another key"

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=lambda path: FaultyDisk()) as cluster:
            for key in (KEY, more):
                await cluster.put(key, VALUE)
            node = (await cluster.call(lambda coordinator: coordinator.locate(KEY))).replicas[0].node
            disk, coordinator = disk_of(cluster, node), cluster.coordinator
            remote = coordinator._ledger.nodes[node]
            store = store_of(cluster, node)

            def read(key: bytes) -> None:
                disk.flip(engine_key(key), -1)
                with pytest.raises(EntryDamaged):
                    store.read(key)

            read(KEY)
            await cluster.until(lambda snapshot: remote.facts.damaged == 1)
            while store.table.damages:
                await asyncio.sleep(0.001)
            read(more)
            assert remote.facts.damaged == 1, "the coordinator has heard of the repair already"
            await cluster.until(lambda snapshot: remote.facts.damage_found == 2 and remote.facts.damaged == 0)
            assert not store.table.damages

    run_virtual(main)


def test_what_a_node_finds_damaged_after_its_start_is_repaired_as_what_it_found_before() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=lambda path: FaultyDisk()) as cluster:
            await cluster.put(KEY, VALUE)
            node = (await cluster.call(lambda coordinator: coordinator.locate(KEY))).replicas[0].node
            for _ in range(2):
                disk_of(cluster, node).flip(engine_key(KEY), -1)
                with pytest.raises(EntryDamaged):
                    store_of(cluster, node).read(KEY)
                await cluster.until(lambda snapshot: not store_of(cluster, node).table.damages)
                await asyncio.sleep(HEARTBEAT_SECONDS)
                cluster.kill(node)
                await cluster.until(lambda snapshot: any(view.state is NodeState.DOWN for view in snapshot.nodes))
                await cluster.revive(node)
                await cluster.until(settled)

    run_virtual(main)


def test_damage_that_a_node_finds_as_it_starts_is_repaired_though_it_had_found_as_much_before() -> None:
    """It counts anew with each start, and told at once of as much as at its last."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=lambda path: FaultyDisk()) as cluster:
            # Nobody goes on without it, so it is not made equal when it is back.
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
            await cluster.put(KEY, VALUE)
            node = (await cluster.call(lambda coordinator: coordinator.locate(KEY))).replicas[0].node
            for _ in range(3):
                disk_of(cluster, node).flip(engine_key(KEY), -1)
                cluster.kill(node)
                await cluster.until(lambda snapshot: any(view.state is NodeState.DOWN for view in snapshot.nodes))
                await cluster.revive(node)
                # Some nodes of the simulation read all their entries as they open, others a little later.
                await cluster.until(lambda snapshot: store_of(cluster, node).table.found == 1)
                await cluster.until(settled)
                await cluster.until(lambda snapshot: not store_of(cluster, node).table.damages)

    run_virtual(main)


def test_a_lost_tail_is_noticed_though_how_far_the_node_got_could_not_be_logged() -> None:
    """The log was full. What the coordinator remembers counts as well."""

    async def main() -> None:
        cluster = SimCluster(nodes=1, replication=1, slots=8, make_disk=lambda path: FaultyDisk())
        cluster.launcher.least_garbage = 1_000_000
        async with cluster:
            await cluster.put(KEY, b"an older value")
            await asyncio.sleep(COUNTER_SECONDS + HEARTBEAT_SECONDS)
            log = cluster.disks.disk(STATE / "metadata")
            assert isinstance(log, FaultyDisk)
            log.free = 0
            assert (await cluster.put(KEY, VALUE)).outcome is Outcome.OK
            cluster.kill("n1")
            await cluster.until(lambda snapshot: snapshot.nodes[0].state is NodeState.DOWN)
            assert len(disk_of(cluster, "n1").lose_tail(1)) == 1
            with pytest.raises(ClusterError, match="is not logged yet"):
                await cluster.revive("n1")
            assert (await cluster.get(KEY)).outcome is Outcome.FAILED
            log.free = None
            await cluster.until(lambda snapshot: not snapshot.log_full and snapshot.nodes[0].state is NodeState.UP)
            assert cluster.coordinator.topology.lost == [(0, 8)]
            assert (await cluster.get(KEY)).outcome is Outcome.FAILED

    run_virtual(main)


def test_a_tail_that_a_node_lost_while_the_coordinator_was_dead_is_noticed() -> None:
    async def main() -> None:
        cluster = SimCluster(nodes=1, replication=1, slots=8, make_disk=lambda path: FaultyDisk())
        # What was compacted lies in tables, whose end can't be lost.
        cluster.launcher.least_garbage = 1_000_000
        async with cluster:
            await cluster.put(KEY, b"an older value")
            await cluster.put(KEY, VALUE)
            await asyncio.sleep(COUNTER_SECONDS + HEARTBEAT_SECONDS)
            cluster.kill("n1")
            cluster.crash()
            assert len(disk_of(cluster, "n1").lose_tail(1)) == 1
            await cluster.open()
            assert cluster.coordinator.topology.lost == [(0, 8)]
            assert (await cluster.get(KEY)).outcome is Outcome.FAILED
            cluster.crash()

    run_virtual(main)


def test_how_far_a_node_got_is_logged_soon_after_however_much_is_written() -> None:
    """What lies within that may be lost unnoticed with the coordinator's memory: no more."""

    async def main() -> None:
        async with SimCluster(nodes=1, replication=1, slots=8) as cluster:
            await cluster.until(settled)
            told: list[tuple[float, int]] = []
            for number in range(200):
                assert (await cluster.put(KEY, b"%d" % number)).outcome is Outcome.OK
                ledger = cluster.coordinator._ledger
                now = asyncio.get_running_loop().time()
                told.append((now, ledger.nodes["n1"].counter))
                logged = ledger.topology.members["n1"].counter
                late = [counter for at, counter in told if at < now - COUNTER_SECONDS - 2 * HEARTBEAT_SECONDS]
                assert logged >= max(late, default=0)
                await asyncio.sleep(0.1)
            assert logged > told[0][1]

    run_virtual(main)


IDLE_SECONDS = 60.0


def test_a_node_that_has_no_space_to_obey_is_told_as_that_and_who_starts_it_does_not_wait_for_ever() -> None:
    """It was said to be no kvtui node, and ``start`` had no end."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=FaultyDisk) as cluster:
            cluster.crash()
            await cluster.until_orphans_end()
            disk = disk_of(cluster, "n2")
            disk.free = 0
            await cluster.open()
            cluster.kill("n2")
            why = "it has no space to note whom it obeys: no space for .* bytes at state/nodes/n2; make space there"
            with pytest.raises(ClusterError, match=f"n2 runs, but it is not used, since {why}"):
                await cluster.call(lambda coordinator: coordinator.start_node("n2"))
            assert "no space to note" in cluster.drawn().nodes[1].note
            disk.free = None
            await cluster.until(settled)

    run_virtual(main)


def test_an_idle_cluster_writes_nothing() -> None:
    """Counters were logged, nodes noted that, and so their counters grew: for ever, with nobody doing anything."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            await cluster.put(KEY, VALUE)
            await asyncio.sleep(IDLE_SECONDS)
            ledger = cluster.coordinator._ledger
            before = ledger.logged, [node.counter for node in ledger.nodes.values()]
            await asyncio.sleep(IDLE_SECONDS)
            assert (ledger.logged, [node.counter for node in ledger.nodes.values()]) == before

    run_virtual(main)


class _Ending(asyncio.Protocol):
    """A connection that breaks right with the answer to its second request: the hello that takes the node up."""

    def __init__(self, inner: asyncio.Protocol) -> None:
        self._inner = inner
        self._answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)
        self._answers += data.count(b"\n")
        if self._answers == 2:
            self._transport.abort()
            self._inner.connection_lost(ConnectionResetError())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answers < 2:
            self._inner.connection_lost(exc)


class EndingTransport(SimTransport):
    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        network = self._network
        assert isinstance(network, EndingNetwork)
        if network.ending:
            network.ending -= 1
            return await super().connect(host, port, lambda: _Ending(make()))
        return await super().connect(host, port, make)


class EndingNetwork(SimNetwork):
    """Connections that break in the moment in which they are taken up, as many as ``ending`` says."""

    ending = 0

    def transport(self, machine: Machine) -> SimTransport:
        return EndingTransport(self, machine)


def test_a_connection_that_breaks_as_its_hello_is_accepted_is_not_taken_for_one_that_holds() -> None:
    """The node was UP for ever, on a connection that was gone, and every write of its slots waited for nothing."""

    async def main() -> None:
        network = EndingNetwork(0)
        async with SimCluster(nodes=1, slots=8, network=network) as cluster:
            await cluster.put(KEY, VALUE)
            network.ending = 3
            network.cut("n1")
            await cluster.until(lambda s: s.nodes[0].state is NodeState.UP and not network.ending)
            assert (await cluster.put(KEY, VALUE)).outcome is Outcome.OK

    run_virtual(main)


class _Between(asyncio.Protocol):
    """A connection on which something happens to the node after its first answer: the one to the hello that only asks."""

    def __init__(self, inner: asyncio.Protocol, happens: Callable[[], None]) -> None:
        self._inner = inner
        self._happens = happens
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self._answered:
            self._answered = True
            self._happens()
        self._inner.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)


class BetweenTransport(SimTransport):
    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        network = self._network
        assert isinstance(network, BetweenNetwork)
        happens = network.happens
        await super().connect(host, port, make if happens is None else lambda: _Between(make(), happens))


class BetweenNetwork(SimNetwork):
    """``happens`` comes between the two hellos of each connection."""

    happens: Callable[[], None] | None = None

    def transport(self, machine: Machine) -> SimTransport:
        return BetweenTransport(self, machine)


def test_what_another_coordinator_had_a_node_note_between_the_two_hellos_proves_the_log_old() -> None:
    """It is refused from the second one on, and what it did before would never be seen."""

    async def main() -> None:
        network = BetweenNetwork(0)
        async with SimCluster(nodes=0, attached=True, slots=8, network=network) as cluster:
            await cluster.join("n1")
            await cluster.call(lambda coordinator: coordinator.rebalance())
            cluster.crash()

            def note() -> None:
                network.happens = None
                store_of(cluster, "n1").write_note("more", Version(1, 1_000_000))

            network.happens = note
            await cluster.open()
            assert network.happens is None
            assert "n1 has noted more (1.1000000)" in cluster.coordinator.snapshot().stopped

    run_virtual(main)
