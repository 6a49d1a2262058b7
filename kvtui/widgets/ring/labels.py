"""Names round the circle: which fit, and where."""

import math
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace

from rich.cells import cell_len

from kvtui.widgets.ring.circle import Circle

GAP = 1.2
"""From the band's outer edge to a label, in cell widths."""
Cell = tuple[int, int]
SIDEWAYS = 0.25
"""Where the sine of a label's angle is smaller, it is centred over its place rather than beside it."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text for a ring position, with a mark towards the ring (or none). ``node`` says whose colour it has."""

    position: float
    text: str
    node: str
    mark: str = ""
    bold: bool = False
    more: str = ""
    """What follows the text where there is room for it, at one of the node's labels."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A label's whole text with the column and row where it begins."""

    x: int
    y: int
    text: str
    label: Label


def place(labels: Iterable[Label], circle: Circle, taken: Set[tuple[int, int]]) -> tuple[Placed, ...]:
    """The labels that fit with a cell free beside the band (``taken``) and one another, inside the grid; earlier ones go first."""
    used: set[Cell] = set(taken)
    placed: list[Placed] = []
    for label in labels:
        spot = _spot(label, circle, used)
        if spot is not None:
            placed.append(spot)
            used |= _cells(spot)
    told: set[str] = set()
    for at, spot in enumerate(placed):
        if spot.label.more and spot.label.node not in told:
            placed[at] = _lengthened(spot, circle, used)
            if placed[at] is not spot:
                told.add(spot.label.node)
    return tuple(placed)


def _lengthened(spot: Placed, circle: Circle, used: set[Cell]) -> Placed:
    """With what follows its text, if that has room beside all others."""
    used -= _cells(spot)
    longer = _spot(replace(spot.label, text=spot.label.text + spot.label.more), circle, used) or spot
    used |= _cells(longer)
    return longer


def _cells(spot: Placed) -> set[Cell]:
    return {(x, spot.y) for x in range(spot.x, spot.x + cell_len(spot.text))}


def _spot(label: Label, circle: Circle, used: Set[tuple[int, int]]) -> Placed | None:
    """Beside the label's own place, or a little further out or round."""
    for shift in (0.0, 0.01, -0.01, 0.02, -0.02, 0.035, -0.035):
        for gap in (GAP, GAP + 1.0, GAP + 2.0):
            placed = _beside(label, label.position + shift, circle, circle.outer + gap)
            width = cell_len(placed.text)
            inside = placed.x >= 0 and placed.x + width <= circle.columns and 0 <= placed.y < circle.rows
            if inside and not any((column, placed.y) in used for column in range(placed.x - 1, placed.x + width + 1)):
                return placed
    return None


def _beside(label: Label, position: float, circle: Circle, radius: float) -> Placed:
    column, row = circle.cell_at(position, radius)
    sine = math.sin(2 * math.pi * position)
    before = f"{label.mark} {label.text}" if label.mark else label.text
    if sine > SIDEWAYS:
        return Placed(column, row, before, label)
    if sine < -SIDEWAYS:
        after = f"{label.text} {label.mark}" if label.mark else label.text
        return Placed(column - cell_len(after) + 1, row, after, label)
    return Placed(column - cell_len(before) // 2, row, before, label)
