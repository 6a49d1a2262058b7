import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kvtui.widgets.ring.arcs import FRACTIONS, Arc, arcs_of
from kvtui.widgets.ring.view import View
from tests.widgets import frozen


def covered(arcs: Sequence[Arc]) -> bool:
    """Whether arcs follow one another from 0 to 1."""
    edges = [arc.start for arc in arcs] + [arcs[-1].stop]
    return (
        arcs[0].start == 0
        and arcs[-1].stop == 1
        and all(arc.stop == after for arc, after in zip(arcs, edges[1:], strict=True))
    )


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize("make", [frozen.healthy, frozen.one_down, frozen.joining])
def test_arcs_cover_the_whole_ring(view: View, make) -> None:  # type: ignore[no-untyped-def]
    assert covered(arcs_of(make(), view, "A"))


def test_an_arc_has_the_first_replica_of_every_range_in_it() -> None:
    snapshot = frozen.healthy()
    arcs = arcs_of(snapshot, View.ARCS, "")
    for part in snapshot.ranges:
        middle = (part.start + part.stop) / 2
        assert next(arc.node for arc in arcs if arc.start <= middle < arc.stop) == part.replicas[0]
    assert all(one.node != other.node for one, other in itertools.pairwise(arcs))


def test_a_ring_without_nodes_has_no_arcs() -> None:
    assert arcs_of(frozen.empty(), View.ARCS, "") == ()
    assert arcs_of(frozen.empty(), View.SHARE, "") == ()


def test_a_down_nodes_arcs_are_hollow_and_no_others() -> None:
    arcs = arcs_of(frozen.one_down("B"), View.ARCS, "")
    assert {arc.node for arc in arcs if arc.hollow} == {"B"}
    assert "B" not in {arc.node for arc in arcs if not arc.hollow}


def test_ranges_without_any_clean_copy_are_lost_only_when_the_cluster_says_so() -> None:
    snapshot = frozen.healthy()
    bare = replace(snapshot, ranges=(replace(snapshot.ranges[0], clean=()), *snapshot.ranges[1:]))
    assert not any(arc.lost for arc in arcs_of(bare, View.ARCS, ""))
    assert arcs_of(replace(bare, lost=3), View.ARCS, "")[0].lost


def test_a_moving_range_names_who_gains_it_and_how_far_that_is() -> None:
    arcs = arcs_of(frozen.joining("C", 0.5), View.ARCS, "")
    moving = [arc for arc in arcs if arc.gaining]
    assert {arc.gaining for arc in moving} == {"C"}
    assert {arc.filled for arc in moving} == {FRACTIONS // 2}
    assert any(arc.handing_over for arc in moving)
    assert any(arc.node == "C" for arc in arcs), "what was taken over is the newcomer's"


def test_an_arc_is_handed_over_only_where_the_first_replica_ends_being_one() -> None:
    snapshot = frozen.joining()
    arcs = arcs_of(snapshot, View.ARCS, "")
    for part in snapshot.ranges:
        arc = next(arc for arc in arcs if arc.start <= (part.start + part.stop) / 2 < arc.stop)
        assert arc.handing_over == (part.replicas[0] in part.giving)


def test_shares_have_one_arc_a_node_as_long_as_what_it_leads() -> None:
    snapshot = frozen.healthy(["n1", "n2", "n3", "n4"])
    arcs = arcs_of(snapshot, View.SHARE, "")
    assert [arc.node for arc in arcs] == ["n1", "n2", "n3", "n4"]
    for arc, node in zip(arcs, snapshot.nodes, strict=True):
        assert arc.length == pytest.approx(node.first_share)


def test_focus_dims_all_but_the_selected_nodes_arcs() -> None:
    arcs = arcs_of(frozen.healthy(), View.FOCUS, "A")
    assert {arc.node for arc in arcs if not arc.dimmed} == {"A"}
    assert {arc.follower for arc in arcs if arc.dimmed} == {"", "A"}, "its later copies show as well"
