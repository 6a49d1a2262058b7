"""The configuration file becomes a ``Configuration``, or one line that says what is wrong with it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from kvtui.config.configuration import ALLOWED, Configuration
from kvtui.config.keys import KeyProblem, chosen_keys

BYTES_MOST: Final = 256 * 1024
"""A larger file is no configuration."""


class ConfigError(Exception):
    """A configuration that can't be used: the file, the setting, and what it may be, in one line."""


def read_configuration(file: Path | None, *, named: bool) -> Configuration:
    """What a file says. One that isn't there says nothing, unless a person ``named`` it. Raises ConfigError."""
    if file is None:
        return Configuration()
    try:
        with file.open("rb") as stream:
            data = stream.read(BYTES_MOST + 1)
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise ConfigError(f"{file}: there is no such file") from None
        return Configuration()
    except OSError as error:
        raise ConfigError(f"{file}: it can't be read: {error.strerror or error}") from None
    if len(data) > BYTES_MOST:
        raise ConfigError(f"{file}: larger than any configuration can be ({BYTES_MOST:,} bytes)")
    try:
        return configuration_of(data.decode())
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not UTF-8 text") from None
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def configuration_of(text: str) -> Configuration:
    """What the text of a file says. Raises ConfigError, without the name of the file."""
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"not TOML: {error}") from None
    checked = {name: _checked(name, value) for name, value in given.items()}
    try:
        chosen_keys(checked.get("keys", {}))
    except KeyProblem as problem:
        raise ConfigError(f"keys.{problem.action}: {problem}") from None
    return Configuration(**checked)


def _checked(name: str, value: object) -> Any:
    types: Mapping[str, Any] = {field.encode_name: field.type for field in msgspec.structs.fields(Configuration)}
    if name not in types:
        near = get_close_matches(name, types, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(types)}"
        raise ConfigError(f"{name!r} is no setting; {hint}")
    if name == "keys" and isinstance(value, dict):
        for action, key in value.items():
            if not isinstance(key, str):
                raise ConfigError(f'keys.{action}: a key in quotes, such as "f1", not {_shown(key)}')
    try:
        return msgspec.convert(value, types[name])
    except msgspec.ValidationError:
        raise ConfigError(f"{name}: {ALLOWED[name]}, not {_shown(value)}") from None


def _shown(value: object) -> str:
    """A value as it stands in the file, cut short."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(char if char.isprintable() else "·" for char in text)
    return text if len(text) <= 40 else text[:40] + "…"
