"""Scenarios of pure decisions: values in, values out."""

from kvtui.core.graves import FRESH, RIPE, Graves, eligible, purgeable
from kvtui.core.limits import REPLICAS_MOST
from kvtui.core.placement import Placement, begin_move, cut_over, first_placement
from kvtui.core.protocol import Entry
from kvtui.core.quorum import may_shrink, write_quorum
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Behind, LossAccepted, Opened, Recovered, Tuned
from kvtui.core.topology import Topology, apply
from kvtui.core.version import NEVER, Version
from tests.core.clusters import SLOTS, after, placed_as, settled


def half_of_the_replicas_is_a_majority() -> None:
    for replicas in range(3, REPLICAS_MOST + 1):
        assert 2 * write_quorum(replicas) > replicas


def a_quorum_is_wanted_of_replicas_that_are_not_there() -> None:
    for replicas in range(1, REPLICAS_MOST + 1):
        for wanted in range(REPLICAS_MOST + 1):
            assert 1 <= write_quorum(replicas, wanted) <= replicas


def a_clean_set_shrinks_to_one_below_the_quorum() -> None:
    for replicas in range(1, REPLICAS_MOST + 1):
        for wanted in range(replicas + 1):
            sizes = [clean for clean in range(replicas + 1) if may_shrink(clean, replicas, wanted)]
            # Down to the quorum, and no further.
            assert sizes == list(range(write_quorum(replicas, wanted) + 1, replicas + 1))


def the_wanted_quorum_is_forgotten_where_a_replica_leaves() -> None:
    topology = after(settled("AB", 2), Tuned(2, ReadMode.STRICT))
    assert topology.shrinkable("A") == []
    others = after(topology, Tuned(1, ReadMode.STRICT)).shrinkable("A")
    assert sum(stop - start for start, stop in others) == SLOTS


def a_holder_of_garbage_is_taken_for_clean() -> None:
    place = first_placement(Placement(garbage=("A", "C")), ("A", "B"))
    assert place == Placement(("A", "B"), ("B",), (), (), ("C",))


def newcomers_of_an_abandoned_move_hold_nothing() -> None:
    begun = begin_move(Placement(("A",), ("A",)), ("B", "C"))
    assert _holders(begin_move(begun, ("C", "D"))) >= {"A", "B", "C"}


def who_left_a_slot_holds_nothing() -> None:
    moved = cut_over(begin_move(Placement(("A", "B"), ("A", "B"), garbage=("D",)), ("B", "C")))
    assert _holders(moved) == {"A", "B", "C", "D"}


def _holders(place: Placement) -> set[str]:
    """Everybody who may hold something of the slot."""
    return {*place.replicas, *place.receiving, *place.garbage}


def a_cut_over_makes_all_of_the_target_clean() -> None:
    assert cut_over(begin_move(Placement(("A", "B"), ("A",)), ("B", "C"))).clean == ("C",)


def an_accepted_loss_forgets_the_newcomers() -> None:
    topology = placed_as(settled("ABC", 1), begin_move(Placement(("A",), ()), ("C",)))
    given_up = apply(topology, LossAccepted(0, SLOTS, ()))
    assert {frozenset(_holders(place)) for place in given_up.places} == {frozenset("AC")}
    assert not any(place.replicas for place in given_up.places)


def _opened_twice() -> Topology:
    """Not all members obeyed in epoch 1, which ended with record 10, nor in epoch 2, which ended with record 20."""
    return after(settled("AB", 2), Opened(3, "third", before=((2, "second"),), ends=((1, 10), (2, 20))))


def whoever_noted_more_under_a_known_epoch_proves_nothing() -> None:
    topology = _opened_twice()
    assert not topology.outdated_by(Version(1, 10))
    assert topology.outdated_by(Version(1, 11))
    assert topology.outdated_by(Version(2, 21))
    assert not topology.outdated_by(Version(2, 20))


def how_far_the_log_had_got_is_forgotten_at_an_opening() -> None:
    assert _opened_twice().ends == ((1, 10), (2, 20))


def a_recovered_node_is_the_only_clean_one() -> None:
    topology = after(settled("ABC", 3), Behind("B", [(0, SLOTS)]), Recovered("B", 0, SLOTS))
    assert topology.places == settled("ABC", 3).places


def _place(**changes: tuple[str, ...]) -> Placement:
    return Placement(("A", "B"), ("A", "B"))._replace(**changes)


def tombstones_go_while_somebody_holds_garbage() -> None:
    _only_where_all_is_still()


def tombstones_go_while_a_replica_is_behind() -> None:
    _only_where_all_is_still()


def tombstones_go_once_a_move_is_planned() -> None:
    _only_where_all_is_still()


def _only_where_all_is_still() -> None:
    assert eligible(_place(), ("A", "B"))
    assert not eligible(_place(garbage=("C",)), ("A", "B"))
    assert not eligible(_place(clean=("A",)), ("A", "B"))
    assert not eligible(_place(receiving=("C",), target=("A", "C")), ("A", "B"))
    assert not eligible(_place(), ("A", "C"))


def a_tombstone_goes_where_a_replica_has_a_value() -> None:
    dead, nothing = Entry("key", Version(1, 5), -1), Entry("key", NEVER, -1)
    assert purgeable([dead, nothing, dead]) == Version(1, 5)
    for version in (Version(1, 4), Version(1, 6)):
        assert purgeable([dead, Entry("key", version, 3)]) is None
        assert purgeable([dead, Entry("key", version, -1)]) is None


def a_look_at_some_graves_forgets_all() -> None:
    graves = Graves(SLOTS)
    graves.ripen()
    graves.looked(2, 4)
    assert [slot for slot in range(SLOTS) if graves.marks[slot] == RIPE] == [0, 1, 4, 5, 6, 7]


def graves_of_earlier_times_are_not_looked_for() -> None:
    graves = Graves(SLOTS)
    assert set(graves.marks) == {FRESH}
    assert graves.ripen()
