"""What is served, what waits and for whom, and what is lost: three things."""

import pytest

from kvtui.core.geometry import Geometry
from kvtui.core.key_counts import KeyCounts
from kvtui.core.naming import named
from kvtui.core.placement import Placement, begin_move
from kvtui.core.reach import NOTHING_WAITS, Standing, moves_wait, reach, standing
from kvtui.core.records import Placed
from tests.core.clusters import SLOTS, after, settled

AB = Placement(("A", "B"), ("A", "B"))
ONLY_A = Placement(("A", "B"), ("A",))
ABC = Placement(("A", "B", "C"), ("A", "B"))


@pytest.mark.parametrize(
    ("place", "away", "least", "found"),
    [
        (AB, "", 1, Standing()),
        (AB, "B", 1, Standing()),
        (AB, "AB", 1, Standing(("A", "B"))),
        (ONLY_A, "A", 1, Standing(("A",), stale=True)),
        (ONLY_A, "AB", 1, Standing(("A",))),
        (AB._replace(clean=()), "AB", 1, Standing()),
        (Placement(), "AB", 1, Standing()),
        (ABC, "B", 2, Standing(writes_wait_for=("B", "C"))),
        (ABC, "AB", 2, Standing(("A", "B"), stale=True)),
        (ABC, "C", 2, Standing()),
    ],
)
def test_a_slot_waits_for_those_who_have_a_clean_copy(place: Placement, away: str, least: int, found: Standing) -> None:
    assert standing(place, away, least) == found


def test_a_slot_that_another_coordinator_may_serve_waits_for_who_has_not_said_that_it_obeys() -> None:
    assert standing(AB, "", 1, ("B",)) == Standing(("B",), stale=True)


def test_slots_are_counted_by_whom_they_wait_for_and_lost_ones_are_none_of_them() -> None:
    topology = after(
        settled("ABC", 2),
        Placed(0, 2, ONLY_A),
        Placed(2, 3, AB),
        Placed(3, 4, AB._replace(clean=())),
        Placed(4, SLOTS, AB),
    )
    found = reach(topology, "A")
    assert (found.unavailable, found.waits_for, found.stale, found.runs) == (2, ("A",), 2, [(0, 2)])
    found = reach(topology, "AB")
    assert (found.unavailable, found.unwritable, found.stale) == (SLOTS - 1, 0, 0)
    assert found.waits_for == ("A", "B")
    assert found.awaited == {"A": SLOTS - 1, "B": SLOTS - 3}
    assert reach(topology, "C") is NOTHING_WAITS
    geometry = Geometry(topology)
    assert geometry.ranges_of(NOTHING_WAITS) is geometry.ranges
    assert [part.waits_for for part in geometry.ranges_of(found)] == [("A",), ("A", "B"), (), ("A", "B")]
    assert geometry.under(2, found.unavailable_by_copies) == 0
    assert geometry.under(2, reach(topology, "B").unavailable_by_copies) == 2


def test_what_takes_no_writes_can_still_be_read() -> None:
    topology = after(settled("ABC", 3), Placed(0, SLOTS, ABC))
    found = reach(topology, "B")
    assert (found.unavailable, found.unwritable, found.writes_wait_for) == (0, SLOTS, ("B", "C"))


def test_moves_wait_for_newcomers_that_are_away_and_for_who_has_the_keys() -> None:
    moving = begin_move(AB, ("A", "C"))
    assert moves_wait([(3, moving, ("A", "C"))], "AB").waits_for == ("C",)
    assert moves_wait([(3, moving, ("A", "C"))], "ABC").slots == 0
    found = moves_wait([(3, ONLY_A, ("C", "D")), (1, AB, ("A", "C"))], "BC")
    assert (found.slots, found.waits_for) == (3, ("A",)), "B gives what both have to C"
    assert found.by_node["D"] == ("A",)
    assert moves_wait([(3, AB._replace(clean=()), ("C",))], "").slots == 0


@pytest.mark.parametrize(
    ("nodes", "most", "text"),
    [
        ("", 3, ""),
        ("A", 3, "A"),
        ("AB", 3, "A and B"),
        ("ABC", 3, "A, B and C"),
        ("ABCD", 3, "A, B and 2 more"),
        ("AB", 1, "A and 1 more"),
    ],
)
def test_nodes_in_a_sentence(nodes: str, most: int, text: str) -> None:
    assert named(list(nodes), most) == text


def test_keys_that_can_not_be_reached_are_known_from_their_last_count() -> None:
    counts = KeyCounts()
    assert counts.empty
    counts.renew(8, [((0, 2), 10), ((2, 4), 20), ((4, 8), 30)], 7)
    assert counts.totals(8, 4, [], 7) == ((10, 20, 30, 0), 0, True)
    assert counts.totals(8, 4, [(2, 4)], 7) == ((10, 0, 30, 0), 20, True)
    counts.renew(8, [((0, 2), 11), ((4, 8), 31)], 9)
    assert counts.totals(8, 4, [(2, 4)], 9) == ((11, 0, 31, 0), 20, True)
    assert counts.totals(8, 4, [(2, 8)], 12) == ((11, 0, 0, 0), 51, False), (
        "something was written since they were counted"
    )


def test_what_was_not_counted_as_a_whole_is_not_known_rather_than_wrong() -> None:
    counts = KeyCounts()
    counts.renew(8, [((0, 4), 10), ((4, 8), 30)], 7)
    assert counts.totals(8, 8, [(2, 4)], 7).unreachable is None
    counts.renew(8, [((0, 2), 5), ((4, 8), 30)], 7)
    assert counts.totals(8, 8, [(2, 4)], 7) == ((5, 0, 0, 0, 30, 0, 0, 0), None, False)


def test_a_count_while_something_is_written_is_a_rough_one() -> None:
    counts = KeyCounts()
    counts.renew(8, [((0, 8), 10)], None)
    assert counts.totals(8, 1, [(0, 8)], 7) == ((0,), 10, False)
