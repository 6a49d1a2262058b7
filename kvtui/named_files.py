"""Files that a person names get the mode that the person's umask gives; what a program of ours makes besides is its user's alone.

That it is a program of ours is said once, at its beginning, by ``make_private``. In a program that only uses kvtui the umask is
not kvtui's to change.
"""

from __future__ import annotations

import os
from typing import Final

PRIVATE: Final = 0o077
_theirs: int | None = None
"""The umask that this program was started with."""


def make_private() -> None:
    """From now on what this process and its children make is closed to others, but for what ``open_named`` makes."""
    global _theirs
    before = os.umask(PRIVATE)
    if _theirs is None:
        _theirs = before


def open_named(path: str | os.PathLike[str], flags: int) -> int:
    """``os.open`` of a file that a person named; one that is made has the mode that their umask gives. Raises OSError."""
    if _theirs is None or not flags & os.O_CREAT:
        return os.open(path, flags, 0o666)
    try:
        descriptor = os.open(path, flags | os.O_EXCL, 0o666)
    except FileExistsError:
        if flags & os.O_EXCL:
            raise
        return os.open(path, flags, 0o666)
    os.fchmod(descriptor, 0o666 & ~_theirs)
    return descriptor
