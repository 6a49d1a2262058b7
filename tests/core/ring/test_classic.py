"""The classic placement, against its definition spelled out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.core.ring import Classic, Ring, slot_of, token_of
from tests.core.ring.histories import Change, changes, follow


@settings(deadline=None, max_examples=30)
@given(history=changes(15), replication=st.integers(1, 3), vnodes=st.integers(1, 8))
def test_replicas_are_the_next_distinct_nodes_clockwise_from_the_slots_first_token(
    history: list[Change], replication: int, vnodes: int
) -> None:
    ring = Ring.empty(Classic(vnodes), replication, 32)
    for change in history:
        ring = follow(ring, change, most_nodes=12)
    for slot, replicas in enumerate(ring.table):
        start = slot << 59
        points = sorted(
            ((token_of(f"{node}#{index}".encode()) - start) % 2**64, node)
            for node, weight in ring.weights.items()
            for index in range(weight * vnodes)
        )
        met = list(dict.fromkeys(node for _, node in points))
        assert replicas == tuple(met[: ring.replication])


def test_leaving_undoes_joining() -> None:
    ring = Ring.empty(Classic(16), 2).join("a").join("b", 3)
    assert ring.join("c").leave("c") == ring


def test_a_slot_belongs_to_the_top_bits_of_a_token() -> None:
    assert slot_of(0) == 0
    assert slot_of(2**64 - 1) == 16_383
    assert slot_of(2**61, 8) == 1
    assert slot_of(2**61 - 1, 8) == 0
