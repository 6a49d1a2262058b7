"""What stands beside or below the command line, in the room that there is: never cut in the middle of a word."""

from collections.abc import Sequence

from kvtui.widgets.words import in_words
from kvtui.widgets.wrapping import wrapped_text

APART = "   "
"""Stands between what is needed and what only explains it: where there is no room for both, what follows goes."""


def fitted(ways: Sequence[str], width: int, rows: int = 1) -> str:
    """The first of several ways to say something, the fullest first, that fits in ``rows`` lines of ``width`` cells, in such lines;
    where none does, as much of the last as there is room for in whole words."""
    if width < 1 or not ways:
        return ""
    shorter = [way.split(APART)[0] for way in ways if APART in way]
    for way in (*ways, *shorter):
        lines = wrapped_text(way, width)
        if len(lines) <= rows:
            return "\n".join(line.rstrip() for line in lines)
    lines = wrapped_text((*ways, *shorter)[-1], width)
    return "\n".join([*lines[: rows - 1], in_words(" ".join(lines[rows - 1 :]), width)])
