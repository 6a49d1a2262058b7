"""A program that takes the exit status of every child itself, or has the system do so, and that kvtui is embedded in."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import kvtui

T = TypeVar("T")
ENOUGH_SECONDS = 20


def ignoring() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def reaping_in_a_handler() -> None:
    def reap(number: int, frame: object) -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

    signal.signal(signal.SIGCHLD, reap)


def waiting_in_a_thread() -> None:
    def wait() -> None:
        while True:
            try:
                os.wait()
            except ChildProcessError:
                time.sleep(0.01)  # none just now

    threading.Thread(target=wait, daemon=True).start()


def nothing() -> None:
    pass


def awaited(look: Callable[[], T | None]) -> T:
    until = time.monotonic() + ENOUGH_SECONDS
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


async def start(cluster: kvtui.Cluster) -> None:
    await cast(Any, cluster).start_node("n1")


def use(before: Callable[[], None], after: Callable[[], None], *, uvloop: bool) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before()
    with kvtui.connect_sync("state", nodes=1, replicas=1, uvloop=uvloop) as store:
        after()
        store.put("a", "1")
        os.kill(awaited(lambda: store.snapshot().nodes[0].pid), signal.SIGKILL)
        note = awaited(lambda: "its process" in store.snapshot().nodes[0].note and store.snapshot().nodes[0].note)
        if not str(note).startswith(("its process ended, how is not known", "its process was ended by SIGKILL")):
            print(before.__name__, after.__name__, note)
        store.call(start)
        assert store.get("a").value == b"1"
        pid = awaited(lambda: store.snapshot().nodes[0].pid)
        began = time.monotonic()
    if time.monotonic() - began > ENOUGH_SECONDS / 4:
        print("closing took too long")
    try:
        os.kill(pid, 0)
        print("a node is left")
    except ProcessLookupError:
        pass


fast = sys.argv[1] == "uvloop"
use(ignoring, nothing, uvloop=fast)
use(nothing, ignoring, uvloop=fast)
use(nothing, reaping_in_a_handler, uvloop=fast)
use(waiting_in_a_thread, nothing, uvloop=fast)
print("ends")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
kept = kvtui.connect_sync(memory=True, nodes=1, replicas=1, uvloop=fast)
