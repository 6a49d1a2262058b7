"""An event loop in a thread of its own, for programs that have none."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import selectors
import socket
import sys
import threading
import time
from _thread import allocate_lock, get_ident
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, Generic, NoReturn, ParamSpec, TypeVar, cast

from kvtui.core.cluster import ClusterError, KvtuiError
from kvtui.core.seams.forked import OF_PARENT, is_still, part_from_strangers, pin, when_forked
from kvtui.core.seams.same_file import Identity, identity_of

P = ParamSpec("P")
T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

END_SECONDS: Final = 5.0
"""How long what was cancelled may take to end, with the loop."""
LOOK_SECONDS: Final = 0.25
CLOSED_FROM_OUTSIDE: Final = "the program closed its descriptors: one that closes all must do so before it connects"
STILL_SECONDS: Final = 2.0
"""How long the end of the program may wait for what a loop is just doing."""

_log = logging.getLogger(__name__)


def asyncios_loop() -> asyncio.AbstractEventLoop:
    """One of asyncio's own, whatever event loop policy the program has set."""
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.SelectorEventLoop()


def uvloops_loop() -> LoopFactory:
    """What makes one of uvloop's. Raises ClusterError where it is not installed."""
    try:
        import uvloop
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == "uvloop"
        why = "it is not installed (pip install uvloop)" if absent else f"it can't be used here: {error}"
        raise ClusterError(f"uvloop=True needs uvloop, and {why}; without that argument asyncio's loop does") from None
    factory: LoopFactory = uvloop.new_event_loop
    return factory


class LoopThread:
    """Runs coroutines for any thread, on a loop of its own.

    A daemon thread: a program that ends without ``end`` is not kept alive by it, and finds it standing still: one that comes out of
    a library in C++ or Rust then would abort the program. Ctrl-C may come at any moment: coroutines are made
    in the loop, so that none is left unawaited, and threads wait on bare locks, of which an interrupt leaves nothing half done.
    """

    def __init__(self, loop_factory: LoopFactory = asyncios_loop) -> None:
        self._process = os.getpid()
        self._loop_factory = loop_factory
        self._lock = threading.RLock()  # what is dropped while it is held may want it too, in the same thread
        self._ended = False
        self._leave = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._own: dict[int, Identity | None] = {}
        """What the loop watches with, and is woken by."""
        self._calls: set[Call[Any]] = set()
        self._failure = ""
        """Why the loop ended by itself."""
        self._ready = _Moment()
        self._gone = _Moment()
        self._ident: int | None = None
        self._still = _Moment()
        self._thread = threading.Thread(target=self._live, name="kvtui", daemon=True)
        try:
            self._thread.start()
            atexit.register(self._stand_still)
            self._ready.wait()
        except RuntimeError as error:
            self._part()
            raise ClusterError(f"can't start a thread for the store's event loop: {error}") from None
        except BaseException:
            self._part()
            raise
        if self._loop is None:
            atexit.unregister(self._stand_still)
            raise ClusterError(f"can't open an event loop: {self._failure}")
        when_forked(self, LoopThread._leave_to_parent)

    @property
    def foreign(self) -> bool:
        """Whether this is the copy of a process that was forked off: it has no thread."""
        return os.getpid() != self._process

    @property
    def usable(self) -> bool:
        """Whether it runs, and in this process."""
        return not self._ended and not self.foreign

    def run(self, ask: Callable[P, Coroutine[Any, Any, T]], *arguments: P.args, **options: P.kwargs) -> T:
        """Call a coroutine function there and wait for what it returns or raises. Interrupted (Ctrl-C), it is cancelled.

        Raises ClusterError where it would wait for ever: after ``end``, after a fork, in the loop's own thread; and KvtuiError
        where ``end`` cancels it.
        """
        call = self.begin(ask, *arguments, **options)
        try:
            return call.result()
        except BaseException:
            call.give_up()
            raise

    def begin(self, ask: Callable[P, Coroutine[Any, Any, T]], *arguments: P.args, **options: P.kwargs) -> Call[T]:
        """The same without waiting. Raises ClusterError as ``run`` does."""
        self.check_process()
        if get_ident() == self._ident:
            raise ClusterError("a synchronous store can't be used in its own event loop: use the cluster there")
        if self.usable:
            with self._lock:
                # What is begun before the end is over before the loop is.
                if self.usable and self._loop is not None:
                    call = Call(lambda: ask(*arguments, **options), self._loop, self._calls)
                    self._calls.add(call)  # should the loop end before it gets to it, it is told
                    try:
                        self._loop.call_soon_threadsafe(call.begin)
                    except BaseException as error:
                        self._calls.discard(call)
                        if not isinstance(error, RuntimeError):
                            raise
                    else:
                        return call
        raise ClusterError(self._refusal())

    def check_process(self) -> None:
        """Raises ClusterError in a process that was forked off."""
        if self.foreign:
            raise ClusterError(OF_PARENT)

    @contextmanager
    def ending_where_forked(self) -> Iterator[None]:
        """In the loop. A process that is forked off within the block ends with it, as one of ``multiprocessing`` ends with its
        function: who waits for the block is not there, and the loop is the parent's."""
        try:
            yield
        except BaseException as error:
            if self.foreign:
                _leave_process(error)
            raise
        if self.foreign:
            _leave_process(None)

    def end(self) -> bool:
        """Cancel what still runs, and wait until the loop is closed. False: it is not after ``END_SECONDS``, and is left.
        Where that is over, does nothing."""
        if self.foreign:
            return True
        self._part()
        if not self._gone.wait(END_SECONDS):
            return False
        self._thread.join(END_SECONDS)
        atexit.unregister(self._stand_still)
        return True

    def _stand_still(self) -> None:
        """As the program ends: have the loop do nothing more."""
        if not self.foreign and self._loop is not None:
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._stand)
                self._still.wait_undisturbed(STILL_SECONDS, self._thread.is_alive)

    def _stand(self) -> None:
        self._still.come()
        _Moment().wait()

    def _part(self) -> None:
        with self._lock:
            if not self._ended:
                self._ended = True
                if self._loop is not None and self._whole():
                    with suppress(RuntimeError):  # it is closed, for a reason of its own
                        self._loop.call_soon_threadsafe(self._leave.set)

    def _refusal(self) -> str:
        if self.foreign:
            return OF_PARENT
        again = "open another with kvtui.connect_sync"
        if self._failure:
            return f"the store's event loop has ended ({self._failure}): {again}"
        return f"the store is closed: {again}"

    def _leave_to_parent(self) -> None:
        """This process was forked off, it may be by a signal's handler in a thread that waits for the loop."""
        self._lock = threading.RLock()
        for call in self._calls:
            call.leave_to_parent()

    def _live(self) -> None:
        try:
            with ExitStack() as room:
                # One that is half made, for want of descriptors, complains as it is dropped.
                for _ in range(3):
                    for end in socket.socketpair():
                        room.enter_context(end)
                room.enter_context(selectors.DefaultSelector())
            runner = asyncio.Runner(loop_factory=self._loop_factory)
            loop = runner.get_loop()
            self._own = _own(loop)
            try:
                self._loop, self._ident = loop, get_ident()
                self._ready.come()
                self._run(loop)
            except BaseException as error:
                self._failed(error)
            finally:
                self._close(runner, loop)
        except BaseException as error:
            self._failed(error)
        finally:
            self._ready.come()
            self._gone.come()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        end = loop.create_task(self._until_end())
        while not end.done():
            try:
                loop.run_until_complete(end)
            except (SystemExit, KeyboardInterrupt) as error:
                # They stop any loop, whoever's task raises them. This one is everybody's: it goes on.
                _log.warning("a task in the store's event loop raised %s", _reason(error))

    def _whole(self) -> bool:
        """Whether its descriptors are its own still."""
        return all(is_still(number, identity) for number, identity in self._own.items())

    def _close(self, runner: asyncio.Runner, loop: asyncio.AbstractEventLoop) -> None:
        part_from_strangers()
        try:
            if not self._whole():
                raise OSError(CLOSED_FROM_OUTSIDE)
            # As the program ends no thread can be started any more from Python 3.12 on, and asyncio starts one to wait for
            # those that looked up addresses. The loop is closed all the same.
            with suppress(RuntimeError):
                runner.close()
        except BaseException as error:
            # Its descriptors are not its own any more. What it has is left as it is: dropped, it would complain of itself.
            loop.set_exception_handler(lambda loop, context: None)
            for kept in (loop, *asyncio.all_tasks(loop)):
                pin(kept)
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Whoever waits and whoever comes is told why."""
        with self._lock:
            self._failure = self._failure or (_reason(error) if self._whole() else CLOSED_FROM_OUTSIDE)
            self._ended = True
        _log.debug("the store's event loop has ended: %s", self._failure)
        for call in list(self._calls):
            call.fail(
                KvtuiError(f"the store's event loop has ended ({self._failure}): whether this was done is unknown")
            )

    async def _until_end(self) -> None:
        if not self._ended:
            await self._leave.wait()
        # Each is cancelled once: what cleans up behind itself is not disturbed in it by the end of the loop, which cancels all.
        under_way = [task for call in self._calls if (task := call.cancelled()) is not None]
        if under_way:
            await asyncio.wait(under_way)


class Call(Generic[T]):
    """One coroutine that the loop runs, and for which another thread may wait."""

    def __init__(
        self,
        ask: Callable[[], Coroutine[Any, Any, T]],
        loop: asyncio.AbstractEventLoop,
        calls: set[Call[Any]],
    ) -> None:
        """``calls`` keeps those under way alive: a loop holds its tasks weakly."""
        self._ask = ask
        self._loop = loop
        self._calls = calls
        self._over = _Moment()
        self._task: asyncio.Task[T | None] | None = None
        self._value: T | None = None
        self._error: BaseException | None = None
        self._unwanted = False

    def begin(self) -> None:
        """In the loop."""
        _forget_other_library()
        self._task = self._loop.create_task(self._asked())
        self._task.add_done_callback(self._ended)

    def result(self, seconds: float | None = None) -> T:
        """Wait for what it returns or raises. Raises TimeoutError after so long, KvtuiError where the loop ended before it."""
        if not self._over.wait(seconds):
            raise TimeoutError
        error, self._error = self._error, None
        if error is None:
            return cast(T, self._value)
        try:
            raise error
        finally:
            del error  # its traceback holds this frame

    def give_up(self) -> None:
        """Cancel it, from any thread, and don't wait. What is over stays as it is."""
        if not self._over.came:
            with suppress(RuntimeError):  # the loop ended meanwhile, and with it this
                self._loop.call_soon_threadsafe(self.cancelled)

    def cancelled(self) -> asyncio.Task[T | None] | None:
        """In the loop, once it was begun: cancel it, unless that was done, and return what ends then; None: it has ended."""
        if self._task is not None and not self._unwanted:
            self._unwanted = True
            self._task.cancel()
        return self._task

    def leave_to_parent(self) -> None:
        """This process was forked off: nobody goes on with it here."""
        self._error = ClusterError(OF_PARENT)
        self._over.come()

    def fail(self, error: BaseException) -> None:
        """The loop goes no further: who waits is told."""
        if not self._over.came:
            self._error = error
            self._over.come()

    async def _asked(self) -> T | None:
        try:
            return await self._ask()
        except (SystemExit, KeyboardInterrupt) as error:
            self._error = error  # who asked gets it: out of a task it would stop the loop, which is everybody's
            return None

    def _ended(self, task: asyncio.Task[T | None]) -> None:
        self._calls.discard(self)
        # The task goes here: asyncio has Python code run where the last who knows it lets go of it, and a Ctrl-C amid that is lost.
        # It is looked at in any case: who was interrupted never asks, and asyncio would complain of an exception that nobody saw.
        self._task = None
        if task.cancelled():
            # What cancelled it knows the frames that it came through, and they may know the task: a circle, which the collector of
            # garbage would undo in anybody's thread. Whoever asks for it takes it out.
            with suppress(asyncio.CancelledError):
                task.exception()
            self._error = KvtuiError("the store was closed while this was under way: whether it was done is unknown")
        elif (error := task.exception()) is not None:
            self._error = error
        else:
            self._value = task.result()
        self._over.come()


class _Moment:
    """Something that comes once, and that threads wait for. What ``threading`` has for it holds a lock while it waits, which an
    interrupt at the wrong moment leaves in disorder."""

    def __init__(self) -> None:
        self._lock = (
            allocate_lock()
        )  # by this name it stays Python's own, should gevent replace it while a store is open
        self._lock.acquire()
        self.came = False

    def come(self) -> None:
        if not self.came:
            self.came = True
            self._lock.release()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it came within so many seconds; None: it is waited for until it does."""
        if seconds is None:
            with self._lock:
                return True
        until = time.monotonic() + seconds
        while not self.came and (left := until - time.monotonic()) > 0:
            # Looked at now and then: whoever was interrupted with the lock in its hands keeps it.
            if self._lock.acquire(timeout=min(left, LOOK_SECONDS)):
                self._lock.release()
        return self.came

    def wait_undisturbed(self, seconds: float, wanted: Callable[[], bool]) -> None:
        """Wait for it, whatever interrupts that, for so many seconds, and as long as it is ``wanted``."""
        until = time.monotonic() + seconds
        while not self.came and wanted() and (left := until - time.monotonic()) > 0:
            with suppress(KeyboardInterrupt):
                self.wait(min(left, LOOK_SECONDS))


def _own(loop: Any) -> dict[int, Identity | None]:
    """What a loop of asyncio's own has open for itself. Others don't tell."""
    parts = (getattr(loop, name, None) for name in ("_selector", "_ssock", "_csock"))
    numbers = [part.fileno() for part in parts if part is not None and hasattr(part, "fileno")]
    return {number: identity_of(number) for number in numbers}


def _reason(error: BaseException) -> str:
    """One line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")


def _leave_process(error: BaseException | None) -> NoReturn:
    """As Python does it: with the status that SystemExit names, or with 1 and the traceback."""
    status = 0
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status & 0xFF)


def _forget_other_library() -> None:
    """What is called here has the context of its caller, which may say to sniffio, and so to anyio, that trio runs."""
    sniffio = sys.modules.get("sniffio")
    if sniffio is not None:
        sniffio.current_async_library_cvar.set("asyncio")
