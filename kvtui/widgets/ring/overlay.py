"""The text layer: dots for keys, labels, the words in the middle, and the place of the key that was looked up."""

import math
from collections.abc import Sequence, Set
from dataclasses import replace

from rich.cells import cell_len

from kvtui.core.snapshot import NodeState
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.centre import centre_lines
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.dots import BRAILLE, dust, strewn
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.labels import Label, Placed, place
from kvtui.widgets.ring.samples import STEPS
from kvtui.widgets.ring.view import View
from kvtui.widgets.tints import Line
from kvtui.widgets.words import harmless, percent, short

Overlay = dict[int, dict[int, tuple[str, str]]]
"""Glyph and style words by row and column; a wide glyph is followed by an empty one."""

LABEL_LONGEST = 10
"""Cells of a node's id beside the ring; longer ones are cut."""
LABELLED_LENGTH = 5.0
"""Cell widths that an arc needs for a label of its own, beside its node's first."""
CENTRE_PART = 1.6
"""Part of the inner radius that the middle's words may be wide."""


def overlay(
    picture: Picture, view: View, arcs: Sequence[Arc], circle: Circle, band: Set[tuple[int, int]], glyphs: Glyphs
) -> Overlay:
    """Everything that is written over and beside the band."""
    rows: Overlay = {}
    owners = _owners(arcs)
    _dots(rows, picture, view, arcs, owners, circle, glyphs)
    for placed in place(labels(picture, view, arcs, circle, glyphs), circle, band):
        _label(rows, placed, picture)
    _mark(rows, picture, view, circle, glyphs)
    _centred(
        rows, centre_lines(picture, centre_width(circle), max(1, int(circle.inner * 0.62))), circle.columns, circle.rows
    )
    return rows


def centre_width(circle: Circle) -> int:
    """Cells across that words in the middle may take."""
    return max(8, int(circle.inner * CENTRE_PART))


def words_only(picture: Picture, columns: int, rows: int) -> Overlay:
    """The middle's words, for a panel without room for a circle."""
    over: Overlay = {}
    _centred(over, centre_lines(picture, columns, rows), columns, rows)
    return over


def labels(picture: Picture, view: View, arcs: Sequence[Arc], circle: Circle, glyphs: Glyphs) -> list[Label]:
    """Labels in the order in which they are placed: one a node at its longest arc, then one at every other long arc."""
    arcs = _closed(arcs)
    longest: dict[str, Arc] = {}
    for arc in arcs:
        owner = arc.node or arc.gaining
        if owner and (owner not in longest or arc.length > longest[owner].length):
            longest[owner] = arc
    for arc in arcs:  # a newcomer that owns nothing yet still has its name where it will be
        if arc.gaining and arc.gaining not in longest:
            longest[arc.gaining] = arc
    held = {node: place for place, node in enumerate(picture.holders)}
    shares = _shares(arcs)
    first, others = [], []
    for node, arc in longest.items():
        text = short(harmless(node), LABEL_LONGEST) + (
            f" {percent(shares.get(node, 0.0))}" if view is View.SHARE else ""
        )
        mark = _glyph(picture, node, held, glyphs)
        first.append(Label((arc.start + arc.stop) / 2, text, node, mark, bold=node in held or node == picture.selected))
    if view is not View.SHARE:
        enough = LABELLED_LENGTH / circle.circumference
        others = [
            Label((arc.start + arc.stop) / 2, short(harmless(arc.node), LABEL_LONGEST), arc.node)
            for arc in arcs
            if arc.node and arc is not longest[arc.node] and arc.length >= enough and not arc.dimmed
        ]
    return first + others


def _closed(arcs: Sequence[Arc]) -> list[Arc]:
    """The arcs with one that runs over the top in one piece, ending above 1."""
    closed = list(arcs)
    if len(closed) > 1 and closed[0].node == closed[-1].node and closed[0].gaining == closed[-1].gaining:
        closed[-1] = replace(closed[-1], stop=1.0 + closed.pop(0).stop)
    return closed


def _glyph(picture: Picture, node: str, held: dict[str, int], glyphs: Glyphs) -> str:
    if glyphs is Glyphs.ASCII:
        return "*" if node in held else "o"
    if node in held:
        return "◆" if held[node] == 0 else "◇"
    view = picture.snapshot.node(node)
    return "○" if view is not None and view.state is NodeState.DOWN else "●"


def _shares(arcs: Sequence[Arc]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for arc in arcs:
        shares[arc.node] = shares.get(arc.node, 0.0) + arc.length
    return shares


def _label(rows: Overlay, placed: Placed, picture: Picture) -> None:
    words = f"node:{picture.colours.get(placed.label.node, 0)}" + (" bold" if placed.label.bold else "")
    _write(rows, placed.x, placed.y, placed.text, words)


def _owners(arcs: Sequence[Arc]) -> list[str]:
    """The node that each step belongs to."""
    owners = [""] * STEPS
    for arc in arcs:
        first, last = round(arc.start * STEPS), round(arc.stop * STEPS)
        owners[first:last] = [arc.node] * (last - first)
    return owners


def _dots(
    rows: Overlay, picture: Picture, view: View, arcs: Sequence[Arc], owners: list[str], circle: Circle, glyphs: Glyphs
) -> None:
    density = _share_density(picture, arcs) if view is View.SHARE else picture.snapshot.density
    if not density or not any(density):
        return
    centre_x, centre_y = circle.centre
    for (x, y), bits in strewn(density, dust(circle)).items():
        step = int(_position(x + 0.5 - centre_x, 2 * y + 1 - centre_y) * STEPS) % STEPS
        owner = owners[step]
        words = f"node:{picture.colours[owner]}" if owner in picture.colours else "dim"
        glyph = chr(BRAILLE | bits) if glyphs is Glyphs.QUADRANTS else "·" if glyphs is Glyphs.HALVES else "."
        rows.setdefault(y, {})[x] = glyph, words


def _position(x: float, y: float) -> float:
    return math.atan2(x, -y) / (2 * math.pi) % 1.0


def _share_density(picture: Picture, arcs: Sequence[Arc], parts: int = 128) -> list[int]:
    """Keys by share: where arcs are put together by node, a key's place says nothing but whose it is."""
    return [round(picture.snapshot.keys / parts)] * parts if arcs else []


def _mark(rows: Overlay, picture: Picture, view: View, circle: Circle, glyphs: Glyphs) -> None:
    """◆ just inside the band where the key lies."""
    if picture.located is None or view is View.SHARE or not picture.snapshot.nodes:
        return
    x, y = circle.cell_at(picture.located.position, circle.inner - 1.0)
    for column in (x - 1, x + 1):
        rows.get(y, {}).pop(column, None)
    _write(rows, x, y, "*" if glyphs is Glyphs.ASCII else "◆", "text bold")


def _centred(rows: Overlay, lines: Sequence[Line], columns: int, height: int) -> None:
    top = (height - len(lines)) // 2
    for y, line in enumerate(lines, top):
        width = sum(cell_len(text) for text, _ in line)
        x = (columns - width) // 2
        for gap in range(x - 1, x + width + 1):  # dots keep off the words
            rows.get(y, {}).pop(gap, None)
        for text, words in line:
            x = _write(rows, x, y, text, words)


def _write(rows: Overlay, x: int, y: int, text: str, words: str) -> int:
    """Puts text from a cell on; returns the column behind it."""
    row = rows.setdefault(y, {})
    for char in text:
        width = cell_len(char)
        if width:
            row[x] = char, words
            if width == 2:
                row[x + 1] = "", words
            x += width
    return x
