"""What is wrong with a text that is no TOML, and in which line."""

from __future__ import annotations

import re
import tomllib
from typing import Final

from kvtui.notation import brief, escape

_PLACE: Final = re.compile(r"(.*) \((?:at line (\d+), column \d+|at end of document)\)", re.DOTALL)
_TWICE: Final = ("Cannot overwrite a value", "Cannot declare", "Cannot redefine", "Cannot mutate")
"""How messages begin about a name that is there already."""


def toml_problem(text: str, error: ValueError | RecursionError) -> str:
    """One line about ``text``, which ``tomllib`` refused with ``error``."""
    if isinstance(error, RecursionError):
        return f"line {_too_deep(text)}: brackets within brackets, more of them than any setting has"
    if not isinstance(error, tomllib.TOMLDecodeError):
        return "a number in it is longer than any setting"
    found = _PLACE.fullmatch(str(error))
    if found is None or not found[1].startswith(_TWICE):
        return f"not TOML: {escape(str(error))}"
    lines = text.rstrip("\n").split("\n")
    number = int(found[2]) if found[2] else len(lines)
    return f"line {number}: {brief(_name(lines[number - 1]))} is set already, further up; keep one of them"


def _name(line: str) -> str:
    """What a line of TOML is about: a table, or what stands before the equals sign."""
    line = line.strip()
    return line if line.startswith("[") else line.partition("=")[0].strip()


def _too_deep(text: str) -> int:
    """The first line with which it can't be read for its depth: what comes before it can be."""
    lines = text.split("\n")
    low, high = 1, len(lines)
    while low < high:
        middle = (low + high) // 2
        try:
            tomllib.loads("\n".join(lines[:middle]))
        except RecursionError:
            high = middle
        except ValueError:
            low = middle + 1
        else:
            low = middle + 1
    return low
