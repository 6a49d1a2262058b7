"""Lines that are wider than there is room, folded between words: what was styled stays so."""

import re
from collections.abc import Iterable

from rich.cells import cell_len, chop_cells

from kvtui.widgets.tints import Line, Span

INDENT_MOST = 3
"""What goes on below is indented by a third of the room at most: one part in so many."""


def folded(lines: Iterable[Line], width: int, indent: int) -> list[Line]:
    """The same lines in ``width`` cells; what goes on below stands ``indent`` cells to the right."""
    indent = min(indent, width // INDENT_MOST)
    return [part for line in lines for part in _folded(line, max(1, width), indent)]


def _folded(line: Line, width: int, indent: int) -> list[Line]:
    if sum(cell_len(text) for text, _ in line) <= width:
        return [line]
    rows: list[list[Span]] = [[]]
    used = 0
    for text, words in line:
        for piece in re.findall(r" +|[^ ]+", text):
            if used + cell_len(piece) <= width:
                rows[-1].append((piece, words))
                used += cell_len(piece)
                continue
            if piece.isspace() and used:
                used = width  # the next word begins a line
                continue
            for part in chop_cells(piece.strip(), width - indent):
                rows.append([(" " * indent, "text"), (part, words)])
                used = indent + cell_len(part)
    return [tuple(row) for row in rows if any(text.strip() for text, _ in row)]
