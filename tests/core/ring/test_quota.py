"""Quotas: whole shares of the slots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.ring import Balanced, Ring, quotas
from tests.core.ring.measures import shares


def test_equal_nodes_share_equally_and_the_remainder_goes_round() -> None:
    parts = quotas({"a": 1, "b": 1, "c": 1}, 2, 16)
    assert sorted(parts.replicas.values()) == [10, 11, 11]
    assert sorted(parts.firsts.values()) == [5, 5, 6]


def test_a_heavy_node_holds_each_slot_once_and_the_rest_share_what_it_can_not() -> None:
    parts = quotas({"heavy": 8, "a": 1, "b": 1}, 2, 16)
    assert parts.replicas == {"heavy": 16, "a": 8, "b": 8}
    assert parts.firsts["heavy"] in (12, 13)


def test_who_holds_more_than_its_floor_keeps_its_ceiling() -> None:
    assert quotas({"a": 1, "b": 1, "c": 1}, 1, 16, held={"c": 6}, leading={"c": 6}).replicas["c"] == 6


def test_without_nodes_there_are_no_quotas() -> None:
    assert quotas({}, 3).replicas == {}


@given(
    weights=st.lists(st.integers(1, 8), min_size=1, max_size=40),
    replication=st.integers(1, 3),
    power=st.integers(3, 14),
)
def test_quotas_are_floors_or_ceilings_and_sum_up(weights: list[int], replication: int, power: int) -> None:
    named = {f"n{index}": weight for index, weight in enumerate(weights)}
    parts = quotas(named, replication, 2**power)
    ring = Ring(Balanced(), replication, 2**power, named, ())
    wanted = min(replication, len(named))
    for copies, part in ((wanted, parts.replicas), (1, parts.firsts)):
        assert sum(part.values()) == copies * 2**power
        assert all(abs(part[node] - share) < 1 for node, share in shares(ring, copies).items())
    assert all(parts.firsts[node] <= parts.replicas[node] for node in named)
