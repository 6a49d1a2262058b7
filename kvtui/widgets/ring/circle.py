"""Where the circle lies in a grid of cells that are twice as high as wide.

Lengths are in cell widths: a cell is 1 wide and 2 high, so a circle of radius r covers 2r columns and r rows.
"""

import math
from dataclasses import dataclass

SMALLEST_RADIUS = 5.0
"""Below it a band of arcs is no circle any more; nothing is drawn."""
BAND_PART = 0.27
"""Part of the radius that the band of arcs takes."""
THINNEST_BAND, THICKEST_BAND = 2.0, 14.0
LABEL_ROWS = 1
"""Rows kept free above and below the circle for labels."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A band between two radii, round a centre, in a grid of ``columns`` x ``rows`` cells."""

    columns: int
    rows: int
    outer: float
    inner: float

    @property
    def centre(self) -> tuple[float, float]:
        """In cell widths from the grid's upper left corner."""
        return self.columns / 2, float(self.rows)

    @property
    def circumference(self) -> float:
        return 2 * math.pi * self.outer

    def position_of(self, column: int, row: int) -> float | None:
        """The ring position (0..1 from the top, clockwise) of the band under the middle of a cell; None beside the band."""
        centre_x, centre_y = self.centre
        across, down = column + 0.5 - centre_x, 2 * row + 1 - centre_y
        if not self.inner - 0.5 <= math.hypot(across, down) < self.outer + 0.5:
            return None
        return math.atan2(across, -down) / (2 * math.pi) % 1.0

    def cell_at(self, position: float, radius: float) -> tuple[int, int]:
        """Column and row of the cell at a ring position (0..1 from the top, clockwise) and a distance from the centre."""
        angle = 2 * math.pi * position
        x, y = self.centre
        return math.floor(x + radius * math.sin(angle)), math.floor((y - radius * math.cos(angle)) / 2)


def fit(columns: int, rows: int, margin: int) -> Circle | None:
    """The largest circle with ``margin`` columns free at either side and a row above and below; None without room."""
    outer = min(columns / 2 - margin, float(rows - 2 * LABEL_ROWS))
    if outer < SMALLEST_RADIUS:
        outer = min(columns / 2, float(rows))
    if outer < SMALLEST_RADIUS:
        return None
    band = min(THICKEST_BAND, max(THINNEST_BAND, outer * BAND_PART))
    return Circle(columns, rows, outer, outer - band)
