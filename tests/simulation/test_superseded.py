"""A coordinator that was superseded wakes and notes once more; then the log is rebuilt from the nodes."""

import asyncio
from pathlib import Path

import pytest

from kvtui.core.cluster import Outcome
from kvtui.core.recovery import recover
from kvtui.core.version import Version
from kvtui.node.membership import Membership
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import COORDINATOR, CoordinatorGone, SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.machine import Machine

KEYS = [b"k%d" % number for number in range(40)]
NEW = b"by the new coordinator"


def cluster() -> SimCluster:
    return SimCluster(
        1, nodes=0, attached=True, replication=2, slots=8, make_disk=lambda path: FaultyDisk(path, seed=1)
    )


async def superseded(c: SimCluster) -> list[bytes]:
    """n3 never hears of the new coordinator, and notes one record more of the former one. Returns the keys that the new coordinator
    acknowledged, with the value ``NEW``."""
    for name in ("n1", "n2", "n3"):
        await c.join(name)
    await c.until(settled)
    c.network.partition(COORDINATOR, "n3")
    former, sleeper = await c.take_over(Path("taken"))
    await asyncio.sleep(3)
    c.kill("n1")
    await asyncio.sleep(0.5)
    await c.revive("n1")
    await asyncio.sleep(3)
    await c.join("n4")
    await c.join("n5")
    await asyncio.sleep(8)
    acknowledged = [key for key in KEYS if (await c.put(key, NEW)).outcome is Outcome.OK]
    # The sleeper's link to n1 broke meanwhile: that is what it logs, and notes on n3 alone.
    c.network.heal()
    former.resume()
    await asyncio.sleep(1)
    assert "another coordinator took this cluster over" in sleeper.snapshot().stopped
    former.crash()
    return acknowledged


def test_recover_opens_what_the_new_coordinator_acknowledged_whatever_a_superseded_one_noted_later() -> None:
    """The sleeper's table was taken: five of nine acknowledged writes read as not found, and no slot was reported lost."""

    async def story() -> None:
        async with cluster() as c:
            acknowledged = await superseded(c)
            assert len(acknowledged) > 5
            await c.recover(Path("rebuilt"))
            await c.until(settled)
            assert c.coordinator.topology.lost == []
            for key in acknowledged:
                read = await c.get(key)
                assert (read.outcome, read.value) == (Outcome.OK, NEW), key

    run_virtual(story, seed=1)


def test_the_rightful_coordinator_that_meets_such_a_note_sends_nobody_to_another_directory() -> None:
    """It said to open the newest directory, which looked like the superseded one."""

    async def story() -> None:
        async with cluster() as c:
            await superseded(c)
            await asyncio.sleep(6)
            stopped = c.coordinator.snapshot().stopped
            assert "n3 has noted more" in stopped
            assert stopped.endswith("kvtui recover")
            assert "open the" not in stopped
            await c.recover(Path("rebuilt"))

    run_virtual(story, seed=1)


def test_a_coordinator_that_goes_on_after_the_nodes_were_asked_is_noticed_by_the_rebuilt_one() -> None:
    """n3 fell behind after that, and was served from as if it were clean."""

    async def story() -> None:
        async with cluster() as c:
            for name in ("n1", "n2", "n3"):
                await c.join(name)
            await c.until(settled)
            await recover(Path("rebuilt"), c.joined, (), c.seams_of(Machine("rebuilder"), c.secret))
            c.network.partition(COORDINATOR, "n3")
            await asyncio.sleep(3)
            acknowledged = [key for key in KEYS if (await c.put(key, NEW)).outcome is Outcome.OK]
            assert len(acknowledged) == len(KEYS)
            await c.take_over(Path("rebuilt"))
            c.network.heal()
            await asyncio.sleep(3)
            assert "has noted more" in c.coordinator.snapshot().stopped
            for key in acknowledged:
                assert (await c.get(key)).outcome is Outcome.FAILED

    run_virtual(story, seed=1)


def test_what_a_node_noted_between_the_two_hellos_of_a_new_coordinator_is_noticed() -> None:
    """Only the first hello was looked at: the table was older than what was acknowledged in between."""

    async def story() -> None:
        async with cluster() as c:
            for name in ("n1", "n2", "n3"):
                await c.join(name)
            await c.until(settled)
            server = c.process("n1").server
            assert server is not None
            store, further = server.store, Version(1, 900)
            join = store.join

            def join_late(membership: Membership, *, keep: bool = False) -> None:
                store.write_note(store.read_note(), further)
                join(membership, keep=keep)

            store.join = join_late  # type: ignore[method-assign]
            await c.take_over(Path("taken"))
            await asyncio.sleep(3)
            assert f"n1 has noted more ({further})" in c.coordinator.snapshot().stopped

    run_virtual(story, seed=1)


def test_a_log_that_is_rebuilt_without_one_that_had_left_does_not_stop_on_it() -> None:
    """It stopped, and said to rebuild the log; so did every one that was rebuilt then, without end."""

    async def story() -> None:
        async with cluster() as c:
            for name in ("n1", "n2", "n3"):
                await c.join(name)
            await c.until(settled)
            for key in KEYS:
                assert (await c.put(key, NEW)).outcome is Outcome.OK
            server = c.process("n3").server
            assert server is not None
            leave = server.store.leave

            def leave_last(noted: Version) -> None:
                server.store.leave = leave  # type: ignore[method-assign]
                leave(Version(noted.epoch, noted.seq + 1))
                c.crash()

            server.store.leave = leave_last  # type: ignore[method-assign]
            with pytest.raises(CoordinatorGone):
                await c.call(lambda coordinator: coordinator.remove_node("n3"))
            await c.recover(Path("rebuilt"))
            await c.until(settled)
            assert c.coordinator.snapshot().stopped == ""
            for key in KEYS:
                assert (await c.get(key)).value == NEW, key

    run_virtual(story, seed=1)
