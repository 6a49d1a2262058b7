"""Names beside the ring, for any nodes at any size."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView, RangeView
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import arcs_of
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.labels import Placed
from kvtui.widgets.ring.legend import width_of
from kvtui.widgets.ring.names import whole
from kvtui.widgets.ring.view import View
from kvtui.widgets.tints import Tints
from tests.widgets import frozen

TINTS = Tints(True, (10, 10, 10), (220, 220, 220), (90, 90, 255), (0, 200, 0), (200, 200, 0), (200, 0, 0))
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", fullmatch=True)
"""What a node may be called."""


@st.composite
def clusters(draw: st.DrawFn) -> ClusterSnapshot:
    """1 to 64 nodes with any names, and ranges of any length."""
    ids = draw(st.lists(IDS, min_size=1, max_size=64, unique=True))
    count = draw(st.integers(1, 200))
    owners = draw(st.lists(st.sampled_from(ids), min_size=count, max_size=count))
    weights = draw(st.lists(st.integers(1, 20), min_size=count, max_size=count))
    edges = [0.0]
    for weight in weights:
        edges.append(edges[-1] + weight / sum(weights))
    edges[-1] = 1.0
    nodes = tuple(NodeView(node, "127.0.0.1", 5001, draw(st.sampled_from(NodeState))) for node in ids)
    ranges = tuple(
        RangeView(start, stop, (owner,), (owner,)) for start, stop, owner in zip(edges, edges[1:], owners, strict=False)
    )
    return replace(frozen.healthy(), nodes=nodes, ranges=ranges, copies_each=1)


def shown(picture: Picture, size: tuple[int, int], view: View | None, glyphs: Glyphs = Glyphs.QUADRANTS) -> Drawing:
    drawing = Drawing(Settings(*size, TINTS, glyphs))
    drawing.draw(picture, view)
    return drawing


def names(drawing: Drawing) -> tuple[Placed, ...]:
    return drawing._named[1]


def cells(name: Placed) -> set[tuple[int, int]]:
    return {(name.x + column, name.y) for column in range(cell_len(name.text))}


@settings(max_examples=50, deadline=None)
@given(
    snapshot=clusters(),
    columns=st.integers(20, 120),
    rows=st.integers(8, 60),
    view=st.sampled_from([None, *View]),
    glyphs=st.sampled_from(Glyphs),
)
def test_names_overlap_neither_one_another_nor_the_band_nor_the_edge(
    snapshot: ClusterSnapshot, columns: int, rows: int, view: View | None, glyphs: Glyphs
) -> None:
    picture = Picture().with_snapshot(snapshot)
    drawing = shown(replace(picture, located=frozen.located(snapshot, b"apple")), (columns, rows), view, glyphs)
    assert [strip.cell_length for strip in drawing.strips] == [columns] * rows
    assert [cell_len(strip.text) for strip in drawing.strips] == [columns] * rows
    band = set(drawing._band.cells) if drawing._band is not None else set()
    legend = {(spot.x + column, spot.y) for spot in drawing._explained[1] for column in range(width_of(spot.entry))}
    assert len(legend) == sum(width_of(spot.entry) for spot in drawing._explained[1])
    assert not legend & band
    assert all(0 <= x < columns and 0 <= y < rows for x, y in legend)
    taken: set[tuple[int, int]] = set()
    for name in names(drawing):
        place = cells(name)
        beside = place | {(x - 1, y) for x, y in place} | {(x + 1, y) for x, y in place}
        assert not beside & band
        assert not beside & taken
        assert all(0 <= x < columns and 0 <= y < rows for x, y in place)
        taken |= place
        assert not place & legend
        text = drawing.strips[name.y].text
        assert glyphs is Glyphs.ASCII or name.text in text, "and nothing is written over it"


@pytest.mark.parametrize("size", [(38, 17), (60, 30), (120, 60)])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_a_few_nodes_are_all_named_with_their_state(size: tuple[int, int], count: int) -> None:
    ids = [f"node-{number}" for number in range(count)]
    drawing = shown(Picture().with_snapshot(frozen.healthy(ids)), size, View.ARCS)
    assert {name.label.node for name in names(drawing)} == set(ids)
    assert all(name.label.mark == "●" for name in names(drawing)), "the same sign wherever a node is named"


@pytest.mark.parametrize("view", [View.ARCS, View.FOCUS, View.SHARE])
@pytest.mark.parametrize("glyphs", list(Glyphs))
def test_a_name_that_stands_twice_is_seen_to_be_one_node(view: View, glyphs: Glyphs) -> None:
    """n4 and n5 have two arcs each on this ring: their names stood there twice, one with a sign and one without."""
    snapshot = frozen.healthy(["n1", "n2", "n3", "n4", "n5"])
    drawing = shown(replace(Picture().with_snapshot(snapshot), selected="n4"), (76, 34), view, glyphs)
    arcs = Counter(arc.node for arc in whole(arcs_of(snapshot, View.ARCS, "")))
    by_node: dict[str, list[Placed]] = {}
    for name in names(drawing):
        by_node.setdefault(name.label.node, []).append(name)
    assert max(map(len, by_node.values())) == (1 if view is View.SHARE else 2)
    for node, places in by_node.items():
        assert len({place.label.mark for place in places}) == 1
        told = [place.text for place in places if "arcs)" in place.text]
        if view is View.SHARE or arcs[node] == 1:
            assert not told
        else:
            assert len(told) == 1, "once"
            assert f"{node} ({arcs[node]} arcs)" in told[0]


def test_where_there_is_no_room_a_name_is_short() -> None:
    drawing = shown(Picture().with_snapshot(frozen.healthy(["n1", "n2", "n3", "n4", "n5"])), (30, 17), View.ARCS)
    assert {name.label.node for name in names(drawing)} == {"n1", "n2", "n3", "n4", "n5"}
    assert sum("arcs" in name.text for name in names(drawing)) < 2


def test_while_arcs_come_and_go_nobody_counts_them() -> None:
    drawing = shown(Picture().with_snapshot(frozen.joining("C", 0.3)), (76, 34), View.ARCS)
    assert not any("arcs" in name.text for name in names(drawing))


def test_of_a_hundred_nodes_those_in_question_are_named_and_the_others_evenly() -> None:
    ids = [f"n{number}" for number in range(100)]
    snapshot = frozen.healthy(ids)
    nodes = tuple(replace(node, state=NodeState.DOWN) if node.id == "n55" else node for node in snapshot.nodes)
    picture = replace(Picture().with_snapshot(replace(snapshot, nodes=nodes)), selected="n77")
    drawing = shown(picture, (60, 30), View.SHARE)
    named = [name.label.node for name in names(drawing)]
    assert {"n55", "n77"} <= set(named)
    assert len(named) >= 30
    quarters = [
        sum(quarter / 4 <= name.label.position < (quarter + 1) / 4 for name in names(drawing)) for quarter in range(4)
    ]
    assert min(quarters) >= 5


def test_neighbouring_arcs_of_one_node_have_one_name() -> None:
    drawing = shown(Picture().with_snapshot(frozen.joining("C", 0.3)), (60, 30), View.ARCS)
    assert sorted(name.label.node for name in names(drawing)) == ["A", "B", "C"]


def test_a_down_node_is_marked_so_even_if_it_holds_the_key() -> None:
    snapshot = frozen.one_down("B")
    picture = replace(Picture().with_snapshot(snapshot), located=frozen.located(snapshot, b"apple"))
    marks = {name.label.node: name.label.mark for name in names(shown(picture, (60, 30), View.ARCS))}
    assert picture.holders[0] == "B"
    assert marks["B"] == "○"
    assert marks[picture.holders[1]] == "◇"


@pytest.mark.parametrize(("count", "named"), [(24, True), (25, False)])
def test_percentages_give_way_to_a_larger_ring_when_nodes_are_many(count: int, named: bool) -> None:
    ids = [f"n{number}" for number in range(count)]
    drawing = shown(Picture().with_snapshot(frozen.healthy(ids)), (60, 30), View.SHARE)
    assert all(("%" in name.text) == named for name in names(drawing))
