"""A program that kvtui is embedded in, and that looks whether what it has but once is still as it was."""

import asyncio
import faulthandler
import gc
import locale
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

heard: list[int] = []


def on_child(number: int, frame: object) -> None:
    heard.append(number)


def wakeup_descriptor() -> int:
    descriptor = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    return descriptor


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def dispositions() -> list[str]:
    """What the system knows of this process's signals, also those that C code handles."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return [line for line in lines if line.startswith(("SigBlk", "SigIgn", "SigCgt"))]


def picture() -> dict[str, object]:
    policy = asyncio.get_event_loop_policy()
    return {
        "handlers": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "dispositions": dispositions(),
        "wakeup descriptor": wakeup_descriptor(),
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "umask": umask(),
        "policy": policy,
        "child watcher": getattr(policy, "_watcher", None),
        "event loop": asyncio.get_event_loop(),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook, sys.breakpointhook),
        "traces": (sys.gettrace(), sys.getprofile(), sys.get_asyncgen_hooks()),
        "faulthandler": faulthandler.is_enabled(),
        "locale": locale.setlocale(locale.LC_ALL),
        "warnings": list(warnings.filters),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "logging": (logging.root.handlers[:], logging.root.level, logging.getLoggerClass(), logging.lastResort),
        "garbage": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
        "interpreter": (sys.getswitchinterval(), sys.getrecursionlimit(), threading.stack_size()),
        "limits": [resource.getrlimit(kind) for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
    }


def compare(what: str, before: dict[str, object]) -> None:
    now = picture()
    for name, value in before.items():
        if now[name] != value:
            print(f"{what} changed the {name}: {value} is {now[name]}")


@contextmanager
def unchanged(what: str) -> Iterator[dict[str, object]]:
    before = picture()
    yield before
    compare(f"after {what},", before)


def own_child_is_heard_of(what: str) -> None:
    heard.clear()
    subprocess.run(["true"], check=True)
    if not heard:
        print(f"{what}: the program's own handler of SIGCHLD was not called for its own child")


signal.signal(signal.SIGCHLD, on_child)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
own_loop = asyncio.new_event_loop()
asyncio.set_event_loop(own_loop)
with_a_thread = threading.Thread(target=int)  # with its first thread the C library handles a signal of its own
with_a_thread.start()
with_a_thread.join()
with unchanged("import kvtui"):
    import kvtui
    import kvtui.api
for uvloop in (False, True):
    with unchanged(f"connect_sync(uvloop={uvloop})") as at_first:
        with kvtui.connect_sync(memory=True, nodes=1, replicas=1, uvloop=uvloop) as store:
            store.put("a", "1")
            compare(f"connect_sync(uvloop={uvloop})", at_first)
            own_child_is_heard_of(f"connect_sync(uvloop={uvloop})")
        own_child_is_heard_of(f"after connect_sync(uvloop={uvloop})")


async def main() -> None:
    loop = asyncio.get_running_loop()
    with unchanged(f"connect in {loop}") as before:
        async with kvtui.connect(memory=True, nodes=1, replicas=1) as store:
            await store.put("a", "1")
            compare(f"connect in {loop}", before)
            own_child_is_heard_of(f"connect in {loop}")


def with_uvloop() -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


asyncio.run(main())
with_uvloop()
own_loop.close()
print("compared")
