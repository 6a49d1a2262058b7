"""Which of several coordinators' notes says who holds a slot, after they went on apart: named stories, then any history."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.core.cluster import ClusterError
from kvtui.core.placement import Placement
from kvtui.core.read_mode import ReadMode
from kvtui.core.rebuilding import Found, Rebuilt, rebuild
from kvtui.core.records import Behind, Joined, LossAccepted, Opened, Placed, Tuned, Wiped
from kvtui.core.testimony import Account
from kvtui.core.topology import Topology
from kvtui.core.version import NEVER, Version
from kvtui.core.work import Kind, wanted
from tests.core.clusters import after, member, placed_as, settled
from tests.core.takeovers import NODES, STEPS, Takeovers
from tests.core.test_rebuilding import found


def placed(rebuilt: Rebuilt) -> Placement:
    """Where all slots are."""
    (place,) = set(rebuilt.topology.places)
    return place


def start(place: Placement, nodes: str = "ABC") -> Topology:
    return placed_as(settled(nodes), place)


def taken_over(topology: Topology, epoch: int = 2, copied: int = 9, coordinator: str = "next") -> Topology:
    """On a copy of the log that had got to that record."""
    return after(topology, Opened(epoch, coordinator, ends=((topology.epoch, copied),)))


def test_what_a_superseded_coordinator_noted_later_says_nothing_about_slots_that_it_had_lost() -> None:
    """Its note was taken for the newer history of all slots: the newer coordinator had not reached that one node."""
    before = start(Placement(("A", "B"), ("A", "B")), "ABCD")
    newer = after(taken_over(before), Behind("B", [(0, 8)]))
    newer = placed_as(newer, Placement(("A", "D"), ("A", "D")))
    sleeper = after(before, Behind("A", [(0, 8)]))
    nodes = [
        found("A", newer, Version(2, 30)),
        found("B", newer, Version(2, 30)),
        found("C", sleeper, Version(1, 34)),
        found("D", newer, Version(2, 30)),
    ]
    rebuilt = rebuild(nodes)
    assert (placed(rebuilt).clean, rebuilt.lost) == (("A", "D"), 0)


def test_a_slot_that_the_newer_coordinator_could_not_serve_is_as_the_former_one_left_it() -> None:
    before = start(Placement(("A", "C"), ("A", "C")))
    sleeper = after(before, Behind("A", [(0, 8)]))
    nodes = [
        found("A", taken_over(before), Version(2, 30)),
        found("B", taken_over(before), Version(2, 30)),
        found("C", sleeper, Version(1, 34)),
    ]
    rebuilt = rebuild(nodes)
    assert (placed(rebuilt).clean, rebuilt.lost) == (("C",), 0)


def test_settings_are_of_the_newest_note_that_decides_anything() -> None:
    before = start(Placement(("A", "C"), ("A", "C")))
    newer = after(taken_over(before), Tuned(0, ReadMode.AVAILABLE, 7))
    sleeper = after(before, Behind("A", [(0, 8)]))
    nodes = [found("A", newer, Version(2, 30)), found("B", newer, Version(2, 30)), found("C", sleeper, Version(1, 34))]
    assert rebuild(nodes).topology.throttle == 0
    nodes[2] = found("C", newer, Version(2, 30))
    nodes.append(found("D", sleeper, Version(1, 34)))
    assert rebuild(nodes).topology.throttle == 7


def test_a_slot_that_both_need_another_node_for_is_as_neither_could_change_it() -> None:
    """A obeys the newer coordinator, which never reached C: neither it nor the sleeper wrote since."""
    before = start(Placement(("A", "C"), ("A", "C")))
    sleeper = after(before, Behind("B", [(0, 8)]))
    nodes = [found("A", taken_over(before), Version(2, 30)), found("C", sleeper, Version(1, 34))]
    rebuilt = rebuild(nodes)
    assert (placed(rebuilt).clean, rebuilt.lost) == (("A", "C"), 0)


def test_a_coordinator_that_was_only_restarted_decides_though_a_receiving_node_never_granted_it() -> None:
    """To demand that everybody obeyed the newest one would fall back to a table in which who fell behind since is clean."""
    before = start(Placement(("A", "B"), ("A", "B"), ("C",), ("A", "C")))
    restarted = after(taken_over(before), Behind("B", [(0, 8)]))
    nodes = [found("A", restarted, Version(2, 30)), found("B", before), found("C", before)]
    assert placed(rebuild(nodes)).clean == ("A",)


def test_where_only_a_receiving_node_never_granted_the_newer_coordinator_the_slot_is_lost() -> None:
    """It may have served without that node, or never at all. Where that node noted that none but a clean replica of the newer one
    was left, its coordinator acknowledged nothing that the newer one lacks."""
    before = start(Placement(("A", "B"), ("A", "B"), ("C",), ("A", "C")))
    newer = after(taken_over(before), Behind("B", [(0, 8)]))
    sleeper = after(before, Behind("B", [(0, 2)]))
    nodes = [found("A", newer, Version(2, 30)), found("B", newer, Version(2, 30)), found("C", sleeper, Version(1, 20))]
    rebuilt = rebuild(nodes)
    assert [place.clean for place in rebuilt.topology.places] == [("A",)] * 2 + [()] * 6
    assert (rebuilt.lost, rebuilt.disputed) == (6, 6)


def test_a_newer_coordinator_that_noted_nothing_served_nothing() -> None:
    before = start(Placement(("A", "B"), ("A", "B")))
    nodes = [found("A", before, granted=(2, "next")), found("B", before), found("C", before)]
    rebuilt = rebuild(nodes)
    assert (placed(rebuilt).clean, rebuilt.lost) == (("A", "B"), 0)
    assert rebuilt.topology.epoch == 3


def test_a_newer_coordinator_that_may_have_noted_elsewhere_is_no_reason_to_trust_the_former_one() -> None:
    """A was counted out by the sleeper and not by the newer one, whose notes are on nodes that were not found."""
    before = start(Placement(("A", "B"), ("A", "B")))
    sleeper = after(before, Behind("A", [(0, 8)]))
    nodes = [found("B", before, granted=(2, "next")), found("C", sleeper, Version(1, 20))]
    rebuilt = rebuild(nodes)
    assert (placed(rebuilt).clean, rebuilt.lost, rebuilt.disputed) == ((), 8, 8)


def test_several_takeovers_in_a_row_of_which_each_reached_some() -> None:
    """B obeys the second one, C the third; of a slot that is on both, none but the first was ever obeyed by all."""
    before = start(Placement(("B", "C"), ("B", "C")))
    second, third = taken_over(before), taken_over(before, 3, 9, "third")
    nodes = [
        found("A", after(before, Behind("A", [(0, 8)])), Version(1, 20)),
        found("B", second, Version(2, 12)),
        found("C", third, Version(3, 12)),
    ]
    rebuilt = rebuild(nodes)
    assert (placed(rebuilt).clean, rebuilt.lost) == (("B", "C"), 0)


def test_a_takeover_of_a_takeover_knows_what_both_before_it_knew() -> None:
    before = start(Placement(("A", "B"), ("A", "B")))
    second = after(taken_over(before), Behind("B", [(0, 8)]))
    third = taken_over(second, 3, 14, "third")
    nodes = [found("A", third, Version(3, 16)), found("B", before), found("C", second, Version(2, 14))]
    assert placed(rebuild(nodes)).clean == ("A",)


@pytest.mark.parametrize("gone", ["missing", "wiped"])
def test_a_newer_note_that_names_a_node_that_is_gone_leaves_the_slot_lost_whatever_older_ones_say(gone: str) -> None:
    before = start(Placement(("A", "B"), ("A", "B")))
    newer = placed_as(taken_over(before), Placement(("C",), ("C",)))
    nodes = [found("A", before), found("B", newer, Version(2, 20))]
    if gone == "wiped":
        nodes.append(found("C", newer, NEVER, data_id="another life"))
    with pytest.raises(ClusterError, match=r"8 slots .* C .* was not found.*--without C$"):
        rebuild(nodes)
    rebuilt = rebuild(nodes, ["C"])
    assert (placed(rebuilt).clean, rebuilt.lost, rebuilt.disputed) == ((), 8, 0)


def apart(epoch: int) -> list[Found]:
    """The loss of A was accepted, and B served; a coordinator on a copy from before went on with A."""
    before = start(Placement(("A",), ("A",)))
    accepted = after(before, Behind("A", [(0, 8)]))
    accepted = placed_as(after(accepted, LossAccepted(0, 8, ())), Placement(("B",), ("B",)))
    return [found("A", taken_over(before, epoch), Version(epoch, 11)), found("B", accepted, Version(1, 20))]


def test_of_two_that_both_may_be_right_the_one_decides_whose_clean_replicas_are_clean_by_the_other_too() -> None:
    """The former coordinator left B behind, which it could tell nobody who has the slot; the next one knows nothing of that, nor
    was it obeyed by A or B: the slot was told as lost, though nothing of it was."""
    before = start(Placement(("A", "B"), ("A", "B")), "ABCD")
    former = after(before, Behind("B", [(0, 8)]))
    nodes = [
        found("A", before, Version(1, 20), granted=(1, before.coordinator)),
        found("B", before, Version(1, 20), granted=(1, before.coordinator)),
        found("C", former, Version(1, 21), granted=(1, before.coordinator)),
        found("D", taken_over(before, copied=20), Version(2, 21), granted=(2, "next")),
    ]
    for order in (nodes, nodes[::-1]):
        rebuilt = rebuild(order)
        assert (placed(rebuilt).clean, rebuilt.lost, rebuilt.disputed) == (("A",), 0, 0)


def test_two_logs_that_do_not_know_each_other_and_were_both_obeyed_leave_the_slot_lost_with_both_replicas() -> None:
    rebuilt = rebuild(apart(2))
    assert (placed(rebuilt).clean, rebuilt.lost, rebuilt.disputed) == ((), 8, 8)
    assert set(placed(rebuilt).replicas) == {"A", "B"}


def test_what_one_log_calls_garbage_and_the_other_serves_is_not_removed_once_the_loss_is_accepted() -> None:
    """The clean replica was cleared of it, and stayed clean: what it had alone was gone."""
    before = start(Placement(("A",), ("A",), garbage=("B",)))
    other = placed_as(before, Placement(("B",), ("B",)))
    nodes = [
        found("A", taken_over(before), Version(2, 11)),
        found("B", other, Version(1, 20)),
        found("C", before, Version(1, 9)),
    ]
    rebuilt = rebuild(nodes)
    assert placed(rebuilt) == Placement(("A", "B"), garbage=("C",))
    accepted = after(rebuilt.topology, LossAccepted(0, 8, ("A", "B")))
    cleared = {piece.node for piece in wanted(accepted, "ABC", bytes(8)) if piece.kind is Kind.CLEAR}
    assert cleared == {"C"}


def test_one_epoch_of_two_coordinators_that_were_both_obeyed_leaves_the_slot_lost() -> None:
    one, other = (after(start(Placement((n,), (n,))), Opened(2, f"of {n}", ends=((1, 9),))) for n in "AB")
    rebuilt = rebuild([found("A", one, Version(2, 11)), found("B", other, Version(2, 11))])
    assert (placed(rebuilt).clean, rebuilt.lost, rebuilt.disputed) == ((), 8, 8)


def test_whoever_holds_a_slot_is_a_member_although_the_newest_note_does_not_count_it_as_one() -> None:
    """The slot looked empty."""
    before = start(Placement(("A",), ("A",)), "AB")
    sleeper = placed_as(after(before, Joined(member("C"))), Placement(("C",), ("C",)))
    nodes = [
        found("A", sleeper, Version(1, 20)),
        found("B", taken_over(before), Version(2, 11)),
        found("C", sleeper, Version(1, 20)),
    ]
    rebuilt = rebuild(nodes)
    assert (placed(rebuilt).clean, rebuilt.lost) == (("C",), 0)
    assert "C" in rebuilt.topology.members


def two_of_one_name(*taken: str) -> list[Found]:
    """B obeys the newer one, which A never heard of. Both gave a slot to a newcomer of the same name; ``taken``: names of
    newcomers of the newer one."""
    before = after(start(Placement(("B",), ("B",)), "AB"), Placed(7, 8, Placement(("A",), ("A",))))
    place = Placement(("C",), ("C",))
    sleeper = after(before, Joined(member("C", "data of the sleeper's")), Placed(7, 8, place))
    newer = after(taken_over(before), *(Joined(member(name)) for name in taken), Placed(0, 1, place))
    return [
        found("A", sleeper, Version(1, 20)),
        found("B", newer, Version(2, 20)),
        found("C", newer, Version(2, 20)),
        found("another C", sleeper, Version(1, 20), data_id="data of the sleeper's"),
    ]


@pytest.mark.parametrize(("taken", "name"), [(("C",), "C-2"), (("C", "C-2", "C-3"), "C-4")])
def test_of_two_nodes_of_one_name_the_one_of_the_older_note_is_given_another(taken: tuple[str, ...], name: str) -> None:
    rebuilt = rebuild(two_of_one_name(*taken)).topology
    assert [place.clean for place in rebuilt.places] == [("C",), *[("B",)] * 6, (name,)]
    assert rebuilt.members["C"].data_id == "data of C"
    assert (rebuilt.members[name].id, rebuilt.members[name].data_id) == (name, "data of the sleeper's")


@pytest.mark.parametrize(
    ("moving", "rebuilt"),
    [
        (Placement(("A",), ("A",), ("C",), ("C",)), Placement(("A",), ("A",), ("C",), ("C",), ("B",))),
        # C, which is behind, is no member any more: nobody moves towards it, and what D received is swept.
        (Placement(("A", "C"), ("A",), ("D",), ("C", "D")), Placement(("A",), ("A",), garbage=("B", "D"))),
    ],
)
def test_a_move_goes_on_where_all_whom_it_is_towards_are_members(moving: Placement, rebuilt: Placement) -> None:
    before = after(start(Placement(("B",), ("B",)), "AB"), Placed(7, 8, Placement(("A",), ("A",))))
    sleeper = after(before, Joined(member("C")), Joined(member("D")), Placed(7, 8, moving))
    nodes = [found(name, sleeper, Version(1, 20)) for name in ("A", *moving.receiving)]
    nodes.append(found("B", taken_over(before), Version(2, 20)))
    assert rebuild(nodes).topology.places[7] == rebuilt


def test_a_member_has_the_data_that_its_node_has_been_found_with_since() -> None:
    """The note that decides is of a coordinator that never heard of the wipe."""
    before = start(Placement(("A",), ("A",)), "AB")
    sleeper = after(before, Wiped("B", "another life", 0))
    nodes = [
        found("A", taken_over(before), Version(2, 11)),
        found("B", sleeper, Version(1, 20), data_id="another life"),
    ]
    rebuilt = rebuild(nodes)
    assert rebuilt.topology.members["B"].data_id == "another life"
    assert (rebuilt.present, rebuilt.missing) == (("A", "B"), ())


def test_a_lost_slot_whose_replicas_are_no_members_of_the_newest_note_does_not_look_empty() -> None:
    """X held it, says a coordinator on a copy that nobody else obeyed; A obeys one that never knew of X."""
    before = start(Placement(("A",), ("A",)), "AB")
    odd = after(before, Joined(member("X")), Placed(7, 8, Placement(("X",), ("X",))), Opened(3, "odd", ends=((1, 12),)))
    nodes = [found("A", taken_over(before), Version(2, 11)), found("B", odd, Version(3, 20))]
    rebuilt = rebuild(nodes, ["X"])
    assert [place.clean for place in rebuilt.topology.places] == [("A",)] * 7 + [()]
    assert rebuilt.topology.places[7].replicas == ("X", "A")
    assert (rebuilt.lost, rebuilt.missing) == (1, ("X",))


def test_a_lost_slot_of_a_node_that_was_wiped_is_of_that_node_as_it_is_now() -> None:
    """It was given a second member of that name, which nobody could ever start."""
    before = start(Placement(("A",), ("A",)), "AB")
    newer = after(taken_over(before), Wiped("A", "another life", 0), Placed(0, 7, Placement(("B",), ("B",))))
    odd = after(before, Placed(7, 8, Placement(("A",), ("A",))), Opened(3, "odd", ends=((1, 12),)))
    nodes = [
        found("A", newer, Version(2, 11), data_id="another life"),
        found("B", newer, Version(2, 11)),
        found("C", odd, Version(3, 20)),
    ]
    rebuilt = rebuild(nodes, ["A"])
    assert set(rebuilt.topology.members) == {"A", "B"}
    assert "A" in rebuilt.topology.places[7].replicas
    assert rebuilt.topology.places[7].clean == ()


steps = st.lists(
    st.tuples(
        st.sampled_from(sorted(STEPS)), st.sampled_from([-1, -1, 0, 1, 2, 3]), st.integers(0, 3), st.integers(0, 7)
    ),
    min_size=3,
    max_size=30,
)


@settings(deadline=None)
@given(st.sampled_from([1, 2, 2, 3]), steps, steps, st.permutations(NODES), st.integers(2, 4), st.booleans())
def test_whatever_is_opened_as_not_lost_holds_all_that_any_coordinator_acknowledged(
    replication: int,
    first: list[tuple[str, int, int, int]],
    more: list[tuple[str, int, int, int]],
    order: list[str],
    some: int,
    again: bool,
) -> None:
    """After any history, whoever is found; and again after the rebuilt log was gone on with while the former ones woke."""
    history = Takeovers(replication)
    for kind, which, node, slot in first:
        STEPS[kind](history, which, node, slot)
    if again:
        rebuilt = history.rebuilt(order)
        if rebuilt is not None:
            assert history.missing_in(rebuilt.topology) == ""
            history.go_on_from(rebuilt)
            for kind, which, node, slot in more:
                STEPS[kind](history, which, node, slot)
    rebuilt = history.rebuilt(order[:some])
    assert rebuilt is None or history.missing_in(rebuilt.topology) == ""


calm = st.lists(
    st.tuples(
        st.sampled_from(["reach", "lose", "note", "write", "write all", "recover node"]),
        st.sampled_from([0, 1]),
        st.integers(0, 3),
        st.integers(0, 7),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(st.sampled_from([1, 2, 2, 3]), calm, calm)
def test_nothing_is_lost_after_one_takeover_when_no_slot_moved_and_all_nodes_are_found(
    replication: int, before: list[tuple[str, int, int, int]], since: list[tuple[str, int, int, int]]
) -> None:
    """Whichever nodes each of the two reached, and in whatever order they noted."""
    history = Takeovers(replication)
    for kind, _, node, slot in before:
        STEPS[kind](history, 0, node, slot)
    history.copy(0)
    history.take_over(-1)
    for kind, which, node, slot in since:
        STEPS[kind](history, which, node, slot)
    rebuilt = history.rebuilt(NODES)
    assert rebuilt is not None
    assert (rebuilt.lost, history.missing_in(rebuilt.topology)) == (0, "")


def test_a_log_went_on_from_another_one_only_if_that_contains_all_from_which_it_parted() -> None:
    other = Account(settled("AB"), Version(1, 9))
    for ends, contained in ((((1, 9),), True), (((1, 5), (1, 9)), True), (((1, 5), (1, 10)), False), ((), False)):
        newer = Account(after(settled("AB"), Opened(2, "next", ends=ends)), Version(2, 3))
        assert newer.went_on_from(other) is contained


def test_an_account_that_can_not_be_judged_for_want_of_a_node_makes_no_dispute_void() -> None:
    """B, which went over to the newer log, may have obeyed the other one before: D would know."""
    before = start(Placement(("A", "B"), ("A", "B")), "ABCD")
    other = placed_as(taken_over(before, 2, coordinator="other"), Placement(("A", "B", "D"), ("A", "B", "D")))
    newer = taken_over(before, 3, coordinator="newer")
    nodes = [found("A", other, Version(2, 30)), found("B", newer, Version(3, 30)), found("C", newer, Version(3, 30))]
    with pytest.raises(ClusterError, match=r"D \(127.0.0.1:5001\) was not found"):
        rebuild(nodes)
