"""Ctrl-C at any moment of what a synchronous store does."""

import pytest

from tests.api.conftest import Ran

STORM = """
import os, random, signal, subprocess, threading, kvtui

def interrupted(seconds, what):
    # One SIGINT comes in any case. Once it was sent nothing is waited for: amid a callback of the garbage collector or of a weak
    # reference, Python itself swallows the KeyboardInterrupt.
    timer = threading.Timer(seconds, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    done = None
    try:
        timer.start()
        done = what()
        timer.join()
    except KeyboardInterrupt:
        pass
    timer.join()
    return done

def nodes_left(zombies=False):
    listed = subprocess.run(["ps", "-o", "pid=,stat=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    children = [line.split(None, 2)[1:] for line in listed.stdout.splitlines()]
    return [child for child in children if (zombies if child[0].startswith("Z") else "kvtui.node" in child[1])]

delays = random.Random(1)
"""


def test_an_operation_that_is_interrupted_says_nothing_and_the_store_goes_on(ran: Ran) -> None:
    """A page was under way, in its generator, when the scan let go of it: "asynchronous generator is already running"."""
    done = ran(f"""{STORM}
keys = [f"k{{number}}" for number in range(4_000)]
with kvtui.connect_sync(memory=True, nodes=1) as store:
    store.put_many(dict.fromkeys(keys, "v" * 300))
    operations = [
        lambda: sum(1 for item in store.scan("k")),
        lambda: next(store.scan("k")),
        lambda: store.get_many(keys),
        lambda: store.put_many(dict.fromkeys(keys, "w" * 300)),
        lambda: [store.get(key) for key in keys[:60]],
        lambda: store.call(lambda cluster: cluster.rebalance()),
    ]
    for turn in range(60):
        interrupted(delays.random() * 0.03, operations[turn % len(operations)])
    for turn in range(60):  # most of them as the iterator is dropped midway
        interrupted(delays.random() * 0.004, operations[1])
    print(sum(1 for item in store.scan("k")))
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "4000\n", "")


def test_opening_that_is_interrupted_leaves_nothing_behind(ran: Ran) -> None:
    """Whatever it was at: its thread, its nodes, none of which is known to anybody yet."""
    done = ran(f"""{STORM}
kvtui.connect_sync(memory=True, nodes=1).close()  # all is imported: what Python does about Ctrl-C amid an import is its own
for turn in range(8):
    store = interrupted(0.01 + turn * 0.04, lambda: kvtui.connect_sync(memory=True, nodes=1))
    if store is not None:
        store.close()
    print(nodes_left(zombies=True), [thread.name for thread in threading.enumerate() if thread.name == "kvtui"])
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[] []\n" * 8, "")


def test_a_close_that_is_interrupted_returns_at_once_and_another_one_finishes_it(ran: Ran) -> None:
    done = ran(f"""{STORM}
for turn in range(6):
    store = kvtui.connect_sync(memory=True, nodes=1)
    interrupted(turn * 0.01, store.close)
    store.close()
    print(nodes_left(), [thread.name for thread in threading.enumerate() if thread.name == "kvtui"])
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[] []\n" * 6, "")


@pytest.mark.long
def test_a_close_that_is_interrupted_goes_on_when_the_program_ends(ran: Ran) -> None:
    done = ran(f"""{STORM}
store = kvtui.connect_sync("state", nodes=1)
store.put("apple", "1")
interrupted(0.001, store.close)
print("ends")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")
    again = ran("""
import kvtui
with kvtui.connect_sync("state") as store:
    print(store.get("apple").decode())
""")
    assert (again.returncode, again.stdout, again.stderr) == (0, "1\n", "")


@pytest.mark.long
def test_ctrl_c_in_the_close_as_the_program_ends_says_nothing(ran: Ran) -> None:
    """A traceback out of ``atexit`` is nothing that a program could catch."""
    done = ran("""
import os, signal, kvtui
store = kvtui.connect_sync("state", nodes=1)
store.put("apple", "1")

whole = store._store.close

async def closing():
    os.kill(os.getpid(), signal.SIGINT)
    await whole()

store._store.close = closing
print("ends", flush=True)
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")
    again = ran("""
import kvtui
with kvtui.connect_sync("state") as store:
    print(store.get("apple").decode())
""")
    assert (again.returncode, again.stdout, again.stderr) == (0, "1\n", "")
