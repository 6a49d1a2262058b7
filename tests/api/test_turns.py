"""So many at once, the others in the order in which they came."""

import asyncio

from kvtui.api.turns import Turns
from tests.simulation.loop import run_virtual


class Work:
    """Work that ends when it is told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self._ends: dict[int, asyncio.Event] = {}

    async def do(self, number: int) -> int:
        self.begun.append(number)
        self._ends[number] = asyncio.Event()
        await self._ends[number].wait()
        return number

    def end(self, *numbers: int) -> None:
        for number in numbers:
            self._ends[number].set()


async def a_while() -> None:
    await asyncio.sleep(1)


def test_no_more_than_so_many_run_and_the_others_follow_in_order() -> None:
    async def main() -> None:
        turns, work = Turns(2), Work()
        tasks = []
        for number in range(5):
            tasks.append(asyncio.create_task(turns.run(work.do, number)))
            await a_while()
        assert work.begun == [0, 1]
        work.end(1)
        await a_while()
        assert work.begun == [0, 1, 2]
        for number in (0, 2):
            work.end(number)
            await a_while()
        assert work.begun == [0, 1, 2, 3, 4]
        work.end(3, 4)
        assert await asyncio.gather(*tasks) == [0, 1, 2, 3, 4]

    run_virtual(main)


def test_who_is_cancelled_while_waiting_or_running_keeps_no_turn() -> None:
    async def main() -> None:
        turns, work = Turns(1), Work()
        running, waiting, last = (asyncio.create_task(turns.run(work.do, number)) for number in range(3))
        await a_while()
        first = work.begun[0]
        others = [task for number, task in enumerate((running, waiting, last)) if number != first]
        others[0].cancel()
        await a_while()
        (running, waiting, last)[first].cancel()
        await a_while()
        assert len(work.begun) == 2
        work.end(work.begun[1])
        assert await others[1] == work.begun[1]

    run_virtual(main)


def test_who_is_cancelled_just_as_the_turn_comes_passes_it_on() -> None:
    async def main() -> None:
        turns, work = Turns(1), Work()
        tasks = []
        for number in range(3):
            tasks.append(asyncio.create_task(turns.run(work.do, number)))
            await a_while()
        turns.give()  # the turn is given, and before its task runs:
        tasks[1].cancel()
        await a_while()
        assert work.begun == [0, 2]
        work.end(0, 2)
        assert await tasks[2] == 2

    run_virtual(main)


def test_what_raises_gives_its_turn_back() -> None:
    async def broken() -> None:
        raise OSError

    async def main() -> None:
        turns, work = Turns(1), Work()
        for _ in range(2):
            assert isinstance((await asyncio.gather(turns.run(broken), return_exceptions=True))[0], OSError)
        task = asyncio.create_task(turns.run(work.do, 1))
        await a_while()
        work.end(1)
        assert await task == 1

    run_virtual(main)
