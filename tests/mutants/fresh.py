"""Processes in which a mistake is planted before anything of kvtui is imported. Each does one thing, and ends."""

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from threading import Thread
from typing import Any, Final, Generic, Self, TypeVar

T = TypeVar("T")

PRELOADED: Final = ["anyio", "anyio._backends._asyncio", "asyncio", "msgspec", "rocksdict", "xxhash"]
"""What the processes are forked with: packages of others, which take long to import."""


class Died(Exception):
    """A process ended without a result."""


class Hung(BaseException):
    """A process was busy for longer than it may be: it is not for what runs there to handle."""


class Crew(Generic[T]):
    """At most so many processes at once, told apart by names of the caller's. Use it with ``with``: what still runs then ends."""

    def __init__(self, processes: int) -> None:
        self._most = processes
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._running: dict[Connection, tuple[T, ForkServerProcess]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _name, process in self._running.values():
            process.kill()

    @property
    def busy(self) -> bool:
        """Whether all processes have something to do."""
        return len(self._running) >= self._most

    @property
    def idle(self) -> bool:
        """Whether none has."""
        return not self._running

    def give(self, name: T, work: Callable[..., Any], *arguments: object) -> None:
        """Let a process of its own do that work: a function of a module that imports nothing of kvtui."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_do, args=(theirs, work, arguments), daemon=True)
        process.start()
        theirs.close()
        self._running[ours] = (name, process)

    def take(self) -> tuple[T, Any]:
        """Wait for the next result. Raises what the work raised, and Died."""
        ready = wait(list(self._running))[0]
        assert isinstance(ready, Connection)
        name, process = self._running.pop(ready)
        try:
            result = ready.recv()
        except EOFError:
            process.join()
            raise Died(f"{name}: its process ended with status {process.exitcode}") from None
        finally:
            ready.close()
        if isinstance(result, BaseException):
            raise result
        return name, result


def alone(work: Callable[..., Any], *arguments: object) -> Any:
    """What that work comes to in a process of its own. Raises as ``Crew.take`` does."""
    with Crew[str](1) as crew:
        crew.give("alone", work, *arguments)
        return crew.take()[1]


class Limit:
    """Raises Hung within, once so many real seconds have passed: what is wrong may turn round and round for ever."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, self._hung)
        # Again and again: a loop that catches it once may go on.
        signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _hung(self, *_: object) -> None:
        raise Hung(f"it was still busy after {self._seconds:g} s")


def _do(results: Connection, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    Thread(target=_end_with_parent, name="until the parent ends", daemon=True).start()
    try:
        result = work(*arguments)
    except BaseException as error:
        result = error
    results.send(result)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None, "this is no process that another one started"
    wait([parent.sentinel])
    os._exit(1)
