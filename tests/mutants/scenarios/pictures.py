"""Scenarios of what is said, and of where keys are to be."""

from kvtui.core.geometry import Geometry
from kvtui.core.placement import Placement, begin_move
from kvtui.core.records import Placed, Planned
from kvtui.core.ring import Classic, Ring
from kvtui.core.ring.quota import quotas
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.core.topology import Topology
from kvtui.core.work import unfinished
from tests.core.clusters import SLOTS, after, planned, settled

AB = Placement(("A", "B"), ("A", "B"))


def _picture(*clean_copies: tuple[int, int]) -> ClusterSnapshot:
    return ClusterSnapshot(
        name="default",
        epoch=1,
        policy="balanced",
        slots=SLOTS,
        replication=3,
        copies_each=3,
        write_quorum=2,
        clean_copies=clean_copies,
        lost=dict(clean_copies).get(0, 0),
    )


def a_ring_that_has_its_quorum_is_whole() -> None:
    lost = _picture((0, 2), (3, SLOTS - 2))
    assert not _picture((3, SLOTS)).guarantee_weakened
    assert _picture((2, SLOTS)).guarantee_weakened
    assert _picture((2, 1), (3, SLOTS - 1)).guarantee_weakened
    assert lost.guarantee_weakened
    assert "2 slots lost" in lost.guarantee


def the_guarantee_tells_the_most_copies() -> None:
    assert _picture((3, SLOTS)).guarantee.startswith("every acknowledged write on 3 nodes;")
    assert _picture((1, 2), (3, SLOTS - 2)).guarantee.startswith("2 slots on 1 node only;")
    assert _picture((2, SLOTS)).guarantee.startswith("every acknowledged write on 2 nodes only;")


def _drawn(*places: Placement) -> Geometry:
    """What is drawn of two nodes with two copies, whose first slots are placed so."""
    topology = after(settled("AB", 2), Placed(0, SLOTS, AB))
    return Geometry(after(topology, *(Placed(slot, slot + 1, place) for slot, place in enumerate(places))))


def lost_slots_are_under_replicated() -> None:
    lost, behind = AB._replace(clean=()), AB._replace(clean=("A",))
    assert _drawn(lost, lost, lost, behind).under(2) == 1
    assert _drawn(lost, behind, behind, behind).under(2, {1: 2}) == 1
    assert _drawn().under(2) == 0


def runs_of_lost_slots_are_counted_not_slots() -> None:
    lost = AB._replace(clean=())
    assert _drawn(lost, lost, lost, AB, lost).lost == 4
    assert _drawn().lost == 0


def moves_that_have_not_begun_are_not_told() -> None:
    topology = after(settled("AB", 1), Placed(0, SLOTS, Placement(("A",), ("A",))), Planned(planned("B").to_record()))
    drawn = Geometry(topology)
    assert drawn.moving == SLOTS
    assert drawn.arriving == {"B": SLOTS}


def newcomers_are_told_as_replicas_that_are_behind() -> None:
    moving = begin_move(Placement(("A",), ("A",)), ("B",))
    assert _drawn(moving, AB._replace(clean=("B",))).behind == 1


def _towards_b() -> Topology:
    topology = after(settled("AB", 1), Placed(0, SLOTS, Placement(("A",), ("A",))))
    return after(topology, Planned(planned("B").to_record()))


def slots_that_wait_to_move_are_as_planned() -> None:
    assert "wait to be moved" in unfinished(_towards_b(), bytes(SLOTS))


def replicas_that_could_not_be_compared_are_verified() -> None:
    topology = settled("AB", 2)
    assert unfinished(topology, bytes(SLOTS)) == ""
    for suspicion in (1, 2):
        suspected = bytearray(SLOTS)
        suspected[3] = suspicion
        assert unfinished(topology, suspected).endswith("could not be compared")


def a_node_is_two_replicas_of_a_slot() -> None:
    ring = Ring.empty(Classic(8), 3, 64)
    for node in "ABCD":
        ring = ring.join(node)
    assert all(len(set(replicas)) == 3 for replicas in ring.table)


def a_heavy_node_holds_more_than_one_copy_of_a_slot() -> None:
    for weights in ({"A": 100, "B": 1, "C": 1}, {"A": 3, "B": 1, "C": 1}, {"A": 1, "B": 1, "C": 1}):
        for copies in (1, 2, 3):
            share = quotas(weights, copies, 64)
            assert sum(share.replicas.values()) == 64 * copies
            assert sum(share.firsts.values()) == 64
            assert max(share.replicas.values()) <= 64
