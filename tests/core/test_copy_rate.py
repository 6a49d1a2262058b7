"""The rate of copying: of the last moves, measured only when they took long enough."""

from dataclasses import dataclass

import pytest

from kvtui.core.copy_rate import CopyRate
from kvtui.core.seams.clock import LoopClock


@dataclass
class HandClock(LoopClock):
    """Stands still until it is moved on."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


def test_keys_are_counted_over_the_time_that_they_took() -> None:
    clock = HandClock()
    rate = CopyRate(clock)
    for _ in range(11):
        rate.copied(500)
        clock.now += 0.1
    assert rate.keys_per_second == pytest.approx(5_000)


def test_a_burst_too_short_to_tell_anything_is_no_measurement() -> None:
    clock = HandClock()
    rate = CopyRate(clock)
    rate.copied(1_000_000)
    clock.now += 0.01
    rate.copied(1_000_000)
    assert rate.keys_per_second is None


def test_after_a_pause_it_is_measured_anew_and_until_then_the_last_rate_stays() -> None:
    clock = HandClock()
    rate = CopyRate(clock)
    for _ in range(11):
        rate.copied(500)
        clock.now += 0.1
    clock.now += 3600
    rate.copied(10)
    assert rate.keys_per_second == pytest.approx(5_000)
    clock.now += 1.0
    rate.copied(10)
    assert rate.keys_per_second == pytest.approx(10)


@pytest.mark.parametrize(
    ("known", "limit", "rate"), [(None, 0, None), (None, 100, 100), (5.0, 0, 5), (5.0, 100, 5), (500.0, 100, 100)]
)
def test_a_limit_bounds_what_is_to_be_expected(known: float | None, limit: int, rate: float | None) -> None:
    copying = CopyRate(HandClock())
    copying.keys_per_second = known
    assert copying.at_most(limit) == rate
