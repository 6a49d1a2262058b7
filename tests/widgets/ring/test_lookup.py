"""A lookup as it is drawn, against what the ring decided: the preference list of the key's slot."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.commands.legend import Sign
from kvtui.core.ring import Classic, Ring
from kvtui.core.ring_walk import walk
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import arcs_of
from kvtui.widgets.ring.circle import Circle, fit
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.found import why_line
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.line import apart, braille_line, dotted_line
from kvtui.widgets.ring.lookup import LAP_SECONDS, LEG_SECONDS, LINE_SECONDS, PAUSE_SECONDS, Lookup, lookup_of
from kvtui.widgets.ring.motion import Moment
from kvtui.widgets.ring.names import main_arcs, whole
from kvtui.widgets.ring.samples import band_cells
from kvtui.widgets.ring.trail import stop_cells
from kvtui.widgets.ring.view import View
from kvtui.widgets.tints import Tints
from tests.widgets import frozen

TINTS = Tints(True, (10, 10, 10), (220, 220, 220), (90, 90, 255), (0, 200, 0), (200, 200, 0), (200, 0, 0))
FITTED = fit(60, 30, 4)
assert FITTED is not None
CIRCLE: Circle = FITTED
BAND = {(cell.x, cell.y) for cell in band_cells(CIRCLE)}
NODES = ["A", "B", "C", "D", "E"]


def classic(vnodes: int = 8, copies: int = 2) -> tuple[ClusterSnapshot, Ring]:
    ring = Ring.empty(Classic(vnodes), copies, frozen.SLOTS).join_all(NODES)
    density = frozen.density_of(1000)
    snapshot = replace(
        frozen.healthy(NODES, replication=copies),
        policy=f"classic {vnodes}", ranges=frozen.ranges_of(ring), nodes=frozen.nodes_of(ring, density),
    )  # fmt: skip
    return snapshot, ring


def balanced(copies: int = 3) -> tuple[ClusterSnapshot, Ring]:
    return frozen.healthy(NODES, replication=copies), frozen.ring_of(NODES, copies)


def looked_up(snapshot: ClusterSnapshot, key: bytes) -> tuple[Picture, Lookup]:
    picture = replace(Picture().with_snapshot(snapshot), located=frozen.located(snapshot, key))
    main = main_arcs(whole(arcs_of(snapshot, View.ARCS, "")))
    assert picture.located is not None
    lookup = lookup_of(picture, main, walk(snapshot, picture.located.position))
    assert lookup is not None
    return picture, lookup


def text(picture: Picture, seconds: float = math.inf, glyphs: Glyphs = Glyphs.QUADRANTS) -> str:
    drawing = Drawing(Settings(60, 30, TINTS, glyphs))
    drawing.draw(picture, View.ARCS, Moment(seconds))
    return "\n".join(strip.text for strip in drawing.strips)


@settings(max_examples=25, deadline=None)
@given(key=st.binary(min_size=1, max_size=8), copies=st.integers(1, 5))
def test_on_a_balanced_ring_a_line_leads_to_every_other_replica_and_none_goes_along_the_rim(
    key: bytes, copies: int
) -> None:
    """They went clockwise past the arcs of others, which looked like a rule that this ring does not follow."""
    snapshot, ring = balanced(copies)
    _, lookup = looked_up(snapshot, key)
    assert not lookup.clockwise
    assert [stop.node for stop in lookup.stops] == list(ring.replicas(key))
    assert all(stop.sign is Sign.COPY and stop.clean for stop in lookup.stops)
    assert lookup.stops[0].position == lookup.start, "the key lies in its first replica's range"
    for stop in lookup.stops[1:]:
        part = next(part for part in snapshot.ranges if part.start <= stop.position < part.stop)
        assert part.replicas[0] == stop.node, "a line ends at an arc of the node that it leads to"
    start, stops = stop_cells(lookup, CIRCLE, BAND)
    assert [stop.node for stop, _ in stops] == list(ring.replicas(key))[1:]
    for _, cell in stops:
        for x, y in braille_line(start, cell, 1.0, dashed=False):
            across, down = cell[0] - start[0], 2 * (cell[1] - start[1])
            beside = abs(across * 2 * (y - start[1]) - down * (x - start[0])) / apart(start, cell)
            assert beside <= 1.5, "straight"


@settings(max_examples=25, deadline=None)
@given(key=st.binary(min_size=1, max_size=8), copies=st.integers(1, 4), vnodes=st.sampled_from([1, 4, 16, 64]))
def test_on_a_classic_ring_the_way_ends_each_time_at_the_replicas_own_virtual_node(
    key: bytes, copies: int, vnodes: int
) -> None:
    snapshot, ring = classic(vnodes, copies)
    picture, lookup = looked_up(snapshot, key)
    assert picture.located is not None
    assert lookup.clockwise
    copied = [stop for stop in lookup.stops if stop.sign is Sign.COPY]
    assert tuple(stop.node for stop in copied) == ring.replicas(key)
    places = [lookup.start, *(stop.position for stop in lookup.stops)]
    assert places == sorted(places)
    assert places[-1] - places[0] <= 1 + 1 / snapshot.slots
    steps = walk(snapshot, picture.located.position)
    for step, stop in zip(steps, lookup.stops, strict=True):
        own_slot = int(step.position * snapshot.slots) == int(lookup.start * snapshot.slots)
        assert stop.position % 1 == pytest.approx(step.position) or (own_slot and stop.position == lookup.start)
    _, stops = stop_cells(lookup, CIRCLE, BAND)
    assert [stop.node for stop, _ in stops if stop.sign is Sign.COPY] == list(ring.replicas(key)), "each has a sign"
    cells = [cell for _, cell in stops]
    assert len(set(cells)) == len(cells)
    assert not set(cells) & BAND


@pytest.mark.parametrize("make", [classic, balanced])
def test_replicas_are_reached_one_after_the_other_and_then_it_rests(
    make: Callable[[], tuple[ClusterSnapshot, Ring]],
) -> None:
    snapshot, ring = make()
    for number in range(15):
        _, lookup = looked_up(snapshot, b"key-%d" % number)
        times = [stop.seconds for stop in lookup.stops if stop.sign is Sign.COPY]
        assert lookup.reached(PAUSE_SECONDS / 2) == frozenset()
        assert all(after - before >= LEG_SECONDS - 1e-9 for before, after in pairwise(times))
        assert lookup.seconds <= PAUSE_SECONDS + max(LAP_SECONDS + LEG_SECONDS * 3, LINE_SECONDS * 3)
        assert lookup.reached(lookup.seconds) == set(ring.replicas(b"key-%d" % number))
        tenths = [lookup.position(tenth / 10) for tenth in range(60)]
        assert not lookup.clockwise or tenths == sorted(tenths), "it never goes back"
        for stop in lookup.stops[1:]:
            assert lookup.grown(stop, stop.seconds) == 1.0
            assert lookup.grown(stop, stop.seconds - LINE_SECONDS) == 0.0


def key_with(snapshot: ClusterSnapshot, wanted: str) -> tuple[Picture, Lookup]:
    """The first key whose lookup shows the sign on the ring."""
    for number in range(2000):
        picture, lookup = looked_up(snapshot, b"key-%d" % number)
        if any(stop.sign is Sign[wanted] for stop, _ in stop_cells(lookup, CIRCLE, BAND)[1]):
            return picture, lookup
    raise AssertionError(wanted)


def test_virtual_nodes_that_are_skipped_are_seen_on_the_way_and_named_grey_in_the_middle() -> None:
    picture, lookup = key_with(classic()[0], "SKIPPED")
    skipped = next(stop for stop in lookup.stops if stop.sign is Sign.SKIPPED)
    assert skipped.node in {stop.node for stop in lookup.stops if stop.sign is Sign.COPY}
    drawing = Drawing(Settings(60, 30, TINTS))
    drawing.draw(picture, View.ARCS)
    shown = "\n".join(strip.text for strip in drawing.strips)
    assert f"×{skipped.node}" in shown
    assert "clockwise, × skipped" in shown
    assert shown.count("×") >= 3, "in the middle twice, and on the way"
    dim = TINTS.style("dim").color
    marks = [part for strip in drawing.strips for part in strip if part.text.strip().startswith("×")]
    assert all(part.style is not None and part.style.color == dim for part in marks)


def test_a_node_that_is_being_filled_is_shown_as_that_and_not_as_a_copy() -> None:
    picture, lookup = key_with(frozen.joining(part=0.3), "FILLING")
    assert [stop.node for stop in lookup.stops if stop.sign is Sign.FILLING] == ["C"]
    assert not lookup.stops[-1].clean
    assert "◐ C" in text(picture)
    assert "balance" not in text(picture).replace("balance 1", ""), "it is not told as chosen while things move"


def test_a_replica_that_is_down_or_behind_has_a_broken_line_and_the_sign_of_a_node_that_is_down() -> None:
    snapshot = frozen.one_down("B")
    for number in range(60):
        picture, lookup = looked_up(snapshot, b"key-%d" % number)
        for stop in lookup.stops:
            assert stop.sign is (Sign.DOWN if stop.node == "B" else Sign.COPY)
            assert stop.clean is (stop.node != "B")
    picture, lookup = key_with(snapshot, "DOWN")
    assert "○ B" in text(picture)
    whole_line, broken = (braille_line((5, 5), (40, 20), 1.0, dashed=dashed) for dashed in (False, True))
    assert 0.4 < sum(map(int.bit_count, broken.values())) / sum(map(int.bit_count, whole_line.values())) < 0.6


def test_a_first_replica_that_is_up_and_behind_counts_for_nothing() -> None:
    snapshot = frozen.one_down("B")
    up = tuple(replace(node, state=NodeState.UP) for node in snapshot.nodes)
    for number in range(60):
        picture, lookup = looked_up(replace(snapshot, nodes=up), b"key-%d" % number)
        assert [stop.clean for stop in lookup.stops] == [node in picture.clean_holders for node in picture.holders]


@pytest.mark.parametrize("glyphs", list(Glyphs))
def test_the_words_say_why_and_only_what_is_so(glyphs: Glyphs) -> None:
    """What is told of a balanced ring has no word of a way along it."""
    chosen, met = text(looked_up(balanced()[0], b"apple")[0], glyphs=glyphs), text(looked_up(classic()[0], b"apple")[0])
    assert "chosen for balance" in chosen
    assert "clockwise" not in chosen
    assert "clockwise" in met
    assert "chosen" not in met
    alone, _ = looked_up(frozen.healthy(["A"], replication=1), b"apple")
    assert why_line(alone, 30, ()) == (), "one node is no choice"


def test_a_line_grows_from_the_key() -> None:
    picture, lookup = looked_up(balanced(2)[0], b"apple")
    shown = [text(picture, tenth / 10) for tenth in range(15)]
    braille = [sum("\u2800" <= char <= "\u28ff" for char in each) for each in shown]
    assert shown[0].count("◇") == 1, "in the legend alone"
    assert "◆" in shown[0]
    assert shown[-1] == text(picture), "and ends as it rests"
    assert len(set(braille)) > 3
    start, stops = stop_cells(lookup, CIRCLE, BAND)
    half, full = (braille_line(start, stops[0][1], part, dashed=False) for part in (0.5, 1.0))
    assert set(half) < set(full)
    assert max(apart(start, cell) for cell in half) <= 0.55 * apart(start, stops[0][1]) + 1
    assert all(apart(one, other) >= 2 for one, other in pairwise(dotted_line(start, stops[0][1], 1.0, 2.0)))


@pytest.mark.parametrize("size", [(36, 17), (30, 15), (60, 30)])
def test_words_in_the_middle_hide_no_sign_of_the_lookup(size: tuple[int, int]) -> None:
    """At 80 x 24 the key's own sign lay under "on 2 nodes each"."""
    snapshot, _ = classic()
    for number in range(20):
        picture, _ = looked_up(snapshot, b"key-%d" % number)
        drawing = Drawing(Settings(*size, TINTS))
        drawing.draw(picture, View.ARCS)
        assert drawing._circle is not None
        assert drawing._band is not None
        found = lookup_of(picture, {}, walk(snapshot, picture.located.position if picture.located else 0.0))
        assert found is not None
        (x, y), stops = stop_cells(found, drawing._circle, drawing._band.cells.keys())
        assert drawing.strips[y].text[x] == "◆"
        for stop, (column, row) in stops:
            assert drawing.strips[row].text[column] == stop.sign.value.sample


@pytest.mark.parametrize("size", [(38, 12), (36, 17), (30, 15)])
def test_of_how_many_keys_can_be_reached_all_is_said_or_nothing(size: tuple[int, int]) -> None:
    """At 40 x 15 the line above a sign was left out: "4,525 of" was missing before "5,000 keys can be reached"."""
    snapshot = replace(frozen.healthy(NODES, keys=4_525), unavailable=9, unreachable_keys=475, waits_for=("A",))
    for number in range(20):
        picture, _ = looked_up(snapshot, b"key-%d" % number)
        drawing = Drawing(Settings(*size, TINTS))
        drawing.draw(picture, View.ARCS)
        shown = "\n".join(strip.text for strip in drawing.strips)
        assert ("4,525" in shown) == ("5,000" in shown) == ("reached" in shown)


def test_a_copy_and_a_node_that_is_up_differ_in_letters_too() -> None:
    shown = text(looked_up(frozen.healthy(), b"apple")[0], glyphs=Glyphs.ASCII)
    assert "* B + C" in shown
    assert "o A" in shown or "A o" in shown
    assert "o C" not in shown


@pytest.mark.parametrize("key", [b"", b"apple"])
def test_without_nodes_or_without_a_key_there_is_no_lookup(key: bytes) -> None:
    snapshot = frozen.healthy()
    picture = Picture().with_snapshot(frozen.empty() if key else snapshot)
    if key:
        picture = replace(picture, located=frozen.located(snapshot, key))
    assert lookup_of(picture, {}, ()) is None
