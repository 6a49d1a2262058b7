"""A node gives back the space of what was deleted: when it is due, when it is asked to, and never at its clients' expense."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from kvtui.core.protocol import Clear, Compact, Entry, Heartbeat, Listed, Purge, PutMany, Reply, Scan
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.version import Version
from kvtui.node import garbage
from kvtui.node.compaction import LOOK_SECONDS
from kvtui.node.store import Store
from tests.node.nodes import Bench, Client, on_a_node
from tests.simulation.engine import FaultyDisk, FaultyEngine

MIB = 1024 * 1024
KEYS = 4_000
VALUE = "v" * 1_000
"""4 MiB in all: enough to be given back."""


@pytest.mark.parametrize(
    ("removed", "held", "quiet", "due"),
    [
        (0, 0, 100.0, False),
        (garbage.LEAST_BYTES - 1, 0, 100.0, False),
        (garbage.LEAST_BYTES, 0, 100.0, True),
        (garbage.LEAST_BYTES, 0, 0.0, False),
        (100 * MIB, 0, 0.0, True),
        (30 * MIB, 100 * MIB, garbage.IDLE_SECONDS, True),
        (30 * MIB, 100 * MIB, 0.0, False),
        (24 * MIB, 100 * MIB, garbage.IDLE_SECONDS, False),
        (100 * MIB, 100 * MIB, 0.0, True),
        (99 * MIB, 100 * MIB, 0.0, False),
    ],
)
def test_it_is_due_by_what_is_removed_what_remains_and_whether_clients_are_there(
    removed: int, held: int, quiet: float, due: bool
) -> None:
    assert garbage.due(removed, held, quiet) is due


@pytest.mark.parametrize(("disk", "pieces"), [(0, 1), (256 * MIB, 1), (256 * MIB + 1, 2), (2_000 * MIB, 8)])
def test_large_files_are_rewritten_in_pieces(disk: int, pieces: int) -> None:
    assert garbage.pieces(disk) == pieces


def test_pauses_depend_on_clients_alone() -> None:
    assert garbage.pause(2.0, garbage.IDLE_SECONDS, last=False) == 0.0
    assert garbage.pause(2.0, 0.0, last=False) > 2.0
    assert garbage.pause(2.0, 0.0, last=True) > garbage.pause(2.0, 0.0, last=False)


class SlowEngine(FaultyEngine):
    """Its compactions end when the test says so."""

    def __init__(self, disk: FaultyDisk) -> None:
        super().__init__(disk, [])
        self.ranges: list[tuple[bytes, bytes]] = []
        self.pending: list[asyncio.Future[None]] = []
        self.size = 0

    @property
    def disk_bytes(self) -> int:
        return self.size

    def compact(self, start: bytes, stop: bytes, live: int) -> "asyncio.Future[None]":
        self.ranges.append((start, stop))
        self.pending.append(asyncio.get_running_loop().create_future())
        return self.pending[-1]


def numbered(names: Iterable[str], value: str | None, seq: int) -> list[Entry]:
    """Entries, or tombstones, whose versions count on from ``seq``."""
    size = -1 if value is None else len(value)
    return [Entry(name, Version(1, number), size, value) for number, name in enumerate(names, start=seq)]


def told(story: Callable[[Bench, FaultyDisk], Awaitable[None]]) -> Bench:
    disk = FaultyDisk()
    return on_a_node(lambda bench: story(bench, disk), disk.open())


async def fill(client: Client, seq: int = 0, keys: int = KEYS) -> None:
    for start in range(0, keys, 100):
        names = [f"key {number}" for number in range(start, min(keys, start + 100))]
        entries = numbered(names, VALUE, seq + start + 1)
        assert (await client.one(PutMany(entries=entries))).status == "ok"


async def compacted(client: Client, *, begin: bool = True) -> Reply:
    """The answer once it is over, or refused."""
    reply = await client.one(Compact(begin=begin))
    while reply.counts is not None and reply.counts[0] < reply.counts[1]:
        await asyncio.sleep(0.01)
        reply = await client.one(Compact())
    return reply


def test_a_node_that_was_emptied_gives_the_space_back_by_itself() -> None:
    async def story(bench: Bench, disk: FaultyDisk) -> None:
        client = await bench.coordinator()
        await fill(client)
        full = disk.size
        assert (await client.one(Clear(start=0, stop=8))).status == "ok"
        assert disk.size >= full
        await asyncio.sleep(garbage.IDLE_SECONDS + 3 * LOOK_SECONDS)
        assert disk.size < full / 100

    told(story)


def test_what_was_overwritten_is_given_back_too() -> None:
    async def story(bench: Bench, disk: FaultyDisk) -> None:
        client = await bench.coordinator()
        await fill(client)
        once = disk.size
        for number in range(1, 4):
            await fill(client, seq=number * KEYS)
        assert disk.size > 3.5 * once
        await asyncio.sleep(garbage.IDLE_SECONDS + 3 * LOOK_SECONDS)
        assert disk.size < 1.1 * once
        assert len((await client.one(Scan(start=0, stop=8, values=False))).entries or []) == 1_000  # a page

    told(story)


def test_what_an_earlier_life_left_is_given_back_by_the_next() -> None:
    disk = FaultyDisk()

    async def first(bench: Bench) -> None:
        client = await bench.coordinator()
        await fill(client)
        await client.one(Clear(start=0, stop=8))

    async def second(bench: Bench) -> None:
        full = disk.size
        assert bench.store.garbage > garbage.LEAST_BYTES
        await asyncio.sleep(garbage.IDLE_SECONDS + 3 * LOOK_SECONDS)
        assert disk.size < full / 100

    on_a_node(first, disk.open())
    on_a_node(second, disk.open())


def test_purged_tombstones_are_given_back() -> None:
    async def story(bench: Bench, disk: FaultyDisk) -> None:
        client = await bench.coordinator()
        await fill(client)
        full = disk.size
        for start in range(0, KEYS, 500):
            names = [f"key {number}" for number in range(start, start + 500)]
            tombstones = numbered(names, None, 10_000 + start)
            assert (await client.one(PutMany(entries=tombstones))).status == "ok"
            purge = Purge(entries=[Listed(entry.key, entry.version) for entry in tombstones])
            assert (await client.one(purge)).counts == [500]
        await asyncio.sleep(garbage.IDLE_SECONDS + 3 * LOOK_SECONDS)
        assert disk.size < full / 100

    told(story)


def test_asked_to_it_does_so_at_once_and_says_how_far_it_is() -> None:
    async def story(bench: Bench, disk: FaultyDisk) -> None:
        client = await bench.coordinator()
        await fill(client)
        full = disk.size
        await client.one(Clear(start=0, stop=8))
        began = await client.one(Compact(begin=True))
        assert began.counts is not None
        assert began.counts[:2] == [0, 1]
        assert began.counts[2] >= full
        done = await compacted(client, begin=False)
        assert done.counts is not None
        assert done.counts[:2] == [1, 1]
        assert done.counts[3] == disk.size < full / 100

    told(story)


def test_asked_amid_a_compaction_all_is_done_once_more() -> None:
    engine = SlowEngine(FaultyDisk())

    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        await asyncio.sleep(garbage.IDLE_SECONDS + 2 * LOOK_SECONDS)
        assert (await client.one(Compact(begin=True))).counts == [0, 1, 0, 0]
        assert (await client.one(Compact(begin=True))).counts == [0, 2, 0, 0]
        assert (await client.one(Compact(begin=True))).counts == [0, 2, 0, 0]
        engine.pending[0].set_result(None)
        assert (await client.one(Compact())).counts == [1, 2, 0, 0]
        engine.pending[1].set_result(None)
        assert (await client.one(Compact())).counts == [2, 2, 0, 0]
        assert len(engine.pending) == 2

    on_a_node(story, engine)


def test_the_pieces_together_are_the_whole_store_and_its_own_records() -> None:
    engine = SlowEngine(FaultyDisk())

    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        engine.size = 3 * garbage.PIECE_BYTES
        await asyncio.sleep(garbage.IDLE_SECONDS + 2 * LOOK_SECONDS)
        await client.one(Compact(begin=True))
        for _ in range(3):
            engine.pending[-1].set_result(None)
            await asyncio.sleep(1)
        assert len(engine.ranges) == 3
        assert engine.ranges[0][0] == b""
        assert engine.ranges[-1][1] == b"\xff"
        assert [stop for _, stop in engine.ranges[:-1]] == [start for start, _ in engine.ranges[1:]]

    on_a_node(story, engine)


def test_while_clients_are_there_the_next_piece_waits() -> None:
    engine = SlowEngine(FaultyDisk())

    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        engine.size = 2 * garbage.PIECE_BYTES
        loop = asyncio.get_running_loop()

        async def busy_for(seconds: float) -> None:
            until = loop.time() + seconds
            while loop.time() < until:
                await client.one(Heartbeat())
                await asyncio.sleep(0.01)

        await busy_for(2)
        await client.one(Compact(begin=True))
        await busy_for(1.0)
        engine.pending[0].set_result(None)
        await busy_for(garbage.PAUSE_SHARE * 0.9)
        assert len(engine.pending) == 1
        await busy_for(garbage.PAUSE_SHARE * 0.3)
        assert len(engine.pending) == 2

    on_a_node(story, engine)


def test_a_compaction_that_fails_is_told_and_tried_again_and_the_node_goes_on() -> None:
    async def story(bench: Bench, disk: FaultyDisk) -> None:
        client = await bench.coordinator()
        await fill(client)
        full = disk.size
        disk.compaction_fails = "the disk is worn"
        await client.one(Clear(start=0, stop=8))
        reply = await compacted(client)
        assert (reply.code, reply.msg) == ("uncompacted", "its space could not be given back: the disk is worn")
        facts = (await client.one(Heartbeat())).facts
        assert facts is not None
        assert facts.uncompacted == "the disk is worn"
        await asyncio.sleep(10 * garbage.RETRY_SECONDS)
        assert bench.said == ["the space of what was removed could not be given back: the disk is worn"]
        await fill(client, seq=KEYS, keys=10)
        disk.compaction_fails = ""
        await asyncio.sleep(2 * garbage.RETRY_SECONDS)
        assert disk.size < full / 100
        facts = (await client.one(Heartbeat())).facts
        assert facts is not None
        assert facts.uncompacted == ""

    assert told(story).failures == []


def test_with_too_little_space_for_what_remains_it_waits() -> None:
    async def story(bench: Bench, disk: FaultyDisk) -> None:
        client = await bench.coordinator()
        for number in range(3):
            await fill(client, seq=number * KEYS)
        full = disk.size
        disk.free = 1_000_000
        reply = await compacted(client)
        assert reply.code == "uncompacted"
        assert "no space" in reply.msg
        assert disk.size >= full
        # What is deleted takes little space to be given back.
        await client.one(Clear(start=0, stop=8))
        assert (await compacted(client)).status == "ok"
        assert disk.size < full / 100

    assert told(story).failures == []


def test_only_the_coordinator_may_ask_a_members_node() -> None:
    async def story(bench: Bench, disk: FaultyDisk) -> None:
        await bench.coordinator()
        stranger = await bench.client()
        assert (await stranger.one(Compact(begin=True))).code == "foreign"

    told(story)


def test_a_node_that_ends_amid_a_compaction_keeps_everything() -> None:
    disk = FaultyDisk()

    async def first(bench: Bench) -> None:
        client = await bench.coordinator()
        await fill(client, keys=1_000)
        await client.one(Compact(begin=True))

    async def second(bench: Bench) -> None:
        assert sum(bench.store.table.live) == 1_000

    assert on_a_node(first, disk.open()).failures == []
    on_a_node(second, disk.open())


def test_a_node_in_memory_has_nothing_to_give_back() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        assert (await compacted(client)).counts == [1, 1, 0, 0]

    on_a_node(story)


def test_what_a_store_keeps_account_of_is_folded_once_and_not_at_each_try() -> None:
    async def story(bench: Bench, disk: FaultyDisk) -> None:
        client = await bench.coordinator()
        await fill(client)
        for number in range(2_000):
            await client.one(PutMany(entries=numbered([f"key {number}"], VALUE, 100_000 + number)))
        disk.compaction_fails = "the disk is worn"
        counter, batches = bench.store.counter, disk.batches
        for _ in range(4):
            await compacted(client)
        assert disk.batches == batches + 1
        # Nor does it count: it would take the place of a batch that was acknowledged and lost.
        assert bench.store.counter == counter
        assert Store(disk.open(), SeededRandom(0)).counter == counter

    told(story)


def test_what_is_replaced_amid_a_compaction_is_still_to_be_given_back_after_it() -> None:
    """It may lie in what was passed already."""
    engine = SlowEngine(FaultyDisk())

    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        await fill(client, keys=100)
        await client.one(Compact(begin=True))
        await fill(client, 1_000, keys=100)
        more = bench.store.garbage
        assert more >= 100 * len(VALUE)
        engine.pending[0].set_result(None)
        await asyncio.sleep(0.01)
        assert 100 * len(VALUE) <= bench.store.garbage <= more

    on_a_node(story, engine)
