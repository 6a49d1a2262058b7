"""Tasks that an event loop cancels by itself, as it does when a program ends."""

import asyncio
import gc
import re
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import TaskGroup, TaskStatus

from kvtui.core.background import start_soon, started

KVTUI = Path(__file__).parents[2] / "kvtui"


async def sleeps() -> None:
    await anyio.sleep_forever()


async def never_ready(*, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
    await anyio.sleep_forever()


async def soon(tasks: TaskGroup) -> None:
    start_soon(tasks, sleeps)


async def until_ready(tasks: TaskGroup) -> None:
    await started(tasks, never_ready)


@pytest.mark.parametrize("start", [soon, until_ready])
def test_a_task_that_its_loop_cancelled_before_its_first_step_is_not_complained_of(
    start: Callable[[TaskGroup], Awaitable[None]],
) -> None:
    """ "RuntimeWarning: coroutine 'Mover._carry_out' was never awaited", at the end of a program that closed nothing."""

    async def program() -> None:
        asyncio.get_running_loop().call_soon(lambda: [task.cancel() for task in asyncio.all_tasks()])
        async with anyio.create_task_group() as tasks:
            await start(tasks)

    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(program())
        gc.collect()
    assert [str(complaint.message) for complaint in complaints] == []


def test_what_runs_is_told_and_returned_as_ever() -> None:
    done: list[str] = []

    async def adds(word: str, *, task_status: TaskStatus[str] = anyio.TASK_STATUS_IGNORED) -> None:
        task_status.started(f"{word} begun")
        done.append(word)

    async def program() -> str:
        async with anyio.create_task_group() as tasks:
            start_soon(tasks, adds, "one")
            begun: str = await started(tasks, adds, "two")
        return begun

    assert (asyncio.run(program()), done) == ("two begun", ["one", "two"])


def test_what_fails_before_it_is_ready_fails_for_who_started_it_alone() -> None:
    async def fails(*, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        raise ValueError("no")

    async def forgets(*, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        pass

    async def program() -> str:
        async with anyio.create_task_group() as tasks:
            with pytest.raises(ValueError, match="no"):
                await started(tasks, fails)
            with pytest.raises(RuntimeError, match="before it was ready"):
                await started(tasks, forgets)
        return "unharmed"

    assert asyncio.run(program()) == "unharmed"


def test_who_is_cancelled_while_it_waits_has_what_it_started_end_first() -> None:
    ends: list[str] = []

    async def opens(*, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        try:
            ends.append("opening")
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
            ends.append("closed")

    async def program() -> None:
        async with anyio.create_task_group() as tasks:
            starter = asyncio.create_task(started(tasks, opens))
            while not ends:
                await anyio.lowlevel.checkpoint()
            starter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starter
            ends.append("told")

    asyncio.run(program())
    assert ends == ["opening", "closed", "told"]


def test_what_is_unwanted_before_its_first_step_does_nothing() -> None:
    async def opens(*, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        raise AssertionError("it was begun")

    async def program() -> str:
        async with anyio.create_task_group() as tasks:
            starter = asyncio.create_task(started(tasks, opens))
            asyncio.get_running_loop().call_soon(starter.cancel)
            with pytest.raises(asyncio.CancelledError):
                await starter
        return "unharmed"

    assert asyncio.run(program()) == "unharmed"


def test_every_task_of_a_group_is_started_so() -> None:
    bare = re.compile(r"\.start_soon\(|\b(tasks|holding)\.start\(")
    found = {path.relative_to(KVTUI).as_posix() for path in KVTUI.rglob("*.py") if bare.search(path.read_text())}
    assert found == {"core/background.py"}
