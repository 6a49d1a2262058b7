"""A context manager kept open by a task of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from kvtui.api.hosting import Hosted
from tests.simulation.loop import run_virtual


class House:
    """A context manager that can be left only by the task that entered it, and takes a second for both."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.break_down = asyncio.Event()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        self.log.append("opening")
        try:
            await asyncio.sleep(1)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._background)
                self.log.append("open")
                yield "the house"
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await asyncio.sleep(1)
            self.log.append("closed")

    async def _background(self) -> None:
        await self.break_down.wait()
        raise OSError("it broke down")

    def hosted(self) -> Hosted[str]:
        return Hosted(self.opened())


def test_it_is_entered_in_one_task_and_left_in_another() -> None:
    async def main() -> None:
        house = House()
        hosted = house.hosted()
        assert await asyncio.create_task(hosted.open()) == "the house"
        assert not hosted.over
        await asyncio.create_task(hosted.close())
        assert hosted.over
        await hosted.close()
        assert house.log == ["opening", "open", "closed"]

    run_virtual(main)


def test_what_entering_raises_is_raised() -> None:
    @asynccontextmanager
    async def refused() -> AsyncIterator[None]:
        raise OSError("no such house")
        yield

    async def main() -> None:
        with pytest.raises(OSError, match="no such house"):
            await Hosted(refused()).open()

    run_virtual(main)


def test_cancelled_while_it_opens_it_is_left_in_order_first() -> None:
    async def main() -> None:
        house = House()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await house.hosted().open()
        assert house.log == ["opening", "closed"]

    run_virtual(main)


@pytest.mark.parametrize("cancelled", ["by asyncio", "by anyio"])
def test_cancelled_while_it_closes_it_is_left_in_order_first(cancelled: str) -> None:
    async def main() -> None:
        house = House()
        hosted = house.hosted()
        await hosted.open()
        if cancelled == "by asyncio":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await hosted.close()
        else:
            with anyio.move_on_after(0.5):
                await hosted.close()
        assert house.log == ["opening", "open", "closed"]

    run_virtual(main)


def test_what_ends_it_before_its_time_is_told_at_once_and_raised_at_its_close() -> None:
    async def main() -> None:
        house = House()
        hosted = house.hosted()
        await hosted.open()
        house.break_down.set()
        await asyncio.sleep(5)
        assert house.log == ["opening", "open", "closed"]
        assert hosted.over
        with pytest.raises(ExceptionGroup) as broken:
            await hosted.close()
        assert broken.group_contains(OSError, match="it broke down")

    run_virtual(main)


@pytest.mark.parametrize("runner", [asyncio.run, anyio.run])
def test_who_forgets_to_close_has_it_left_in_order_as_the_loop_ends(runner: Callable[..., object]) -> None:
    houses: list[House] = []

    async def main() -> None:
        house = House()
        houses.append(house)
        await house.hosted().open()

    main_function = main() if runner is asyncio.run else main
    runner(main_function)
    assert houses[0].log == ["opening", "open", "closed"]
