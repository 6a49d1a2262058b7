"""The lines a person typed before, kept in a file that the shell and the dashboard share."""

from __future__ import annotations

import os
from pathlib import Path

from kvtui.commands.wording import from_bytes, to_bytes
from kvtui.core.seams.private_files import make_private_directory, open_private, read_private, write_private

KEPT_LINES = 1000
"""Lines remembered; the file is cut down to them when it holds twice as many."""
LONGEST_LINE = 4096
"""A longer line (a large value) is not worth repeating, and not remembered."""


class History:
    """Newest last. With a ``path`` each line is appended to that file, readable by its owner alone; without, nothing is
    kept. A file that can't be read or written costs the memory of lines, never the command."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines = self._read()

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)

    def add(self, line: str) -> None:
        """Remember a line, unless it repeats the last one, is blank or longer than ``LONGEST_LINE``."""
        line = line.strip()
        if not line or len(line) > LONGEST_LINE or "\n" in line or self._lines[-1:] == [line]:
            return
        self._lines.append(line)
        del self._lines[:-KEPT_LINES]
        self._append(line)

    def _read(self) -> list[str]:
        if self._path is None:
            return []
        try:
            lines = [line for line in from_bytes(read_private(self._path)).split("\n") if line]
        except OSError:
            return []
        if len(lines) > 2 * KEPT_LINES:
            self._rewrite(lines[-KEPT_LINES:])
        return lines[-KEPT_LINES:]

    def _append(self, line: str) -> None:
        if self._path is None:
            return
        try:
            make_private_directory(self._path.parent)
            file = open_private(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                os.write(file, to_bytes(line + "\n"))
            finally:
                os.close(file)
        except OSError:
            self._path = None

    def _rewrite(self, lines: list[str]) -> None:
        assert self._path is not None
        shorter = self._path.with_name(self._path.name + ".new")
        try:
            write_private(shorter, to_bytes("".join(line + "\n" for line in lines)))
            shorter.replace(self._path)
        except OSError:
            pass
