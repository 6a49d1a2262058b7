"""Saving the screen as a file."""

from datetime import datetime
from pathlib import Path


def save_picture(svg: str, directory: Path) -> Path:
    """Write a new file named after the time; never over another. Returns its path; raises OSError."""
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    for number in range(100):
        path = directory / f"kvtui-{stamp}{f'-{number}' if number else ''}.svg"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(svg)
        except FileExistsError:
            continue
        return path.resolve()
    raise FileExistsError(17, "too many pictures in one second", str(directory))
