"""A deterministic asyncio loop under virtual time.

Nothing sleeps: when nothing is ready, the clock jumps to the next timer. What is ready at once runs in an order that a seed gives,
except that calls of one object's methods keep theirs, so that a stream's bytes stay in order. There are no
threads, no sockets and no files: the simulated seams bring all that happens.
"""

import asyncio
import inspect
import os
import random
from asyncio import get_running_loop
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from heapq import heappop, heappush
from typing import Any, Final, NoReturn, TypeVar, TypeVarTuple

from tests.simulation.beside_sniffio import anyio_in_tasks_alone
from tests.simulation.machine import CURRENT, Machine, State, machine_in
from tests.simulation.numbering import NumberedFuture, NumberedTask, numbered_scopes, restart_numbers

T = TypeVar("T")
_Ts = TypeVarTuple("_Ts")

LIMIT_SECONDS: Final = 3600.0
"""Virtual seconds after which a run counts as hanging, unless it asks for more."""
INSTANT_CALLS: Final = 1_000_000
"""Most callbacks at one instant: beyond that, something spins."""
RESOLUTION: Final = 1e-9
"""Timers this close together, in seconds, are due at once."""
WALL_START: Final = 1_700_000_000.0
"""What the wall clock shows at the start of a run, in seconds since 1970."""
BEGIN_ROUNDS: Final = 100
"""Turns of the loop, at the end of a run, in which tasks that were just made may begin."""
REPLAY: Final = "KVTUI_SEED"
"""The environment variable that makes seeded tests run with one seed alone."""


class Stuck(Exception):
    """The run can't end: nothing is ready and no timer is set, or it outlived its limit, or it spins."""


class SimHandle(asyncio.Handle):
    """A callback to run. It is made without asking whether asyncio's debug mode is on: a run makes thousands of them."""

    __slots__ = ()
    # The same for all: debug mode is off.
    _repr = None
    _source_traceback = None

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], loop: "SimLoop", context: Context | None
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = None  # type: ignore[assignment]
        self._args = None  # type: ignore[assignment]


class SimTimer(SimHandle, asyncio.TimerHandle):
    """A callback to run later."""

    __slots__ = ()

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: "SimLoop",
        context: Context | None,
    ) -> None:
        SimHandle.__init__(self, callback, args, loop, context)
        self._when = when


class SimLoop(asyncio.BaseEventLoop):
    """An asyncio loop whose time is a number and whose order is a seed's."""

    def __init__(self, seed: int = 0, limit: float = LIMIT_SECONDS) -> None:
        super().__init__()
        self.errors: list[BaseException] = []
        """What callbacks raised and tasks left behind: a run with any of them has failed."""
        self.calls = 0
        """Callbacks run so far."""
        self._clock_resolution = RESOLUTION
        self._now = 0.0
        self._limit = limit
        self._chance = random.Random(f"loop:{seed}").random
        self._calls_before = 0
        self._machines: dict[Machine, None] = {}
        self._closing = False
        self._timers: list[tuple[float, int, SimTimer]] = []
        """A heap; of timers that are due at once, the one that was set first comes first."""
        self._timers_set = 0
        self._ready: deque[asyncio.Handle]
        self._stopping: bool
        self.set_task_factory(_task)
        self.set_exception_handler(lambda _, context: self._record(context))

    def time(self) -> float:
        """Virtual seconds since the start of the run."""
        return self._now

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = SimHandle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = SimTimer(when, callback, args, self, context)
        self._timers_set += 1
        heappush(self._timers, (when, self._timers_set, timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return NumberedFuture(loop=self)

    def release(self) -> None:
        """Let the tasks of paused and crashed machines be cancelled too: the run is over, nobody looks any more."""
        self._closing = True
        self._limit = self._now + LIMIT_SECONDS
        self._calls_before = self.calls
        for task in asyncio.all_tasks(self):
            if isinstance(task, NumberedTask) and task.machine and not task.machine.alive and not _unbegun(task):
                task.cancel()
        for machine in self._machines:
            self._ready.extend(machine.take_parked())

    def _run_once(self) -> None:
        """Turn after turn until the loop is to stop: asyncio's own way from one to the next takes as long as many a callback."""
        ready = self._ready
        while True:
            self._advance()
            if len(ready) == 1:
                self._call(ready.popleft())
            elif ready:
                batch = self._ordered(list(ready))
                ready.clear()
                for place, handle in enumerate(batch):
                    try:
                        self._call(handle)
                    except (SystemExit, KeyboardInterrupt):
                        ready.extendleft(reversed(batch[place + 1 :]))
                        raise
            if self._stopping:
                return

    def _call(self, handle: asyncio.Handle) -> None:
        if handle._cancelled:
            return
        context = handle._context  # type: ignore[attr-defined]
        machine = context.get(CURRENT)
        if machine is not None and machine.state is not State.RUNNING and not self._closing:
            self._machines[machine] = None
            machine.park(handle)
            return
        self.calls += 1
        try:
            context.run(handle._callback, *handle._args)  # type: ignore[attr-defined]
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            told = f"a callback failed: {handle!r}"
            self.call_exception_handler({"message": told, "exception": error, "handle": handle})

    def _advance(self) -> None:
        """To the next moment at which something is to be done, unless there is something now."""
        timers, ready = self._timers, self._ready
        while timers and timers[0][2]._cancelled:
            heappop(timers)
        if not ready and not self._stopping:
            if not timers:
                raise Stuck(f"deadlock at {self._now:.6f} s: nothing is ready and no timer is set; {self._waiting()}")
            when, _, timer = heappop(timers)
            self._jump(when)
            ready.append(timer)
        elif self.calls - self._calls_before > INSTANT_CALLS:
            raise Stuck(f"virtual time stands still at {self._now:.6f} s: {INSTANT_CALLS:,} calls; {self._waiting()}")
        due = self._now + RESOLUTION
        while timers and timers[0][0] <= due:
            timer = heappop(timers)[2]
            if not timer._cancelled:
                ready.append(timer)

    def _jump(self, when: float) -> None:
        if when > self._limit:
            raise Stuck(f"not over after {self._limit:g} virtual seconds; {self._waiting()}")
        if when > self._now:
            self._now = when
            self._calls_before = self.calls

    def _ordered(self, batch: list[asyncio.Handle]) -> list[asyncio.Handle]:
        """``batch`` in the seed's order, the calls of one object among themselves as they were."""
        chance = self._chance
        lots = [chance() for _ in batch]
        order = sorted(range(len(batch)), key=lots.__getitem__)
        places: dict[int, list[int]] = {}
        for place, index in enumerate(order):
            owner = getattr(batch[index]._callback, "__self__", None)  # type: ignore[attr-defined]
            if owner is not None:
                places.setdefault(id(owner), []).append(place)
        for own in places.values():
            if len(own) > 1:
                for place, index in zip(own, sorted(order[place] for place in own), strict=True):
                    order[place] = index
        return [batch[index] for index in order]

    def _waiting(self) -> str:
        tasks = sorted((task for task in asyncio.all_tasks(self)), key=hash)
        stopped = [repr(machine) for machine in self._machines if machine.state is not State.RUNNING]
        shown = [_where(task) for task in tasks[:20]] + (["…"] if len(tasks) > 20 else [])
        return f"tasks: {', '.join(shown) or 'none'}" + (f"; stopped: {', '.join(stopped)}" if stopped else "")

    def _record(self, context: dict[str, Any]) -> None:
        task = context.get("task") or context.get("future")
        handle = context.get("handle")
        source = handle._context if handle is not None else copy_context()
        machine = getattr(task, "machine", None) or machine_in(source)
        if machine is not None and not machine.alive:
            return
        self.errors.append(context.get("exception") or RuntimeError(str(context.get("message"))))

    def _process_events(self, event_list: object) -> None:
        """There are no files to watch."""

    def _write_to_self(self) -> None:
        """There is no other thread to wake the loop from."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> NoReturn:  # type: ignore[override]
        raise RuntimeError(f"no threads under virtual time: {func!r}")

    async def create_connection(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError("no sockets under virtual time: use the transport seam")

    async def create_server(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError("no sockets under virtual time: use the transport seam")


class SimClock:
    """The clock seam under virtual time; the wall clock goes along with it. ``skew`` sets this machine's wall clock wrong."""

    def __init__(self, skew: float = 0.0) -> None:
        self._skew = skew

    def monotonic(self) -> float:
        return get_running_loop().time()

    def wall(self) -> float:
        return WALL_START + self._skew + get_running_loop().time()

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return get_running_loop().call_later(delay, callback)

    async def sleep(self, delay: float) -> None:
        await asyncio.sleep(delay)


def run_virtual(
    main: Callable[..., Coroutine[Any, Any, T]], *arguments: Any, seed: int = 0, limit: float = LIMIT_SECONDS
) -> T:
    """Run ``main(*arguments)`` under virtual time and return its result; the same ``seed`` gives the same schedule.

    Raises what ``main`` raises; Stuck for a deadlock, a spin, or a run beyond ``limit`` virtual seconds; and an
    ExceptionGroup of what callbacks and forgotten tasks raised. Each carries a note with the command that replays it.
    """
    loop = SimLoop(seed, limit)
    restart_numbers()
    with numbered_scopes(), anyio_in_tasks_alone():
        runner = asyncio.Runner(loop_factory=lambda: loop)
        try:
            result = runner.run(main(*arguments))
        except BaseException as error:
            _annotate(error, seed, loop.errors)
            raise
        finally:
            loop.release()
            runner.run(_until_begun())
            runner.close()
    if loop.errors:
        group = BaseExceptionGroup("callbacks or tasks failed under virtual time", loop.errors)
        _annotate(group, seed, [])
        raise group
    return result


async def until(holds: Callable[[], bool], seconds: float, every: float) -> bool:
    """Whether ``holds`` comes true within so many seconds. It is looked at that often, and whoever waits sleeps meanwhile."""
    if holds():
        return True
    loop = get_running_loop()
    came: asyncio.Future[bool] = loop.create_future()
    end = loop.time() + seconds

    def look() -> None:
        if came.done():
            return
        if holds():
            came.set_result(True)
        elif loop.time() >= end:
            came.set_result(False)
        else:
            loop.call_later(every, look)

    loop.call_later(every, look)
    return await came


async def _until_begun() -> None:
    """Let every task begin: one that is cancelled before that leaves anyio's coroutine within it unawaited, with a warning."""
    for _ in range(BEGIN_ROUNDS):
        coroutines = [task.get_coro() for task in asyncio.all_tasks()]
        if not any(
            inspect.iscoroutine(each) and inspect.getcoroutinestate(each) == "CORO_CREATED" for each in coroutines
        ):
            return
        await asyncio.sleep(0)


def _unbegun(task: asyncio.Task[Any]) -> bool:
    coroutine = task.get_coro()
    return inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED


def _annotate(error: BaseException, seed: int, others: list[BaseException]) -> None:
    for other in others:
        error.add_note(f"before that, a callback or task failed: {other!r}")
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    replay = f"; replay: {REPLAY}={seed} python -m pytest '{test}'" if test else ""
    error.add_note(f"seed {seed}{replay}")


def _task(
    loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None, **options: Any
) -> NumberedTask:
    context = context or copy_context()
    task = NumberedTask(coroutine, loop=loop, context=context, **options)
    task.machine = machine_in(context)
    return task


def _where(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    if not frames:
        return task.get_name()
    code = frames[0].f_code
    return f"{task.get_name()} in {code.co_qualname} ({os.path.basename(code.co_filename)}:{frames[0].f_lineno})"
