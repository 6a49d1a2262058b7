"""Plans: what they say would move is what moves, their sums agree, and what can't be well is said."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.core.change import AddNode, Change, RemoveNode, SetPolicy, SetReplication, SetWeight, changed
from kvtui.core.cluster import Outcome
from kvtui.core.events import Level
from kvtui.core.placement import Placement
from kvtui.core.plan import Both, Known, Plan, balance, plan_of
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Behind, Placed, Planned, Tuned
from kvtui.core.ring import Balanced, Classic, Policy, Ring, moves
from kvtui.core.snapshot import NodeState
from kvtui.core.topology import Topology
from tests.core.clusters import after, settled
from tests.core.ring.histories import changes as histories
from tests.core.ring.histories import follow
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual

SLOTS = 64
CLASSIC = Classic(4)


def topology_of(ring: Ring) -> Topology:
    """Every slot placed as that ring plans, every replica clean."""
    topology = after(settled(ring.weights, ring.replication, ring.slots), Planned(ring.to_record()))
    return after(topology, *(Placed(slot, slot + 1, Placement(on, on)) for slot, on in enumerate(ring.table)))


def all_up(topology: Topology) -> dict[str, NodeState]:
    return dict.fromkeys(topology.members, NodeState.UP)


def planned(topology: Topology, change: Change, policy: Policy = CLASSIC, **known: object) -> Plan:
    facts = Known(topology, all_up(topology), (10,) * (SLOTS // 2))
    return plan_of(replace(facts, **known), change, changed(topology.planned, change, policy))  # type: ignore[arg-type]


@st.composite
def plans(draw: st.DrawFn) -> tuple[Ring, Ring, Plan]:
    """A ring after some history, the ring that follows a change, and the plan of that change."""
    policies: list[Policy] = [Balanced(), CLASSIC]
    ring = Ring.empty(draw(st.sampled_from(policies)), draw(st.integers(1, 3)), SLOTS).join("n0")
    for step in draw(histories(8)):
        ring = follow(ring, step)
    ring = ring if ring.weights else ring.join("n0")
    nodes = st.sampled_from(list(ring.weights))
    kinds: list[st.SearchStrategy[Change]] = [
        st.builds(AddNode, st.just("new"), st.integers(1, 4)),
        st.builds(SetReplication, st.integers(1, 4)),
        st.builds(SetPolicy, st.just("classic"), st.just(4)),
        st.builds(SetWeight, nodes, st.integers(1, 4)),
    ]
    if len(ring.weights) > 1:
        kinds.append(st.builds(RemoveNode, nodes))
    change = draw(st.one_of(kinds))
    topology = topology_of(ring)
    density = tuple(draw(st.lists(st.integers(0, 99), min_size=SLOTS // 4, max_size=SLOTS // 4)))
    return ring, changed(ring, change, CLASSIC), planned(topology, change, density=density)


@settings(deadline=None, max_examples=150)
@given(plans())
def test_what_a_plan_moves_is_what_the_change_moves(made: tuple[Ring, Ring, Plan]) -> None:
    before, following, plan = made
    diff = moves(before.table, following.table)
    width = {move: move.stop - move.start for move in diff}
    assert plan.moved == sum(width[move] * len(move.added) for move in diff)
    assert plan.changed == sum(width.values())
    for node in plan.nodes:
        assert node.gains == sum(width[move] for move in diff if node.node in move.added)
        assert node.drops == sum(width[move] for move in diff if node.node in move.removed)
        assert node.slots == Both(*(sum(node.node in row for row in ring.table) for ring in (before, following)))
        assert node.firsts == Both(
            *(sum(row[:1] == (node.node,) for row in ring.table) for ring in (before, following))
        )


@settings(deadline=None, max_examples=150)
@given(plans())
def test_the_sums_of_a_plan_agree(made: tuple[Ring, Ring, Plan]) -> None:
    _, following, plan = made
    for node in plan.nodes:
        assert node.slots.before + node.gains - node.drops == node.slots.after
        assert node.gains == sum(flow.slots for flow in plan.flows if flow.receiver == node.node)
        assert node.sends == sum(flow.slots for flow in plan.flows if flow.source == node.node)
    assert all(flow.source and flow.source != flow.receiver and flow.slots for flow in plan.flows)
    assert sum(node.firsts.after for node in plan.nodes) == SLOTS
    assert sum(node.slots.after for node in plan.nodes) == SLOTS * plan.copies.after
    assert plan.ranges[0].start == 0.0
    assert plan.ranges[-1].stop == 1.0
    assert plan.balance.after == balance(following.table, following.weights) >= 1.0


@settings(deadline=None, max_examples=50)
@given(plans())
def test_each_source_holds_what_it_is_to_give(made: tuple[Ring, Ring, Plan]) -> None:
    before, _, plan = made
    for flow in plan.flows:
        assert flow.slots <= sum(flow.source in row for row in before.table)


def test_keys_are_counted_where_they_are() -> None:
    ring = Ring.empty(Balanced(), 1, SLOTS).join("A")
    plan = planned(topology_of(ring), AddNode("B"), density=(0,) * 32 + (100,) * 32)
    moved = sum(100 for slot, row in enumerate(ring.join("B").table) if row == ("B",) and slot >= 32)
    assert plan.moved_keys == moved
    a, b = plan.nodes
    assert (a.keys, b.keys) == (Both(3200, 3200 - moved), Both(0, moved))
    assert (a.state, b.state) == (NodeState.UP, None)


def test_keys_are_taken_as_even_within_a_part_that_was_counted() -> None:
    """Two slots a part, ten keys in each: five keys a slot, wherever a range begins."""
    plan = planned(topology_of(Ring.empty(CLASSIC, 1, SLOTS).join("A")), AddNode("G"))
    a, g = plan.nodes
    assert g.slots.after % 2, "no range ends within a part"
    assert (plan.moved_keys, g.keys.after, a.keys.after) == (5 * g.slots.after, 5 * g.slots.after, 5 * a.slots.after)


def test_bytes_and_seconds_are_told_only_where_something_was_measured() -> None:
    topology = settled("AB", 1, SLOTS)
    bare = planned(topology, AddNode("C"))
    assert (bare.bytes, bare.seconds) == (None, None)
    measured = planned(topology, AddNode("C"), entry_bytes=20.0, keys_per_second=50.0)
    assert measured.bytes == 20 * measured.moved_keys
    assert measured.seconds == pytest.approx(measured.moved_keys / 50)


def test_a_change_that_changes_nothing_moves_nothing() -> None:
    plan = planned(settled("AB", 2, SLOTS), SetReplication(2))
    assert (plan.moved, plan.changed, plan.flows, plan.risks) == (0, 0, (), ())


def test_an_empty_ring_has_nothing_to_copy() -> None:
    topology = settled("", 1, SLOTS)
    plan = planned(topology, AddNode("A"), density=())
    (node,) = plan.nodes
    assert (node.gains, plan.moved, plan.flows) == (SLOTS, 0, ())
    assert not any(risk.level is Level.BAD for risk in plan.risks)


def texts(plan: Plan, *levels: Level) -> list[str]:
    return [risk.text for risk in plan.risks if risk.level in levels]


def test_no_key_has_fewer_copies_while_all_nodes_are_up() -> None:
    plan = planned(settled("ABC", 2, SLOTS), AddNode("D"))
    assert [risk.level for risk in plan.risks] == [Level.GOOD]


def test_a_node_that_is_down_can_not_give() -> None:
    topology = settled("AB", 1, SLOTS)
    plan = planned(topology, AddNode("C"), states={"A": NodeState.UP})
    lost = sum(flow.slots for flow in plan.flows if not flow.source)
    assert lost == sum(row == ("B",) and next_ == ("C",) for row, next_ in pairs(topology, AddNode("C")))
    assert f"{lost} slots can't be copied: the clean copies are on B, out of reach." in texts(plan, Level.BAD)
    assert any(text.startswith("Writes to 32 slots fail now") for text in texts(plan, Level.BAD))


def pairs(topology: Topology, change: Change) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    following = changed(topology.planned, change, CLASSIC)
    return list(zip(topology.planned.table, following.table, strict=True))


def test_slots_that_stand_on_fewer_copies_meanwhile_are_told() -> None:
    topology = settled("ABC", 2, SLOTS)
    plan = planned(topology, RemoveNode("C"), states={"A": NodeState.UP, "B": NodeState.UP})
    moved = sum("C" in row for row in topology.planned.table)
    assert f"{moved} slots stand on 1 copy that can be reached, until they are copied." in texts(plan, Level.WARNING)
    assert "C is DOWN: it can only be removed by force." in texts(plan, Level.WARNING)
    assert not texts(plan, Level.GOOD)


def test_a_receiver_that_is_down_and_a_replica_that_is_behind_are_waited_for() -> None:
    topology = settled("ABC", 1, SLOTS)
    plan = planned(topology, SetWeight("A", 3), states={"B": NodeState.UP, "C": NodeState.UP})
    waiting = sum(row != next_ and next_ == ("A",) for row, next_ in pairs(topology, SetWeight("A", 3)))
    assert f"{waiting} slots wait for A, which is DOWN." in texts(plan, Level.WARNING)
    behind = after(settled("AB", 2, SLOTS), Behind("B", [(0, SLOTS)]))
    plan = planned(behind, AddNode("C"))
    assert any("wait until B, which is behind, is equal again" in text for text in texts(plan, Level.WARNING))


def test_promises_that_weaken_or_can_not_be_met_are_told() -> None:
    fewer = planned(settled("ABC", 3, SLOTS), RemoveNode("C"))
    assert (fewer.copies, fewer.quorum) == (Both(3, 2), Both(2, 1))
    assert texts(fewer, Level.WARNING) == [
        "Every key has 2 copies afterwards, not 3.",
        "3 copies are wanted: 2 nodes can hold 2.",
    ]
    asked = planned(after(settled("AB", 2, SLOTS), Tuned(2, ReadMode.STRICT)), RemoveNode("B"))
    assert "A write needs 1 copy, not the 2 asked for." in texts(asked, Level.WARNING)
    more = planned(settled("ABC", 1, SLOTS), SetReplication(3), states={"A": NodeState.UP})
    assert any(
        text.startswith("2 copies can't be written while 1 node would be up") for text in texts(more, Level.WARNING)
    )
    whole = planned(settled("ABC", 1, SLOTS), SetReplication(3))
    assert "A write needs 2 copies, not 1: it goes on with 1 of its replicas down." in texts(whole, Level.INFO)


def test_moves_that_are_under_way_are_told() -> None:
    topology = settled("AB", 1, SLOTS)
    under_way = after(topology, Planned(topology.planned.replicate(2).to_record()))
    assert f"{SLOTS} slots of an earlier change have not moved yet." in texts(
        planned(under_way, SetReplication(1)), Level.INFO
    )


CHANGES: list[tuple[Change, str]] = [
    (AddNode("n4"), "add_node"),
    (RemoveNode("n2"), "remove_node"),
    (SetReplication(3), "set_replication"),
    (SetPolicy("classic", 4), "set_policy"),
    (SetWeight("n1", 3), "set_weight"),
]


@pytest.mark.parametrize(("change", "method"), CHANGES, ids=[method for _, method in CHANGES])
def test_a_live_cluster_does_what_its_plan_said_and_the_plan_itself_does_nothing(change: Change, method: str) -> None:
    arguments = {
        "add_node": ("n4", "127.0.0.1", 0),
        "remove_node": ("n2",),
        "set_replication": (3,),
        "set_policy": ("classic", 4),
        "set_weight": ("n1", 3),
    }[method]

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2) as cluster:
            for number in range(40):
                assert (await cluster.put(b"key %d" % number, b"value")).outcome is Outcome.OK
            await cluster.call(lambda coordinator: coordinator.rebalance())
            before = cluster.coordinator.topology
            plan = await cluster.call(lambda coordinator: coordinator.plan(change))
            assert cluster.coordinator.topology is before
            assert not plan.refused
            assert plan.bytes
            await cluster.call(lambda coordinator: getattr(coordinator, method)(*arguments))
            await cluster.call(lambda coordinator: coordinator.rebalance())
            following = cluster.coordinator.topology
            diff = moves(before.planned.table, following.planned.table)
            assert plan.moved == sum((move.stop - move.start) * len(move.added) for move in diff) > 0
            for node in plan.nodes:
                assert node.slots.after == sum(node.node in place.replicas for place in following.places)

    run_virtual(main)


REFUSED: list[tuple[Change, str]] = [
    (AddNode("n1"), "n1 is a node of this cluster already"),
    (AddNode("-"), "can't be a node id"),
    (AddNode("n9", 1_000), "a weight of 1000 is not possible"),
    (RemoveNode("n9"), "there is no node n9"),
    (SetReplication(9), "9 copies are not possible"),
    (SetReplication(1), "a write needs 2 copies: lower that first"),
    (SetPolicy("classic", 9_999), "9999 virtual nodes are not possible"),
    (SetWeight("n9", 2), "there is no node n9 that holds a share"),
    (SetWeight("n1", 1_000), "a weight of 1000 is not possible"),
]


def test_what_would_be_refused_says_why_and_moves_nothing() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            await cluster.call(lambda coordinator: coordinator.set_quorum(2))
            for change, why in REFUSED:
                plan = await cluster.coordinator.plan(change)
                assert why in plan.refused
                assert (plan.moved, plan.changed, plan.risks) == (0, 0, ())
                assert [node.slots.before for node in plan.nodes] == [node.slots.after for node in plan.nodes]

    run_virtual(main)


def test_the_last_node_and_the_last_clean_copy_are_not_planned_away() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=1) as cluster:
            await cluster.put(b"key", b"value")
            await cluster.call(lambda coordinator: coordinator.stop_node("n2"))
            assert (
                "n2 has the last clean copy of 32 slots" in (await cluster.coordinator.plan(RemoveNode("n2"))).refused
            )
        async with SimCluster(nodes=1) as cluster:
            assert not (await cluster.coordinator.plan(RemoveNode("n1"))).refused
            await cluster.put(b"key", b"value")
            assert "n1 is the last node, and holds keys" in (await cluster.coordinator.plan(RemoveNode("n1"))).refused

    run_virtual(main)
