"""The way to a key's replicas as it is told, against what the ring itself decides."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.core.ring import Balanced, Classic, Ring
from kvtui.core.ring.classic import points_of
from kvtui.core.ring_walk import Met, walk
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView, RangeView

SLOTS = 1024


def shown(ring: Ring, before: Ring | None = None, moved: float = 1.0) -> ClusterSnapshot:
    """A snapshot of a ring; coming from another one, of which the slots below ``moved`` have become the new one's."""
    members = dict(ring.weights) | {node: 1 for node in (before.weights if before else ()) if node not in ring.weights}
    nodes = tuple(
        NodeView(
            node, "127.0.0.1", 5001, NodeState.UP, weight=weight,
            quota=sum(node in replicas for replicas in ring.table) / SLOTS, leaving=node not in ring.weights,
        )
        for node, weight in members.items()
    )  # fmt: skip
    ranges = []
    for slot in range(SLOTS):
        replicas = ring.table[slot] if before is None or slot < moved * SLOTS else before.table[slot]
        ranges.append(RangeView(slot / SLOTS, (slot + 1) / SLOTS, replicas, replicas))
    policy = f"classic {ring.policy.vnodes}" if isinstance(ring.policy, Classic) else "balanced"
    return ClusterSnapshot(
        name="lab", epoch=1, policy=policy, slots=SLOTS, replication=ring.replication, copies_each=1, write_quorum=1,
        nodes=nodes, ranges=tuple(ranges),
    )  # fmt: skip


def classic(weights: dict[str, int], vnodes: int, copies: int) -> Ring:
    ring = Ring.empty(Classic(vnodes), copies, SLOTS)
    for node, weight in weights.items():
        ring = ring.join(node, weight)
    return ring


@settings(max_examples=40, deadline=None)
@given(
    weights=st.dictionaries(st.sampled_from("ABCDEF"), st.integers(1, 3), min_size=1),
    vnodes=st.integers(1, 40),
    copies=st.integers(1, 4),
    slots=st.lists(st.integers(0, SLOTS - 1), min_size=1, max_size=20),
)
def test_the_first_virtual_nodes_of_other_nodes_are_the_preference_list_and_all_others_are_skipped(
    weights: dict[str, int], vnodes: int, copies: int, slots: list[int]
) -> None:
    ring = classic(weights, vnodes, copies)
    snapshot = shown(ring)
    real = sorted(point for node, weight in weights.items() for point in points_of(node, weight * vnodes))
    for slot in slots:
        steps = walk(snapshot, (slot + 0.5) / SLOTS)
        assert tuple(step.node for step in steps if step.met is Met.REPLICA) == ring.table[slot]
        assert steps[-1].met is Met.REPLICA, "it ends where the last replica is found"
        seen: set[str] = set()
        for step in steps:
            assert (step.met is Met.SKIPPED) == (step.node in seen)
            seen.add(step.node)
        first = next((place for place, (token, _) in enumerate(real) if token >= slot * (2**64 // SLOTS)), 0)
        way = [real[(first + place) % len(real)] for place in range(len(steps))]
        assert [(step.position, step.node) for step in steps] == [(token / 2**64, node) for token, node in way]


@pytest.mark.parametrize("moved", [0.0, 0.5])
def test_while_a_node_joins_it_is_met_on_the_way_and_holds_nothing_before_the_slot_is_its(moved: float) -> None:
    before, after = classic({"A": 1, "B": 1, "C": 1}, 16, 2), classic({"A": 1, "B": 1, "C": 1, "D": 1}, 16, 2)
    snapshot = shown(after, before, moved)
    coming = 0
    for slot in range(0, SLOTS, 7):
        steps = walk(snapshot, slot / SLOTS)
        held = tuple(step.node for step in steps if step.met is Met.REPLICA)
        assert held == (after.table[slot] if slot < moved * SLOTS else before.table[slot])
        newcomers = [step.node for step in steps if step.met is Met.COMING]
        assert newcomers in ([], ["D"])
        assert bool(newcomers) == (slot >= moved * SLOTS and "D" in after.table[slot])
        coming += bool(newcomers)
    assert coming > 10


def test_while_a_node_leaves_its_virtual_nodes_are_met_where_it_still_holds_the_slot() -> None:
    before = classic({"A": 1, "B": 1, "C": 1}, 16, 2)
    snapshot = shown(before.leave("C"), before, 0.5)
    for slot in range(0, SLOTS, 7):
        steps = walk(snapshot, slot / SLOTS)
        assert steps
        assert tuple(step.node for step in steps if step.met is Met.REPLICA) == snapshot.ranges[slot].replicas
        assert any(step.node == "C" for step in steps) == ("C" in snapshot.ranges[slot].replicas)


def test_with_more_copies_wanted_the_next_nodes_on_the_way_are_those_to_come() -> None:
    before = classic({"A": 1, "B": 1, "C": 1}, 16, 1)
    after = before.replicate(3)
    for slot in range(0, SLOTS, 29):
        steps = walk(shown(after, before, 0.0), slot / SLOTS)
        assert [step.node for step in steps if step.met is not Met.SKIPPED] == list(after.table[slot])
        assert [step.met for step in steps if step.met is not Met.SKIPPED] == [Met.REPLICA, Met.COMING, Met.COMING]


def test_replicas_that_were_placed_otherwise_are_not_told_as_met_on_a_way() -> None:
    balanced = Ring.empty(Balanced(), 2, SLOTS).join_all(["A", "B", "C", "D"])
    assert not any(walk(shown(balanced), slot / SLOTS) for slot in range(0, SLOTS, 50))
    snapshot = shown(balanced.under(Classic(16)), balanced, 0.0)
    told = [walk(snapshot, slot / SLOTS) for slot in range(0, SLOTS, 5)]
    assert not all(told)
    for slot, steps in zip(range(0, SLOTS, 5), told, strict=True):
        assert tuple(step.node for step in steps if step.met is Met.REPLICA) in ((), balanced.table[slot])


def test_without_nodes_there_is_no_way() -> None:
    empty = replace(shown(classic({"A": 1}, 4, 1)), nodes=(), ranges=())
    assert walk(empty, 0.5) == ()
