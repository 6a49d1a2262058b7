"""``kvtui.connect_sync``: the store for programs without an event loop."""

import asyncio
import gc
import inspect
import re
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import get_overloads

import anyio
import pytest

import kvtui
from kvtui.api.loop_thread import LoopThread
from kvtui.core.cluster import Cluster
from tests.api.calls_of_programs import REFUSED_WITHOUT_A_LOOP, Color, accepted_without_a_loop
from tests.api.conftest import Ran


@pytest.fixture(scope="module")
def store() -> Iterator[kvtui.SyncStore]:
    with kvtui.connect_sync(memory=True, nodes=2, replicas=2) as opened:
        yield opened


def loops() -> int:
    return sum(thread.name == "kvtui" for thread in threading.enumerate())


def test_it_has_the_methods_of_the_store() -> None:
    """But for ``cluster``, which belongs to the loop: ``call`` is for that; pages are what scans are made of."""
    for name, method in inspect.getmembers(kvtui.Store, inspect.isfunction):
        if not name.startswith("_") and name not in {"pages"}:
            theirs, ours = inspect.signature(method), inspect.signature(getattr(kvtui.SyncStore, name))
            assert list(ours.parameters.values()) == list(theirs.parameters.values()), name
            waited = {ours.return_annotation, f"Coroutine[Any, Any, {ours.return_annotation}]"}
            assert theirs.return_annotation in waited or name == "scan", name
            overloads = [
                [str(inspect.signature(one)) for one in get_overloads(getattr(kind, name))]
                for kind in (kvtui.SyncStore, kvtui.Store)
            ]
            assert overloads[0] == [re.sub(r"Coroutine\[Any, Any, (.*)\]'", r"\1'", one) for one in overloads[1]], name


def test_connect_sync_takes_and_shows_what_connect_does() -> None:
    """And whether its own loop is uvloop's."""
    taken = dict(inspect.signature(kvtui.connect_sync).parameters)
    assert taken.pop("uvloop").default is False
    assert taken == inspect.signature(kvtui.connect).parameters


def test_results_and_failures_are_those_of_the_store(store: kvtui.SyncStore) -> None:
    written = store.put("apple", "1")
    assert written.outcome is kvtui.Outcome.OK
    assert store.get("apple").version == written.version
    assert store.put_many({"b": "2", "c": "3"}).ok == 2
    assert [read.decode() for read in store.get_many(["apple", "b", "nobody"]).values()] == ["1", "2", None]
    assert store.delete("apple").existed
    assert store.delete_many(["b"]).existed == 1
    assert [item.key for item in store.scan("c")] == [b"c"]
    with pytest.raises(kvtui.OperationFailed, match=r"^put failed: the key is empty$"):
        store.put("", "1")
    assert store.put("", "1", check=False).outcome is kvtui.Outcome.FAILED


def test_what_is_made_as_it_is_taken_is_made_in_the_thread_that_gives_it(store: kvtui.SyncStore) -> None:
    """It was made in the loop's own thread, which could not use the store, and heard no node meanwhile."""
    store.put_many({f"from {number}": str(number) for number in range(3)})
    copied = store.put_many((f"to {number}", store.get(f"from {number}").value or b"") for number in range(3))
    assert copied.ok == 3
    found = store.get_many(store.get(f"to {number}").value or b"" for number in range(3))
    assert list(found) == [b"0", b"1", b"2"]
    assert store.delete_many(item.key for item in store.scan("to ")).existed == 3
    store.delete_many(f"from {number}" for number in range(3))


def test_calls_are_typed_as_they_work(store: kvtui.SyncStore) -> None:
    accepted_without_a_loop(store)
    for ask in REFUSED_WITHOUT_A_LOOP:
        with pytest.raises(TypeError, match=r"^(a|several) (key|value|prefix|keys|pairs)"):
            ask(store)
    buffer = bytearray(b"r")
    found = store.scan(buffer)
    buffer[:] = b"?"
    assert [item.key for item in found] == [b"red"]
    store.delete_many([Color.RED, b"a"])


def test_many_threads_use_it_at_once(store: kvtui.SyncStore) -> None:
    def use(thread: int) -> list[bytes | None]:
        keys = [f"thread {thread} key {number}" for number in range(50)]
        for key in keys:
            store.put(key, key)
        return [store.get(key).value for key in keys]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(8)))
    assert found == [[f"thread {thread} key {number}".encode() for number in range(50)] for thread in range(8)]


def test_a_scan_is_dropped_midway_and_another_goes_on(store: kvtui.SyncStore) -> None:
    store.put_many({f"scan {number}": "x" for number in range(2_500)})
    whole, part = store.scan("scan"), store.scan("scan")
    first = next(part)
    del part
    assert {item.key for item in whole} >= {first.key}
    assert len(list(store.scan("scan", values=False))) == 2_500


def test_the_cluster_is_asked_in_its_own_loop(store: kvtui.SyncStore) -> None:
    async def locate(cluster: Cluster) -> int:
        return len((await cluster.locate(b"apple")).replicas)

    assert store.call(locate) == 2
    assert len(store.snapshot().nodes) == 2


def test_within_its_own_loop_it_refuses_to_wait_for_itself(store: kvtui.SyncStore) -> None:
    async def wait(cluster: Cluster) -> None:
        store.get("apple")

    with pytest.raises(kvtui.ClusterError, match="can't be used in its own event loop"):
        store.call(wait)


def test_closed_it_refuses_and_its_thread_is_gone() -> None:
    before = loops()
    with kvtui.connect_sync(memory=True, nodes=1) as store:
        assert loops() == before + 1
    store.close()
    assert loops() == before
    with pytest.raises(kvtui.ClusterError, match=r"^the store is closed: open another with kvtui\.connect_sync$"):
        store.get("apple")
    with pytest.raises(kvtui.ClusterError, match="the store is closed"):
        next(store.scan())
    with pytest.raises(kvtui.ClusterError, match="the store is closed"):
        store.snapshot()


def test_an_iterator_ends_with_what_it_has_when_its_store_is_closed() -> None:
    with kvtui.connect_sync(memory=True, nodes=1) as store:
        store.put_many({f"key {number}": "" for number in range(1_500)})
        items, never_begun = store.scan(), store.scan()
        page = [next(items)]
    with pytest.raises(kvtui.ClusterError, match="the store is closed"):
        page.extend(items)
    assert 1 < len(page) < 1_500
    with pytest.raises(kvtui.ClusterError, match="the store is closed"):
        next(never_begun)


def test_what_can_t_be_opened_leaves_no_thread() -> None:
    before = loops()
    with pytest.raises(kvtui.ClusterError, match="65 is not possible"):
        kvtui.connect_sync(memory=True, nodes=65)
    assert loops() == before


def test_what_the_block_raises_comes_out_and_the_store_is_closed() -> None:
    before = loops()
    with pytest.raises(ZeroDivisionError), kvtui.connect_sync(memory=True, nodes=1):
        raise ZeroDivisionError
    assert loops() == before


def test_whoever_waits_as_it_closes_is_told() -> None:
    """Each of them ends: with a result, or with an exception, never in waiting for ever."""
    store = kvtui.connect_sync(memory=True, nodes=1)
    began = threading.Barrier(5)

    def use() -> str:
        began.wait()
        try:
            while True:
                store.put("key", "value")
        except kvtui.KvtuiError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        users = [pool.submit(use) for _ in range(4)]
        began.wait()
        store.close()
        assert all(user.result(timeout=30) for user in users)


def test_what_was_begun_before_the_end_is_over_after_it() -> None:
    """The loop ends with no one left who waits for it."""
    thread = LoopThread()
    with ThreadPoolExecutor(1) as pool:
        reached = threading.Event()

        async def waits_for_ever() -> None:
            reached.set()
            await asyncio.Event().wait()

        waiting = pool.submit(lambda: thread.run(waits_for_ever))
        assert reached.wait(30)
        thread.end()
        with pytest.raises(kvtui.KvtuiError, match="closed while this was under way"):
            waiting.result(timeout=30)


def test_what_was_cancelled_leaves_nothing_to_the_collector_of_garbage() -> None:
    """The task, what cancelled it and its frames knew each other. Collected in a thread that Ctrl-C hit just then, it was printed
    that an exception was ignored, and the program went on."""
    thread = LoopThread()
    reached = threading.Event()
    tasks: list[weakref.ref[object]] = []

    async def waits_for_ever() -> None:
        async with asyncio.timeout(60) as limit:
            assert not limit.expired()
            tasks.append(weakref.ref(asyncio.current_task()))
            reached.set()
            await asyncio.Event().wait()

    gc.disable()
    try:
        call = thread.begin(waits_for_ever)
        assert reached.wait(30)
        call.give_up()
        with pytest.raises(kvtui.KvtuiError):
            call.result(30)
        thread.end()
        assert [task() for task in tasks] == [None]
    finally:
        gc.enable()


def test_a_loop_that_loses_its_descriptors_tells_whoever_waits_and_the_program_ends(ran: Ran) -> None:
    """The thread died with a traceback, and ``put`` waited for ever."""
    done = ran("""
import os, kvtui
store = kvtui.connect_sync(memory=True, nodes=1)
os.closerange(3, 1000)
for ask in (lambda: store.put("a", "1"), lambda: store.get("a"), store.close):
    try:
        ask()
    except kvtui.KvtuiError as error:
        print("the program closed its descriptors" in str(error))
store.close()
print(store.closed)
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n" * 4, "")


def test_without_free_descriptors_the_reason_is_told_and_nothing_is_printed(ran: Ran) -> None:
    """ "The store is closed", and two tracebacks."""
    done = ran("""
import os, resource, kvtui.api
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open("/dev/null", 0))
except OSError:
    pass
for free in (0, 1, 2):
    try:
        kvtui.connect_sync(memory=True, nodes=1)
    except kvtui.ClusterError as error:
        print(error)
    os.close(held.pop())
""")
    said = "can't open an event loop: too many open files\n" * 3
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_ends_a_program_comes_out_at_its_caller_and_the_loop_goes_on(kind: type[BaseException]) -> None:
    """It ended the loop of all threads."""
    thread = LoopThread()

    async def ends() -> None:
        raise kind("enough")

    async def goes_on() -> str:
        return "on"

    async def waits() -> str:
        reached.set()
        await asyncio.sleep(0.05)
        return "undisturbed"

    async def in_a_task_of_its_own() -> None:
        asyncio.get_running_loop().call_soon(leaves)

    def leaves() -> None:
        raise SystemExit("from a callback")

    reached = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: thread.run(waits))
        assert reached.wait(30)
        with pytest.raises(kind, match="enough"):
            thread.run(ends)
        thread.run(in_a_task_of_its_own)
        assert (other.result(timeout=30), thread.run(goes_on)) == ("undisturbed", "on")
    thread.end()


def test_a_forgotten_store_is_closed_as_the_program_ends(ran: Ran) -> None:
    done = ran("""
import atexit, kvtui

def ends():
    try:
        store.get("apple")
    except kvtui.ClusterError as error:
        print(error)

atexit.register(ends)
store = kvtui.connect_sync("state", nodes=1)
store.put("apple", "1")
print("done")
""")
    said = ["done", "the store is closed: open another with kvtui.connect_sync"]
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, said, "")
    again = ran("""
import kvtui
with kvtui.connect_sync("state") as store:
    print(store.get("apple").decode())
""")
    assert (again.returncode, again.stdout, again.stderr) == (0, "1\n", "")


def test_an_uncaught_exception_ends_the_program_and_nothing_hangs(ran: Ran) -> None:
    done = ran("""
import kvtui
store = kvtui.connect_sync(memory=True, nodes=1)
items = store.scan()
store.put("apple", "1")
next(items)
raise SystemExit("enough")
""")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "enough\n")


def test_ctrl_c_in_the_middle_of_an_operation_closes_in_order(ran: Ran) -> None:
    done = ran("""
import os, signal, threading, kvtui
try:
    with kvtui.connect_sync("state", nodes=1) as store:
        store.put("apple", "1")
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        while True:
            store.put("banana", "2")
except KeyboardInterrupt:
    with kvtui.connect_sync("state") as store:
        print(store.get("apple").decode())
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_a_forked_child_is_refused_and_ends_and_the_parent_goes_on(ran: Ran) -> None:
    done = ran("""
import os, sys, kvtui
with kvtui.connect_sync(memory=True, nodes=1) as store:
    store.put("apple", "1")
    child = os.fork()
    if not child:
        try:
            store.get("apple")
        except kvtui.ClusterError as error:
            print(error, flush=True)
        with kvtui.connect_sync(memory=True, nodes=1) as own:
            print(own.get("apple").value, flush=True)
        sys.exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(store.get("apple").decode())
""")
    said = ["the store belongs to the process that this one was forked from: open one here", "None", "7", "1"]
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, said, "")


def test_a_program_that_runs_on_trio_has_a_loop_of_asyncios_own(store: kvtui.SyncStore) -> None:
    """``anyio.run(main, backend="trio")`` says so to sniffio, in the context from which the store is called."""
    library: ContextVar[str | None] = pytest.importorskip("sniffio").current_async_library_cvar
    before = library.set("trio")
    try:

        async def scoped(cluster: Cluster) -> str | None:
            with anyio.move_on_after(5):
                await anyio.sleep(0)
            return library.get()

        assert store.call(scoped) == "asyncio"
        assert library.get() == "trio"
    finally:
        library.reset(before)
