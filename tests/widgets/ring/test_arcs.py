import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.ring.arcs import FRACTIONS, Arc, arcs_of, count_arcs
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
def test_arcs_cover_the_whole_ring(view: View, make: Callable[[], ClusterSnapshot]) -> None:
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


def at(arcs: Sequence[Arc], position: float) -> Arc:
    return next(arc for arc in arcs if arc.start <= position < arc.stop)


def test_a_hollow_arc_names_who_serves_it_now() -> None:
    snapshot = frozen.one_down("B")
    arcs = arcs_of(snapshot, View.ARCS, "")
    for part in snapshot.ranges:
        arc = at(arcs, (part.start + part.stop) / 2)
        if part.replicas[0] == "B":
            assert (arc.hollow, arc.follower) == (True, next(node for node in part.clean if node != "B"))
        else:
            assert (arc.hollow, arc.follower) == (False, "")


def test_a_hollow_arc_that_nobody_serves_names_nobody() -> None:
    snapshot = frozen.one_down("B")
    alone = replace(snapshot, ranges=tuple(replace(part, replicas=part.replicas[:1]) for part in snapshot.ranges))
    bare = replace(
        alone,
        ranges=tuple(replace(part, clean=tuple(set(part.clean) & set(part.replicas))) for part in alone.ranges),
    )
    assert {arc.follower for arc in arcs_of(bare, View.ARCS, "") if arc.hollow} == {""}


def test_a_node_that_is_back_and_behind_does_not_serve_yet() -> None:
    """Where it may lack writes the next clean replica answers, until it has caught up."""
    down = frozen.one_down("B")
    back = replace(down, nodes=frozen.healthy().nodes)
    arcs = arcs_of(back, View.ARCS, "")
    behind = sum(part.stop - part.start for part in back.ranges if part.replicas[0] == "B" and "B" not in part.clean)
    assert behind > 0
    assert sum(arc.length for arc in arcs if arc.hollow) == pytest.approx(behind)


@pytest.mark.parametrize("part", [0.0, 0.25, 0.5, 0.75, 0.99])
def test_later_copies_that_have_arrived_show_while_their_node_is_filled(part: float) -> None:
    snapshot = frozen.joining("C", part)
    arcs = arcs_of(snapshot, View.ARCS, "")
    for each in snapshot.ranges:
        arc = at(arcs, (each.start + each.stop) / 2)
        assert (arc.follower == "C") == ("C" in each.replicas[1:])
    assert {arc.follower for arc in arcs_of(frozen.healthy(), View.ARCS, "")} == {""}, "and no longer than that"


def test_arcs_are_counted_by_first_replica_up_to_a_limit() -> None:
    snapshot = frozen.healthy(["n1", "n2", "n3", "n4", "n5"])
    assert count_arcs(snapshot, 1000) == len(arcs_of(snapshot, View.ARCS, ""))
    assert count_arcs(snapshot, 2) == 3
    assert count_arcs(frozen.empty(), 2) == 0
    moving = frozen.joining()
    assert count_arcs(moving, 1000) < len(arcs_of(moving, View.ARCS, "")), "rims don't count: the view stays"


def test_more_ranges_than_can_be_seen_still_cover_the_ring_in_order() -> None:
    snapshot = frozen.healthy(["a", "b", "c"])
    parts = 16_384
    ranges = tuple(
        replace(snapshot.ranges[0], start=place / parts, stop=(place + 1) / parts, replicas=(node,), clean=(node,))
        for place, node in ((place, "abc"[place * place % 3]) for place in range(parts))
    )
    arcs = arcs_of(replace(snapshot, ranges=ranges), View.ARCS, "")
    assert covered(arcs)
    assert len(arcs) <= 4096
    shares = arcs_of(replace(snapshot, ranges=ranges), View.SHARE, "")
    assert shares[0].length == pytest.approx(sum(node == ("a",) for node in (part.replicas for part in ranges)) / parts)


def test_a_range_that_waits_for_its_nodes_is_neither_lost_nor_one_that_another_serves() -> None:
    """It was drawn as a hollow arc, as one is whose later replica serves it."""
    arcs = arcs_of(frozen.two_down(), View.ARCS, "")
    unserved = [arc for arc in arcs if arc.unserved]
    assert {arc.node for arc in unserved} <= {"A", "B"}
    assert sum(arc.length for arc in unserved) == pytest.approx(frozen.two_down().unavailable / frozen.SLOTS)
    assert all(arc.hollow and not arc.follower and not arc.lost for arc in unserved)
    assert any(arc.hollow and arc.follower and not arc.unserved for arc in arcs), "who is down, and stood in for"
