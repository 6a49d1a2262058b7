"""Processes that a program forks while it has a store open: they keep nothing of it alive, do it no harm, and open their own."""

import sys

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


STARTED_ANEW = """
import multiprocessing, os, signal, time
import kvtui

heard, say = os.pipe()
program = os.fork()
if not program:
    store = kvtui.connect_sync("state", nodes=2)
    store.put("apple", "1")
    for manner in ("spawn", "forkserver"):
        worker = multiprocessing.get_context(manner).Process(target=time.sleep, args=(60,))
        worker.start()
        os.write(say, b"%d " % worker.pid)
    os.kill(os.getpid(), signal.SIGKILL)
assert os.waitpid(program, 0)[1] == signal.SIGKILL
began = time.monotonic()
with kvtui.connect_sync("state") as store:
    opened = time.monotonic() - began
    print("at once" if opened < 6 else f"after {opened:.1f} s", store.get("apple").decode())
for worker in os.read(heard, 100).split():
    os.kill(int(worker), signal.SIGKILL)  # it still lives
"""


@pytest.mark.long
def test_workers_that_are_started_anew_keep_nothing_of_a_killed_program(ran: Ran) -> None:
    done = ran(STARTED_ANEW)
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (["at once 1"], "", 0)


PAST_PYTHON = """
import ctypes, os, select, signal, sys
import kvtui

heard, say = os.pipe()
program = os.fork()
if not program:
    store = kvtui.connect_sync(memory=True, nodes=1)
    node = store.snapshot().nodes[0].pid
    os.write(say, b"%d" % node)
    if not ctypes.PyDLL(None).fork():
        ctypes.CDLL(None).pause()  # it holds all that was open
    os.kill(os.getpid(), signal.SIGKILL)
node = os.pidfd_open(int(os.read(heard, 100)))
ended = select.poll()
ended.register(node, select.POLLIN)
print("ended" if ended.poll(20_000) else "lives on", flush=True)
os.killpg(0, signal.SIGKILL)  # what was forked past Python as well
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a process of its parent's end")
def test_a_node_ends_with_its_parent_whoever_else_holds_its_pipe(ran: Ran) -> None:
    """C code that forks runs no hook of Python's, so all is held on."""
    assert ran(PAST_PYTHON).stdout == "ended\n"


ENDS = """
import asyncio, os, sys, warnings
import kvtui

warnings.simplefilter("ignore", DeprecationWarning)

async def forked(ends):
    async with kvtui.connect("state", nodes=2) as store:
        await store.put_many({"apple": "1", "banana": "1"})
        cluster, items = store.cluster, store.scan()
        await anext(items)
        child = os.fork()
        if not child:
            for use in (lambda: store.get("apple"), lambda: anext(store.scan()), lambda: anext(items), lambda: cluster.get(b"a")):
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
    with asyncio.Runner(loop_factory=FACTORY) as runner:
        status = runner.run(forked(ends))
    if status:
        sys.exit(status)
"""
LOOPS = {"asyncio": "None", "uvloop": "__import__('uvloop').new_event_loop"}


@pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=pytest.mark.long)])
def test_a_process_that_is_forked_in_a_loop_is_refused_and_ends_as_it_likes(loop: str, ran: Ran) -> None:
    """Not even the loop's own end there, which cancels all tasks and closes all generators, ends the parent's nodes."""
    code = ENDS.replace("OF_PARENT", OF_PARENT).replace("FACTORY", LOOPS[loop])
    # uvloop warns of what is open as it ends, where Python is asked to show such warnings.
    done = ran(
        code.replace("DeprecationWarning)", "DeprecationWarning); warnings.simplefilter('ignore', ResourceWarning)")
    )
    said = [f"{status} 1 True" for status in (7, 8, 9)]
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (said, "", 0)


SYNC = """
import asyncio, os, signal, sys, warnings
import kvtui

warnings.simplefilter("ignore", DeprecationWarning)

def refused(*uses):
    for use in uses:
        try:
            use()
        except kvtui.ClusterError as error:
            assert str(error) == "OF_PARENT", error
        else:
            raise AssertionError

def ended(child):
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), store.get("apple").decode(), flush=True)

store = kvtui.connect_sync(memory=True, nodes=2)
store.put_many({"apple": "1", "banana": "2"})
items = store.scan()
next(items)

# In the store's own loop: there is nobody to whom the child could return.
for status in (0, 5):
    async def forks(cluster):
        child = os.fork()
        if not child:
            refused(cluster.snapshot, store.snapshot, lambda: store.get("apple"))
            return sys.exit(status) if status else None
        return child
    ended(store.call(forks))

# In a thread of the program's own.
child = os.fork()
if not child:
    refused(lambda: next(items), lambda: next(store.scan()), lambda: store.call(lambda cluster: cluster.rebalance()))
    store.close()
    sys.exit(6)
ended(child)

# By the handler of a signal that comes while an operation is waited for.
forked, main = [], os.getpid()
signal.signal(signal.SIGUSR1, lambda *_: forked.append(os.fork()))

async def interrupts(cluster):
    os.kill(main, signal.SIGUSR1)
    while not forked:
        await asyncio.sleep(0)

try:
    store.call(interrupts)
except kvtui.ClusterError as error:
    assert str(error) == "OF_PARENT", error
    sys.exit(7)
ended(forked[0])
next(items)
"""


def test_a_process_that_is_forked_beside_a_synchronous_store_is_refused_wherever_that_is(ran: Ran) -> None:
    done = ran(SYNC.replace("OF_PARENT", OF_PARENT))
    said = [f"{status} 1" for status in (0, 5, 6, 7)]
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (said, "", 0)


LET_GO = """
import os, socket
from kvtui.core.seams.descriptor import pipe
from kvtui.core.seams.forked import left_socket

told, tell = os.pipe()
mine, other = socket.socketpair()
left_socket(mine)
closed = left_socket(socket.socket())
dropped, writing = pipe()
numbers = {closed.fileno(), dropped.number}
closed.close()
del dropped
strangers = [os.open(name, os.O_RDWR | os.O_CREAT) for name in ("a", "b")]
assert set(strangers) == numbers
child = os.fork()
if not child:
    for stranger in strangers:
        os.write(stranger, b"the host's")
    taken = os.open("c", os.O_RDWR | os.O_CREAT)
    mine.close()
    os.read(told, 1)
    os._exit(0)
mine.close()
print(other.recv(1))  # its end, though the child lives
os.write(tell, b"x")
os.waitpid(child, 0)
print(*[os.pread(stranger, 100, 0).decode() for stranger in strangers])
other.close()
"""


def test_a_forked_process_lets_go_of_what_is_open_then_and_of_nothing_else(ran: Ran) -> None:
    """A number that was closed may be a file of the program's by now."""
    done = ran(LET_GO)
    assert (done.stdout.splitlines(), done.stderr) == (["b''", "the host's the host's"], "")


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


GUNICORN = """
import signal, socket, subprocess, sys, time
from pathlib import Path
import kvtui

Path("app.py").write_text('''
import time, kvtui

store = kvtui.connect_sync("state", nodes=2)
store.put("apple", "1")
own = None

def app(environ, answer):
    global own
    own = own or kvtui.connect_sync("state")
    answer("200 OK", [])
    if environ["PATH_INFO"] == "/slow":
        yield b"begun"
        time.sleep(60)
    yield own.get("apple").value
''')

def started():
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--bind", "unix:served", "app:app"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    booted = 0
    while booted < 2:
        booted += "Booting worker" in server.stderr.readline()
    return server

def asked(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("served")
        connection.sendall(b"GET %s HTTP/1.0\\r\\n\\r\\n" % path)
        with connection.makefile("rb") as answer:
            while answer.readline().strip():
                pass
            return answer.read(1 if path == b"/" else 5)

server = started()
print(*{asked(b"/") for _ in range(6)}, flush=True)
server.terminate()
with server.stderr:
    said = server.stderr.read()
assert "SIG" not in said and "Traceback" not in said, said
print(server.wait())

server = started()
assert asked(b"/slow") == b"begun"
server.kill()
server.wait()
began = time.monotonic()
with kvtui.connect_sync("state") as store:
    opened = time.monotonic() - began
    print("at once" if opened < 6 else f"after {opened:.1f} s", store.get("apple").decode())
server.stderr.close()
"""


@pytest.mark.long
def test_workers_of_gunicorn_that_preloads_open_their_own_and_outlive_its_kill_alone(ran: Ran) -> None:
    pytest.importorskip("gunicorn")
    done = ran(GUNICORN)
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (["b'1'", "0", "at once 1"], "", 0)


def test_a_forked_process_opens_the_directory_of_a_parent_that_closed_it_and_keeps_its_own_files_when_it_forks(
    ran: Ran,
) -> None:
    """RocksDB's table of what is open, which a fork copies, kept it out for ever; and its files under numbers that had been the
    parent's were replaced as it forked in turn."""
    done = ran("""
import os, warnings, kvtui
warnings.simplefilter("ignore", DeprecationWarning)
store = kvtui.connect_sync("state", nodes=1, replicas=1)
store.put("apple", "1")
reading, writing = os.pipe()
child = os.fork()
if not child:
    os.read(reading, 1)
    with kvtui.connect_sync("state") as own:
        print(own.get("apple").decode(), flush=True)
    os.closerange(3, 1000)
    files = [os.open(f"file {number}", os.O_WRONLY | os.O_CREAT) for number in range(30)]
    if not os.fork():
        for each in files:
            os.write(each, b"x")
        os._exit(0)
    os.wait()
    print(all(os.path.getsize(f"file {number}") == 1 for number in range(30)), flush=True)
    os._exit(0)
store.close()
os.write(writing, b"x")
os.waitpid(child, 0)
with kvtui.connect_sync("state") as again:
    print(again.get("apple").decode())
""")
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["1", "True", "1"], "")


CLOSED_ALL = """
import gc, os, warnings
import kvtui
warnings.simplefilter("ignore", DeprecationWarning)
held = kvtui.connect_sync("state", nodes=1, replicas=1)
attached = kvtui.connect_sync("state")
attached.put("apple", "1")
highest = max(int(number) for number in os.listdir("/dev/fd"))
os.closerange(3, highest + 1)
files = [os.open(f"file {number}", os.O_RDWR | os.O_CREAT) for number in range(highest)]

def whole():
    kept = [os.path.samestat(os.fstat(file), os.stat(f"file {number}")) for number, file in enumerate(files)]
    return all(kept) and not any(os.fstat(file).st_size for file in files)

child = os.fork()
print(bool(child), whole(), flush=True)
for store in (attached, held):
    for use in (lambda: store.get("apple"), store.close):
        try:
            use()
        except kvtui.KvtuiError as error:
            assert "WHY" in str(error) and "\\n" not in str(error) if child else "OF_PARENT" == str(error), error
        else:
            assert use == store.close or not child
del store, attached, held, use
gc.collect()
print(bool(child), whole(), flush=True)
if not child:
    os._exit(0)
os.waitpid(child, 0)
print("parent", whole())
"""


def test_files_of_a_program_that_closed_all_descriptors_stay_as_they_are(ran: Ran) -> None:
    """As daemons close them: its files under their numbers were replaced in forked processes, and closed in its own."""
    why = "the program closed its descriptors: one that closes all must do so before it connects"
    done = ran(CLOSED_ALL.replace("WHY", why).replace("OF_PARENT", OF_PARENT))
    said = ["False True"] * 2 + ["True True"] * 2 + ["parent True"]
    assert (sorted(done.stdout.splitlines()), done.stderr, done.returncode) == (said, "", 0)
