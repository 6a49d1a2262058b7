"""Saving the screen as a file."""

import os
from datetime import datetime
from pathlib import Path

from kvtui.named_files import open_named


def save_picture(svg: str, directory: Path) -> Path:
    """Write a new file named after the time; never over another. Returns its path; raises OSError."""
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    for number in range(100):
        path = directory / f"kvtui-{stamp}{f'-{number}' if number else ''}.svg"
        try:
            with os.fdopen(open_named(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
                file.write(svg)
        except FileExistsError:
            continue
        return path.resolve()
    raise FileExistsError(17, "too many pictures in one second", str(directory))
