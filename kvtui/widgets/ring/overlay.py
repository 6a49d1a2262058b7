"""The text layer: dots for keys, labels, the lookup of a key, and the words in the middle."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from rich.cells import cell_len

from kvtui.core.ring_walk import Step
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.cells import Overlay, write
from kvtui.widgets.ring.centre import centre_lines
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.glyphs import Glyphs, plain
from kvtui.widgets.ring.labels import Placed
from kvtui.widgets.ring.legend import Spot, write_legend
from kvtui.widgets.ring.lookup import Lookup
from kvtui.widgets.ring.trail import trail
from kvtui.widgets.tints import Line

CENTRE_PART = 1.6
"""Part of the inner radius that the middle's words may be wide."""


def overlay(
    dots: Overlay,
    names: Sequence[Placed],
    legend: Sequence[Spot],
    picture: Picture,
    circle: Circle,
    band: AbstractSet[tuple[int, int]],
    glyphs: Glyphs,
    lookup: Lookup | None,
    steps: Sequence[Step],
    seconds: float,
) -> Overlay:
    """Everything that is written over and beside the ``band``, so many seconds after the lookup began."""
    rows = {y: dict(row) for y, row in dots.items()}
    for placed in names:
        words = f"node:{picture.colours.get(placed.label.node, 0)}" + (" bold" if placed.label.bold else "")
        write(rows, placed.x, placed.y, placed.text, words)
    write_legend(rows, legend, picture.colours, glyphs)
    signs: AbstractSet[tuple[int, int]] = frozenset()
    if lookup is not None:
        signs = trail(rows, lookup, seconds, picture, circle, band, glyphs)
    reached = reached_by(picture, lookup, steps, seconds)
    most = max(1, int(circle.inner * 0.62))
    lines = centre_lines(picture, centre_width(circle), most, reached, steps)
    if signs & _cells_of(lines, circle):
        # Fewer words rather than such that hide a sign; where fewer would as well, words matter more.
        fewer = (centre_lines(picture, centre_width(circle), room, reached, steps) for room in range(most - 1, 0, -1))
        lines = next((way for way in fewer if way and not signs & _cells_of(way, circle)), lines)
    _centred(rows, lines, circle.columns, circle.rows)
    return _lettered(rows) if glyphs is Glyphs.ASCII else rows


def reached_by(picture: Picture, lookup: Lookup | None, steps: Sequence[Step], seconds: float) -> AbstractSet[str]:
    """The nodes that have, or will have, the key that was looked up and are shown by now: all of them once the lookup rests."""
    if lookup is None or seconds >= lookup.seconds:
        return {*picture.holders, *picture.newcomers, *(step.node for step in steps)}
    return lookup.reached(seconds)


def centre_width(circle: Circle) -> int:
    """Cells across that words in the middle may take."""
    return max(8, int(circle.inner * CENTRE_PART))


def words_only(picture: Picture, columns: int, rows: int, glyphs: Glyphs, steps: Sequence[Step]) -> Overlay:
    """The middle's words, for a panel without room for a circle."""
    over: Overlay = {}
    _centred(over, centre_lines(picture, columns, rows, reached_by(picture, None, steps, 0.0), steps), columns, rows)
    return _lettered(over) if glyphs is Glyphs.ASCII else over


def _lettered(rows: Overlay) -> Overlay:
    return {y: {x: (plain(glyph), words) for x, (glyph, words) in row.items()} for y, row in rows.items()}


def _cells_of(lines: Sequence[Line], circle: Circle) -> set[tuple[int, int]]:
    """The cells that lines have in the middle, and one at either side of each."""
    top = (circle.rows - len(lines)) // 2
    cells: set[tuple[int, int]] = set()
    for y, line in enumerate(lines, top):
        width = sum(cell_len(text) for text, _ in line)
        x = (circle.columns - width) // 2
        cells.update((gap, y) for gap in range(x - 1, x + width + 1))
    return cells


def _centred(rows: Overlay, lines: Sequence[Line], columns: int, height: int) -> None:
    top = (height - len(lines)) // 2
    for y, line in enumerate(lines, top):
        width = sum(cell_len(text) for text, _ in line)
        x = (columns - width) // 2
        for gap in range(x - 1, x + width + 1):  # dots keep off the words
            rows.get(y, {}).pop(gap, None)
        for text, words in line:
            x = write(rows, x, y, text, words)
