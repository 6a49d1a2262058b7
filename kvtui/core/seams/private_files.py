"""Files and directories that kvtui makes for itself, where somebody else may have been before it.

A file is its owner's alone (mode 0600) and a directory too (0700), whatever the umask is. A link that lies under a name which
kvtui writes to is never followed: it may lead to any file of this user. What kvtui did not make keeps its mode.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700
_CAREFULLY: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""A link is refused (ELOOP), no child inherits it, and a FIFO that somebody left there does not hold this process up."""


class NotOurs(OSError):
    """What lies under a name that kvtui writes to was not made by kvtui; ``strerror`` says what it is."""


def open_private(path: Path, flags: int) -> int:
    """A descriptor of the plain file ``path``, by the flags of ``os.open``.

    Links are not followed, what belongs to another user than this one and root is refused. A file that is made has mode 0600, and
    one of ours that is opened for writing is given it. O_TRUNC empties nothing before that is known, nor another name of the file.
    Raises OSError, NotOurs among them.
    """
    descriptor = _open(path, flags & ~os.O_TRUNC)
    try:
        status = os.fstat(descriptor)
        _check_ours(status, path)
        if status.st_nlink > 1 and flags & os.O_TRUNC:
            # Another name of it may be anything: this one gets a file of its own.
            os.unlink(path)
            fresh = _open(path, os.O_EXCL | flags & ~os.O_TRUNC)
            os.close(descriptor)
            descriptor = fresh
        elif status.st_nlink > 1 and flags & os.O_APPEND:
            raise NotOurs(errno.EEXIST, f"{path.name} has another name besides, and may be any file", str(path))
        elif flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
        if flags & (os.O_WRONLY | os.O_RDWR):
            _close_to_others(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_private(path: Path, content: bytes) -> None:
    """Make or overwrite a file. Not durable by itself. Raises OSError, NotOurs among them."""
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
        file.write(content)


def read_private(path: Path, most: int = -1) -> bytes:
    """What a file holds, ``most`` bytes of it. Raises OSError, NotOurs among them."""
    with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
        return file.read(most)


def make_private_directory(path: Path) -> list[Path]:
    """Make a directory and those above it that are missing; returns those made, outermost first. One that is there stays as it is,
    and may be a link to one. Raises OSError, NotOurs for a link that leads nowhere."""
    missing = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
    made = []
    for folder in reversed(missing):
        try:
            os.mkdir(folder, DIRECTORY_MODE)
        except FileExistsError:
            continue  # another process was faster
        made.append(folder)
        _give_owner_all(folder)
    if path.is_symlink() and not path.exists():
        raise NotOurs(errno.ENOENT, f"{path.name} is a link that leads nowhere", str(path))
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    return made


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | _CAREFULLY, FILE_MODE)
    except OSError as error:
        # FreeBSD says EMLINK of a link that it was told not to follow.
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise NotOurs(error.errno, f"{path.name} is a link, and none is followed there", str(path)) from None
        if error.errno == errno.ENXIO:
            raise NotOurs(error.errno, f"{path.name} is no plain file", str(path)) from None
        raise


def _check_ours(status: os.stat_result, path: Path) -> None:
    """Raises NotOurs."""
    if not stat.S_ISREG(status.st_mode):
        raise NotOurs(errno.EEXIST, f"{path.name} is no plain file", str(path))
    if status.st_uid not in (os.geteuid(), 0):
        raise NotOurs(errno.EPERM, f"{path.name} belongs to another user (uid {status.st_uid})", str(path))


def _close_to_others(descriptor: int, mode: int) -> None:
    if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777 != mode:
        # Root's file in our hands, and file systems without modes, stay as they are.
        with suppress(OSError):
            os.fchmod(descriptor, mode)


def _give_owner_all(folder: Path) -> None:
    """The umask may have taken bits away that the owner needs."""
    if stat.S_IMODE(os.lstat(folder).st_mode) & DIRECTORY_MODE != DIRECTORY_MODE:
        os.chmod(folder, DIRECTORY_MODE)
