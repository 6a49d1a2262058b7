"""Of what is written to a terminal, only the cells that changed: where one number of a panel is another, Textual writes the whole
row. It costs a slow line (ssh) far less, and the terminal too.

The rule that keeps it safe: whatever is not understood wholly is written as it is, and all that was known is forgotten.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby, repeat
from operator import itemgetter
from typing import Final

from rich.cells import get_character_cell_size

Cell = tuple[str, str]
"""Parameters of its style, empty for none, and its character."""
Run = tuple[int, int, list[Cell] | None, str]
"""Row, column, the cells from there on (None: not one a character), and the text that writes them."""

GAP: Final = 8
"""Unchanged cells that are written again rather than jumped over: a jump takes as many bytes."""
CHARACTERS_MOST: Final = 4096
_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|([^\x00-\x1f\x7f-\x9f]+)|(\n)")
_UPDATE = re.compile(r"\x1b\[\?(?:2026|25)[hl]")
"""Begins or ends a picture, shows or hides the cursor."""


class ChangedCells:
    """Knows what is on the screen, as far as it was written through ``of``."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self._rows: dict[int, list[Cell | None]] = {}
        self._single: set[str] = set()
        """Characters that take one cell each."""

    def forget(self) -> None:
        """The screen may be another: what comes next is written in full."""
        self._rows.clear()

    def of(self, text: str, size: tuple[int, int]) -> str:
        """What to write instead of ``text`` on a screen of that many columns and rows. A whole picture is written whole, whatever
        was there."""
        if size != self._size:
            self._size = size
            self.forget()
        if _UPDATE.fullmatch(text):
            return text
        runs = self._runs(text)
        if runs is None:
            self.forget()
            return text
        if sum(len(cells or "") for _, _, cells, _ in runs) >= size[0] * size[1]:
            self.forget()
        return self._written(runs)

    def _runs(self, text: str) -> list[Run] | None:
        """What is written where; None for what is more than text in colours at places."""
        runs: list[Run] = []
        cells: list[Cell] | None = None
        at = row = column = start = 0
        style, placed = "", False
        for token in _TOKEN.finditer(text):
            if token.start() != at:
                return None
            at = token.end()
            y, x, parameters, characters, _ = token.groups()
            if y is not None or (characters is None and parameters is None):
                if style:
                    return None
                if placed:
                    runs.append((row, column, cells, text[start : token.start()]))
                placed = y is not None
                if placed:
                    row, column, cells, start = int(y) - 1, int(x) - 1, [], at
            elif parameters is not None:
                if parameters not in ("", "0") and style:
                    return None  # one style upon another
                style = "" if parameters == "0" else parameters
            elif not placed:
                return None
            elif cells is not None:
                if self._one_each(characters):
                    cells.extend(zip(repeat(style), characters))
                else:
                    cells = None
        if at != len(text) or style:
            return None
        if placed:
            runs.append((row, column, cells, text[start:]))
        return runs

    def _one_each(self, characters: str) -> bool:
        if self._single.issuperset(characters):
            return True
        if len(self._single) > CHARACTERS_MOST:
            self._single.clear()
        self._single.update(char for char in characters if get_character_cell_size(char) == 1)
        return self._single.issuperset(characters)

    def _written(self, runs: list[Run]) -> str:
        written: list[str] = []
        style = ""
        columns, _ = self._size
        for y, x, cells, text in runs:
            if cells is None:
                # Wide characters and those that join: the row is written as it is from here on, and known no more.
                written.append(f"{_change(style, '')}\x1b[{y + 1};{x + 1}H{text}")
                style = ""
                self._rows.pop(y, None)
                continue
            row = self._rows.setdefault(y, [None] * columns)
            old = row[x : x + len(cells)]
            if old == cells:
                continue
            for first, stop in _stretches(old, cells):
                written.append(f"\x1b[{y + 1};{x + first + 1}H")
                for wanted, group in groupby(cells[first:stop], itemgetter(0)):
                    written += (_change(style, wanted), "".join([char for _, char in group]))
                    style = wanted
            if x + len(cells) <= columns:
                row[x : x + len(cells)] = cells
            else:
                self._rows.pop(y)
        written.append(_change(style, ""))
        y, x, cells, _ = runs[-1] if runs else (0, 0, None, "")
        if cells is not None:
            written.append(f"\x1b[{y + 1};{x + len(cells) + 1}H")  # where the cursor is left
        return "".join(written)


def _stretches(old: list[Cell | None], cells: list[Cell]) -> list[tuple[int, int]]:
    """From where to where cells differ; what lies close together is one stretch."""
    stretches: list[tuple[int, int]] = []
    known = len(old)
    for at, cell in enumerate(cells):
        if at < known and old[at] == cell:
            continue
        if stretches and at - stretches[-1][1] <= GAP:
            stretches[-1] = stretches[-1][0], at + 1
        else:
            stretches.append((at, at + 1))
    return stretches


@lru_cache(maxsize=4096)
def _change(before: str, after: str) -> str:
    """The shortest sequence from one style to another."""
    if before == after:
        return ""
    if not after:
        return "\x1b[0m"
    old, new = _parts(before), _parts(after)
    if old[0] != new[0] or (old[1] and not new[1]) or (old[2] and not new[2]):
        return f"\x1b[0;{after}m" if before else f"\x1b[{after}m"
    return f"\x1b[{';'.join(part for part, was in zip(new[1:], old[1:], strict=True) if part != was)}m"


def _parts(style: str) -> tuple[str, str, str]:
    """Attributes, colour and background."""
    parts = style.split(";") if style else []
    attributes, colour, background = [], "", ""
    at = 0
    while at < len(parts):
        length = 1
        if parts[at] in ("38", "48"):
            length = 5 if parts[at + 1 : at + 2] == ["2"] else 3
        part = ";".join(parts[at : at + length])
        number = int(parts[at] or 0)
        if 30 <= number <= 39 or 90 <= number <= 97:
            colour = part
        elif 40 <= number <= 49 or 100 <= number <= 107:
            background = part
        else:
            attributes.append(part)
        at += length
    return ";".join(attributes), colour, background
