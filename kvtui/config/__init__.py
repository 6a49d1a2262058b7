"""What a person set: one TOML file, themes beside it. Nothing here imports Textual; kvtui writes none of it."""

from kvtui.config.configuration import DEFAULT_THEME, Configuration, environment_of, overruled
from kvtui.config.look import Look
from kvtui.config.reading import ConfigError, NotRead, configuration_of, read_configuration
from kvtui.config.telling import told

__all__ = [
    "DEFAULT_THEME",
    "ConfigError",
    "Configuration",
    "Look",
    "NotRead",
    "configuration_of",
    "environment_of",
    "overruled",
    "read_configuration",
    "told",
]
