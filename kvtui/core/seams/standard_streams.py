"""Standard input, output and errors of our programs, where whoever started them left some of these closed.

The system gives out the lowest descriptor that is free: without 2 the next file opened is what every message goes to, a
store's own perhaps, and a Python without ``sys.stderr`` prints to the output what was meant for it.
"""

import os
import sys

from kvtui.notation import escape


def open_missing_streams() -> None:
    """Open each of the descriptors 0 to 2 that is closed on the null device, and give it its ``sys`` stream.

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


def say_aside(text: str) -> None:
    """Write a line on the standard error. Where nobody can read it nothing happens: it must not end who says it."""
    if sys.stderr is None:  # print() would take the output
        return
    try:
        # Paths and what the system says of them are in it: none of them may drive the terminal.
        print("\n".join(map(escape, text.split("\n"))), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass
