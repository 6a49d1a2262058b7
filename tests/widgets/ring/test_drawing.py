from dataclasses import replace
from random import Random

import pytest

from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.band import Band
from kvtui.widgets.ring.circle import fit
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.samples import DEPTHS, STEPS
from kvtui.widgets.ring.view import View
from kvtui.widgets.tints import Tints
from tests.widgets import frozen

TINTS = Tints(True, (10, 10, 10), (220, 220, 220), (90, 90, 255), (0, 200, 0), (200, 200, 0), (200, 0, 0))


def drawing(columns: int = 62, rows: int = 31, glyphs: Glyphs = Glyphs.QUADRANTS) -> Drawing:
    return Drawing(Settings(columns, rows, TINTS, glyphs))


def words(drawn: Drawing) -> str:
    return "\n".join(strip.text for strip in drawn.strips)


def test_every_row_is_exactly_as_wide_as_asked() -> None:
    for columns, rows in ((62, 31), (38, 17), (11, 3), (150, 64), (1, 1)):
        drawn = drawing(columns, rows)
        drawn.draw(Picture().with_snapshot(frozen.healthy()), None)
        assert [strip.cell_length for strip in drawn.strips] == [columns] * rows


def test_the_same_picture_again_changes_no_row() -> None:
    drawn = drawing()
    picture = Picture().with_snapshot(frozen.healthy())
    assert drawn.draw(picture, None)
    assert drawn.draw(picture, None) == set()


def test_a_new_count_of_keys_changes_the_words_row_and_no_arc() -> None:
    drawn = drawing()
    snapshot = frozen.healthy()
    drawn.draw(Picture().with_snapshot(snapshot), None)
    changed = drawn.draw(Picture().with_snapshot(replace(snapshot, keys=10_333)), None)
    assert len(changed) == 1
    assert "10,333 keys" in drawn.strips[changed.pop()].text


def test_rows_that_are_not_reported_as_changed_are_the_same() -> None:
    drawn = drawing()
    before: list[str] = []
    for part in (0.0, 0.3, 0.31, 0.9, 1.0):
        changed = drawn.draw(Picture().with_snapshot(frozen.joining(part=part)), None)
        now = [repr(strip) for strip in drawn.strips]
        if before:
            assert {y for y in range(31) if now[y] != before[y]} <= changed
        before = now


def test_another_view_leaves_nothing_of_the_one_before() -> None:
    picture = Picture().with_snapshot(frozen.healthy(["n1", "n2", "n3"]))
    went, direct = drawing(), drawing()
    for view in (View.ARCS, View.SHARE, View.FOCUS, View.SHARE):
        went.draw(picture, view)
    direct.draw(picture, View.SHARE)
    assert went.strips == direct.strips


def test_each_node_has_its_name_beside_the_ring() -> None:
    drawn = drawing()
    drawn.draw(Picture().with_snapshot(frozen.healthy(["n1", "n2", "n3", "n4", "n5"])), None)
    for node in ("n1", "n2", "n3", "n4", "n5"):
        assert node in words(drawn)


def test_shares_are_named_with_their_percentage() -> None:
    drawn = drawing()
    drawn.draw(Picture().with_snapshot(frozen.healthy(["n1", "n2", "n3", "n4"])), View.SHARE)
    assert words(drawn).count("25%") + words(drawn).count("25.0%") == 4


def test_a_looked_up_key_is_named_with_its_token_and_the_nodes_that_hold_it() -> None:
    snapshot = frozen.healthy()
    location = frozen.located(snapshot, b"apple")
    drawn = drawing()
    drawn.draw(replace(Picture().with_snapshot(snapshot), located=location), None)
    text = words(drawn)
    assert f"apple → 0x{location.token:016x}"[: len("apple → 0x0000")] in text
    first, second = (copy.node for copy in location.replicas)
    assert f"◆ {first} ◇ {second}" in text
    assert text.count("◆") == 3, "on the ring, at its first replica's name, and in the words"


def test_an_empty_ring_says_what_to_type() -> None:
    for columns, rows in ((62, 31), (38, 17), (30, 9), (20, 3)):
        drawn = drawing(columns, rows)
        drawn.draw(Picture().with_snapshot(frozen.empty()), None)
        assert "addnode A 5001" in words(drawn), (columns, rows)


def test_names_that_could_drive_a_terminal_are_made_harmless() -> None:
    drawn = drawing()
    drawn.draw(Picture().with_snapshot(frozen.healthy(["\x1b[2J", "b"])), None)
    assert "\x1b" not in words(drawn)


def test_without_glyphs_the_band_is_made_of_the_nodes_letters() -> None:
    drawn = drawing(glyphs=Glyphs.ASCII)
    drawn.draw(Picture().with_snapshot(frozen.healthy()), None)
    text = words(drawn)
    assert text.isascii()
    assert min(text.count(node) for node in "ABC") > 50


@pytest.mark.parametrize("glyphs", [Glyphs.QUADRANTS, Glyphs.HALVES])
def test_arcs_meet_without_a_hole(glyphs: Glyphs) -> None:
    """At a border inside the band no cell shows the background."""
    circle = fit(62, 31, 4)
    assert circle is not None
    background, red, blue = (0, 0, 0), (255, 0, 0), (0, 0, 255)
    band = Band(circle, glyphs, background)
    band.paint([(red if step < STEPS // 3 else blue,) * DEPTHS for step in range(STEPS)])
    middle = (circle.outer + circle.inner) / 2
    for place in range(720):
        drawn = band.cells[circle.cell_at(place / 720, middle)]
        assert sum(drawn.colour) >= 250
        assert sum(drawn.background) >= 250


def test_only_cells_of_the_steps_that_changed_are_painted_again() -> None:
    circle = fit(62, 31, 4)
    assert circle is not None
    band = Band(circle, Glyphs.QUADRANTS, (0, 0, 0))
    red, blue = (255, 0, 0), (0, 0, 255)
    band.paint([(red,) * DEPTHS] * STEPS)
    before = dict(band.cells)
    rows = band.paint([(blue if step < STEPS // 16 else red,) * DEPTHS for step in range(STEPS)])
    changed = {place for place, drawn in band.cells.items() if before[place] != drawn}
    assert changed
    assert {y for _, y in changed} == rows
    assert all(x >= 30 and y <= 15 for x, y in changed), "the first sixteenth lies right of the top"


def test_painting_what_changed_ends_as_painting_all_of_it() -> None:
    circle = fit(40, 20, 4)
    assert circle is not None
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    chance = Random(7)
    edges = sorted(chance.sample(range(STEPS), 12))
    once = Band(circle, Glyphs.QUADRANTS, (0, 0, 0))
    for _ in range(20):
        edges[chance.randrange(12)] += chance.randrange(-9, 10)
        columns = [(colours[sum(step >= edge for edge in edges) % 3],) * DEPTHS for step in range(STEPS)]
        once.paint(columns)
        fresh = Band(circle, Glyphs.QUADRANTS, (0, 0, 0))
        fresh.paint(columns)
        assert once.cells == fresh.cells


def test_arcs_give_way_to_shares_when_they_are_too_many_to_tell_apart() -> None:
    drawn = drawing()
    snapshot = frozen.healthy(["a1", "a2"])
    parts = 400
    many = tuple(
        replace(snapshot.ranges[0], start=place / parts, stop=(place + 1) / parts, replicas=(f"a{place % 2 + 1}",))
        for place in range(parts)
    )
    drawn.draw(Picture().with_snapshot(snapshot), None)
    assert drawn.view is View.ARCS
    drawn.draw(Picture().with_snapshot(replace(snapshot, ranges=many)), None)
    assert drawn.view is View.SHARE
    drawn.draw(replace(Picture().with_snapshot(snapshot), selected="a1"), None)
    assert drawn.view is View.FOCUS
