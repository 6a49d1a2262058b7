"""A program that closes stores at bad moments: each close ends, and says in a line what it leaves."""

import asyncio
import logging
import os
import signal
import threading
import time

import kvtui
import kvtui.core.process_ends as process_ends
from kvtui.api import hosting, loop_thread, sync_store
from kvtui.core.seams.child import Child

ENOUGH_SECONDS = 20


def told(what: str, error: BaseException | None, pid: int | None = None) -> None:
    text = "closed" if error is None else f"{type(error).__name__}: {error}"
    print(f"{what}: {text.replace(str(pid), 'PID')}")


def has_ended(pid: int) -> bool:
    """Whether it is gone, or a zombie."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def ends(pid: int) -> None:
    until = time.monotonic() + ENOUGH_SECONDS
    while not has_ended(pid):
        assert time.monotonic() < until, "a node is left"
        time.sleep(0.01)


def pid_of(store: kvtui.SyncStore) -> int:
    pid = store.snapshot().nodes[0].pid
    assert pid is not None
    return pid


async def opened() -> kvtui.Store:
    return await kvtui.connect(memory=True, nodes=1, replicas=1)


def loop_closed_before() -> None:
    loop = asyncio.new_event_loop()
    store = loop.run_until_complete(opened())
    pid = store.cluster.snapshot().nodes[0].pid
    assert pid is not None
    loop.close()
    for what in ("its loop was closed before", "once more"):
        try:
            asyncio.run(store.close())
            told(what, None)
        except kvtui.ClusterError as error:
            told(what, error, pid)
    ends(pid)


def loop_stopped_before() -> None:
    loop = asyncio.new_event_loop()
    store = loop.run_until_complete(opened())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.run_until_complete(store.close())
    loop.close()
    told("its loop was stopped before", None)


def node_stopped() -> None:
    store = kvtui.connect_sync(memory=True, nodes=1, replicas=1)
    os.kill(pid_of(store), signal.SIGSTOP)
    store.close()
    told("its node was stopped", None)


def signals_blocked() -> None:
    """As where a thread waits for them (sigwait): what is started inherits that."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    store = kvtui.connect_sync(memory=True, nodes=1, replicas=1)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    began = time.monotonic()
    store.close()
    told("signals were blocked", None)
    if time.monotonic() - began > process_ends.STOP_SECONDS:
        print("its node did not hear that it was to end")


def node_that_hangs_in_the_system() -> None:
    for name in ("STOP", "KILLED"):
        setattr(process_ends, f"{name}_SECONDS", 0.1)
    store = kvtui.connect_sync(memory=True, nodes=1, replicas=1)
    pid, send = pid_of(store), Child.signal
    replaced = "signal"
    setattr(Child, replaced, lambda child, number: True)
    try:
        store.close()
    except kvtui.ClusterError as error:
        told("its node hangs in the system", error, pid)
    store.close()
    setattr(Child, replaced, send)
    os.kill(pid, signal.SIGKILL)


def hold_up(store: kvtui.SyncStore) -> None:
    """Its event loop does nothing else any more."""
    held_up = threading.Event()

    async def wait(cluster: kvtui.Cluster) -> None:
        held_up.set()
        threading.Event().wait()

    threading.Thread(target=store.call, args=[wait], daemon=True).start()
    held_up.wait()


def loop_held_up() -> None:
    for module, name in ((hosting, "CLOSE"), (sync_store, "CLOSE"), (sync_store, "LOOP"), (loop_thread, "END")):
        setattr(module, f"{name}_SECONDS", 0.1)
    store = kvtui.connect_sync(memory=True, nodes=1, replicas=1)
    pid = pid_of(store)
    hold_up(store)
    try:
        store.close()
    except kvtui.ClusterError as error:
        told("its loop is held up", error, pid)
    store.close()


def call_that_does_not_end() -> None:
    store = kvtui.connect_sync(memory=True, nodes=0)
    begun = threading.Event()

    async def stay(cluster: kvtui.Cluster) -> None:
        begun.set()
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

    threading.Thread(target=store.call, args=[stay], daemon=True).start()
    begun.wait()
    try:
        store.close()
    except kvtui.ClusterError as error:
        told("a call does not end", error)


logging.getLogger("asyncio").disabled = True  # it tells of tasks whose loop was closed before they ended
loop_closed_before()
loop_stopped_before()
node_stopped()
signals_blocked()
node_that_hangs_in_the_system()
loop_held_up()
call_that_does_not_end()
logging.basicConfig(format="%(name)s: %(message)s")
at_exit = kvtui.connect_sync(memory=True, nodes=0)
hold_up(at_exit)
print("ends", flush=True)
