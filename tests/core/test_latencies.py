"""Percentiles of the last seconds."""

from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.latencies import NONE, WAITING_MOST, WINDOW_SECONDS, Latencies, Percentiles


def test_nothing_noted_is_nothing_told() -> None:
    latencies = Latencies()
    assert latencies.turn() is NONE
    assert latencies.quiet


def test_one_latency_is_all_its_percentiles() -> None:
    latencies = Latencies()
    latencies.note(0.004)
    told = latencies.turn()
    assert told.longest == 4.0
    assert (told.p50, told.p99, told.p999) == pytest.approx((4.0, 4.0, 4.0), rel=0.01)


@given(st.lists(st.floats(1e-5, 10), min_size=2, max_size=400))
def test_percentiles_err_by_a_hundredth(seconds: list[float]) -> None:
    latencies = Latencies()
    for latency in seconds:
        latencies.note(latency)
    told = latencies.turn()
    ordered = sorted(1000 * latency for latency in seconds)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    assert low * 0.985 - 0.001 <= told.p50 <= high * 1.015 + 0.001
    assert told.p50 <= told.p99 <= told.p999 <= told.longest
    assert told.longest == pytest.approx(ordered[-1], rel=0.001, abs=0.001)


def test_a_tail_is_seen_that_an_average_hides() -> None:
    latencies = Latencies()
    for number in range(10_000):
        latencies.note(0.25 if number % 500 == 0 else 0.001)
    told = latencies.turn()
    assert told.p50 == pytest.approx(1.0, rel=0.01)
    assert told.p99 == pytest.approx(1.0, rel=0.01)
    assert told.p999 == pytest.approx(250.0, rel=0.01)


def test_the_last_ten_seconds_count_alike_and_older_ones_not_at_all() -> None:
    latencies = Latencies()
    for second in range(30):
        for _ in range(100):
            latencies.note((second + 1) / 1000)
        told = latencies.turn()
    last = [float(second + 1) for second in range(20, 30) for _ in range(100)]
    assert told.p50 == pytest.approx(quantiles(last, n=100)[49], abs=1.2)
    assert told.longest == 30.0
    for _ in range(WINDOW_SECONDS - 1):
        told = latencies.turn()
    assert told.longest == 30.0
    assert latencies.turn() == NONE


def test_coarse_parts_forget_within_twice_their_time() -> None:
    latencies = Latencies(parts=2, turns=5)
    latencies.note(0.007)
    told = [latencies.turn().longest for _ in range(11)]
    assert told == [7.0] * 10 + [0.0]


def test_a_percentile_comes_to_rest_as_the_same_object() -> None:
    """An idle dashboard draws nothing."""
    latencies = Latencies()
    latencies.note(0.001)
    for _ in range(2 * WINDOW_SECONDS):
        rested = latencies.turn()
    assert latencies.turn() is rested
    assert latencies.quiet


def test_what_waits_is_bounded() -> None:
    latencies = Latencies()
    for _ in range(WAITING_MOST + 10):
        latencies.note(0.001)
    assert len(latencies._waiting) == WAITING_MOST
    assert isinstance(latencies.turn(), Percentiles)
    assert not latencies._waiting
