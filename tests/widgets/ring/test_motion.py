import math
from dataclasses import replace

import pytest

from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.motion import TURN_SECONDS, Events, Moment, Motion, Turn, motion_for
from tests.widgets import frozen

UP = Picture().with_snapshot(frozen.healthy())
DOWN = UP.with_snapshot(frozen.one_down("B"))


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, Motion.FULL),
        ({"KVTUI_MOTION": "reduced"}, Motion.REDUCED),
        ({"KVTUI_MOTION": "Reduced"}, Motion.REDUCED),
        ({"TEXTUAL_ANIMATIONS": "none"}, Motion.REDUCED),
        ({"TEXTUAL_ANIMATIONS": "NONE"}, Motion.REDUCED),
        ({"TEXTUAL_ANIMATIONS": "basic"}, Motion.FULL),
        ({"TEXTUAL_ANIMATIONS": "none", "KVTUI_MOTION": "full"}, Motion.FULL),
        ({"KVTUI_MOTION": "wild"}, Motion.FULL),
    ],
)
def test_motion_is_what_the_environment_asks_for(environment: dict[str, str], wanted: Motion) -> None:
    assert motion_for(environment) is wanted


def test_what_was_there_from_the_start_is_no_event() -> None:
    assert Events().noticed(DOWN, 5.0).moment(5.0) == Moment(math.inf, {})


def test_a_node_that_goes_down_and_comes_back_turns_each_time() -> None:
    events = Events().noticed(UP, 0.0).noticed(DOWN, 5.0)
    assert events.moment(5.5).turns == {"B": Turn(True, 0.5)}
    events = events.noticed(UP, 6.0)
    assert events.moment(6.25).turns == {"B": Turn(False, 0.25)}


def test_a_turn_ends_by_itself_and_other_pictures_do_not_prolong_it() -> None:
    events = Events().noticed(UP, 0.0).noticed(DOWN, 5.0)
    for tenth in range(1, 10):
        events = events.noticed(DOWN.with_snapshot(replace(DOWN.snapshot, keys=tenth)), 5.0 + tenth / 10)
    assert events.moment(5.9).turns["B"].seconds == pytest.approx(0.9)
    assert events.moment(5.0 + TURN_SECONDS).turns == {}


def test_a_node_that_joins_or_leaves_does_not_turn() -> None:
    events = Events().noticed(Picture().with_snapshot(frozen.healthy(["A", "B"])), 0.0)
    assert events.noticed(UP, 1.0).moment(1.0).turns == {}
    assert events.noticed(UP, 1.0).noticed(Picture().with_snapshot(frozen.empty()), 2.0).moment(2.0).turns == {}


def test_a_lookup_is_an_event_each_time_even_of_the_same_key() -> None:
    first, again = (replace(UP, located=frozen.located(UP.snapshot, b"apple")) for _ in range(2))
    events = Events().noticed(first, 3.0)
    assert events.noticed(replace(first, selected="A"), 4.0).moment(4.5).looked_up == 1.5
    assert events.noticed(again, 4.0).moment(4.5).looked_up == 0.5
