"""The geometry layer: which part of the band lies under each quarter of each cell. Depends on the size alone."""

import math
from dataclasses import dataclass
from functools import lru_cache

from kvtui.widgets.ring.circle import Circle

STEPS = 4096
"""Positions round the ring that are told apart."""
DEPTHS = 16
"""Depths of the band that are told apart; 0 is its outer edge."""
OUTSIDE = -1
"""The sample of a point that is not on the band."""
SIDE = 2
"""Samples along either side of a quarter of a cell."""

Quarter = tuple[int, ...]
"""``SIDE * SIDE`` samples, each ``step * DEPTHS + depth`` or OUTSIDE."""


@dataclass(frozen=True, slots=True)
class BandCell:
    """A cell that the band touches; its quarters are upper left, upper right, lower left, lower right."""

    x: int
    y: int
    quarters: tuple[Quarter, Quarter, Quarter, Quarter]
    steps: tuple[int, ...]
    """The different steps among its samples."""


@lru_cache(maxsize=4)
def band_cells(circle: Circle) -> tuple[BandCell, ...]:
    """All cells that the band touches, row by row. A quarter of the circle is measured, the others are its mirror images."""
    centre_x, centre_y = circle.centre
    right, top = math.ceil(centre_x + circle.outer), math.floor((centre_y - circle.outer) / 2)
    cells: dict[tuple[int, int], BandCell] = {}
    for y in range(max(0, top), (circle.rows + 1) // 2):
        for x in range(circle.columns // 2, min(circle.columns, right)):
            if not _near(circle, x + 0.5 - centre_x, 2 * y + 1 - centre_y):
                continue
            quarters = (
                _quarter(circle, x, 2 * y), _quarter(circle, x + 0.5, 2 * y),
                _quarter(circle, x, 2 * y + 1), _quarter(circle, x + 0.5, 2 * y + 1),
            )  # fmt: skip
            cell = _cell(x, y, quarters)
            if cell.steps:
                across = _across(cell, circle)
                for each in (cell, across, _over(cell, circle), _over(across, circle)):
                    cells[each.y, each.x] = each
    return tuple(cells[place] for place in sorted(cells))


def _cell(x: int, y: int, quarters: tuple[Quarter, Quarter, Quarter, Quarter]) -> BandCell:
    steps = {sample // DEPTHS for quarter in quarters for sample in quarter if sample != OUTSIDE}
    return BandCell(x, y, quarters, tuple(sorted(steps)))


def _across(cell: BandCell, circle: Circle) -> BandCell:
    """Its mirror image on the left side."""
    one, two, three, four = (_turned(quarter, STEPS - 1) for quarter in cell.quarters)
    return _cell(circle.columns - 1 - cell.x, cell.y, (two, one, four, three))


def _over(cell: BandCell, circle: Circle) -> BandCell:
    """Its mirror image in the lower half."""
    one, two, three, four = (_turned(quarter, STEPS // 2 - 1) for quarter in cell.quarters)
    return _cell(cell.x, circle.rows - 1 - cell.y, (three, four, one, two))


def _turned(quarter: Quarter, last: int) -> Quarter:
    """The samples with steps that count down from ``last``."""
    return tuple(
        sample if sample == OUTSIDE else (last - sample // DEPTHS) % STEPS * DEPTHS + sample % DEPTHS
        for sample in quarter
    )


def _near(circle: Circle, x: float, y: float) -> bool:
    """Whether a cell with that middle, from the circle's centre, can touch the band at all."""
    reach = 1.2  # more than half a cell's diagonal
    return circle.inner - reach <= math.hypot(x, y) <= circle.outer + reach


def _quarter(circle: Circle, left: float, top: float) -> Quarter:
    """Samples of the half-wide, one-high box at that corner."""
    centre_x, centre_y = circle.centre
    return tuple(
        _sample(circle, left + (column + 0.5) / (2 * SIDE) - centre_x, top + (row + 0.5) / SIDE - centre_y)
        for row in range(SIDE)
        for column in range(SIDE)
    )


def _sample(circle: Circle, x: float, y: float) -> int:
    radius = math.hypot(x, y)
    if not circle.inner <= radius < circle.outer:
        return OUTSIDE
    position = math.atan2(x, -y) / (2 * math.pi) % 1.0
    step = min(STEPS - 1, int(position * STEPS))
    depth = min(DEPTHS - 1, int((circle.outer - radius) / (circle.outer - circle.inner) * DEPTHS))
    return step * DEPTHS + depth


def step_at(position: float) -> int:
    """The first step whose middle is at or after a position."""
    return min(STEPS, max(0, math.ceil(position * STEPS - 0.5)))
