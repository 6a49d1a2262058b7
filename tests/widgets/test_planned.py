"""A plan drawn: bars of what stays, comes and goes, nothing wider than there is room."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kvtui.core.change import AddNode, Change, RemoveNode, SetReplication
from kvtui.core.plan import Plan
from kvtui.screens.plan import as_planned
from kvtui.widgets.node_colours import assign
from kvtui.widgets.panel import plain
from kvtui.widgets.planned import COMES, GOES, STAYS, node_bar, planned_lines
from tests.widgets import frozen, told

COLOURS = assign({}, "ABCD")


def texts(plan: Plan, width: int = 70) -> list[str]:
    return [plain(line) for line in planned_lines(plan, COLOURS, width)]


@pytest.mark.parametrize("change", [AddNode("D"), RemoveNode("B"), SetReplication(3)], ids=str)
@pytest.mark.parametrize("width", [17, 30, 34, 46, 62, 70, 104, 200])
def test_every_line_fits(change: Change, width: int) -> None:
    plan = told.plan(change, "B")
    nodes = tuple(replace(node, node=node.node * 32) for node in plan.nodes)
    flows = tuple(replace(flow, receiver=flow.receiver * 32) for flow in plan.flows)
    for text in texts(plan, width) + texts(replace(plan, nodes=nodes, flows=flows), width):
        assert cell_len(text) <= width, text


def test_each_node_has_a_bar_of_what_stays_comes_and_goes() -> None:
    lines = {text.split()[1]: text for text in texts(told.plan()) if text.startswith(("●", "○", "+"))}
    assert COMES not in lines["A"]
    assert GOES in lines["A"]
    assert STAYS in lines["A"]
    assert COMES in lines["D"]
    assert STAYS not in lines["D"]
    assert "171 → 128 slots" in lines["A"]
    assert "0 → 128 slots" in lines["D"]


@given(st.integers(0, 16_384), st.integers(0, 16_384), st.integers(0, 999), st.integers(6, 60))
def test_a_bar_fits_and_shows_every_change(before: int, after: int, more: int, width: int) -> None:
    stays, comes, goes = node_bar(before, after, max(before, after) + more, width)
    assert len(stays + comes + goes) <= width
    assert bool(comes) == (after > before)
    assert bool(goes) == (before > after)


def test_a_ring_without_anything_has_no_bars() -> None:
    assert node_bar(0, 0, 0, 20) == ("", "", "")


def test_what_to_know_has_a_mark_that_needs_no_colour() -> None:
    assert texts(told.plan())[-2].startswith("✓ No key has fewer copies meanwhile")
    assert "! B is DOWN: it can only be removed by force." in texts(told.plan(RemoveNode("B"), "B"))


def test_a_cluster_as_planned_has_the_new_ring_and_no_move_under_way() -> None:
    snapshot, plan = frozen.joining(), told.plan(AddNode("D"))
    after = as_planned(snapshot, plan)
    assert [node.id for node in after.nodes] == ["A", "B", "C", "D"]
    assert after.ranges == plan.ranges
    assert after.moving is None
    assert all(node.receiving is None for node in after.nodes)
    assert after.node("D") is not None
    gone = as_planned(snapshot, told.plan(RemoveNode("C")))
    assert [node.id for node in gone.nodes] == ["A", "B"]
    assert sum(node.share for node in gone.nodes) == pytest.approx(2.0)
