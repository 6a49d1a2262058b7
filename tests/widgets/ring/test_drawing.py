from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from rich.cells import cell_len

from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.band import Band
from kvtui.widgets.ring.circle import fit
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.motion import REST, Moment, Turn
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
    assert text.count("◆") == 4, "on the ring, at its first replica's name, in the words, and in the legend"


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
    few = Picture().with_snapshot(snapshot)
    views: list[View] = []
    for picture in (few, Picture().with_snapshot(replace(snapshot, ranges=many)), replace(few, selected="a1")):
        drawn.draw(picture, None)
        views.append(drawn.view)
    assert views == [View.ARCS, View.SHARE, View.FOCUS]


def looked_up(snapshot: ClusterSnapshot) -> Picture:
    return replace(Picture().with_snapshot(snapshot), located=frozen.located(snapshot, b"apple"))


def test_a_lookup_shows_the_key_first_then_each_replica_and_then_rests() -> None:
    picture = looked_up(frozen.healthy(["n1", "n2", "n3", "n4", "n5"], replication=3))
    drawn = drawing(60, 30)
    shown, rests = [], []
    for tenth in range(40):
        drawn.draw(picture, None, Moment(tenth / 10))
        text = words(drawn)
        shown.append([node for node in picture.holders if f"◆ {node}" in text or f"◇ {node}" in text])
        rests.append(drawn.rests)
    assert shown[0] == []
    assert list(map(len, shown)) == sorted(map(len, shown)), "one after the other"
    assert set(map(len, shown)) == {0, 1, 2, 3}
    assert rests == sorted(rests)
    assert (rests[0], rests[-1]) == (False, True)
    walking = [tenth for tenth, rested in enumerate(rests) if not rested]
    assert len(walking) < 36, "it ends by itself"


def test_a_lookup_at_rest_is_what_reduced_motion_shows_at_once() -> None:
    picture = looked_up(frozen.healthy())
    walked, direct = drawing(), drawing()
    for tenth in range(60):
        walked.draw(picture, None, Moment(tenth / 10))
    direct.draw(picture, None, REST)
    assert walked.strips == direct.strips
    assert walked.draw(picture, None, REST) == set()


def test_a_node_that_went_down_ends_as_it_rests() -> None:
    before, after = (Picture().with_snapshot(snapshot) for snapshot in (frozen.healthy(), frozen.one_down("B")))
    turned, direct = drawing(), drawing()
    turned.draw(before, None)
    for tenth in range(15):
        rows = turned.draw(after, None, Moment(turns={"B": Turn(True, tenth / 10)}))
        assert not turned.rests
        assert tenth == 0 or len(rows) < 31, "rows that nothing sweeps over stay"
    turned.draw(after, None, REST)
    assert turned.rests
    direct.draw(after, None)
    assert turned.strips == direct.strips


def test_a_frame_of_a_walk_changes_only_the_rows_that_it_goes_through() -> None:
    picture = looked_up(frozen.healthy())
    drawn = drawing()
    drawn.draw(picture, None, Moment(0.0))
    assert max(len(drawn.draw(picture, None, Moment(tenth / 10))) for tenth in range(1, 30)) <= 12


@pytest.mark.parametrize("make", [frozen.healthy, frozen.one_down, frozen.joining, frozen.empty])
@pytest.mark.parametrize("size", [(62, 31), (30, 9)])
def test_without_glyphs_nothing_but_ascii_is_drawn(make: Callable[[], ClusterSnapshot], size: tuple[int, int]) -> None:
    snapshot = make()
    picture = looked_up(snapshot) if snapshot.ranges else Picture().with_snapshot(snapshot)
    for seconds in (0.0, 0.7, 9.0):
        drawn = drawing(*size, glyphs=Glyphs.ASCII)
        drawn.draw(picture, None, Moment(seconds))
        assert words(drawn).isascii()
        assert [strip.cell_length for strip in drawn.strips] == [size[0]] * size[1]


def test_without_glyphs_a_hollow_arc_shows_its_nodes_letter_outside_and_who_serves_inside() -> None:
    drawn = drawing(glyphs=Glyphs.ASCII)
    drawn.draw(Picture().with_snapshot(frozen.one_down("B")), None)
    right = drawn.strips[15].text[40:]
    assert right.strip(" .")[0] in "AC"
    assert right.rstrip().endswith("B")
    assert " " in right.strip(" .")


@pytest.mark.parametrize("glyphs", list(Glyphs))
def test_names_of_other_scripts_and_widths_keep_every_row_as_wide_as_asked(glyphs: Glyphs) -> None:
    drawn = drawing(glyphs=glyphs)
    drawn.draw(Picture().with_snapshot(frozen.healthy(["数据节点", "узел", "noeud-é"])), None)
    assert [cell_len(strip.text) for strip in drawn.strips] == [62] * 31


def test_in_letters_what_waits_and_what_is_lost_have_signs_of_their_own() -> None:
    """They had the same letters as what is served."""
    away, lost = drawing(glyphs=Glyphs.ASCII), drawing(glyphs=Glyphs.ASCII)
    away.draw(Picture().with_snapshot(frozen.two_down()), None)
    whole = frozen.healthy()
    bare = tuple(replace(part, clean=()) if "A" in part.replicas[:1] else part for part in whole.ranges)
    lost.draw(Picture().with_snapshot(replace(whole, ranges=bare, lost=80)), None)
    assert "!" in words(away)
    assert "/" not in words(away).replace("copies/node", "")
    assert "/" in words(lost)
    assert "!" not in words(lost)
