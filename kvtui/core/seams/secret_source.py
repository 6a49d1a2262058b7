"""Where the shared secret comes from: a file that only its owner reads, or the environment. Never the command line."""

import logging
import os
import stat
from collections.abc import Callable, MutableMapping
from enum import Enum
from pathlib import Path
from typing import Final

from kvtui.core.authentication import SECRET_BYTES_MOST, BadSecret, Secret
from kvtui.core.seams.given_file import check_file, open_given, read_all
from kvtui.core.seams.system_reason import system_reason
from kvtui.notation import PATH_TOLD, as_shell_word, brief

VARIABLE: Final = "KVTUI_SECRET"
"""The environment variable that holds the secret itself."""
_READ_MOST: Final = 2 * SECRET_BYTES_MOST
"""Bytes of a file that are read: white space around a secret does not count."""

_log = logging.getLogger(__name__)


class Guarded(Enum):
    """How well a secret's file is kept from others."""

    WELL = "its owner alone can open it"
    OPEN = "others can open it, and this user could have prevented that"
    WRITABLE = "others can change it"
    FOREIGN = "it is another user's, and root could have prevented that"
    OPEN_FOR_GOOD = "others can open it, and this user can't change that"


def how_guarded(file: os.stat_result, user: int, *, read_only: bool) -> Guarded:
    """``user`` is the effective uid; ``read_only``: nothing can be changed where the file lies, as in the mounts of containers."""
    open_to_others = bool(file.st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    if not open_to_others and file.st_uid in (user, 0):
        return Guarded.WELL
    if not read_only and user in (file.st_uid, 0):
        return Guarded.OPEN if open_to_others else Guarded.FOREIGN
    if not read_only and file.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Guarded.WRITABLE
    return Guarded.OPEN_FOR_GOOD


def take_secret(
    file: Path | None,
    environment: MutableMapping[bytes, bytes] | None = None,
    warn: Callable[[str], None] = _log.warning,
) -> Secret | None:
    """The secret of ``file``, else of the environment (default: this process's), else None. Raises BadSecret.

    The variable is taken out of the environment, so that no other program that is started from here inherits it. ``warn`` is told
    of a file that others can read and this user can't close.
    """
    variables = os.environb if environment is None else environment
    given = variables.pop(VARIABLE.encode(), None)
    if file is not None:
        return _read(file, warn)
    if given is None:
        return None
    try:
        return Secret(given)
    except BadSecret as error:
        raise BadSecret(f"{VARIABLE} can't be used: {error}") from None


def _read(path: Path, warn: Callable[[str], None]) -> Secret:
    try:
        descriptor = open_given(path)
        try:
            status = os.fstat(descriptor)
            check_file(status.st_mode)
            read_only = bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY)
            guarded = how_guarded(status, os.geteuid(), read_only=read_only)
            _check(path, guarded, warn, pipe=stat.S_ISFIFO(status.st_mode))
            text = read_all(descriptor, _READ_MOST)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BadSecret(f"{_called(path)} can't be read: {system_reason(error)}") from None
    try:
        if len(text) > _READ_MOST:
            raise BadSecret(f"it is longer than {_READ_MOST:,} bytes; a secret has {SECRET_BYTES_MOST:,} at most")
        return Secret(text)
    except BadSecret as error:
        raise BadSecret(f"{_called(path)} can't be used: {error}") from None


def _called(path: Path) -> str:
    return f"the secret file {brief(str(path), PATH_TOLD)}"


def _check(path: Path, guarded: Guarded, warn: Callable[[str], None], *, pipe: bool) -> None:
    word = as_shell_word(str(path))
    file, shut = _called(path), f"chmod 600 {word if len(word) <= PATH_TOLD else 'it'}"
    if pipe and guarded in (Guarded.OPEN, Guarded.WRITABLE):
        raise BadSecret(f"{file} is a pipe that is open to others")
    if guarded is Guarded.OPEN:
        raise BadSecret(f"{file} is open to others: {shut}")
    if guarded is Guarded.WRITABLE:
        raise BadSecret(f"{file} can be changed by others: have it given to you, and {shut}")
    if guarded is Guarded.FOREIGN:
        raise BadSecret(f"{file} belongs to another user, who can read it")
    if guarded is Guarded.OPEN_FOR_GOOD:
        warn(f"{file} is open to others, and this user can't change that: who can read it may do all")
