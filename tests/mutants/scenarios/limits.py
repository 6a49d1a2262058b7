"""Scenarios of limits."""

import asyncio

import pytest

from kvtui.core.batches import batches
from kvtui.core.cluster import Outcome, Read
from kvtui.core.crowd import Crowd
from kvtui.core.protocol import BATCH_BYTES, BATCH_ENTRIES, INLINE_BYTES
from kvtui.core.room import Room
from kvtui.core.several import Several
from kvtui.core.version import Version
from tests.mutants.scenarios.clusters import be_quiet
from tests.simulation.harness import SimCluster


def a_batch_may_be_larger_than_a_request() -> None:
    _batches_fit()


def a_batch_has_one_entry_too_many() -> None:
    _batches_fit()


def _batches_fit() -> None:
    for heavy in (1, 1000, BATCH_BYTES // 3, BATCH_BYTES // 2 + 1, BATCH_BYTES):
        items = list(range(BATCH_ENTRIES + 2 if heavy == 1 else 3 * BATCH_BYTES // heavy + 5))
        cut = list(batches(items, lambda item, heavy=heavy: heavy))  # type: ignore[misc]
        assert [item for batch in cut for item in batch] == items
        assert all(len(batch) <= BATCH_ENTRIES and len(batch) * heavy <= BATCH_BYTES for batch in cut)


def _found(value: bytes) -> Read:
    return Read(Outcome.OK, value, Version(1, 1))


def answers_that_have_room_are_given_for_other_keys() -> None:
    several = Several([b"a", b"b", b"c"], 100)
    several.answer(b"a", _found(b"of a"))
    several.answer(b"c", _found(b"of c"))
    assert [read.value for read in several.in_order()] == [b"of a"]


async def a_key_that_comes_twice_is_answered_once() -> None:
    async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
        await cluster.put_many([(b"a", b"of a"), (b"b", b"of b")])
        keys = [b"a", b"b", b"a", b"none", b"b"]
        found = [read.value for read in await cluster.get_many(keys)]
        assert found == [b"of a", b"of b", b"of a", None, b"of b"]


async def room_that_was_given_to_who_gave_up_is_lost() -> None:
    room = Room(10)
    await room.take(10)
    waiting = asyncio.ensure_future(room.take(10))
    await asyncio.sleep(0.001)
    room.give(10)
    # Its turn has come, and it has not heard of that yet.
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert room.used == 0


async def what_is_larger_than_all_the_room_waits_for_ever() -> None:
    room = Room(10)
    async with asyncio.timeout(1):
        await room.take(25)
    assert not room.has(1)
    room.give(25)
    assert room.used == 0


async def small_ones_overtake_who_waits_for_room() -> None:
    room = Room(10)
    await room.take(6)
    order: list[int] = []

    async def take(size: int) -> None:
        await room.take(size)
        order.append(size)

    async with asyncio.TaskGroup() as tasks:
        for size in (8, 3):
            tasks.create_task(take(size))
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.001)
        assert order == []
        room.give(6)
        await asyncio.sleep(0.001)
        assert order == [8]
        room.give(8)
    assert order == [8, 3]


async def the_room_of_a_value_that_could_not_be_read_is_lost() -> None:
    async with SimCluster(nodes=1, slots=1) as cluster:
        await be_quiet(cluster)
        assert (await cluster.put(b"key", b"v" * (8 * INLINE_BYTES))).outcome is Outcome.OK
        cluster.network.slow("n1", 0.05)
        reading = asyncio.create_task(cluster.get(b"key"))
        await asyncio.sleep(0.4)
        assert cluster.coordinator._reads._room.used == 8 * INLINE_BYTES
        cluster.kill("n1")
        assert (await reading).outcome is Outcome.FAILED
        assert cluster.coordinator._reads._room.used == 0


class _Stranger:
    gone = False

    def abort(self) -> None:
        self.gone = True


def a_flood_ends_the_connections_of_others() -> None:
    crowd: Crowd[_Stranger] = Crowd(5)
    alone = _Stranger()
    crowd.enter(alone, "10.0.0.1")
    flood = [_Stranger() for _ in range(20)]
    for stranger in flood:
        crowd.enter(stranger, "10.0.0.2")
    assert not alone.gone
    assert [stranger.gone for stranger in flood] == [True] * 16 + [False] * 4


def a_crowd_has_one_stranger_too_many() -> None:
    crowd: Crowd[_Stranger] = Crowd(5)
    for number in range(20):
        crowd.enter(_Stranger(), f"10.0.0.{number}")
        assert len(crowd) == min(number + 1, 5)
