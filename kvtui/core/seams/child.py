"""One child process, in any loop and in any thread: its start and its end need no signal, no thread and nothing of the program's.

``asyncio.create_subprocess_exec`` takes SIGCHLD from the whole program under uvloop, and a thread a process elsewhere. Here the end
is noticed by a descriptor that becomes readable; where a system has none, by the end of the child's standard output.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Final
from weakref import WeakSet

from kvtui.core.seams.child_output import FirstLine, LastWords
from kvtui.core.seams.descriptor import pipe
from kvtui.core.seams.forked import unforked
from kvtui.core.seams.node_command import Command
from kvtui.core.seams.process_handle import Exit, ProcessHandle, handle_of

LOOKS: Final = 40
"""Times that a process is looked at whose end is about to come."""
LOOK_SECONDS: Final = 0.05


_RUNNING: Final[WeakSet[Child]] = WeakSet()
_UNREAPED: Final[set[Child]] = set()
"""Killed, but nobody could wait for their end. Whoever starts the next one takes their status."""


def let_go_of(loop: asyncio.AbstractEventLoop) -> None:
    """Let go of all that were started in a loop which was closed before they ended."""
    for child in list(_RUNNING):
        if child.loop is loop:
            child.let_go()


def reap() -> None:
    """Take the status of those that were killed and have ended since, whichever loop they were started in."""
    for child in list(_UNREAPED):
        child.reap_later()


class _Started(subprocess.Popen[bytes]):
    """Only starts a process. It is never waited for through this object, and whoever drops it warns of nothing."""

    def __del__(self) -> None:
        pass


class Child:
    """A process that was started here, in a session of its own, whose standard input is a pipe that only ends.

    It sees that end when this process ends, whatever ends it, or when ``let_go`` is called; nothing else holds that pipe.
    """

    def __init__(self, command: Command, handle_of: Callable[[int], ProcessHandle] = handle_of) -> None:
        """Start it, in the running loop. Raises OSError, or ValueError for what no command line may hold; nothing is left then."""
        reap()
        self.loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._exit: Exit | None = None
        self._parent = os.getpid()
        with ExitStack() as undone, ExitStack() as given:
            reading, self.held = pipe()
            """The writing end of its standard input. Whoever else has it open keeps the process alive."""
            given.callback(reading.close)
            undone.callback(self.held.close)
            self.output = FirstLine()
            undone.callback(self.output.close)
            self.said = LastWords()
            undone.callback(self.said.close)
            with unforked():  # who forks meanwhile would keep the pipe that tells whether the program was started
                self.pid = _Started(
                    command.arguments,
                    stdin=reading.number,
                    stdout=self.output.writing.number,
                    stderr=self.said.writing.number,
                    cwd=command.directory,
                    env=command.environment,
                    start_new_session=True,
                ).pid
            given.callback(self.output.writing.close)
            given.callback(self.said.writing.close)
            self._handle = handle_of(self.pid)
            if self._watched:
                self.loop.add_reader(self._handle.descriptor, self._readable)
            else:
                self.output.when_over(self._look_again)
            undone.pop_all()
        _RUNNING.add(self)

    @property
    def exit(self) -> Exit | None:
        """How it ended; None while it runs."""
        if self._exit is None and not self._watched:
            self._look()
        return self._exit

    def signal(self, number: int) -> bool:
        """Send a signal. Does nothing once it has ended (its number may be another process's), nor in a process forked off ours.
        False: this user may not signal it."""
        return self._exit is not None or os.getpid() != self._parent or self._handle.signal(number)

    async def wait(self) -> Exit:
        """How it ended, once it has. In the loop in which it was started."""
        while self._exit is None:
            if self._watched:
                await self._over.wait()
            elif not self._look():
                await asyncio.sleep(LOOK_SECONDS)
        assert self._exit is not None
        return self._exit

    def let_go(self) -> None:
        """End the pipe that it reads, which ends it in order, and hear no more of it. Needs no loop that still runs."""
        self.held.close()
        self.output.close()
        self.said.close()

    def reap_later(self) -> None:
        """It was killed and is nobody's: its status is taken as soon as it can be, at the latest when the next one is started, in
        any loop."""
        if self._exit is None and os.getpid() == self._parent:
            self._look()
        if self._exit is None and os.getpid() == self._parent:
            _UNREAPED.add(self)
        else:
            _UNREAPED.discard(self)

    @property
    def _watched(self) -> bool:
        return self._handle.descriptor >= 0

    def _readable(self) -> None:
        if not self._look():
            # It has ended, but a debugger has its status first.
            self.loop.remove_reader(self._handle.descriptor)
            self._look_again(certain=True)

    def _look_again(self, left: int = LOOKS, certain: bool = False) -> None:
        if self._exit is not None or self._look():
            return
        if left:
            self.loop.call_later(LOOK_SECONDS, self._look_again, left - 1, certain)
        elif certain:
            self._ended(Exit(None))

    def _look(self) -> bool:
        found = self._handle.look()
        if found is not None:
            self._ended(found)
        return found is not None

    def _ended(self, how: Exit) -> None:
        self._exit = how
        _RUNNING.discard(self)
        if self._watched:
            with suppress(RuntimeError):  # the loop was closed before
                self.loop.remove_reader(self._handle.descriptor)
        self._handle.close()
        self.held.close()
        self.output.drain()
        self.said.drain()
        self._over.set()
