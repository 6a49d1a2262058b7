"""Who may work in a store's directory: one lock of our own, from before anything in it is looked at until its orderly end is noted.

RocksDB's own lock is taken after the first look and let go before the last word: one who opens in between works beside what
another one still writes. This one is a ``flock`` on a file that stays where it is: whoever deleted it would let two in.
"""

import errno
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from kvtui.core.seams.descriptor import Descriptor
from kvtui.core.seams.forked import unforked
from kvtui.core.seams.private_files import open_private
from kvtui.core.seams.system_reason import system_reason

try:
    import fcntl
except ImportError:  # not a Unix system
    fcntl = None  # type: ignore[assignment]

LOCK_FILE: Final = "HOLDER.lock"
"""Empty; its name alone is locked. A directory that holds nothing else is as good as new, to older versions too."""
TRIES: Final = 100
"""A directory that is deleted and made again under those who lock it is looked at so often."""
_TAKEN: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})
"""What file systems say that have no such locks, over a network mostly."""

_log = logging.getLogger(__name__)
_warned: set[Path] = set()


class DirectoryTaken(Exception):
    """Somebody else has locked the directory."""


class DirectoryLock:
    """A lock that is held, or the knowledge that there can be none. ``lock_directory`` makes one."""

    def __init__(self, file: Path, descriptor: int, *, exclusive: bool, made: bool) -> None:
        self.exclusive = exclusive
        """Whether nobody else can have it; False: this file system has no such locks, and RocksDB's own must do."""
        self._process = os.getpid()
        self._file = file
        self._held = Descriptor(descriptor)
        """A copy of it would keep the directory locked beyond the end of who took it."""
        self._made = made

    @property
    def here(self) -> bool:
        """Whether this process took it. A process that was forked off has a copy of it, which is not its own."""
        return os.getpid() == self._process

    def release(self) -> None:
        """Let others in. Calling it again does nothing, and in a process that was forked off nobody is let in."""
        if self.exclusive and self.here and self._held.is_ours:
            # A child that is about to become another program has a copy of the descriptor for a moment: closing alone would not do.
            fcntl.flock(self._held.number, fcntl.LOCK_UN)
        self._held.close()

    def undo(self) -> None:
        """Release, and leave no trace where there was no lock file before. Who has that very file open finds out: see ``_take``."""
        if self._made and self.here and self._held.is_open:
            with suppress(OSError):
                self._file.unlink()
        self.release()

    def __del__(self) -> None:
        self.release()


def lock_directory(directory: Path) -> DirectoryLock:
    """Lock a directory that is there. Raises DirectoryTaken, OSError.

    Where the file system has no such locks a warning is logged, once a directory.
    """
    file = directory / LOCK_FILE
    for _ in range(TRIES):
        with unforked():
            lock = _take(file)
        if lock is not None:
            return lock
    raise DirectoryTaken


def _take(file: Path) -> DirectoryLock | None:
    """The lock on the file of that name; None where another file has the name by now."""
    made = not file.exists()
    descriptor = open_private(file, os.O_RDWR | os.O_CREAT)
    try:
        exclusive = _locked(descriptor, file.parent)
        if exclusive and not _is_named(file, descriptor):
            os.close(descriptor)
            return None
    except BaseException:
        os.close(descriptor)
        raise
    return DirectoryLock(file, descriptor, exclusive=exclusive, made=made)


def _locked(descriptor: int, directory: Path) -> bool:
    """Whether it could be locked; False where there are no locks. Raises DirectoryTaken, OSError."""
    reason = "this system has none"
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno in _TAKEN:
                raise DirectoryTaken from None
            if error.errno not in _NO_LOCKS:
                raise
            reason = system_reason(error)
    if directory not in _warned:
        _warned.add(directory)
        _log.warning("%s can't be locked as a whole (%s): RocksDB's own lock alone keeps others out", directory, reason)
    return False


def _is_named(file: Path, descriptor: int) -> bool:
    """Whether the open file still has its name: it may have been taken away with its directory, or by a refused opening."""
    try:
        return os.path.samestat(os.stat(file, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
