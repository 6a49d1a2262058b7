"""The first act of a node that kvtui starts: to have the kvtui and the libraries of who starts it, and no module of anybody else.

Before ``main`` imports the program nothing but the standard library may be imported here: the libraries are not there yet.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import NoReturn

from kvtui import __version__
from kvtui.core.seams.started_as_node import take_told
from kvtui.node.lacking import lacking


class Handed:
    """Finds libraries where who starts the node has them. Asked last: those of the node's own Python come before."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What is in the one directory that was told for a library. No other module is ever found there."""
        place = self._places.get(name)
        return None if place is None else PathFinder.find_spec(name, [place])


def main() -> NoReturn:
    """Run ``kvtui-node``."""
    told = take_told()
    if told is not None:
        sys.meta_path.append(Handed(told.libraries))
    try:
        from kvtui.node import cli
    except ImportError as error:
        if reason := lacking(error):
            sys.exit(f"kvtui-node: {reason}")
        raise

    if told is not None and told.version != __version__:
        where = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        cli.stop(f"{where} has kvtui {__version__}, and who starts this node is kvtui {told.version}: start that anew")
    cli.main()
