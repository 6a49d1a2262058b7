"""What bars show, and the order of nodes."""

from dataclasses import replace

import pytest

from kvtui.core.snapshot import NodeState, NodeView, Progress
from kvtui.widgets.measures import Measure, Order, Scale, natural, ordered, text_of, value_of

ONE = NodeView("A", "127.0.0.1", 5001, NodeState.UP, keys=1234, bytes=1_250_000, operations=8911.6, p99=1.94)


def test_every_measure_has_its_number_and_unit() -> None:
    shown = {measure: text_of(measure, value_of(measure, ONE)) for measure in Measure}
    assert shown == {
        Measure.COPIES: "1,234",
        Measure.BYTES: "1.2 MiB",
        Measure.OPERATIONS: "8,912/s",
        Measure.LATENCY: "1.9 ms",
    }


def test_a_node_that_was_asked_nothing_has_no_latency() -> None:
    assert text_of(Measure.LATENCY, value_of(Measure.LATENCY, replace(ONE, p99=0.0))) == "-"


def test_measures_and_orders_go_round() -> None:
    measure, order = Measure.COPIES, Order.JOINED
    measures, orders = [], []
    for _ in range(5):
        measures.append(measure)
        orders.append(order)
        measure, order = measure.next, order.next
    assert measures == [*Measure, Measure.COPIES]
    assert orders == list(Order)
    assert order is Order.JOINED


def test_a_quota_stands_where_the_same_data_would_reach_if_shared_as_planned() -> None:
    nodes = [
        replace(ONE, keys=300, quota=0.5),
        replace(ONE, id="B", keys=100, quota=0.25),
        replace(ONE, id="C", keys=0, quota=0.25),
    ]
    scale = Scale.of(Measure.COPIES, nodes)
    assert [node.quota * scale.per_quota for node in nodes] == [200, 100, 100]
    assert scale.top == 500


@pytest.mark.parametrize("measure", [Measure.OPERATIONS, Measure.LATENCY])
def test_a_quota_says_nothing_of_speed(measure: Measure) -> None:
    assert Scale.of(measure, [replace(ONE, quota=0.5)]).per_quota == 0.0


def test_an_empty_cluster_has_a_scale() -> None:
    for measure in Measure:
        assert Scale.of(measure, []).top > 0


def test_numbers_in_ids_sort_as_numbers() -> None:
    assert sorted(["n10", "n2", "N1", "b", "n2b"], key=natural) == ["b", "N1", "n2", "n2b", "n10"]


def names(nodes: list[NodeView]) -> str:
    return " ".join(node.id for node in nodes)


def test_nodes_sort_by_id_by_what_is_shown_and_by_share_over_quota() -> None:
    nodes = [
        replace(ONE, id="n10", keys=5, bytes=9, share=0.3, quota=0.3),
        replace(ONE, id="n2", keys=7, bytes=1, share=0.2, quota=0.1),
        replace(ONE, id="n1", keys=6, bytes=2, share=0.5, quota=0.6),
    ]
    assert names(ordered(nodes, Order.JOINED, Measure.COPIES)) == "n10 n2 n1"
    assert names(ordered(nodes, Order.ID, Measure.COPIES)) == "n1 n2 n10"
    assert names(ordered(nodes, Order.VALUE, Measure.COPIES)) == "n2 n1 n10"
    assert names(ordered(nodes, Order.VALUE, Measure.BYTES)) == "n10 n1 n2"
    assert names(ordered(nodes, Order.SHARE, Measure.COPIES)) == "n2 n10 n1"


def test_the_worst_state_comes_first_and_equals_stay_as_they_joined() -> None:
    nodes = [
        replace(ONE, id="up"),
        replace(ONE, id="filling", receiving=Progress(1, 2)),
        replace(ONE, id="leaving", leaving=True),
        replace(ONE, id="behind", behind=3),
        replace(ONE, id="suspect", state=NodeState.SUSPECT),
        replace(ONE, id="damaged", damaged=1),
        replace(ONE, id="down", state=NodeState.DOWN),
        replace(ONE, id="paused", fault="paused"),
        replace(ONE, id="well"),
    ]
    worst = names(ordered(nodes, Order.STATE, Measure.COPIES))
    assert worst == "down suspect damaged behind paused leaving filling up well"
