"""The settings that hold, as a configuration file that says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kvtui.config.configuration import Configuration
from kvtui.config.keys import chosen_keys

UNSET: Final[Mapping[str, str]] = {
    "motion": "full, unless TEXTUAL_ANIMATIONS=none",
    "state": "a directory of yours",
    "nodes": "of a new cluster; none",
    "replicas": "of a new cluster; two copies of every key, or one where it has fewer than two nodes",
}
"""What holds where nothing is set."""


def told(configuration: Configuration, chosen_theme: str = "") -> list[str]:
    """Lines of TOML. A theme that was chosen on the screen holds instead of the configured one, and it says so."""
    lines = []
    if chosen_theme and chosen_theme != configuration.theme:
        lines.append(f"# {_written(chosen_theme)} was chosen on the screen, and holds until another theme is set here:")
    for name in ("theme", "glyphs", *UNSET):
        value = getattr(configuration, name)
        lines.append(f"# {name}: {UNSET[name]}" if value is None else f"{name} = {_written(value)}")
    return [
        *lines,
        "",
        "[keys]",
        *(f"{name} = {_written(key)}" for name, key in chosen_keys(configuration.keys).items()),
    ]


def _written(value: object) -> str:
    """A TOML value."""
    if not isinstance(value, str):
        return str(value)
    escaped = (
        f"\\{char}" if char in '"\\' else char if char.isprintable() else f"\\U{ord(char):08x}" for char in value
    )
    return f'"{"".join(escaped)}"'
