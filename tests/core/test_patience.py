"""A deadline that counts from the last progress, and not while a turn is waited for."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kvtui.core.patience import Patience
from tests.simulation.loop import run_virtual

SECONDS = 5.0


async def idle(patience: Patience) -> None:
    await asyncio.sleep(1_000)


async def progress_three_times(patience: Patience) -> None:
    for _ in range(3):
        await asyncio.sleep(4)
        patience.progressed()
    await asyncio.sleep(1_000)


async def wait_for_a_turn(patience: Patience) -> None:
    with patience.waiting():
        await asyncio.sleep(100)
    await asyncio.sleep(1_000)


async def fail_while_waiting(patience: Patience) -> None:
    try:
        with patience.waiting():
            await asyncio.sleep(10)
            raise KeyError
    except KeyError:
        await asyncio.sleep(1_000)


@pytest.mark.parametrize(
    ("story", "after"),
    [(idle, 5.0), (progress_three_times, 17.0), (wait_for_a_turn, 105.0), (fail_while_waiting, 15.0)],
)
def test_it_ends_so_long_after_the_last_progress(story: Callable[[Patience], Awaitable[None]], after: float) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with Patience(SECONDS) as patience:
                await story(patience)
        assert loop.time() - began == pytest.approx(after)
        assert patience.seen is (story is progress_three_times)

    run_virtual(main)


def test_what_was_spent_before_counts_until_there_is_progress() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with Patience(SECONDS, spent=3.0):
                await asyncio.sleep(1_000)
        assert loop.time() - began == pytest.approx(2.0)

    run_virtual(main)


def test_after_its_end_nothing_is_late() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with Patience(SECONDS) as patience:
            patience.end()
            await asyncio.sleep(100)
        assert loop.time() - began == pytest.approx(100)

    run_virtual(main)


def test_who_is_cancelled_while_waiting_hears_that() -> None:
    async def main() -> None:
        async def waiting() -> None:
            async with Patience(SECONDS) as patience:
                with patience.waiting():
                    await asyncio.sleep(1_000)

        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(main)
