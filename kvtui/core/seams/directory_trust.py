"""Which directories kvtui keeps its state in: those in which nobody but this user, and root, can make, take or replace a name."""

import os
import pwd
import stat
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from kvtui.notation import as_shell_word, as_word, brief

OURS_WITHIN: Final = ("metadata", "nodes")
"""Directories that kvtui makes in a state directory."""


class Standing(Enum):
    """What a directory's owner and mode say."""

    SOUND = "nobody else can change what is in it"
    GROUP_WRITABLE = "it is this user's, and its group can change what is in it"
    WORLD_WRITABLE = "every user can change what is in it"
    FOREIGN = "it belongs to another user"
    FOREIGN_LINK = "it is a link that another user made"


class UnsafeDirectory(Exception):
    """Another user may have prepared the directory, or can change it; the text is one line with the cure."""


def judge(link: os.stat_result, directory: os.stat_result, user: int) -> Standing:
    """``link`` is the status of the name itself, ``directory`` of what it leads to, ``user`` the effective uid."""
    if link.st_uid not in (user, 0):
        return Standing.FOREIGN_LINK if stat.S_ISLNK(link.st_mode) else Standing.FOREIGN
    if directory.st_uid not in (user, 0):
        return Standing.FOREIGN
    if directory.st_mode & stat.S_IWOTH:
        return Standing.WORLD_WRITABLE
    if directory.st_mode & stat.S_IWGRP and directory.st_uid == user:
        return Standing.GROUP_WRITABLE
    return Standing.SOUND


def owner_of(path: Path) -> int:
    """The uid of who owns the directory; where it is missing, the one of who would make it, which is this user's."""
    try:
        return path.stat().st_uid
    except OSError:
        return os.geteuid()


def admit(path: Path) -> str:
    """Check a directory, before anything in it is used. One that is missing, or no directory, is left to whoever uses it.

    One of this user's that its group can write to, as a umask of 002 made it, is closed to the group; where that can't be done, the
    line that is returned says so. It is empty otherwise. Raises UnsafeDirectory.
    """
    try:
        link, directory = path.lstat(), path.stat()
    except OSError:
        return ""
    if not stat.S_ISDIR(directory.st_mode):
        return ""
    standing = judge(link, directory, os.geteuid())
    if standing is Standing.GROUP_WRITABLE:
        return _close_to_group(path, directory)
    if standing is Standing.WORLD_WRITABLE:
        raise UnsafeDirectory(
            f"every user of this machine can change what is in {as_word(str(path))}: see that all of it is yours, then"
            f" chmod o-w {as_shell_word(str(path))}"
            f" (or take a directory of your own)"
        )
    if standing is Standing.FOREIGN:
        owner = _name(directory.st_uid)
        raise UnsafeDirectory(
            f"{path} belongs to {owner}, who can change what is in it: run this as that user, take a directory of your own, or,"
            f" if you trust all that is in it, have it given to {_name(os.geteuid())} with chown -R"
        )
    if standing is Standing.FOREIGN_LINK:
        raise UnsafeDirectory(f"{path} is a link that {_name(link.st_uid)} made: name the directory itself")
    return ""


def admit_store(path: Path) -> str:
    """As ``admit``, for the directory of a store, in which its engine makes files by names of its own. A link that lies there under
    any name but that of a table, which is only ever read, is refused."""
    warning = admit(path)
    try:
        entries = list(os.scandir(path))
    except OSError:
        return warning
    for entry in entries:
        if entry.is_symlink() and not entry.name.endswith(".sst"):
            raise UnsafeDirectory(
                f"{path} holds a link, {brief(entry.name)}, through which files elsewhere would be written to: a store has none,"
                " move it away"
            )
    return warning


def admit_state(state: Path) -> list[str]:
    """Check a state directory and the two in it that kvtui makes, which are closed to all others where an older version left them
    open. Returns warnings. Raises UnsafeDirectory."""
    warnings = [admit(state), admit_store(state / "metadata"), admit(state / "nodes")]
    for name in OURS_WITHIN:
        _close_to_others(state / name)
    return [warning for warning in warnings if warning]


def _close_to_others(folder: Path) -> None:
    """Only a real directory of this user: a link's target is what a person made."""
    with suppress(OSError):
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and status.st_mode & 0o077:
            os.chmod(folder, stat.S_IMODE(status.st_mode) & ~0o077)


def _close_to_group(path: Path, directory: os.stat_result) -> str:
    try:
        os.chmod(path, stat.S_IMODE(directory.st_mode) & ~stat.S_IWGRP)
    except OSError as error:
        why = error.strerror or error
        return (
            f"the group of {as_word(str(path))} can change what is in it, and it can't be closed ({why}):"
            f" chmod g-w {as_shell_word(str(path))}"
        )
    return ""


def _name(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name} (uid {user})"
    except KeyError:
        return f"uid {user}"
