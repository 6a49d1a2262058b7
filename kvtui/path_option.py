"""Options that are paths: an empty one, an unknown home, a current directory that is gone, and the address of a server where a
directory is wanted, are refused in one line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from kvtui.core.seams.named_path import BadPath, named_path
from kvtui.core.seams.not_a_directory import IT_IS, looks_elsewhere


class NamedPath(click.Path):
    """As ``click.Path``; what it gives is absolute."""

    instead = ""
    """What to do who meant something elsewhere."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Raises click.BadParameter."""
        if not self.file_okay and (elsewhere := looks_elsewhere(os.fspath(value))):
            self.fail(f"{IT_IS} {elsewhere}{self.instead}", param, ctx)
        try:
            path = named_path(os.fspath(value))
        except BadPath as error:
            self.fail(str(error), param, ctx)
        return super().convert(str(path), param, ctx)


class StatePath(NamedPath):
    """A state directory."""

    instead = "; nodes that run elsewhere join with: addnode <id> <host>:<port>"

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)
