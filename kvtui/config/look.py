"""How the dashboard looks and answers to keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kvtui.config.configuration import DEFAULT_THEME, Configuration
from kvtui.config.keys import chosen_keys


@dataclass(frozen=True, slots=True)
class Look:
    """What of a configuration concerns the screen."""

    theme: str = DEFAULT_THEME
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by action, all of them."""
    themes: Path | None = None
    """The directory of the person's own themes."""
    choice: Path | None = None
    """The file that remembers the theme chosen on the screen; None remembers none."""
    problem: str = ""
    """What to tell about the configuration."""

    @classmethod
    def of(cls, configuration: Configuration, *, themes: Path | None, choice: Path | None, problem: str = "") -> Look:
        """The look that a configuration wants."""
        return cls(
            configuration.theme,
            chosen_keys(configuration.keys),
            themes,
            choice,
            problem,
        )
