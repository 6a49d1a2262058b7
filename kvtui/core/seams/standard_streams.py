"""Standard input, output and errors of our programs, where whoever started them left some of these closed, full or unread.

The system gives out the lowest descriptor that is free: without 2 the next file opened is what every message goes to, a
store's own perhaps, and a Python without ``sys.stderr`` prints to the output what was meant for it.

What is said aside is for who can read it: where nobody can, nothing happens. The output is what a program is run for: where it
can't be written, the program ends with a status that says so.
"""

import errno
import os
import select
import signal
import sys
import threading
from io import TextIOWrapper
from typing import Any, NoReturn

from kvtui.notation import escape

OUTPUT_FAILED = 1
"""The exit status where the output can't be written."""
READER_GONE = 141
"""The exit status where nobody reads the output any more: that of a program that a SIGPIPE ended."""
SIGNALS = 128
"""Exit statuses above it name a signal."""
WAIT_SECONDS = 1.0
"""How long a reader that stands still is waited for when something is said aside, and at the end."""


class OutputLost(OSError):
    """The standard output can't be written."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason.strerror or type(reason).__name__)
        # No ``errno`` of its own: who knows one would take the program's end into their own hands.
        self.reader_gone = reason.errno == errno.EPIPE


class _Output(TextIOWrapper):
    """Raises OutputLost where any other stream raises OSError."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise OutputLost(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise OutputLost(error) from None


def open_missing_streams() -> None:
    """Open each of the descriptors 0 to 2 that is closed on the null device, and give it its ``sys`` stream; from then on the
    output raises OutputLost where writing fails.

    For the very start of a program, before it opens anything. Never for the library: descriptors belong to the program.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest that is free is this one: those below it are open.
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(descriptor, mode, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    plain: Any = sys.stdout
    if type(plain) is TextIOWrapper and plain is sys.__stdout__:
        encoding, errors, by_line = plain.encoding, plain.errors, plain.line_buffering
        sys.stdout = _Output(plain.detach(), encoding=encoding, errors=errors, line_buffering=by_line)
        sys.__stdout__ = sys.stdout  # type: ignore[misc]


def say_aside(text: str) -> None:
    """Write a line on the standard error. Where nobody can read it nothing happens: it must not end who says it, nor hold it up."""
    if sys.stderr is None or not taken(sys.stderr):  # without one print() would take the output
        return
    try:
        # Paths and what the system says of them are in it: none of them may drive the terminal.
        print("\n".join(map(escape, text.split("\n"))), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass


def output_lost(program: str, lost: OutputLost, *, after: str = "") -> int:
    """The exit status of a program whose output was lost; it is told why, unless it is that nobody reads it. ``after``: how far it
    was."""
    if lost.reader_gone:
        return READER_GONE
    say_aside(f"{program}: the output can't be written: {lost}{after and f' ({after})'}")
    return OUTPUT_FAILED


def give_up_output() -> None:
    """The output was lost: what waits to be written goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def without_output(program: str, lost: OutputLost, *, after: str = "") -> int:
    """Give the output up; the exit status, as ``output_lost`` says it."""
    give_up_output()
    return output_lost(program, lost, after=after)


def leave(program: str, status: int) -> NoReturn:
    """Exit. A pipe's reader gets all, however slow it is; but once the program was told to end (a ``status`` of a signal), or where
    a terminal is stopped, nobody is waited for. Nor does a thread that waits for a person's line keep the process alive."""
    for stream in (sys.stdout, sys.stderr):
        if (status > SIGNALS or stream.isatty()) and not taken(stream):
            os._exit(status)
        try:
            stream.flush()
        except OutputLost as lost:
            give_up_output()
            status = status or output_lost(program, lost)
        except KeyboardInterrupt:
            os._exit(SIGNALS + signal.SIGINT)
        except (OSError, ValueError):
            os._exit(status)  # nobody reads what is left; the interpreter would complain about it
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        os._exit(status)
    sys.exit(status)


def taken(stream: Any, seconds: float = WAIT_SECONDS) -> bool:
    """Whether a stream takes something within so many seconds; one that fails does."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return True
    watch = select.poll()
    watch.register(descriptor, select.POLLOUT)
    return bool(watch.poll(seconds * 1000))
