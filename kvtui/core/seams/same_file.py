"""Which file a number means: a program may close descriptors that are not its own, and open files under their numbers."""

import os
import stat
from contextlib import suppress

Identity = tuple[int, int, int, str]
"""Device, inode and kind; of what has no kind (what is watched for a loop, a process) the name that Linux gives it."""


def identity_of(number: int) -> Identity | None:
    """What is open under a number; None: nothing is."""
    try:
        found = os.fstat(number)
    except OSError:
        return None
    kind, name = stat.S_IFMT(found.st_mode), ""
    if not kind:
        with suppress(OSError):
            name = os.readlink(f"/proc/self/fd/{number}")
    return found.st_dev, found.st_ino, kind, name


def is_epoll(number: int) -> bool:
    """Whether it is what Linux watches descriptors with."""
    found = identity_of(number)
    return found is not None and found[3] == "anon_inode:[eventpoll]"
