"""Themes that a person made: TOML files, one a theme."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Container, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from kvtui.commands.wording import harmless
from kvtui.config.toml_problem import toml_problem
from kvtui.notation import as_rest, brief

FILES_MOST = 100
"""Files that are looked at; the first by name."""
BYTES_MOST = 64 * 1024
COLOURS = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "success", "warning", "error",
)  # fmt: skip


_NAME = re.compile(r"\w(?:[\w .-]{0,62}[\w.-])?")
"""Textual takes the names of themes for markup."""


class ThemeProblem(ValueError):
    """What is wrong with a theme, in a few words."""


@dataclass(frozen=True, slots=True)
class Found:
    """The themes of a directory, and a line for each file that is none."""

    themes: tuple[Theme, ...] = ()
    problems: tuple[str, ...] = ()


def theme_of(text: str) -> Theme:
    """The theme that a file describes: ``name``, ``dark`` (true) and a table of ``colours``. Raises ThemeProblem."""
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ThemeProblem(toml_problem(text, error)) from None
    for name in given:
        if name not in ("name", "dark", "colours"):
            raise ThemeProblem(f"{brief(name)}: no such setting; there are name, dark and [colours]")
    title, dark, colours = given.get("name"), given.get("dark", True), given.get("colours", {})
    if not isinstance(title, str) or not _NAME.fullmatch(title) or harmless(title) != title:
        raise ThemeProblem('name: a name in quotes, of letters, digits, spaces and -_., such as "sea"')
    if not isinstance(dark, bool):
        raise ThemeProblem("dark: true or false")
    if not isinstance(colours, dict):
        raise ThemeProblem("colours: a table: [colours]")
    checked: dict[str, Any] = {colour: _checked(colour, value) for colour, value in colours.items()}
    if "primary" not in checked:
        raise ThemeProblem("colours.primary: missing; every other colour follows from it")
    return Theme(name=title, dark=dark, **checked)


def _checked(name: str, value: object) -> str:
    if name not in COLOURS:
        near = get_close_matches(name, COLOURS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COLOURS)}"
        raise ThemeProblem(f"colours.{brief(name)}: no such colour; {hint}")
    try:
        if not isinstance(value, str):
            raise TypeError
        colour = Color.parse(value)
        if colour.a < 1 or colour.ansi is not None:
            raise TypeError
    except (ColorParseError, TypeError):
        raise ThemeProblem(f'colours.{name}: a colour such as "#1a1f2b" or "teal"') from None
    return colour.hex


def user_themes(directory: Path | None, taken: Container[str]) -> Found:
    """The themes of a directory; none where there is no such directory. A name that is ``taken`` stays whose it is."""
    if directory is None:
        return Found()
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".toml")[:FILES_MOST]
    except (FileNotFoundError, NotADirectoryError):
        return Found()
    except OSError as error:
        return Found(problems=(f"themes in {directory} can't be read: {error.strerror or error}",))
    themes: dict[str, Theme] = {}
    problems = []
    for path in paths:
        try:
            theme = theme_of(_text(path))
            if theme.name in taken or theme.name in themes:
                raise ThemeProblem(f'name: "{theme.name}" is another theme\'s name')
            themes[theme.name] = theme
        except ThemeProblem as problem:
            problems.append(f"theme {as_rest(path.name)} is left out: {problem}")
    return Found(tuple(themes.values()), tuple(problems))


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ThemeProblem("it is no file")
        with path.open("rb") as file:
            data = file.read(BYTES_MOST + 1)
        if len(data) > BYTES_MOST:
            raise ThemeProblem("too large for a theme")
        return data.decode()
    except OSError as error:
        raise ThemeProblem(f"it can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ThemeProblem("not UTF-8 text") from None


def known_theme(wanted: str, available: Mapping[str, Theme], otherwise: str) -> tuple[str, str]:
    """The theme to show, and what to tell a person when it isn't the one that was wanted."""
    if wanted in available:
        return wanted, ""
    near = get_close_matches(wanted, available, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return otherwise, f"there is no theme {brief(wanted)}{hint}; {otherwise} takes its place"
