"""Text in cells: what is written over and beside the band."""

from rich.cells import cell_len

Overlay = dict[int, dict[int, tuple[str, str]]]
"""Glyph and style words by row and column; a wide glyph is followed by an empty one, and marks stand in the cell of
what they are on."""


def write(rows: Overlay, x: int, y: int, text: str, words: str) -> int:
    """Puts text from a cell on; returns the column behind it."""
    row = rows.setdefault(y, {})
    last: int | None = None
    for char in text:
        width = cell_len(char)
        if width:
            row[x] = char, words
            if width == 2:
                row[x + 1] = "", words
            last, x = x, x + width
        elif last is not None:
            row[last] = row[last][0] + char, words
    return x
