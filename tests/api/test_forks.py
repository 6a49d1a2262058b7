"""Processes that a program forks while it has a store open: they keep nothing of it alive, do it no harm, and open their own."""

import pytest

from tests.api.conftest import Ran

OF_PARENT = "the store belongs to the process that this one was forked from: open one here"

OUTLIVED = """
import multiprocessing, os, signal, sys, time, warnings
import kvtui

warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads

def works(told, say):
    os.read(told, 1)
    said = []
    for use in (STORE.snapshot, lambda: STORE.get("apple"), lambda: next(STORE.scan())):
        try:
            use()
        except kvtui.ClusterError as error:
            said.append(str(error))
    with kvtui.connect_sync("state") as own:
        said.append(own.get("apple").decode())
    os.write(say, "\\n".join(said).encode())
    sys.exit(7)

(told, tell), (heard, say) = os.pipe(), os.pipe()
program = os.fork()
if not program:
    os.close(tell)
    STORE = kvtui.connect_sync("state", nodes=2)
    STORE.put("apple", "1")
    START
    os.kill(os.getpid(), signal.SIGKILL)
os.close(say)
assert os.waitpid(program, 0)[1] == signal.SIGKILL
began = time.monotonic()
with kvtui.connect_sync("state") as store:
    opened = time.monotonic() - began
    print("at once" if opened < 6 else f"after {opened:.1f} s", store.get("apple").decode())
    os.write(tell, b"x")
    print(os.read(heard, 1000).decode())
    assert os.read(heard, 1) == b""
"""
STARTS = {
    "multiprocessing": "multiprocessing.get_context('fork').Process(target=works, args=(told, say)).start()",
    "a fork of a fork": "os.fork() or os.fork() or works(told, say)",
}


@pytest.mark.parametrize(
    "start", [next(iter(STARTS)), *(pytest.param(name, marks=pytest.mark.long) for name in [*STARTS][1:])]
)
def test_a_worker_that_outlives_a_killed_program_keeps_nothing_of_it(start: str, ran: Ran) -> None:
    done = ran(OUTLIVED.replace("START", STARTS[start]))
    said = ["at once 1", *[OF_PARENT] * 3, "1"]
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (said, "", 0)


ENDS = """
import asyncio, os, sys, warnings
import kvtui

warnings.simplefilter("ignore", DeprecationWarning)

async def forked(ends):
    async with kvtui.connect("state", nodes=2) as store:
        await store.put("apple", "1")
        cluster, items = store.cluster, store.scan()
        await anext(items)
        child = os.fork()
        if not child:
            for use in (lambda: store.get("apple"), lambda: anext(store.scan()), lambda: store.put_many({"a": "1"})):
                try:
                    await use()
                except kvtui.ClusterError as error:
                    assert str(error) == "OF_PARENT", error
                else:
                    raise AssertionError
            return ends()
        ended = await asyncio.get_running_loop().run_in_executor(None, os.waitpid, child, 0)
        print(os.waitstatus_to_exitcode(ended[1]), (await store.get("apple")).decode(), os.path.exists("state/control.sock"))
        await store.put("banana", "2")

for ends in (lambda: sys.exit(7), lambda: os._exit(8), lambda: 9):
    if status := asyncio.run(forked(ends)):
        sys.exit(status)
"""


def test_a_process_that_is_forked_in_a_loop_is_refused_and_ends_as_it_likes(ran: Ran) -> None:
    """Not even asyncio's own end there, which cancels all tasks, ends the parent's nodes."""
    done = ran(ENDS.replace("OF_PARENT", OF_PARENT))
    said = [f"{status} 1 True" for status in (7, 8, 9)]
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (said, "", 0)


HOLDS = """
import os, sys, warnings
from pathlib import Path
from kvtui.core.seams.rocksdb import open_rocksdb
from kvtui.core.seams.storage import Batch

warnings.simplefilter("ignore", DeprecationWarning)

def fill(engine):
    # More than is kept in memory: RocksDB writes tables, in threads of its own, and waits for them.
    for number in range(60):
        batch = Batch()
        batch.put(b"%d" % number, os.urandom(10_000))
        engine.apply(batch)

parents = open_rocksdb(Path("parents"), "parent", buffer=65_536)
fill(parents)
child = os.fork()
if not child:
    own = open_rocksdb(Path("own"), "child", buffer=65_536)
    fill(own)
    try:
        parents.apply(Batch([(b"key", b"value")]))
    except Exception as error:
        print(error, flush=True)
    own.close()
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
fill(parents)
parents.close()
"""


def test_a_process_that_is_forked_beside_an_open_store_can_hold_one_of_its_own(ran: Ran) -> None:
    """RocksDB's threads are not there, and RocksDB believes that they are: it waited for them for ever."""
    done = ran(HOLDS)
    said = ["parents belongs to the process that this one was forked from", "7"]
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (said, "", 0)
