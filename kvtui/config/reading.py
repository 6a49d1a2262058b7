"""The configuration file becomes a ``Configuration``, or one line that says what is wrong with it."""

from __future__ import annotations

import errno
import stat
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from kvtui.config.configuration import ALLOWED, Configuration
from kvtui.config.keys import KeyProblem, chosen_keys
from kvtui.config.toml_problem import toml_problem
from kvtui.core.seams.given_file import read_given
from kvtui.notation import as_rest, brief, escape, in_quotes

BYTES_MOST: Final = 256 * 1024
"""A larger file is no configuration."""

SHOWN_MOST: Final = 40
"""Characters of a value that a message has room for."""


class ConfigError(Exception):
    """A configuration that can't be used: the file, the setting, and what it may be, in one line; what a person wrote comes in the
    notation."""


class NotRead(Exception):
    """The file that nobody named is there and can't be read: kvtui does without it, and tells this."""


def read_configuration(file: Path | None, *, named: bool) -> Configuration:
    """What a file says. One that isn't there says nothing, unless a person ``named`` it. Raises ConfigError, and NotRead where it
    can't be read and nobody named it."""
    if file is None:
        return Configuration()
    named_file = as_rest(str(file))
    try:
        data = _bytes(file, named=named)
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise ConfigError(f"{named_file}: there is no such file") from None
        return Configuration()
    except OSError as error:
        why = f"{named_file}: it can't be read: {error.strerror or error}"
        raise ConfigError(why) if named else NotRead(f"{why}; all is as kvtui has it by itself") from None
    if len(data) > BYTES_MOST:
        raise ConfigError(f"{named_file}: larger than any configuration can be ({BYTES_MOST:,} bytes)")
    try:
        return configuration_of(data.decode())
    except UnicodeDecodeError:
        raise ConfigError(f"{named_file}: not UTF-8 text") from None
    except ConfigError as error:
        raise ConfigError(f"{named_file}: {error}") from None


def _bytes(file: Path, *, named: bool) -> bytes:
    """What is in a file. A person may name anything, a pipe for one; what is only found must be a file. Raises OSError."""
    if not named and not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no file")
    return read_given(file, BYTES_MOST)


def configuration_of(text: str) -> Configuration:
    """What the text of a file says. Raises ConfigError, without the name of the file."""
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(toml_problem(text, error)) from None
    checked = {name: _checked(name, value) for name, value in given.items()}
    try:
        chosen_keys(checked.get("keys", {}))
    except KeyProblem as problem:
        raise ConfigError(f"keys.{brief(problem.action)}: {problem}") from None
    return Configuration(**checked)


def _checked(name: str, value: object) -> Any:
    types: Mapping[str, Any] = {field.encode_name: field.type for field in msgspec.structs.fields(Configuration)}
    if name not in types:
        near = get_close_matches(name, types, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(types)}"
        raise ConfigError(f"{brief(name)} is no setting; {hint}")
    if name == "keys" and isinstance(value, dict):
        for action, key in value.items():
            if not isinstance(key, str):
                raise ConfigError(f'keys.{brief(action)}: a key in quotes, such as "f1", not {_shown(key)}')
    try:
        return msgspec.convert(value, types[name])
    except (msgspec.ValidationError, ValueError):  # the latter about a number that is too long to be written
        raise ConfigError(f"{name}: {ALLOWED[name]}, not {_shown(value)}") from None


def _shown(value: object) -> str:
    """A value as it may stand in the file, cut short."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return in_quotes(value) if len(value) <= SHOWN_MOST else in_quotes(value[:SHOWN_MOST]) + "…"
    if isinstance(value, int) and value.bit_length() > 4 * SHOWN_MOST:
        return "a number as long as that"
    return escape(str(value))
