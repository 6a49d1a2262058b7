"""What is easily written wrong is refused in a line that says what to write, and nothing is closed but what is meant."""

import asyncio
import copy
import pickle
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import pytest

import kvtui
from kvtui.api.connecting import Connecting
from kvtui.core.opening import Settings
from tests.api.conftest import Ran

ONE = "call kvtui.connect again for another one"


def connecting() -> Connecting:
    """Without a node: what is opened here is only opened and closed."""
    return kvtui.connect(memory=True, nodes=0)


@pytest.mark.anyio
async def test_another_task_that_enters_it_is_refused_and_closes_nothing() -> None:
    """Whichever task left first had closed the store of the one that entered last."""
    opening, inside, leave = connecting(), asyncio.Event(), asyncio.Event()

    async def use() -> bool:
        async with opening as store:
            inside.set()
            await leave.wait()
            return not store.closed

    first = asyncio.create_task(use())
    await asyncio.sleep(0)
    with pytest.raises(kvtui.ClusterError, match=f"is being opened: {ONE}"):
        await use()
    await inside.wait()
    for entry in (use, lambda: opening, lambda: asyncio.create_task(opening)):
        with pytest.raises(kvtui.ClusterError, match=f"is open: {ONE}"):
            await entry()
    leave.set()
    assert await first


@pytest.mark.anyio
async def test_blocks_in_each_other_and_stacks_have_one_store() -> None:
    opening = connecting()
    async with AsyncExitStack() as stack:
        store = await asyncio.create_task(stack.enter_async_context(opening))
        with pytest.raises(kvtui.ClusterError, match=ONE):
            async with opening:
                pass
        assert not store.closed
    assert store.closed


@pytest.mark.anyio
async def test_a_store_that_is_closed_in_its_block_is_no_room_for_another_one_there() -> None:
    opening = connecting()
    async with opening as store:
        await store.close()
        with pytest.raises(kvtui.ClusterError, match=ONE):
            await opening


@pytest.mark.anyio
async def test_after_its_close_it_opens_another_store() -> None:
    opening = connecting()
    async with opening as first:
        pass
    second = await opening
    with pytest.raises(kvtui.ClusterError, match=ONE):
        await opening
    await second.close()
    async with opening as third:
        assert (first.closed, second.closed, third.closed) == (True, True, False)


@pytest.mark.anyio
async def test_an_entry_that_failed_or_was_cancelled_is_in_nobody_s_way() -> None:
    opening = connecting()
    entries: list[Callable[[], Coroutine[Any, Any, kvtui.Store]]] = [lambda: opening, opening.__aenter__]
    for entry in entries:
        task = asyncio.create_task(entry())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    opening._settings = Settings(state=None, nodes=65)
    with pytest.raises(kvtui.ClusterError, match="65"):
        await opening
    opening._settings = Settings(state=None)
    async with opening as store:
        assert not store.closed


async def wait_for(opening: Connecting) -> kvtui.Store:
    return await asyncio.wait_for(opening, 30)


async def gather(opening: Connecting) -> kvtui.Store:
    return (await asyncio.gather(opening))[0]


async def task_group(opening: Connecting) -> kvtui.Store:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(opening)
    return task.result()


@pytest.mark.parametrize("ask", [asyncio.create_task, asyncio.ensure_future, wait_for, gather, task_group])
@pytest.mark.anyio
async def test_whatever_runs_coroutines_opens_it(ask: Callable[[Connecting], Awaitable[kvtui.Store]]) -> None:
    async with await ask(connecting()) as store:
        assert not store.closed
    assert store.closed
    with pytest.raises(kvtui.ClusterError, match="the store is closed"):
        async with store:
            pass


@pytest.mark.anyio
async def test_two_tasks_that_run_one_of_them_are_not_mixed_up() -> None:
    opening = connecting()
    first, second, third = (asyncio.create_task(opening) for _ in range(3))
    await asyncio.sleep(0)
    third.cancel()
    await asyncio.wait([first, second, third])
    assert isinstance(second.exception(), kvtui.ClusterError)
    assert third.done()
    await first.result().close()


def test_a_loop_that_ends_ends_its_store_and_another_one_is_refused() -> None:
    store = asyncio.run(connecting())
    assert store.closed
    with pytest.raises(kvtui.ClusterError, match="belongs to the event loop in which it was opened: open one in this"):
        asyncio.run(store.get("apple"))
    asyncio.run(store.close())
    with pytest.raises(kvtui.ClusterError, match="the store is closed"):
        asyncio.run(store.get("apple"))


@pytest.mark.anyio
async def test_another_loop_neither_uses_nor_closes_it() -> None:
    """It waited for ever, as its loop was not woken."""
    async with connecting() as store:

        def elsewhere(ask: Callable[[], Any]) -> str:
            async def asked() -> None:
                await ask()

            with pytest.raises(kvtui.ClusterError) as refused:
                asyncio.run(asked())
            return str(refused.value)

        for ask in (store.close, lambda: store.get("apple"), store.__aenter__, lambda: store.cluster.get(b"apple")):
            said = await asyncio.to_thread(elsewhere, ask)
            assert said == "the store belongs to the event loop in which it was opened: open one in this loop"
        assert not store.closed


@pytest.mark.anyio
async def test_the_cluster_that_was_kept_is_refused_in_another_loop_and_serves_its_own_from_any_thread() -> None:
    """What another loop awaited of it never came."""
    async with connecting() as store:
        cluster, loop = store.cluster, asyncio.get_running_loop()

        async def within(ask: Callable[[], Any]) -> None:
            await ask()

        def elsewhere() -> None:
            refused = "^the store belongs to the event loop in which it was opened: open one in this loop$"
            for ask in (lambda: cluster.get(b"apple"), cluster.rebalance, lambda: anext(cluster.events())):
                with pytest.raises(kvtui.ClusterError, match=refused):
                    asyncio.run(within(ask))
            with pytest.raises(kvtui.ClusterError, match=refused):
                asyncio.run(cluster.get(b"apple"))
            from_here = asyncio.run_coroutine_threadsafe(cluster.refresh(), loop)
            assert from_here.result(timeout=30).replication == 1

        await asyncio.to_thread(elsewhere)
        assert (await cluster.refresh()).replication == 1


def test_a_store_without_a_loop_is_refused() -> None:
    async def opened() -> kvtui.Store:
        return await connecting()

    loop = asyncio.new_event_loop()
    store = loop.run_until_complete(opened())
    with pytest.raises(kvtui.ClusterError, match="belongs to the event loop in which it was opened"):
        store.get("apple").send(None)
    loop.run_until_complete(store.close())
    loop.close()


@pytest.fixture(scope="module")
def store() -> Iterator[kvtui.SyncStore]:
    with kvtui.connect_sync(memory=True, nodes=0) as opened:
        yield opened


@pytest.mark.anyio
async def test_with_and_without_async_say_which_is_meant(store: kvtui.SyncStore) -> None:
    wrong: Any = connecting()
    with pytest.raises(TypeError, match=r"write async with kvtui\.connect\(\.\.\.\) as store"), wrong:
        pass
    with pytest.raises(TypeError, match=r"kvtui\.connect_sync"), ExitStack() as stack:
        stack.enter_context(wrong)
    with pytest.raises(
        AttributeError, match=r"no store yet, so it has no 'put': write async with .*, or store = await"
    ):
        wrong.put("apple", "1")
    with pytest.raises(AttributeError, match="object has no attribute 'putt'"):
        wrong.putt("apple", "1")
    async with connecting() as opened:
        wrong = opened
        with pytest.raises(TypeError, match="write async with store"), wrong:
            pass
    wrong = store
    with pytest.raises(TypeError, match="needs no async: write with"):
        async with wrong:
            pass
    assert not store.closed


@pytest.mark.anyio
async def test_a_synchronous_store_is_used_where_a_loop_runs_as_well() -> None:
    """As in a notebook."""
    with kvtui.connect_sync(memory=True, nodes=0) as store:
        assert store.snapshot().nodes == ()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_none_of_them_is_copied_or_pickled(copied: Callable[[object], object], store: kvtui.SyncStore) -> None:
    """A copy of a store closed the store."""
    for what in (store, store._store, store._store.cluster, connecting()):
        with pytest.raises(TypeError, match=r"^a \S+ can't be pickled or copied, it belongs to its process: call \S+"):
            copied(what)


def test_one_that_is_never_used_or_given_up_has_nothing_to_tell(ran: Ran) -> None:
    done = ran("""
import asyncio, gc, kvtui

async def main():
    kvtui.connect(memory=True)
    for ticks in range(8):
        task = asyncio.create_task(kvtui.connect(memory=True, nodes=0))
        for tick in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

asyncio.run(main())
gc.collect()
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
