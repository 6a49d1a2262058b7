"""Where a person's files are: the platform's own directories, unless an option or the environment names others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VARIABLE: Final = "KVTUI_CONFIG"
"""The environment's name of the configuration file."""


@dataclass(frozen=True, slots=True)
class Place:
    """The configuration file, and whether a person named it (then it must be there)."""

    file: Path
    named: bool

    @property
    def themes(self) -> Path:
        """The directory of the person's themes."""
        return self.file.parent / "themes"


def config_place(option: Path | None, environment: Mapping[str, str] = os.environ) -> Place:
    """``--config`` before ``KVTUI_CONFIG`` before the platform's directory for configurations."""
    named = str(option) if option is not None else environment.get(VARIABLE, "")
    if named:
        return Place(Path(named).expanduser().absolute(), named=True)
    import platformdirs

    return Place(platformdirs.user_config_path("kvtui", appauthor=False) / "config.toml", named=False)


def user_state() -> Path:
    """The directory for what kvtui remembers of a person, and of clusters whose directory nobody named."""
    import platformdirs

    return platformdirs.user_state_path("kvtui", appauthor=False)


def default_state() -> Path:
    """The state directory of a person who names none."""
    return user_state() / "default"


def theme_choice() -> Path:
    """The file that remembers the theme chosen on the screen."""
    return user_state() / "theme.json"
