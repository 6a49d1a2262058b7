"""Closing has an end, whatever does not: a node that hangs, a loop that is gone or held up."""

import asyncio
from typing import Any

import pytest

import kvtui
from kvtui.api.hosting import CLOSE_SECONDS
from kvtui.control.wire import FINISH_SECONDS, PARTING_SECONDS
from kvtui.core.process_ends import STOP_SECONDS
from kvtui.core.seams.launcher import KILLED_SECONDS
from tests.api.conftest import Ran
from tests.api.test_guest import program

TOLD = """\
its loop was closed before: ClusterError: the event loop of the store was closed before the store, which is left, with n1 (process \
PID), until this program ends
once more: closed
its loop was stopped before: closed
its node was stopped: closed
signals were blocked: closed
its node hangs in the system: ClusterError: n1 (process PID) did not end, even by SIGKILL: it waits for the system (a disk that \
hangs?), is left, and ends once that lets it
its loop is held up: ClusterError: the store can't close: its event loop is held up; it is left, with n1 (process PID), until this \
program ends
a call does not end: ClusterError: the store is closed, but something that it was asked for does not end, and is left
ends
"""
AT_EXIT = (
    "kvtui.api.sync_store: closing as the program ends: the store can't close: its event loop is held up; it is left\n"
)


def test_a_store_is_given_as_long_as_all_that_it_waits_for() -> None:
    assert CLOSE_SECONDS >= FINISH_SECONDS + PARTING_SECONDS + STOP_SECONDS + KILLED_SECONDS


def test_a_close_at_a_bad_moment_ends_and_says_what_it_leaves(ran: Ran) -> None:
    done = ran(program("closing.py"))
    assert (done.stdout, done.stderr, done.returncode) == (TOLD, AT_EXIT, 0)


def test_a_program_that_ends_as_it_begins_to_connect_ends(ran: Ran) -> None:
    """It hung under uvloop, or was told that coroutines were never awaited."""
    done = ran("""
import asyncio, kvtui, uvloop

async def pending():
    asyncio.create_task(kvtui.connect(memory=True, nodes=1))

async def both():
    store = await kvtui.connect(memory=True, nodes=1)
    await store.put("a", "1")
    asyncio.create_task(kvtui.connect(memory=True, nodes=1))

for factory in (asyncio.new_event_loop, uvloop.new_event_loop):
    for main in (pending, both):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main())
print("ends")
""")
    assert (done.stdout, done.stderr, done.returncode) == ("ends\n", "", 0)


def test_what_the_loop_is_just_doing_is_over_before_the_interpreter_ends(ran: Ran) -> None:
    """Ctrl-C as the program ended left it in a library, out of which it came too late: the program was aborted."""
    done = ran("""
import signal, threading, time, kvtui
store = kvtui.connect_sync(memory=True, nodes=0)
reached = threading.Event()

async def in_a_library(cluster):
    reached.set()
    time.sleep(0.3)
    print("over", flush=True)

threading.Thread(target=store.call, args=(in_a_library,), daemon=True).start()
reached.wait()
interrupt = threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
interrupt.daemon = True
interrupt.start()
""")
    assert (done.stdout, done.stderr, done.returncode) == ("over\n", "", 0)


@pytest.mark.anyio
async def test_what_a_close_ends_is_told_so_and_no_node_is_blamed() -> None:
    """ "n1 did not answer; n2 did not": whoever read that looked for dead nodes."""
    store = await kvtui.connect(memory=True, nodes=2)
    await store.put_many({f"k{number}": "v" for number in range(5_000)})
    pages = store.pages()
    await anext(pages)
    asked: list[asyncio.Task[Any]] = [asyncio.create_task(store.put(f"k{number}", "w")) for number in range(100)]
    asked += [asyncio.create_task(store.get(f"k{number}")) for number in range(100)]
    batches = [
        asyncio.create_task(store.put_many({f"k{number}": "x" for number in range(5_000)}, check=False)),
        asyncio.create_task(store.delete_many([f"k{number}" for number in range(5_000)], check=False)),
    ]
    found = asyncio.create_task(store.get_many([f"k{number}" for number in range(5_000)], check=False))
    await asyncio.sleep(0)
    await store.close()
    ends = await asyncio.gather(*asked, return_exceptions=True)
    told = {str(end) for end in ends if isinstance(end, BaseException)}
    told |= {(await batch).text for batch in batches} | {read.text for read in (await found).values()}
    with pytest.raises(kvtui.ClusterError) as error:
        async for _ in pages:
            pass
    told.add(str(error.value))
    assert {text for text in told if text and "the store was closed meanwhile" not in text} == set()
    assert any(told)
