"""A child process as the system knows it: whether it has ended, how, and how a signal reaches it and nobody else.

A program around us may take the exit status of its children itself: it ignores SIGCHLD, or it waits for any child in a thread or in
a handler. Then how a process ended is not known, and its number may belong to another one soon.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kvtui.core.seams.descriptor import Descriptor


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended."""

    status: int | None
    """Its exit status (negative: ended by that signal). None: not known, somebody else took it."""


class ProcessHandle(Protocol):
    """A child of this process."""

    @property
    def descriptor(self) -> int:
        """Readable once the process has ended; -1: the system has no such thing."""
        ...

    def look(self) -> Exit | None:
        """How it ended; None while it runs. Never waits."""
        ...

    def signal(self, number: int) -> bool:
        """Send a signal; does nothing where the process has ended. False: this user may not signal it (any more)."""
        ...

    def close(self) -> None:
        """Needed no more."""
        ...


def handle_of(pid: int) -> ProcessHandle:
    """The handle of a child that was started just now."""
    if sys.platform == "linux":
        try:
            return DescribedProcess(_described(pid))
        except (OSError, AttributeError):
            # An old kernel, or a Python built on one, a sandbox that forbids it, no descriptor left; or it was taken already.
            pass
    return NumberedProcess(pid)


def _described(pid: int) -> int:
    """Raises OSError, and AttributeError where Python was built on a system that had no such thing."""
    _ = os.P_PIDFD, signal.pidfd_send_signal
    return os.pidfd_open(pid)


class NumberedProcess:
    """By its number: whoever looks last before it is taken elsewhere may still find it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._exit: Exit | None = None

    @property
    def descriptor(self) -> int:
        return -1

    def look(self) -> Exit | None:
        if self._exit is None:
            try:
                found, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:
                self._exit = Exit(None)
            else:
                self._exit = Exit(os.waitstatus_to_exitcode(status)) if found else None
        return self._exit

    def signal(self, number: int) -> bool:
        # Once its end was seen, the number may be another process's.
        return self.look() is not None or _sent(lambda: os.kill(self._pid, number))

    def close(self) -> None:
        pass


if sys.platform == "linux":

    class DescribedProcess:
        """By a descriptor (pidfd_open(2)), which means this process for ever, whoever takes its status or gets its number."""

        def __init__(self, descriptor: int) -> None:
            self._held = Descriptor(descriptor)
            self._exit: Exit | None = None

        @property
        def descriptor(self) -> int:
            return self._held.number

        def look(self) -> Exit | None:
            if self._exit is None and not self._held.is_ours:
                self._exit = Exit(None)  # the program closed it
            elif self._exit is None:
                try:
                    found = os.waitid(os.P_PIDFD, self._held.number, os.WEXITED | os.WNOHANG)
                except OSError:
                    self._exit = Exit(None)
                else:
                    self._exit = None if found is None else Exit(_status(found.si_code, found.si_status))
            return self._exit

        def signal(self, number: int) -> bool:
            if not self._held.is_open:
                return True
            return self._held.is_ours and _sent(lambda: signal.pidfd_send_signal(self._held.number, number))

        def close(self) -> None:
            self._held.close()


def _sent(send: Callable[[], None]) -> bool:
    """False where it may not be sent: the program took another user since it started the process, or a sandbox forbids it."""
    try:
        send()
    except ProcessLookupError:
        pass
    except PermissionError:
        return False
    return True


def _status(code: int, status: int) -> int:
    return status if code == os.CLD_EXITED else -status
