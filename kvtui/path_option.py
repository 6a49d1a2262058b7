"""Options that are paths: an empty one, an unknown home and a current directory that is gone are refused in one line."""

from __future__ import annotations

import os
from typing import Any

import click

from kvtui.core.seams.named_path import BadPath, named_path


class NamedPath(click.Path):
    """As ``click.Path``; what it gives is absolute."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Raises click.BadParameter."""
        try:
            path = named_path(os.fspath(value))
        except BadPath as error:
            self.fail(str(error), param, ctx)
        return super().convert(str(path), param, ctx)
