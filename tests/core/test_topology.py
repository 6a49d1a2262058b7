"""The topology as the sum of its records."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.placement import Placement
from kvtui.core.quorum import write_quorum
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import (
    Behind,
    Cleaned,
    Created,
    CutOver,
    Dual,
    Forgotten,
    LossAccepted,
    Opened,
    Placed,
    Planned,
    Record,
    Recovered,
    Returning,
    Runs,
    Seen,
    Stray,
    Tuned,
    Wiped,
    read_record,
)
from kvtui.core.topology import INTERNED_MOST, OPENINGS_KEPT, Topology, apply, described
from kvtui.core.version import Version
from tests.core.clusters import SLOTS, after, created, joined, member, placed_as, planned, settled

ABC = Placement(("A", "B", "C"), ("A", "B", "C"))


def test_a_created_cluster_has_slots_that_nobody_holds() -> None:
    topology = created()
    assert topology.places == (Placement(),) * SLOTS
    assert (topology.cluster, topology.name, topology.epoch) == ("c0ffee", "default", 1)
    assert topology.lost == []


def test_a_log_that_does_not_begin_with_a_creation_is_refused() -> None:
    with pytest.raises(ValueError, match="does not begin with the creation of a cluster"):
        apply(Topology(), Opened(1, "coordinator"))
    with pytest.raises(ValueError, match="does not begin with the creation of a cluster"):
        _ = Topology().planned


def test_a_cluster_is_created_once() -> None:
    ring = planned("").to_record()
    with pytest.raises(ValueError, match="created twice"):
        apply(settled("A"), Created("other", "other", ring))


def test_each_opening_has_the_epoch_that_its_record_says() -> None:
    topology = after(created(), Opened(7, "another"))
    assert (topology.epoch, topology.coordinator) == (7, "another")


def test_each_opening_is_remembered_once_and_the_log_is_where_it_was_opened_last() -> None:
    topology = after(created(), Opened(2, "b", "one place", before=((0, "a"),)), Opened(2, "b", "another"))
    assert topology.openings == ((1, "coordinator"), (0, "a"), (2, "b"))
    assert topology.home == "another"


def test_no_more_than_the_last_openings_are_remembered() -> None:
    many = range(OPENINGS_KEPT + 50)
    opened = Opened(999, "b", before=tuple((n, "a") for n in many), ends=tuple((n, 9) for n in many))
    topology = after(created(), opened)
    assert topology.openings == (*((n, "a") for n in many[51:]), (999, "b"))
    assert topology.ends == tuple((n, 9) for n in many[50:])


def test_settings_are_those_last_recorded() -> None:
    topology = after(settled("AB"), Tuned(1, ReadMode.STRICT, 9), Tuned(2, ReadMode.AVAILABLE, 7))
    assert (topology.quorum, topology.reads, topology.throttle) == (2, ReadMode.AVAILABLE, 7)


def test_a_node_with_entries_of_slots_that_are_not_its_own_holds_garbage_there() -> None:
    place = Placement(("A",), ("A",), ("B",), ("B",), ("D",))
    topology = placed_as(joined("ABCD"), place)
    assert after(topology, Stray("A", [(0, 8)]), Stray("B", [(0, 8)])) == topology
    topology = after(topology, Stray("C", [(1, 3), (7, 8)]))
    assert topology.runs(lambda one: one == place._replace(garbage=("D", "C"))) == [(1, 3), (7, 8)]
    assert topology.runs(lambda one: one == place) == [(0, 1), (3, 7)]


def test_a_log_is_an_old_copy_for_whoever_noted_more_than_it_held_at_an_opening() -> None:
    topology = after(created(), Opened(7, "another", ends=((3, 20), (5, 31))))
    assert not topology.outdated_by(Version(3, 20))
    assert topology.outdated_by(Version(3, 21))
    assert topology.outdated_by(Version(4, 1)), "of a coordinator that the log does not know"
    assert not topology.outdated_by(Version(5, 31))
    assert topology.outdated_by(Version(5, 32))
    assert not topology.outdated_by(Version(2, 99)), "before all members obeyed at once"
    assert not topology.outdated_by(Version(7, 99)), "its own"


def test_once_all_members_obey_nothing_noted_before_makes_a_log_old() -> None:
    topology = after(created(), Opened(7, "another", ends=((3, 20),)), Opened(7, "another"))
    assert topology.ends == ()
    assert not topology.outdated_by(Version(3, 21))


def test_a_member_that_was_seen_elsewhere_is_the_same_member() -> None:
    topology = after(joined("AB"), Seen(member("A", counter=9, leaving=True)))
    assert topology.members["A"].counter == 9
    assert topology.members["A"].leaving
    assert list(topology.members) == ["A", "B"]


def test_a_forgotten_node_is_nowhere_any_more() -> None:
    place = Placement(("A", "B"), ("A", "B"), ("C",), ("B", "C"), ("D",))
    topology = after(placed_as(joined("ABCD"), place), Forgotten("C"), Forgotten("D"), Forgotten("A"))
    assert set(topology.places) == {Placement(("B",), ("B",), (), ("B",), ())}
    assert list(topology.members) == ["B"]


def test_a_plan_places_nothing() -> None:
    before = settled("AB")
    topology = after(before, Planned(planned("ABC").to_record()))
    assert topology.places == before.places
    assert topology.planned == planned("ABC")


def test_a_plan_for_another_number_of_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="16 slots"):
        apply(settled("AB"), Planned(planned("ABC", slots=16).to_record()))


def test_a_node_that_is_behind_leaves_the_clean_sets_of_those_slots_alone() -> None:
    topology = after(placed_as(joined("ABC"), ABC), Behind("B", [(0, 2), (5, 6)]))
    behind = [slot for slot, place in enumerate(topology.places) if place.behind == ("B",)]
    assert behind == [0, 1, 5]
    assert topology.places[0].clean == ("A", "C")
    assert topology.places[2] == ABC


def test_a_recovered_node_is_clean_again_at_its_old_place() -> None:
    topology = after(placed_as(joined("ABC"), ABC), Behind("B", [(0, SLOTS)]), Recovered("B", 0, 4))
    assert topology.runs(lambda place: place == ABC) == [(0, 4)]
    assert topology.places[4].clean == ("A", "C")


def test_a_node_that_returns_may_be_clean_for_whoever_hears_no_more_of_it() -> None:
    behind = after(placed_as(joined("ABC"), ABC), Behind("B", [(0, 4)]))
    topology = after(behind, Returning("B", [(0, 6)]))
    assert [place.returning for place in topology.places[:6]] == [("B",)] * 4 + [()] * 2
    assert [place.counted for place in topology.places[:6]] == [("A", "C", "B")] * 4 + [("A", "B", "C")] * 2
    assert after(topology, Recovered("B", 0, 4)).places == placed_as(joined("ABC"), ABC).places
    assert after(topology, Behind("B", [(0, 4)])).places == behind.places
    assert after(topology, Wiped("B", "new", 1)).places[:4] == behind.places[:4]
    assert after(topology, LossAccepted(0, 4, ("A", "B"))).places[0] == Placement(("A", "B", "C"), ("A", "B"))


def test_a_node_that_is_no_replica_does_not_become_clean() -> None:
    topology = after(placed_as(joined("ABCD"), ABC), Recovered("D", 0, SLOTS))
    assert set(topology.places) == {ABC}


def test_a_wiped_node_holds_nothing_clean_and_no_garbage_but_is_still_filled() -> None:
    topology = joined("ABC")
    topology = after(
        topology,
        Placed(0, 4, Placement(("A", "B"), ("A", "B"))),
        Placed(4, 6, Placement(("B",), ("B",), ("A",), ("A",))),
        Placed(6, 8, Placement(("B",), ("B",), garbage=("A",))),
        Wiped("A", "new life", 3),
    )
    assert topology.places[0] == Placement(("A", "B"), ("B",))
    assert topology.places[4] == Placement(("B",), ("B",), ("A",), ("A",))
    assert topology.places[6] == Placement(("B",), ("B",))
    assert (topology.members["A"].data_id, topology.members["A"].counter) == ("new life", 3)


def test_a_node_with_other_data_holds_garbage_wherever_it_is_no_replica_until_it_was_seen_empty() -> None:
    """It counted as empty: what a directory from a backup held was marked nowhere, and it could be a replica at once."""
    topology = after(
        joined("ABC"),
        Placed(0, 2, Placement(("A", "B"), ("A", "B"))),
        Placed(2, 4, Placement(("B",), ("B",), ("A",), ("A",))),
        Placed(4, 6, Placement(("B",), ("B",), garbage=("A",))),
        Placed(6, 7, Placement(("B",), ("B",))),
        Placed(7, 8, Placement()),
    )
    other = after(topology, Wiped("A", "of a backup", 3, empty=False))
    assert other.places[0] == Placement(("A", "B"), ("B",))
    assert other.places[2] == topology.places[2]
    assert other.places[4] == other.places[6] == Placement(("B",), ("B",), garbage=("A",))
    assert other.places[7] == Placement(garbage=("A",))
    empty = after(other, Wiped("A", "another life", 0, empty=True))
    assert all("A" not in place.garbage for place in empty.places)


def test_a_log_of_an_earlier_version_comes_to_what_it_came_to() -> None:
    """It said of no wiped node whether it was empty, and took it for granted."""
    record = read_record(b'{"type":"wiped","node":"A","data_id":"new life","counter":3}')
    assert record == Wiped("A", "new life", 3, empty=True)
    topology = placed_as(joined("AB"), Placement(("B",), ("B",), garbage=("A",)))
    assert set(after(topology, record).places) == {Placement(("B",), ("B",))}


def test_a_slot_whose_only_clean_node_was_wiped_is_lost_until_a_person_accepts_it() -> None:
    topology = after(placed_as(joined("AB"), Placement(("A", "B"), ("A",))), Wiped("A", "new life", 0))
    assert topology.lost == [(0, SLOTS)]
    topology = after(topology, LossAccepted(0, SLOTS, ("B",)))
    assert topology.lost == []
    assert set(topology.places) == {Placement(("A", "B"), ("B",))}


def test_a_slot_whose_loss_was_accepted_with_nothing_left_begins_anew_and_whoever_had_to_do_with_it_is_cleared() -> (
    None
):
    lost = placed_as(joined("ABCD"), Placement(("A", "B"), (), ("C",), ("A", "C"), ("D",)))
    topology = after(lost, LossAccepted(0, 4, ()))
    assert topology.places[:4] == (Placement(garbage=("D", "A", "B", "C")),) * 4
    assert topology.places[4:] == lost.places[4:]


def test_the_steps_of_a_move_are_records() -> None:
    topology = placed_as(joined("ABC"), Placement(("A", "B"), ("A", "B")))
    topology = after(topology, Dual(2, 4, ("B", "C")))
    assert topology.places[2] == Placement(("A", "B"), ("A", "B"), ("C",), ("B", "C"))
    topology = after(topology, CutOver(2, 4))
    assert topology.places[2] == Placement(("B", "C"), ("B", "C"), garbage=("A",))
    topology = after(topology, Cleaned("A", 2, 3))
    assert topology.places[2] == Placement(("B", "C"), ("B", "C"))
    assert topology.places[3].garbage == ("A",)
    assert topology.places[4] == Placement(("A", "B"), ("A", "B"))


def test_a_cut_over_without_a_move_is_refused() -> None:
    with pytest.raises(ValueError, match="no move"):
        apply(settled("AB", 2), CutOver(0, 1))


@pytest.mark.parametrize(
    "record",
    [
        Placed(0, SLOTS + 1, Placement()),
        Dual(-1, 2, ("A",)),
        Cleaned("A", 5, 3),
        Behind("A", [(0, 1), (7, 9)]),
        Recovered("A", 0, 100),
    ],
)
def test_a_record_about_slots_that_do_not_exist_is_refused(record: Record) -> None:
    with pytest.raises(ValueError, match="outside the ring"):
        apply(settled("AB"), record)


def test_a_run_of_no_slots_changes_nothing() -> None:
    topology = settled("AB", 2)
    assert after(topology, Behind("A", [(3, 3), (SLOTS, SLOTS)]), Cleaned("A", 5, 5)) == topology


def test_a_refused_record_changes_nothing() -> None:
    topology = settled("AB", 2)
    places = topology.places
    with pytest.raises(ValueError, match="outside the ring"):
        apply(topology, Behind("A", [(0, 1), (7, 9)]))
    assert topology.places is places


@pytest.mark.parametrize(("replicas", "before"), [("A", 1), ("AB", 2), ("ABC", 3), ("ABCD", 4)])
def test_shrinkable_slots_keep_their_quorum_when_a_node_leaves(replicas: str, before: int) -> None:
    nodes = tuple(replicas)
    topology = placed_as(joined(replicas), Placement(nodes, nodes))
    for node in nodes:
        runs = topology.shrinkable(node)
        if not runs:
            break
        topology = after(topology, Behind(node, runs))
    place = topology.places[0]
    assert len(place.clean) == max(1, write_quorum(before))


def test_a_node_that_is_not_clean_is_not_shrinkable_again() -> None:
    topology = after(placed_as(joined("ABC"), ABC), Behind("C", [(0, 4)]))
    assert topology.shrinkable("C") == [(4, SLOTS)]
    assert topology.shrinkable("D") == []


def test_a_node_has_the_last_clean_copy_of_some_slots_and_what_is_left_of_lost_ones() -> None:
    topology = after(
        placed_as(joined("ABC"), ABC),
        Placed(1, 2, Placement(("A", "B"), ("A",))),
        Placed(2, 4, Placement(("A", "B"), ("B",))),
        Placed(4, 5, Placement(("A", "B"))),
        Placed(5, 6, Placement(("B", "C"))),
    )
    assert [topology.only_at(node) for node in "ABC"] == [[(1, 2)], [(2, 4)], []]
    assert [topology.left_at(node) for node in "ABC"] == [[(4, 5)], [(4, 5), (5, 6)], [(5, 6)]]


places = st.sampled_from(
    [Placement(), Placement(("A",), ("A",)), ABC, Placement(("A", "B"), ("A",)), Placement(("B", "A"), ("A",))]
)


@given(st.lists(places, min_size=SLOTS, max_size=SLOTS))
def test_stretches_cover_the_ring_and_neighbours_differ(wanted: list[Placement]) -> None:
    topology = after(joined("ABC"), *(Placed(slot, slot + 1, place) for slot, place in enumerate(wanted)))
    stretches = topology.stretches
    assert [place for start, stop, place in stretches for _ in range(start, stop)] == wanted
    assert all(one[2] != other[2] and one[1] == other[0] for one, other in pairwise(stretches))
    assert set(topology.distinct) == set(wanted)
    assert len(topology.distinct) == len(set(wanted))


@given(st.lists(places, min_size=SLOTS, max_size=SLOTS))
def test_runs_are_exactly_the_slots_asked_for(wanted: list[Placement]) -> None:
    topology = after(joined("ABC"), *(Placed(slot, slot + 1, place) for slot, place in enumerate(wanted)))
    runs = topology.runs(lambda place: "B" in place.replicas)
    slots = {slot for start, stop in runs for slot in range(start, stop)}
    assert slots == {slot for slot, place in enumerate(wanted) if "B" in place.replicas}


steps = st.one_of(
    st.builds(Placed, st.integers(0, 3), st.integers(4, SLOTS), places),
    st.builds(Dual, st.integers(0, 3), st.integers(4, SLOTS), st.sampled_from([("A", "B"), ("B", "C"), ("C",)])),
    st.builds(Behind, st.sampled_from("ABC"), st.lists(st.sampled_from([(0, 3), (2, 5), (7, SLOTS)]), max_size=3)),
    st.builds(Recovered, st.sampled_from("ABC"), st.integers(0, 3), st.integers(4, SLOTS)),
    st.builds(Cleaned, st.sampled_from("ABC"), st.integers(0, 3), st.integers(4, SLOTS)),
    st.builds(Wiped, st.sampled_from("ABC"), st.just("new"), st.just(0)),
)


@given(st.lists(steps, max_size=60))
def test_equal_placements_are_one_object_whatever_records_they_came_from(records: list[Record]) -> None:
    """Batches are cut by the identity of placements; the memory of those that are gone stays small."""
    topology = after(joined("ABC"), *records)
    assert len({id(place) for place in topology.places}) == len(set(topology.places))
    assert len(topology.interned) <= INTERNED_MOST * SLOTS


def test_placements_that_no_slot_has_any_more_are_forgotten() -> None:
    topology = joined("ABC")
    for number in range(3 * INTERNED_MOST * SLOTS):
        topology = after(topology, Placed(0, 1, Placement((f"n{number}",))), Placed(1, 2, Placement((f"n{number}",))))
        assert len(topology.interned) <= INTERNED_MOST * SLOTS
        assert topology.places[0] is topology.places[1]


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ([], "0 slots ()"),
        ([(3, 4)], "1 slot (3)"),
        ([(3, 5)], "2 slots (3-4)"),
        ([(0, 1), (2, 4), (5, 6), (7, 9)], "6 slots (0, 2-3, 5, 7-8)"),
        ([(0, 1), (2, 4), (5, 6), (7, 9), (10, 11)], "7 slots (0, 2-3, 5, 7-8, ...)"),
        ([(0, 12_000)], "12,000 slots (0-11999)"),
    ],
)
def test_runs_of_slots_are_told_by_their_number_and_the_first_of_them(runs: Runs, text: str) -> None:
    assert described(runs) == text


def test_how_far_a_clean_set_may_shrink_follows_what_is_asked_for() -> None:
    two = placed_as(settled("AB", 2), Placement(("A", "B"), ("A", "B")))
    assert two.shrinkable("A") == [(0, SLOTS)]
    assert after(two, Tuned(2, two.reads, 0)).shrinkable("A") == []
    three = placed_as(settled("ABC", 3), Placement(("A", "B", "C"), ("A", "B")))
    assert three.shrinkable("A") == []
    assert after(three, Tuned(1, three.reads, 0)).shrinkable("A") == [(0, SLOTS)]


def test_of_slots_that_begin_anew_whoever_may_hold_anything_holds_garbage() -> None:
    """Newcomers as well: one that was taken for empty would bring back what was deleted."""
    topology = placed_as(settled("ABCD"), Placement(("A", "B"), (), ("C",), ("A", "C"), ("D",)))
    (place,) = set(after(topology, LossAccepted(0, SLOTS, ())).places)
    assert place == Placement(garbage=("D", "A", "B", "C"))
