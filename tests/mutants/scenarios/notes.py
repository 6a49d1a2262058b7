"""Scenarios of notes: whole clusters, in which something is logged, and looked who owes a note of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kvtui.core.ledger import Ledger
from kvtui.core.notes import Notes, read_note
from kvtui.core.placement import Placement
from kvtui.core.progress import concerned
from kvtui.core.records import Behind, CutOver, Record, Recovered, Wiped
from kvtui.core.version import NEVER
from tests.core.clusters import after, placed_as
from tests.core.clusters import settled as settled_topology
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled

SLOTS = 16
ALL = [(0, SLOTS)]


@asynccontextmanager
async def _quiet() -> AsyncIterator[tuple[SimCluster, Ledger, Notes]]:
    """Three nodes, each with every slot, and nobody owes a note."""
    cluster = SimCluster(nodes=3, replication=3, slots=SLOTS, make_disk=FaultyDisk)
    async with cluster:
        await cluster.until(settled)
        await asyncio.sleep(2.0)
        ledger, notes = cluster.coordinator._ledger, cluster.coordinator._notes
        assert not notes.owing(["n1", "n2", "n3"])
        yield cluster, ledger, notes
        cluster.crash()


async def _noted_at_once(record: Record, names: list[str]) -> None:
    async with _quiet() as (_, ledger, notes):
        ledger.append(record)
        for name in names:
            assert notes.owing([name]), f"a write that counts by this may pass the note to {name}"


async def who_recovered_is_noted_by_nobody_at_once() -> None:
    async with _quiet() as (_, ledger, notes):
        ledger.append(Behind("n2", ALL))
        await notes.noted(["n1", "n3"])
        assert not notes.owing(["n2"])
        ledger.append(Recovered("n2", 0, SLOTS))
        for name in ("n1", "n2", "n3"):
            assert notes.owing([name])


async def who_fell_behind_is_noted_later() -> None:
    await _noted_at_once(Behind("n2", ALL), ["n1", "n3"])


async def a_wiped_node_is_noted_later() -> None:
    await _noted_at_once(Wiped("n2", "other data", 0), ["n1", "n3"])


async def a_refused_note_counts_as_kept() -> None:
    async with _quiet() as (cluster, ledger, notes):
        disk = cluster.disks.disk(cluster.data_of("n1"))
        assert isinstance(disk, FaultyDisk)
        disk.free = 0
        ledger.append(Behind("n2", ALL))
        await asyncio.sleep(0.3)
        assert notes.owing(["n1"]), "it has no space for the note, and counts as one that noted it"
        disk.free = None
        await asyncio.sleep(2.0)
        assert not notes.owing(["n1"])


async def an_older_note_answers_for_a_newer_one() -> None:
    async with _quiet() as (_, ledger, notes):
        for slot in range(0, SLOTS, 2):
            ledger.append(Behind("n2", [(slot, slot + 1)]))
            await asyncio.sleep(0.001)
            ledger.append(Behind("n2", [(slot + 1, slot + 2)]))
            newest = ledger.logged
            while notes._told.get("n1", NEVER) < newest:
                assert notes.owing(["n1"]), "an older note was answered, and the newer one is not waited for"
                await asyncio.sleep(0.000_02)


async def a_note_of_old_has_a_new_number() -> None:
    async with _quiet() as (cluster, ledger, _):
        await cluster.call(lambda coordinator: coordinator.set_replication(2))
        await cluster.until(settled)
        await asyncio.sleep(2.0)
        server = cluster.process("n1").server
        assert server is not None
        assert server.store.noted == ledger.logged
        assert read_note(server.store.read_note()).places == ledger.topology.places


async def only_the_first_of_those_to_note_is_waited_for() -> None:
    async with _quiet() as (cluster, ledger, notes):
        cluster.pause("n3")
        ledger.append(Behind("n2", ALL))
        waiting = asyncio.ensure_future(notes.noted(["n1", "n3"]))
        await asyncio.sleep(0.5)
        assert notes.owing(["n1", "n3"])
        assert not waiting.done()
        cluster.resume("n3")
        await waiting


async def who_is_released_first_releases_all() -> None:
    async with _quiet() as (cluster, ledger, notes):
        cluster.pause("n3")
        ledger.append(Behind("n2", ALL))
        heard: list[bool] = []
        notes.when_noted(["n1", "n3"], heard.append)
        await asyncio.sleep(0.5)
        assert not heard, "one of two has noted it"
        cluster.resume("n3")
        await asyncio.sleep(0.5)
        assert heard == [True]


def only_what_falls_behind_says_how_far_others_got() -> None:
    moving = placed_as(settled_topology("ABC", 2), Placement(("A", "B"), ("A", "B"), ("C",), ("A", "C")))
    record = CutOver(0, 1)
    assert "C" in concerned(after(moving, record), [record])
