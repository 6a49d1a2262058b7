"""What becomes of entries that fail their checksum, where replicas are made equal."""

import asyncio

from kvtui.core.cluster import Heard, Outcome
from kvtui.core.protocol import Put
from kvtui.core.version import Version
from kvtui.node.record import engine_key
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import STATE, SimCluster, settled
from tests.simulation.loop import run_virtual

KEY, VALUE = b"apple", b"a value of some length"
SLOTS = 8


def two_nodes() -> SimCluster:
    return SimCluster(nodes=2, replication=2, slots=SLOTS, make_disk=lambda path: FaultyDisk())


def disk_of(cluster: SimCluster, node: str) -> FaultyDisk:
    disk = cluster.disks.disk(STATE / "nodes" / node)
    assert isinstance(disk, FaultyDisk)
    return disk


def digests_of(cluster: SimCluster) -> list[list[int]]:
    servers = [cluster.process(name).server for name in ("n1", "n2")]
    return [server.store.table.digests for server in servers if server is not None]


def damages_of(cluster: SimCluster, node: str) -> int:
    server = cluster.process(node).server
    assert server is not None
    return server.store.table.damages


async def store_a_damaged_half(cluster: SimCluster) -> None:
    """A write that reached n1 alone, whose outcome nobody knows, and whose record was damaged since."""
    await cluster.call(lambda c: c.rebalance())
    coordinator = cluster.coordinator
    version = Version(coordinator.topology.epoch, 1)
    await coordinator._ledger.nodes["n1"].ask(Put(key=KEY.decode(), value="half", version=version))
    disk_of(cluster, "n1").flip(engine_key(KEY), -1)


def test_a_damaged_entry_of_a_write_that_nobody_else_holds_does_not_keep_replicas_from_becoming_equal() -> None:
    async def main() -> None:
        async with two_nodes() as cluster:
            await store_a_damaged_half(cluster)
            await cluster.call(lambda c: c.rebalance())
            assert damages_of(cluster, "n1") == 0
            one, other = digests_of(cluster)
            assert one == other == [0] * SLOTS
            read = await cluster.get(KEY)
            assert (read.outcome, read.value) == (Outcome.OK, None)

    run_virtual(main)


def test_a_replica_that_was_away_loses_a_damaged_entry_of_which_the_others_hold_nothing() -> None:
    async def main() -> None:
        async with two_nodes() as cluster:
            await store_a_damaged_half(cluster)
            cluster.kill("n1")
            await cluster.put(b"another", b"written without n1")
            await cluster.revive("n1")
            await cluster.until(settled)
            assert damages_of(cluster, "n1") == 0
            one, other = digests_of(cluster)
            assert one == other

    run_virtual(main)


def test_a_good_copy_is_not_dropped_because_the_clean_replicas_own_is_damaged() -> None:
    async def main() -> None:
        async with two_nodes() as cluster:
            await cluster.put(KEY, VALUE)
            cluster.kill("n1")
            # Of another key of the same slot, perhaps: n1 is behind from here on.
            await cluster.put(b"another", b"written without n1")
            disk_of(cluster, "n2").flip(engine_key(KEY), -1)
            assert (await cluster.get(KEY)).outcome is Outcome.FAILED
            await cluster.revive("n1")
            await cluster.call(lambda c: c._mover.until_settled())
            assert damages_of(cluster, "n2") == 1
            server = cluster.process("n1").server
            assert server is not None
            record = server.store.read(KEY)
            assert record is not None
            assert record.endswith(VALUE)
            # Not known to be the newest, so it isn't served; a new value mends it.
            read = await cluster.get(KEY)
            assert read.outcome is not Outcome.OK
            await cluster.put(KEY, b"anew")
            await cluster.until(settled)
            assert (await cluster.get(KEY)).value == b"anew"

    run_virtual(main)


def test_damaged_on_every_clean_replica_it_is_never_answered_as_absent() -> None:
    async def main() -> None:
        async with two_nodes() as cluster:
            await cluster.put(KEY, VALUE)
            await cluster.call(lambda c: c.rebalance())
            for node in ("n1", "n2"):
                disk_of(cluster, node).flip(engine_key(KEY), -1)
            for _ in range(3):
                read = await cluster.get(KEY)
                assert (read.outcome, read.value) == (Outcome.FAILED, None), read
                await cluster.until(lambda snapshot: damages_of(cluster, "n1") == damages_of(cluster, "n2") == 1)
            written = await cluster.put(KEY, b"anew")
            assert written.outcome is Outcome.OK
            await cluster.until(settled)
            assert (await cluster.get(KEY)).value == b"anew"

    run_virtual(main)


def test_a_replica_that_was_not_asked_is_not_one_that_gave_no_answer_nor_one_whose_copy_is_damaged() -> None:
    """``where`` said "no answer" of all three."""

    async def main() -> None:
        async with two_nodes() as cluster:
            await cluster.put(KEY, VALUE)
            await cluster.until(settled)
            disk_of(cluster, "n1").flip(engine_key(KEY), -1)
            cluster.kill("n2")
            await cluster.until(lambda now: now.nodes[1].state == "DOWN")
            found = await cluster.call(lambda coordinator: coordinator.locate(KEY))
            heard = {copy.node: (copy.heard, copy.clean, copy.version) for copy in found.replicas}
            assert heard == {"n1": (Heard.DAMAGED, True, None), "n2": (Heard.NOT_ASKED, False, None)}
            written = await cluster.put(b"another", b"value")
            assert {answer.node: answer.status for answer in written.replicas} == {"n1": "ok", "n2": "unasked"}
            cluster.pause("n1")
            asking = asyncio.ensure_future(cluster.call(lambda coordinator: coordinator.locate(KEY)))
            silent = next(copy for copy in (await asking).replicas if copy.node == "n1")
            assert (silent.heard, silent.clean) == (Heard.NO_ANSWER, True)

    run_virtual(main)
