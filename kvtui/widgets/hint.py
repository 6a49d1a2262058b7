"""What stands beside or below the command line, in the room that there is: never cut in the middle of a word."""

from collections.abc import Sequence

from rich.cells import cell_len

from kvtui.widgets.words import in_words
from kvtui.widgets.wrapping import wrapped_text

APART = "   "
"""Stands between what is needed and what only explains it: where there is no room for both, what follows goes."""
EXPLAINED_LEAST = 12
"""Cells in which a beginning of what explains is worth reading."""


def fitted(ways: Sequence[str], width: int, rows: int = 1) -> str:
    """The first of several ways to say something, the fullest first, that fits in ``rows`` lines of ``width`` cells, in such lines;
    where none does, as much of the last as there is room for, in whole words."""
    if width < 1 or not ways:
        return ""
    for way in ways:
        lines = wrapped_text(way, width)
        if len(lines) <= rows:
            return "\n".join(line.rstrip() for line in lines)
    needed, apart, explained = ways[-1].partition(APART)
    lines = wrapped_text(needed, width)
    if len(lines) > rows:
        return "\n".join([*lines[: rows - 1], in_words(" ".join(lines[rows - 1 :]), width)])
    room = width - cell_len(lines[-1]) - len(apart)
    if explained and room >= EXPLAINED_LEAST:
        lines[-1] += apart + in_words(explained, room)
    return "\n".join(lines)
