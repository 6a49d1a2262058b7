from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc, arcs_of
from kvtui.widgets.ring.circle import Circle, fit
from kvtui.widgets.ring.view import View
from kvtui.widgets.ring.walk import LAP_SECONDS, LEG_SECONDS, PAUSE_SECONDS, Walk, walk_of
from tests.widgets import frozen

FITTED = fit(60, 30, 4)
assert FITTED is not None
CIRCLE: Circle = FITTED
NODES = [f"n{number}" for number in range(1, 8)]
CLUSTERS = [
    frozen.healthy(["A"], replication=1),
    frozen.healthy(),
    frozen.healthy(NODES, replication=3),
    frozen.one_down(),
    frozen.joining(),
]


def walked(snapshot: ClusterSnapshot, key: bytes) -> tuple[Walk, tuple[Arc, ...], tuple[str, ...]]:
    picture = replace(Picture().with_snapshot(snapshot), located=frozen.located(snapshot, key))
    arcs = arcs_of(snapshot, View.ARCS, "")
    walk = walk_of(picture, arcs, CIRCLE)
    assert walk is not None
    return walk, arcs, picture.holders


@given(snapshot=st.sampled_from(CLUSTERS), key=st.binary(min_size=1, max_size=8))
def test_a_walk_goes_clockwise_from_the_key_to_each_replica_in_at_most_one_lap(
    snapshot: ClusterSnapshot, key: bytes
) -> None:
    walk, arcs, holders = walked(snapshot, key)
    location = frozen.located(snapshot, key)
    assert walk.start == location.position
    leading = {arc.node for arc in arcs}
    assert [stop.node for stop in walk.stops][:1] == [holders[0]]
    assert {stop.node for stop in walk.stops} == set(holders) & leading
    places = [walk.start, *(stop.position for stop in walk.stops)]
    assert places == sorted(places)
    assert places[-1] - places[0] <= 1
    for stop in walk.stops:
        assert next(arc.node for arc in arcs if arc.start <= stop.position % 1 < arc.stop) == stop.node


@given(snapshot=st.sampled_from(CLUSTERS), key=st.binary(min_size=1, max_size=8))
def test_replicas_are_reached_one_after_the_other_and_then_it_rests(snapshot: ClusterSnapshot, key: bytes) -> None:
    walk, _, _ = walked(snapshot, key)
    assert walk.reached(0.0) == frozenset()
    times = [stop.seconds for stop in walk.stops]
    assert times[0] == PAUSE_SECONDS
    assert all(after - before >= LEG_SECONDS - 1e-9 for before, after in pairwise(times))
    assert walk.seconds <= PAUSE_SECONDS + LAP_SECONDS + LEG_SECONDS * len(times)
    for count, stop in enumerate(walk.stops, 1):
        assert len(walk.reached(stop.seconds)) == count
        assert walk.position(stop.seconds) == stop.position
    assert walk.position(walk.seconds + 1000) == walk.stops[-1].position


def test_it_never_goes_back() -> None:
    walk, _, _ = walked(CLUSTERS[2], b"apple")
    positions = [walk.position(tenth / 10) for tenth in range(60)]
    assert positions == sorted(positions)
    assert positions[0] == walk.start


def test_on_a_classic_ring_it_meets_the_replicas_in_preference_order() -> None:
    """There the later replicas are those whose points follow."""
    names = ("A", "B", "C", "D")
    parts = tuple(
        replace(
            frozen.healthy().ranges[0],
            start=place / 4,
            stop=(place + 1) / 4,
            replicas=(replicas := tuple(names[(place + after) % 4] for after in range(3))),
            clean=replicas,
        )
        for place in range(4)
    )
    walk, _, holders = walked(replace(frozen.healthy(names), ranges=parts), b"apple")
    assert tuple(stop.node for stop in walk.stops) == holders


@pytest.mark.parametrize("key", [b"", b"apple"])
def test_without_nodes_or_without_a_key_there_is_no_walk(key: bytes) -> None:
    snapshot = frozen.healthy()
    picture = Picture().with_snapshot(frozen.empty() if key else snapshot)
    if key:
        picture = replace(picture, located=frozen.located(snapshot, key))
    assert walk_of(picture, arcs_of(picture.snapshot, View.ARCS, ""), CIRCLE) is None
