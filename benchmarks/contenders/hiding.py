"""Packages that a contender's processes don't see, as if they were not installed."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path


def hide(packages: Iterable[str], directory: Path) -> None:
    """Have imports of them fail, in this process and in those that it starts from now on."""
    directory.mkdir()
    for package in packages:
        (directory / f"{package}.py").write_text(f'raise ImportError("{package} is hidden")\n')
    sys.path.insert(0, str(directory))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(directory), os.environ.get("PYTHONPATH"))))
