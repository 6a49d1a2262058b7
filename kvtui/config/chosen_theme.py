"""The theme that a person chose on the screen, remembered in the state directory: the configuration file is theirs alone.

It holds until the configuration names another theme than it did when the choice was made.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from kvtui.core.malformed import MALFORMED
from kvtui.core.seams.private_files import make_private_directory, write_private


class _Choice(msgspec.Struct, frozen=True):
    chosen: str
    instead_of: str
    """What the configuration named then."""


def remembered_theme(file: Path | None, configured: str) -> str:
    """The theme to begin with: the one chosen last, else ``configured``."""
    if file is None:
        return configured
    try:
        data = file.read_bytes()[:4096] if file.is_file() else b""
        choice = msgspec.json.decode(data, type=_Choice)
    except (OSError, *MALFORMED):
        return configured
    return choice.chosen if choice.instead_of == configured else configured


def remember_theme(file: Path | None, chosen: str, configured: str) -> None:
    """Remember a choice; where the file can't be written, it holds for this time only."""
    if file is None:
        return
    with contextlib.suppress(OSError):
        make_private_directory(file.parent)
        new = file.with_name(f"{file.name}.{os.getpid()}.new")
        write_private(new, msgspec.json.encode(_Choice(chosen, configured)) + b"\n")
        new.replace(file)
