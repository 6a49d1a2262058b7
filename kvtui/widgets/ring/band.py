"""The colour layer: each cell of the band as a glyph with two colours, repainted only where the ribbon changed."""

from collections.abc import Sequence

from kvtui.widgets.colour import RGB
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.glyphs import Drawn, Glyphs, half_block, quadrant
from kvtui.widgets.ring.letters import Letters
from kvtui.widgets.ring.ribbon import Ribbon
from kvtui.widgets.ring.samples import DEPTHS, OUTSIDE, BandCell, Quarter, band_cells

LETTERED = 6
"""Samples of 16 that must be on the band for a cell to show a letter, where there are no glyphs but letters."""


class Band:
    """Keeps the painted cells of one circle, and knows which rows the last ``paint`` changed."""

    def __init__(self, circle: Circle, glyphs: Glyphs, background: RGB) -> None:
        self.cells: dict[tuple[int, int], Drawn] = {}
        """By column and row."""
        self._geometry = band_cells(circle)
        self._glyphs = glyphs
        self._background = background
        self._ribbon: Ribbon | None = None

    def paint(self, ribbon: Ribbon, letters: Sequence[Letters] = ()) -> set[int]:
        """Show another ribbon; returns the rows that look different now.

        ``letters`` has those of each step, for terminals that have nothing else.
        """
        old, self._ribbon = self._ribbon, ribbon
        if old is None:
            stale = None
        else:
            stale = {
                step for step, (was, now) in enumerate(zip(old, ribbon, strict=True)) if was is not now and was != now
            }
            if not stale:
                return set()
        changed = set()
        for cell in self._geometry:
            if stale is None or not stale.isdisjoint(cell.steps):
                drawn = self._drawn(cell, ribbon, letters)
                place = cell.x, cell.y
                if self.cells.get(place) != drawn:
                    self.cells[place] = drawn
                    changed.add(cell.y)
        return changed

    def _drawn(self, cell: BandCell, ribbon: Ribbon, letters: Sequence[Letters]) -> Drawn:
        if self._glyphs is Glyphs.ASCII:
            return self._lettered(cell, ribbon, letters)
        one, two, three, four = cell.quarters
        colours = (
            self._colour(one, ribbon),
            self._colour(two, ribbon),
            self._colour(three, ribbon),
            self._colour(four, ribbon),
        )
        return quadrant(colours) if self._glyphs is Glyphs.QUADRANTS else half_block(colours)

    def _colour(self, quarter: Quarter, ribbon: Ribbon) -> RGB:
        """The mean of the samples' colours, the background's for those outside: that smooths the edges."""
        red = green = blue = 0
        background = self._background
        if quarter[0] == quarter[1] == quarter[2] == quarter[3]:
            return background if quarter[0] == OUTSIDE else ribbon[quarter[0] // DEPTHS][quarter[0] % DEPTHS]
        for sample in quarter:
            colour = background if sample == OUTSIDE else ribbon[sample // DEPTHS][sample % DEPTHS]
            red += colour[0]
            green += colour[1]
            blue += colour[2]
        count = len(quarter)
        return red // count, green // count, blue // count

    def _lettered(self, cell: BandCell, ribbon: Ribbon, letters: Sequence[Letters]) -> Drawn:
        samples = sum(sample != OUTSIDE for quarter in cell.quarters for sample in quarter)
        if samples < LETTERED:
            return Drawn(" ", self._background, self._background)
        on_band = [sample for quarter in cell.quarters for sample in quarter if sample != OUTSIDE]
        step, depth = divmod(on_band[len(on_band) // 2], DEPTHS)
        colour = ribbon[step][depth]
        if colour == self._background:
            return Drawn(" ", colour, colour)
        return Drawn(letters[step].of(colour) if letters else "#", colour, self._background)
