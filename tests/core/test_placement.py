"""One slot's placement: how a move begins, how it ends, what is left behind."""

from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.placement import Placement, begin_move, cut_over, first_placement, union, without

NODES = "ABCDEF"
lists = st.lists(st.sampled_from(NODES), unique=True, max_size=4).map(tuple)


@st.composite
def placements(draw: st.DrawFn) -> Placement:
    """Any placement that moves can lead to: those who hold garbage serve nothing, and newcomers are no replicas."""
    order = draw(st.permutations(NODES))
    replicas = tuple(order[: draw(st.integers(1, 3))])
    clean = tuple(node for node in replicas if draw(st.booleans()))
    moving = draw(st.booleans())
    newcomers = tuple(order[3 : 3 + draw(st.integers(0, 1))]) if moving else ()
    target = newcomers + replicas[: draw(st.integers(1, len(replicas)))] if moving else ()
    garbage = tuple(node for node in order[4:] if draw(st.booleans()))
    return Placement(replicas, clean, newcomers, target, garbage)


def coherent(place: Placement) -> bool:
    named = [*place.replicas, *place.receiving, *place.garbage]
    return len(set(named)) == len(named) and set(place.clean) <= set(place.replicas)


def test_a_replica_that_is_not_clean_is_behind_and_follows() -> None:
    place = Placement(replicas=("A", "B", "C"), clean=("B",), receiving=("D",), target=("B", "D"))
    assert place.behind == ("A", "C")
    assert place.followers == ("A", "C", "D")


def test_a_move_sends_writes_to_newcomers_while_the_old_replicas_serve() -> None:
    place = begin_move(Placement(("A", "B"), ("A", "B")), ("C", "A"))
    assert place == Placement(("A", "B"), ("A", "B"), receiving=("C",), target=("C", "A"))


def test_a_slot_that_begins_anew_has_who_holds_garbage_of_it_behind_or_still_to_be_cleared() -> None:
    place = first_placement(Placement(garbage=("C", "B")), ("A", "B"))
    assert place == Placement(("A", "B"), ("A",), garbage=("C",))


def test_a_cut_over_makes_newcomers_clean_and_leavers_garbage() -> None:
    place = cut_over(Placement(("A", "B"), ("A", "B"), ("C",), ("C", "A"), ("D",)))
    assert place == Placement(("C", "A"), ("C", "A"), garbage=("D", "B"))


def test_a_cut_over_makes_no_one_clean_who_was_behind() -> None:
    place = cut_over(Placement(("A", "B"), ("A",), ("C",), ("B", "C")))
    assert place.replicas == ("B", "C")
    assert place.clean == ("C",)


def test_a_move_that_is_replaced_leaves_garbage_on_newcomers_that_are_not_wanted() -> None:
    place = begin_move(begin_move(Placement(("A",), ("A",)), ("B", "C")), ("C", "D"))
    assert place.receiving == ("C", "D")
    assert place.garbage == ("B",)


def test_a_move_that_is_called_off_leaves_garbage_on_all_its_newcomers() -> None:
    place = cut_over(begin_move(begin_move(Placement(("A",), ("A",)), ("B", "C")), ("A",)))
    assert place == Placement(("A",), ("A",), garbage=("B", "C"))


def test_a_newcomer_that_held_garbage_holds_none_any_more() -> None:
    place = begin_move(Placement(("A",), ("A",), garbage=("B", "C")), ("B",))
    assert place.garbage == ("C",)


def test_another_order_of_the_same_replicas_moves_nothing() -> None:
    place = begin_move(Placement(("A", "B"), ("A", "B")), ("B", "A"))
    assert place.receiving == ()
    assert cut_over(place) == Placement(("B", "A"), ("B", "A"))


@given(placements(), lists.filter(bool))
def test_who_holds_garbage_never_serves_and_never_receives(place: Placement, target: tuple[str, ...]) -> None:
    begun = begin_move(place, target)
    assert coherent(begun)
    assert coherent(cut_over(begun))


@given(placements(), lists.filter(bool))
def test_a_move_forgets_no_node_that_holds_entries(place: Placement, target: tuple[str, ...]) -> None:
    holders = {*place.replicas, *place.receiving, *place.garbage}
    begun = begin_move(place, target)
    ended = cut_over(begun)
    assert {*begun.replicas, *begun.receiving, *begun.garbage} >= holders
    assert {*ended.replicas, *ended.receiving, *ended.garbage} >= holders


@given(placements(), lists.filter(bool))
def test_the_beginning_of_a_move_changes_nothing_for_who_serves(place: Placement, target: tuple[str, ...]) -> None:
    begun = begin_move(place, target)
    assert (begun.replicas, begun.clean) == (place.replicas, place.clean)


@given(placements(), lists.filter(bool))
def test_every_node_of_the_target_serves_after_the_move(place: Placement, target: tuple[str, ...]) -> None:
    ended = cut_over(begin_move(place, target))
    assert ended.replicas == target
    assert ended.clean == tuple(node for node in target if node in place.clean or node not in place.replicas)
    assert (ended.receiving, ended.target) == ((), ())


@given(lists, lists)
def test_lists_of_nodes_keep_their_order(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    rest = without(one, other)
    assert list(rest) == [node for node in one if node in set(one) - set(other)]
    both = union(one, other)
    assert both[: len(one)] == one
    assert len(set(both)) == len(both)
    assert set(both) == set(one) | set(other)
