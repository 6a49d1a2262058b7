"""Rims and stripes in pieces that can be seen."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.widgets.ring.arcs import Arc, arcs_of
from kvtui.widgets.ring.circle import Circle, fit
from kvtui.widgets.ring.inlays import TOGETHER, UNIT, merged, unit_edges
from kvtui.widgets.ring.view import View
from tests.widgets import frozen


def circle(columns: int, rows: int) -> Circle:
    fitted = fit(columns, rows, 4)
    assert fitted is not None
    return fitted


AT_100x30 = circle(54, 22)
SIZES = [circle(36, 17), AT_100x30, circle(64, 31), circle(140, 60)]


def balanced(nodes: int, down: str = "") -> ClusterSnapshot:
    """The rings of the trials: one of their nodes away, or not."""
    up = frozen.healthy([f"n{number}" for number in range(1, nodes + 1)])
    return replace(
        up,
        nodes=tuple(replace(node, state=NodeState.DOWN) if node.id == down else node for node in up.nodes),
        ranges=tuple(replace(part, clean=tuple(node for node in part.replicas if node != down)) for part in up.ranges),
    )


CLUSTERS = [
    *((balanced(nodes, "n2"), View.ARCS, "") for nodes in (2, 3, 5, 20)),
    *((balanced(nodes), View.FOCUS, "n2") for nodes in (3, 5, 20)),
    (frozen.joining(part=0.4), View.ARCS, ""),
]


def at(arcs: Sequence[Arc], position: float) -> Arc:
    return next(arc for arc in arcs if arc.start <= position < arc.stop)


def inlaid(arc: Arc) -> tuple[str, str]:
    return arc.gaining, arc.follower


def run_lengths(arcs: Sequence[Arc]) -> list[float]:
    """Lengths of stretches with one rim, whatever arcs they are on, those without one left out."""
    runs = [(kind, sum(arc.length for arc in run)) for kind, run in groupby(arcs, key=inlaid)]
    return [length for kind, length in runs if any(kind)]


@pytest.mark.parametrize(("snapshot", "view", "selected"), CLUSTERS)
@pytest.mark.parametrize("size", SIZES)
def test_a_rim_is_no_confetti(snapshot: ClusterSnapshot, view: View, selected: str, size: Circle) -> None:
    """At 100 x 30 the rim of a node that was away had a colour every half cell."""
    arcs = arcs_of(snapshot, view, selected)
    seen = merged(arcs, size)
    cell = 1.0 / (2 * math.pi * size.inner)
    thin = [length for length in run_lengths(seen) if length < cell]
    outer = [arc for arc in arcs if arc.length < 2 * UNIT * cell]
    assert len(thin) <= len(outer) // 4, "but where an arc itself is hardly longer"
    if len(snapshot.nodes) <= 5:
        assert not thin


@pytest.mark.parametrize(("snapshot", "view", "selected"), CLUSTERS)
@pytest.mark.parametrize("size", SIZES)
def test_whose_an_arc_is_stays_as_it_is(snapshot: ClusterSnapshot, view: View, selected: str, size: Circle) -> None:
    arcs = arcs_of(snapshot, view, selected)
    seen = merged(arcs, size)
    assert seen[0].start == 0.0
    assert seen[-1].stop == 1.0
    assert all(one.stop == other.start for one, other in pairwise(seen))
    for place in range(2000):
        was, now = at(arcs, place / 2000), at(seen, place / 2000)
        assert (was.node, was.hollow, was.dimmed, was.lost) == (now.node, now.hollow, now.dimmed, now.lost)
        assert not now.handing_over or was.node in {arc.node for arc in arcs if arc.handing_over}
        assert not (now.hollow and not now.dimmed) or now.follower, "somebody serves it still"


@pytest.mark.parametrize(("snapshot", "view", "selected"), CLUSTERS)
@pytest.mark.parametrize("size", SIZES[1:])
def test_each_rim_is_as_long_in_all_as_it_was(
    snapshot: ClusterSnapshot, view: View, selected: str, size: Circle
) -> None:
    arcs = arcs_of(snapshot, view, selected)
    seen = merged(arcs, size)
    edges = unit_edges(size)
    sectors = len(edges) / TOGETHER
    for kind in {inlaid(arc) for arc in arcs}:
        before, after = (sum(arc.length for arc in some if inlaid(arc) == kind) for some in (arcs, seen))
        assert abs(before - after) <= 0.5 * max(2.0, sectors) / len(edges)


@settings(max_examples=30, deadline=None)
@given(edges=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=60, unique=True), moved=st.integers(0, 59))
def test_what_changes_in_one_place_is_seen_in_its_neighbourhood_alone(edges: list[float], moved: int) -> None:
    """Counts rise all the time: the rest of the rim does not flicker."""
    marks = [0.0, *sorted(edges), 1.0]
    arcs = [
        Arc(start, stop, "A", hollow=True, follower="BC"[place % 2])
        for place, (start, stop) in enumerate(pairwise(marks))
    ]
    place = moved % len(arcs)
    changed = [replace(arc, follower="D") if arc is arcs[place] else arc for arc in arcs]
    one, other = merged(arcs, AT_100x30), merged(changed, AT_100x30)
    assert merged(list(one), AT_100x30) == merged(tuple(one), AT_100x30)
    around = (TOGETHER + 1) * (UNIT + 1.5) / (2 * math.pi * AT_100x30.inner)
    for step in range(500):
        position = step / 500
        if not arcs[place].start - around <= position <= arcs[place].stop + around:
            assert at(one, position).follower == at(other, position).follower


def test_units_end_at_borders_of_cells() -> None:
    for size in SIZES:
        edges = unit_edges(size)
        assert edges[0] == 0.0
        assert edges[-1] == 1.0
        cell = 1.0 / (2 * math.pi * size.inner)
        lengths = [after - before for before, after in pairwise(edges)]
        assert min(lengths) >= 0.9 * UNIT * cell * size.inner / (size.inner + 0.6)
        assert max(lengths) <= 4.5 * cell


def test_arcs_without_rims_are_left_alone() -> None:
    arcs = arcs_of(frozen.healthy(), View.ARCS, "")
    assert merged(arcs, AT_100x30) == arcs
