"""Reading a file that a person named, whatever it is: also a pipe, as ``<(...)`` is one, but none that nobody writes to."""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import monotonic
from typing import Final

PIPE_SECONDS: Final = 30.0
"""So long who writes to a pipe may take over all of it."""
WRITER_SECONDS: Final = 1.0
"""So long a pipe that nobody has opened to write is waited for."""
_LOOK_SECONDS: Final = 0.02


class NothingComes(OSError):
    """A pipe of which nothing comes, or no end."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.ETIMEDOUT, why)


def open_given(path: Path) -> int:
    """A descriptor to read from that waits for nobody. Raises OSError."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)


def read_given(path: Path, most: int) -> bytes:
    """What is in the file; of a larger one than ``most`` bytes, one byte more. Raises OSError."""
    descriptor = open_given(path)
    try:
        return read_all(descriptor, most)
    finally:
        os.close(descriptor)


def read_all(descriptor: int, most: int) -> bytes:
    """The same of what ``open_given`` opened."""
    pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    began = monotonic()
    data = bytearray()
    while len(data) <= most:
        try:
            part = os.read(descriptor, most + 1 - len(data))
        except BlockingIOError:
            part = None
        waited = monotonic() - began
        if part:
            data += part
        elif part is not None and (data or not pipe or waited >= WRITER_SECONDS):
            if pipe and not data:
                raise NothingComes("it is a pipe, and nobody writes to it")
            break
        elif waited >= PIPE_SECONDS:
            raise NothingComes(f"of what it gives there is no end within {PIPE_SECONDS:g} s")
        elif part is None:
            select.select([descriptor], [], [], PIPE_SECONDS - waited)
        else:  # nobody has it open to write, or nobody any more
            select.select([], [], [], _LOOK_SECONDS)
    return bytes(data)


def check_file(mode: int) -> None:
    """Raise OSError for what is neither a file nor a pipe, told from its ``st_mode``: nothing in it was meant to be read."""
    if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory, and a file is wanted")
    what = "a socket" if stat.S_ISSOCK(mode) else "a device"
    raise OSError(errno.EINVAL, f"it is {what}, and a file is wanted")


@contextmanager
def as_regular_file(path: Path | None, most: int) -> Iterator[Path | None]:
    """The path itself, unless a pipe is there: then that of what the pipe gave, for who reads files alone. Raises OSError, for
    more than ``most`` bytes too."""
    if path is None:
        yield path
        return
    status = os.stat(path)
    check_file(status.st_mode)
    if not stat.S_ISFIFO(status.st_mode):
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes")
        yield path
        return
    data = read_given(path, most)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes come from it")
    with NamedTemporaryFile() as copy:  # its user's alone
        copy.write(data)
        copy.flush()
        yield Path(copy.name)
