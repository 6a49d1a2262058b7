"""Rates and latencies of puts and gets."""

import pytest

from kvtui.core.meter import HISTORY, Meter
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


def test_percentiles_are_in_milliseconds_and_the_longest_is_told() -> None:
    meter = Meter()
    for number in range(1000):
        meter.put(1, 0.5 if number >= 985 else 0.001)
    meter.put(1, 2.0)
    puts, _ = meter.sample(1.0)
    assert puts.p50 == pytest.approx(1.0, rel=0.01)
    assert puts.p99 == pytest.approx(500.0, rel=0.01)
    assert puts.longest == 2000.0


def test_the_time_of_a_batch_says_nothing_of_one_operation() -> None:
    meter = Meter()
    meter.put(500, 3.0)
    puts, _ = meter.sample(1.0)
    assert (puts.rate, puts.p99, puts.longest) == (500.0, 0.0, 0.0)


def test_latencies_are_gone_when_nothing_happened_for_ten_seconds() -> None:
    meter = Meter()
    meter.get(1, 0.004)
    seen = [meter.sample(1.0)[1].p99 for _ in range(12)]
    assert all(seen[:10])
    assert seen[10:] == [0.0, 0.0]
