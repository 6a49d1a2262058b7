"""Where the shared secret comes from: a file that only its owner reads, or the environment. Never the command line."""

import os
import stat
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from kvtui.core.authentication import SECRET_BYTES_MOST, BadSecret, Secret

VARIABLE: Final = "KVTUI_SECRET"
"""The environment variable that holds the secret itself."""


def take_secret(file: Path | None, environment: MutableMapping[bytes, bytes] | None = None) -> Secret | None:
    """The secret of ``file``, else of the environment (default: this process's), else None. Raises BadSecret.

    The variable is taken out of the environment, so that no other program that is started from here inherits it.
    """
    variables = os.environb if environment is None else environment
    given = variables.pop(VARIABLE.encode(), None)
    if file is not None:
        return _read(file)
    if given is None:
        return None
    try:
        return Secret(given)
    except BadSecret as error:
        raise BadSecret(f"{VARIABLE} can't be used: {error}") from None


def _read(path: Path) -> Secret:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            _check_owner(path, status)
            text = os.read(descriptor, 2 * SECRET_BYTES_MOST)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BadSecret(f"the secret file {path} can't be read: {(error.strerror or str(error)).lower()}") from None
    try:
        return Secret(text)
    except BadSecret as error:
        raise BadSecret(f"the secret file {path} can't be used: {error}") from None


def _check_owner(path: Path, status: os.stat_result) -> None:
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadSecret(f"the secret file {path} is open to others: chmod 600 {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise BadSecret(f"the secret file {path} belongs to another user, who can read it")
