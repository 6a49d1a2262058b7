"""Where a person's files are: the platform's own directories, unless an option or the environment names others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kvtui.core.cluster import ClusterError
from kvtui.core.seams.named_path import named_path

VARIABLE: Final = "KVTUI_CONFIG"
"""The environment's name of the configuration file."""


class NoHome(ClusterError):
    """A user who has no home directory names the place."""


@dataclass(frozen=True, slots=True)
class Place:
    """The configuration file, and whether a person named it (then it must be there); None for who has no home directory."""

    file: Path | None
    named: bool

    @property
    def themes(self) -> Path | None:
        """The directory of the person's themes."""
        return None if self.file is None else self.file.parent / "themes"


def config_place(option: Path | None, environment: Mapping[str, str] = os.environ) -> Place:
    """``--config`` before ``KVTUI_CONFIG`` before the platform's directory for configurations. A variable that is empty is as one
    that is not set, as those of the platform are. Raises BadPath."""
    named = str(option) if option is not None else environment.get(VARIABLE, "")
    if named:
        return Place(named_path(named), named=True)
    directory = _of_a_home("user_config_path")
    return Place(directory and directory / "config.toml", named=False)


def user_state() -> Path | None:
    """The directory for what kvtui remembers of a person, and of clusters whose directory nobody named."""
    return _of_a_home("user_state_path")


def default_state() -> Path:
    """The state directory of a person who names none. Raises NoHome."""
    directory = user_state()
    if directory is None:
        raise NoHome("this user has no home directory to keep a cluster in: name a state directory")
    return directory / "default"


def theme_choice() -> Path | None:
    """The file that remembers the theme chosen on the screen."""
    directory = user_state()
    return directory and directory / "theme.json"


def _of_a_home(name: str) -> Path | None:
    """The platform's directory of that name; None where neither HOME nor the list of users says where home is."""
    import platformdirs

    try:
        directory: Path = getattr(platformdirs, name)("kvtui", appauthor=False)
    except RuntimeError:
        return None
    # Older versions leave the tilde in it, which would name a directory of whatever the current one is.
    return directory if directory.is_absolute() else None
