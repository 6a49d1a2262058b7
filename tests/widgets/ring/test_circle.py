import math

import pytest

from kvtui.widgets.ring.circle import Circle, fit
from kvtui.widgets.ring.samples import DEPTHS, OUTSIDE, STEPS, _quarter, band_cells

SIZES = [(38, 17), (62, 31), (60, 30), (150, 64), (33, 18)]


def circle(columns: int, rows: int, margin: int = 4) -> Circle:
    fitted = fit(columns, rows, margin)
    assert fitted is not None
    return fitted


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_the_circle_keeps_its_margins(columns: int, rows: int) -> None:
    fitted = circle(columns, rows)
    cells = band_cells(fitted)
    assert min(cell.x for cell in cells) >= 4
    assert max(cell.x for cell in cells) < columns - 4
    assert min(cell.y for cell in cells) >= 1
    assert max(cell.y for cell in cells) < rows - 1


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_the_circle_is_round_when_cells_are_twice_as_high_as_wide(columns: int, rows: int) -> None:
    cells = band_cells(circle(columns, rows))
    width = max(cell.x for cell in cells) + 1 - min(cell.x for cell in cells)
    height = 2 * (max(cell.y for cell in cells) + 1 - min(cell.y for cell in cells))
    assert abs(width - height) <= 3, "within a row and a bit"


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_the_band_is_the_same_seen_in_a_mirror(columns: int, rows: int) -> None:
    cells = {(cell.x, cell.y) for cell in band_cells(circle(columns, rows))}
    assert {(columns - 1 - x, y) for x, y in cells} == cells
    assert {(x, rows - 1 - y) for x, y in cells} == cells


@pytest.mark.parametrize(("columns", "rows"), [*SIZES, (61, 29), (40, 21)])
def test_mirror_images_are_as_if_measured(columns: int, rows: int) -> None:
    fitted = circle(columns, rows)
    for cell in band_cells(fitted):
        corners = [(cell.x + half / 2, 2 * cell.y + lower) for lower in (0, 1) for half in (0, 1)]
        measured = [sorted(_quarter(fitted, *corner)) for corner in corners]
        for mine, theirs in zip(map(sorted, cell.quarters), measured, strict=True):
            for one, other in zip(mine, theirs, strict=True):
                assert abs(one - other) <= DEPTHS + 1, "rounding may move a sample by a step or a depth, no further"


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_the_band_has_no_hole(columns: int, rows: int) -> None:
    """All samples between the radii are on the band: as many as the ring's area asks for, and one at every angle."""
    fitted = circle(columns, rows)
    samples = [sample for cell in band_cells(fitted) for quarter in cell.quarters for sample in quarter]
    inside = [sample for sample in samples if sample != OUTSIDE]
    area = math.pi * (fitted.outer**2 - fitted.inner**2)
    assert len(inside) / 8 == pytest.approx(area, rel=0.02)  # 16 samples a cell, 2 units of area
    every = math.ceil(STEPS / fitted.circumference)
    buckets = {sample // DEPTHS // every for sample in inside}
    assert set(range(STEPS // every)) <= buckets


def test_positions_go_clockwise_from_the_top() -> None:
    fitted = circle(60, 30)
    x, y = 30, 15
    top, right, bottom, left = (fitted.cell_at(position, fitted.outer - 1) for position in (0.001, 0.25, 0.5, 0.75))
    assert top[1] < y
    assert abs(top[0] - x) <= 1
    assert right[0] > x
    assert bottom[1] > y
    assert left[0] < x
    steps = {(cell.x, cell.y): cell.steps for cell in band_cells(fitted)}
    assert abs(steps[right][0] / STEPS - 0.25) < 0.02


def test_no_circle_without_room() -> None:
    assert fit(9, 4, 4) is None
    assert fit(0, 0, 0) is None
