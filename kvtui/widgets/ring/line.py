"""A straight line in cells: in braille as thin as it can be, else as dots."""

import math

from kvtui.widgets.ring.dots import BITS

Cell = tuple[int, int]

DASH = 1.25
"""Length of a dash and of the gap behind it, in cell widths."""


def braille_line(start: Cell, stop: Cell, part: float, dashed: bool) -> dict[Cell, int]:
    """Bits by cell of the first ``part`` (0..1) of the line between the middles of two cells."""
    x, y, across, down, length = _measured(start, stop)
    bits: dict[Cell, int] = {}
    for step in range(math.floor(4 * length * part) + 1):
        gone = step / 4
        if dashed and gone % (2 * DASH) >= DASH:
            continue
        half_x, half_y = math.floor(2 * (x + across * gone)), math.floor(2 * (y + down * gone))
        cell = half_x // 2, half_y // 4
        bits[cell] = bits.get(cell, 0) | BITS[half_y % 4][half_x % 2]
    return bits


def dotted_line(start: Cell, stop: Cell, part: float, spacing: float) -> list[Cell]:
    """Cells of the first ``part`` (0..1) of that line, at least ``spacing`` cell widths from one another and from both ends."""
    x, y, across, down, length = _measured(start, stop)
    cells: list[Cell] = []
    last = start
    for step in range(math.floor(4 * length * part) + 1):
        gone = step / 4
        cell = math.floor(x + across * gone), math.floor((y + down * gone) / 2)
        if min(apart(cell, last), apart(cell, stop)) >= spacing:
            cells.append(cell)
            last = cell
    return cells


def apart(one: Cell, other: Cell) -> float:
    """The distance of two cells in cell widths."""
    return math.hypot(one[0] - other[0], 2 * (one[1] - other[1]))


def _measured(start: Cell, stop: Cell) -> tuple[float, float, float, float, float]:
    """Where the line begins, in cell widths, its direction, and its length."""
    x, y = start[0] + 0.5, 2 * start[1] + 1.0
    length = apart(start, stop)
    across, down = stop[0] - start[0], 2 * (stop[1] - start[1])
    return x, y, across / max(length, 1.0), down / max(length, 1.0), length
