"""Gives a store up: its own files are deleted from its directory, and nothing else.

The directory itself may be a link, or a place where something is mounted, if what it leads to is ours: it stays there, empty.
Within it no link is followed, and a file that no store has is nobody's to delete here.

``CURRENT`` goes first, under another name: from then on no store opens there, so that what could not be deleted never comes back
as an older state of it. Under that name it goes last, so that whoever starts a node there knows that the rest may be deleted too.
"""

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kvtui.core.seams.launcher import Discarded
from kvtui.notation import as_word

GIVEN_UP_FILE: Final = "GIVEN_UP"
"""``CURRENT`` of a store that was given up and is not deleted altogether."""
NAMED: Final = 3
"""Files that are named to a person."""

_ROCKSDB_NAMES: Final = (
    r"CURRENT|IDENTITY|LOCK|LOG(\.old\.\d+)?|MANIFEST-\d+|OPTIONS-\d+(\.dbtmp)?|\d+\.(log|sst|blob|dbtmp)"
)
_OUR_NAMES: Final = r"rocksdict-config\.json|HOLDER(\.lock)?|CLOSED|GIVEN_UP"
_OF_A_STORE: Final = re.compile(f"{_ROCKSDB_NAMES}|{_OUR_NAMES}")


def belongs_to_a_store(name: str) -> bool:
    """Whether a store makes files of that name."""
    return _OF_A_STORE.fullmatch(name) is not None


def was_given_up(directory: Path) -> bool:
    """Whether a store there was given up, and not all of it could be deleted."""
    try:
        return (directory / GIVEN_UP_FILE).is_file() and not (directory / "CURRENT").exists()
    except OSError:
        return False


def give_up(directory: Path) -> Discarded:
    """Delete the store in ``directory``, and the directory where nothing is left in it. It raises nothing: what is left is told."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return Discarded()
    except OSError as error:
        return Discarded(f"{directory} can't be emptied: {_reason(error)}", intact=True)
    try:
        if _is_foreign(directory, os.fstat(descriptor).st_uid):
            return Discarded(
                f"{directory} is, or leads to, a directory of another user, and stays as it is", intact=True
            )
        left = _empty(directory, descriptor)
    except OSError as error:
        return Discarded(f"{directory} can't be emptied: {_reason(error)}", intact=True)
    finally:
        os.close(descriptor)
    return Discarded(left or _remove(directory))


def _is_foreign(directory: Path, owner: int) -> bool:
    """Whether what lies there is another user's. Within a directory of that user's own a node's is theirs as well."""
    if owner == os.geteuid():
        return False
    # A mount of the same file system shows by its owner alone.
    return directory.is_symlink() or directory.is_mount() or owner != directory.parent.stat().st_uid


def _empty(directory: Path, descriptor: int) -> str:
    """Delete the store's files; what is left, in words. Raises OSError while the store is still whole."""
    try:
        os.rename("CURRENT", GIVEN_UP_FILE, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        os.fsync(descriptor)
    except FileNotFoundError:
        pass
    names = sorted(os.listdir(descriptor))
    undeleted: list[str] = []
    why = ""
    for name in names:
        if belongs_to_a_store(name) and name != GIVEN_UP_FILE:
            why = _unlink(name, descriptor) or why
            undeleted += [name] if _is_there(name, descriptor) else []
    if undeleted:
        return f"{directory}: {_listed(undeleted)} can't be deleted: {why}"
    if GIVEN_UP_FILE in names and (why := _unlink(GIVEN_UP_FILE, descriptor)):
        return f"{directory}: {GIVEN_UP_FILE} can't be deleted: {why}"
    strangers = [name for name in names if not belongs_to_a_store(name)]
    return f"{directory} still holds {_listed(strangers)}, which no node made" if strangers else ""


def _unlink(name: str, descriptor: int) -> str:
    """Why the file can't be deleted; empty when it is."""
    try:
        os.unlink(name, dir_fd=descriptor)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return _reason(error)
    return ""


def _is_there(name: str, descriptor: int) -> bool:
    try:
        os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _remove(directory: Path) -> str:
    """Remove an empty directory that is no link and no mount; why not, in words."""
    if directory.is_symlink() or directory.is_mount():
        return ""
    try:
        directory.rmdir()
    except FileNotFoundError:
        return ""
    except OSError as error:
        # Something is mounted there: it stays, as a link does.
        mounted = error.errno == errno.EBUSY
        return "" if mounted else f"{directory} is empty, and can't be removed: {_reason(error)}"
    return ""


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(as_word(name) for name in names[:NAMED])
    return f"{shown} and {len(names) - NAMED:,} more" if len(names) > NAMED else shown


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
