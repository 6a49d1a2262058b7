"""Cells against ranges: what is drawn at a place is what the ranges say of it, at every size, with every set of glyphs."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.colour import RGB, blend, distance
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc, arcs_of
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.glyphs import QUADRANTS, Drawn, Glyphs
from kvtui.widgets.ring.ribbon import DIMMED
from kvtui.widgets.ring.samples import band_cells
from kvtui.widgets.ring.view import View
from kvtui.widgets.tints import Tints
from tests.widgets import frozen

TINTS = Tints(True, (10, 10, 10), (220, 220, 220), (90, 90, 255), (0, 200, 0), (200, 200, 0), (200, 0, 0))
SIZES = [(24, 12), (36, 17), (60, 30), (61, 29), (120, 60)]
NODES = ["n1", "n2", "n3", "n4", "n5"]


def drawn(
    snapshot: ClusterSnapshot, size: tuple[int, int], glyphs: Glyphs, view: View = View.ARCS
) -> tuple[Drawing, Circle]:
    drawing = Drawing(Settings(*size, TINTS, glyphs))
    drawing.draw(Picture().with_snapshot(snapshot), view)
    assert drawing._circle is not None
    return drawing, drawing._circle


def halves(cell: Drawn) -> dict[tuple[int, int], RGB]:
    """The colour of each quarter of a cell, by column and row."""
    if cell.glyph == "▀":
        return {(x, y): cell.background if y else cell.colour for x in (0, 1) for y in (0, 1)}
    filled = QUADRANTS.index(cell.glyph)
    return {(x, y): cell.colour if filled >> (2 * y + x) & 1 else cell.background for x in (0, 1) for y in (0, 1)}


def seen_at(drawing: Drawing, circle: Circle, position: float, radius: float) -> tuple[RGB, Drawn]:
    """The colour at a point of the band, and the cell that it is in."""
    angle = 2 * math.pi * position
    x, y = circle.centre
    across, down = x + radius * math.sin(angle), y - radius * math.cos(angle)
    assert drawing._band is not None
    cell = drawing._band.cells[math.floor(across), math.floor(down / 2)]
    if drawing.settings.glyphs is Glyphs.ASCII:
        return cell.colour, cell
    return halves(cell)[math.floor(across * 2) % 2, math.floor(down) % 2], cell


def nearest(colour: RGB, colours: Mapping[str, RGB]) -> str:
    """Whose colour it is; at an edge it may be mixed with the background's."""
    return min(colours, key=lambda node: distance(colour, colours[node]))


def inner_places(arc: Arc, circle: Circle) -> Iterator[float]:
    """Places of an arc that are further from its ends than a cell is wide."""
    edge = 3.0 / circle.circumference
    if arc.length > 2 * edge:
        for part in range(21):
            yield arc.start + edge + part / 20 * (arc.length - 2 * edge)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("glyphs", list(Glyphs))
@pytest.mark.parametrize("view", list(View))
def test_every_arc_is_where_its_token_says_in_its_owners_colour(
    size: tuple[int, int], glyphs: Glyphs, view: View
) -> None:
    snapshot = frozen.healthy(NODES)
    drawing, circle = drawn(snapshot, size, glyphs, view)
    colours = {node: TINTS.node(place) for place, node in enumerate(NODES)}
    arcs = arcs_of(snapshot, view, "n1" if view is View.FOCUS else "")
    looks = {(node, False): colour for node, colour in colours.items()}
    looks |= {(node, True): blend(colour, TINTS.background, DIMMED) for node, colour in colours.items()}
    checked = set()
    for arc in arcs:
        for place in inner_places(arc, circle):
            colour, cell = seen_at(drawing, circle, place, (circle.inner + circle.outer) / 2)
            same_kind = {node: look for (node, dimmed), look in looks.items() if dimmed == arc.dimmed}
            assert nearest(colour, same_kind) == arc.node, (arc, place)
            if glyphs is Glyphs.ASCII:
                assert cell.glyph == arc.node[-1]
            checked.add(arc.node)
    enough = 6.0 / circle.circumference
    assert checked >= {arc.node for arc in arcs if arc.length > enough}
    assert checked


@pytest.mark.parametrize("size", [(36, 17), (60, 30), (120, 60)])
def test_every_range_that_is_wide_enough_shows_its_first_replica(size: tuple[int, int]) -> None:
    """The same from the ranges themselves, however the arcs were made of them."""
    snapshot = frozen.joining("C", 0.5)
    drawing, circle = drawn(snapshot, size, Glyphs.QUADRANTS)
    colours = {node.id: TINTS.node(place) for place, node in enumerate(snapshot.nodes)}
    checked = 0
    for arc in arcs_of(snapshot, View.ARCS, ""):
        for place in inner_places(arc, circle):
            part = next(part for part in snapshot.ranges if part.start <= place < part.stop)
            if not part.receiving:
                colour, _ = seen_at(drawing, circle, place, circle.outer - 1.5)
                assert nearest(colour, colours) == part.replicas[0]
                checked += 1
    assert checked > 15


@pytest.mark.parametrize("size", [(60, 30), (120, 60)])
@pytest.mark.parametrize("view", [View.ARCS, View.SHARE])
def test_the_arcs_lengths_add_up_to_each_nodes_share(size: tuple[int, int], view: View) -> None:
    snapshot = frozen.healthy(NODES)
    drawing, circle = drawn(snapshot, size, Glyphs.QUADRANTS, view)
    assert drawing._band is not None
    area: dict[RGB, int] = {}
    whole = 0
    for cell in band_cells(circle):
        for colour in halves(drawing._band.cells[cell.x, cell.y]).values():
            area[colour] = area.get(colour, 0) + 1
            whole += colour != TINTS.background
    for place, node in enumerate(snapshot.nodes):
        assert area[TINTS.node(place)] / whole == pytest.approx(node.first_share, abs=0.05)
    arcs = arcs_of(snapshot, view, "")
    assert sum(arc.length for arc in arcs) == pytest.approx(1.0)
    for node in snapshot.nodes:
        assert sum(arc.length for arc in arcs if arc.node == node.id) == pytest.approx(node.first_share)


@pytest.mark.parametrize("size", SIZES)
def test_no_cell_outside_the_band_is_coloured_and_none_inside_is_left_out(size: tuple[int, int]) -> None:
    drawing, circle = drawn(frozen.healthy(NODES), size, Glyphs.QUADRANTS)
    assert drawing._band is not None
    x, y = circle.centre
    for column in range(size[0]):
        for row in range(size[1]):
            distance = math.hypot(column + 0.5 - x, 2 * row + 1 - y)
            if circle.inner + 1.2 < distance < circle.outer - 1.2:
                assert (column, row) in drawing._band.cells
            elif not circle.inner - 1.2 < distance < circle.outer + 1.2:
                assert (column, row) not in drawing._band.cells


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [1, 40, 10_332, 5_000_000])
def test_key_dots_are_inside_the_band_thinned_and_in_the_colour_of_their_arc(size: tuple[int, int], keys: int) -> None:
    density = frozen.density_of(keys) if keys < 1_000_000 else (keys // 256,) * 256
    base = frozen.healthy(NODES, keys=0)
    snapshot = replace(base, density=density, keys=keys)
    drawing, circle = drawn(snapshot, size, Glyphs.QUADRANTS)
    dots = {(x, y): (glyph, words) for y, row in drawing._strewn[1].items() for x, (glyph, words) in row.items()}
    assert dots
    assert drawing._band is not None
    x, y = circle.centre
    for (column, row), (_, words) in dots.items():
        assert (column, row) not in drawing._band.cells
        across, down = column + 0.5 - x, 2 * row + 1 - y
        assert math.hypot(across, down) < circle.inner + 0.2
        position = math.atan2(across, -down) / (2 * math.pi) % 1
        near = {
            TINTS.colour(f"node:{NODES.index(part.replicas[0])}")
            for part in snapshot.ranges
            if part.start - 0.02 <= position <= part.stop + 0.02 or position > 0.98 or position < 0.02
        }
        assert TINTS.colour(words) in near
    count = sum(bin(ord(glyph) - 0x2800).count("1") for glyph, _ in dots.values())
    room = math.pi * circle.inner**2 * 4  # eight dots a cell of two units
    assert count <= min(keys, 0.4 * room)
