"""Rates and latencies of puts and gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.meter import HISTORY, LATENCIES, Meter
from kvtui.core.snapshot import OperationView


def test_nothing_happened_yet() -> None:
    assert Meter().sample(1.0) == (OperationView(), OperationView())


def test_a_rate_is_keys_a_second_since_the_last_sample() -> None:
    meter = Meter()
    for _ in range(6):
        meter.put(1, 0.001)
    meter.get(90, 0.002)
    puts, gets = meter.sample(2.0)
    assert (puts.rate, gets.rate) == (3.0, 45.0)
    puts, gets = meter.sample(1.0)
    assert (puts.rate, gets.rate) == (0.0, 0.0)


def test_the_history_goes_from_old_to_new_and_ends() -> None:
    meter = Meter()
    for second in range(HISTORY + 5):
        meter.put(second + 1, 0.001)
        puts, gets = meter.sample(1.0)
    assert puts.history == tuple(float(second + 1) for second in range(5, HISTORY + 5))
    assert gets.history == ()


def test_an_idle_meter_settles_on_one_view() -> None:
    """An idle dashboard draws nothing: the view must come to rest as the same object."""
    meter = Meter()
    meter.put(1, 0.001)
    for _ in range(HISTORY + 2):
        rested = meter.sample(1.0)
    again = meter.sample(1.0)
    assert again[0] is rested[0]
    assert again[1] is rested[1]
    assert not any(rested[0].history)


def test_percentiles_are_of_the_newest_operations_in_milliseconds() -> None:
    meter = Meter()
    for _ in range(LATENCIES):
        meter.put(1, 9.0)
    for number in range(LATENCIES):
        meter.put(1, 0.001 if number % 50 else 0.5)
    puts, _ = meter.sample(1.0)
    assert puts.p50 == pytest.approx(1.0)
    assert puts.p99 == pytest.approx(500.0)


def test_one_operation_is_its_own_percentile() -> None:
    meter = Meter()
    meter.get(1, 0.004)
    _, gets = meter.sample(1.0)
    assert (gets.p50, gets.p99) == (4.0, 4.0)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50))
def test_percentiles_lie_among_the_latencies(latencies: list[float]) -> None:
    meter = Meter()
    for latency in latencies:
        meter.put(1, latency)
    puts, _ = meter.sample(1.0)
    low, high = min(latencies) * 1000, max(latencies) * 1000
    assert low - 1e-6 <= puts.p50 <= puts.p99 + 1e-6 <= high + 2e-6
