"""What a process is told in its environment that kvtui starts to be a node: who starts it, and where the libraries are.

A node takes that away as its first act. Who still has it is no node but a copy of some program, started in the place of a Python:
were it to start nodes as well, there would be no end of copies.
"""

import os
from collections.abc import Mapping, MutableMapping
from typing import Final, NamedTuple

VARIABLE: Final = "KVTUI_AS_NODE"
"""The environment variable: a line with the version of kvtui, then for each library a line of its name, a colon, and the directory
that it lies in."""

A_COPY: Final = (
    "this process was started to be a node of kvtui, by a program that took it for a Python: it is a copy of a program, and"
    " opens no cluster"
)
"""What a copy is told, which its parent passes on."""


class Told(NamedTuple):
    """What a process is told that is to be a node. A start is waited for: a dataclass would take ten times as long to make."""

    version: str
    """Of the kvtui that starts it."""
    libraries: Mapping[str, str]
    """Where they lie, for where the node's Python has none of that name itself."""

    def __str__(self) -> str:
        # A name of a directory may hold a line's end: what can't be told is left out, and missed by its name where it is needed.
        places = [f"{name}:{place}" for name, place in self.libraries.items() if "\n" not in place]
        return "\n".join([self.version, *places])


def take_told(environment: MutableMapping[str, str] | None = None) -> Told | None:
    """Take what was told out of the environment (default: this process's); None: nothing was."""
    variables = os.environ if environment is None else environment
    text = variables.pop(VARIABLE, None)
    if text is None:
        return None
    version, *lines = text.split("\n")
    parts = (line.partition(":") for line in lines)
    return Told(version, {name: place for name, _, place in parts})
