"""Bytes under way at once: never more than there is room for, and turns in the order of asking."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.room import Room
from tests.simulation.loop import run_virtual

MOST = 10


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 5), st.booleans()), max_size=20))
def test_no_more_is_under_way_than_there_is_room_for(takers: list[tuple[int, int, bool]]) -> None:
    """Each takes so much for so long; some are cancelled, waiting or not."""

    async def main() -> None:
        room = Room(MOST)
        began: list[int] = []

        async def take(number: int, size: int, seconds: int) -> None:
            await room.take(size)
            began.append(number)
            try:
                assert room.used <= MOST
                await asyncio.sleep(seconds)
            finally:
                room.give(size)

        tasks = [asyncio.ensure_future(take(number, size, length)) for number, (size, length, _) in enumerate(takers)]
        await asyncio.sleep(1.5)
        for task, (_, _, cancelled) in zip(tasks, takers, strict=True):
            if cancelled:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert room.used == 0
        assert room.has(MOST)
        stayed = [number for number, (_, _, cancelled) in enumerate(takers) if not cancelled]
        assert set(stayed) <= set(began)

    run_virtual(main)


def test_what_is_larger_than_the_room_goes_alone() -> None:
    async def main() -> None:
        room = Room(MOST)
        await room.take(3 * MOST)
        assert room.used == MOST
        assert not room.has(1)
        room.give(3 * MOST)
        assert room.used == 0

    run_virtual(main)


def test_a_small_one_does_not_pass_a_large_one_that_waits() -> None:
    async def main() -> None:
        room = Room(MOST)
        await room.take(6)
        large = asyncio.ensure_future(room.take(8))
        small = asyncio.ensure_future(room.take(1))
        await asyncio.sleep(1)
        assert (large.done(), small.done()) == (False, False)
        large.cancel()
        await asyncio.sleep(1)
        assert small.done()
        assert room.used == 7

    run_virtual(main)
