from collections.abc import Sequence
from itertools import pairwise

import pytest

from kvtui.widgets.ring.arcs import Arc, arcs_of
from kvtui.widgets.ring.motion import TURN_SECONDS, Turn
from kvtui.widgets.ring.turning import HOLLOWED, turning
from kvtui.widgets.ring.view import View
from tests.widgets import frozen

UP = arcs_of(frozen.healthy(), View.ARCS, "")
DOWN = arcs_of(frozen.one_down("B"), View.ARCS, "")
TIMES = [tenth / 10 * TURN_SECONDS for tenth in range(11)]


def length(arcs: Sequence[Arc]) -> float:
    return sum(arc.length for arc in arcs)


def look(arcs: Sequence[Arc], position: float) -> tuple[str, bool, str]:
    """Node, hollow, and whose rim, at a place."""
    arc = next(arc for arc in arcs if arc.start <= position < arc.stop)
    rim = arc.follower if position < arc.start + arc.reach * arc.length else ""
    return arc.node, arc.hollow, rim


PLACES = [(place + 0.5) / 200 for place in range(200)]


@pytest.mark.parametrize("seconds", TIMES)
@pytest.mark.parametrize(("arcs", "down"), [(DOWN, True), (UP, False)])
def test_arcs_still_cover_the_ring_and_those_of_others_stay(arcs: Sequence[Arc], down: bool, seconds: float) -> None:
    seen = turning(arcs, {"B": Turn(down, seconds)})
    assert seen[0].start == 0
    assert seen[-1].stop == 1
    assert all(one.stop == other.start for one, other in pairwise(seen))
    assert [arc for arc in seen if arc.node != "B"] == [arc for arc in arcs if arc.node != "B"]


def test_going_down_begins_as_it_was_and_ends_as_it_is() -> None:
    begun = turning(DOWN, {"B": Turn(True, 0.0)})
    assert [look(begun, place) for place in PLACES] == [look(UP, place) for place in PLACES]
    ended = turning(DOWN, {"B": Turn(True, TURN_SECONDS)})
    assert [look(ended, place) for place in PLACES] == [look(DOWN, place) for place in PLACES]


def test_it_turns_hollow_first_and_then_the_next_replica_takes_over_clockwise() -> None:
    hollows, rims = [], []
    for seconds in TIMES:
        looks = [look(turning(DOWN, {"B": Turn(True, seconds)}), place) for place in PLACES]
        hollows.append([place for place, (_, hollow, _) in zip(PLACES, looks, strict=True) if hollow])
        rims.append([place for place, (_, _, rim) in zip(PLACES, looks, strict=True) if rim])
    for earlier, later in pairwise(hollows):
        assert later[: len(earlier)] == earlier, "what is hollow stays so; it grows at its end"
    for seconds, hollow, rim in zip(TIMES, hollows, rims, strict=True):
        assert len(hollow) == len(hollows[-1]) or not rim, "nobody takes over before it is hollow all along"
        assert rim == hollow[: len(rim)]
        assert (seconds < HOLLOWED) == (len(hollow) < len(hollows[-1]))
    assert rims[-1] == hollows[-1]


def test_coming_back_fills_the_arcs_again() -> None:
    hollow = [length([arc for arc in turning(UP, {"B": Turn(False, seconds)}) if arc.hollow]) for seconds in TIMES]
    assert hollow == sorted(hollow, reverse=True)
    assert hollow[0] == pytest.approx(length([arc for arc in UP if arc.node == "B"]))
    assert turning(UP, {"B": Turn(False, TURN_SECONDS)}) == UP


def test_nothing_turns_at_rest() -> None:
    assert turning(DOWN, {}) == DOWN


def test_what_is_still_hollow_after_a_return_stays_so() -> None:
    """The node is up, and behind."""
    assert turning(DOWN, {"B": Turn(False, 0.3)}) == DOWN
