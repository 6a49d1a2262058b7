"""The pace of a move, and when it is done."""

import pytest

from kvtui.core.pace import LEAST_SECONDS, SAMPLES, WINDOW_SECONDS, Pace, Paced, Sample, pace


def steady(rate: float, seconds: int, start: float = 100.0) -> list[Sample]:
    return [Sample(start + second, round(rate * second)) for second in range(seconds + 1)]


def test_a_steady_move_has_its_rate_and_an_end() -> None:
    assert pace(steady(10, 5), 100, 105.0) == pytest.approx(Pace(10.0, 5.0))


def test_nothing_seen_yet_tells_nothing() -> None:
    assert pace([], 100, 5.0) == Pace()
    assert pace([Sample(5.0, 0)], 100, 5.0) == Pace()
    assert pace([Sample(5.0, 0), Sample(5.1, 50)], 100, 5.0 + LEAST_SECONDS / 2) == Pace()


def test_the_pace_is_that_of_the_last_seconds() -> None:
    slow = steady(1, 60)
    fast = [Sample(slow[-1].at + second, slow[-1].done + 50 * second) for second in range(1, int(WINDOW_SECONDS) + 1)]
    told = pace(slow + fast, 2000, fast[-1].at)
    assert told.rate == pytest.approx(50.0)
    assert told.left == pytest.approx((2000 - fast[-1].done) / 50)


def test_a_move_that_stalls_slows_down_and_then_has_no_end_in_sight() -> None:
    samples = steady(10, 5)
    rates = [pace(samples, 100, 105.0 + waited).rate for waited in range(0, 20, 2)]
    assert rates == sorted(rates, reverse=True)
    assert pace(samples, 100, 105.0 + WINDOW_SECONDS) == Pace(0.0, None)


def test_what_is_done_needs_no_time() -> None:
    assert pace(steady(10, 10), 100, 110.0).left == 0


def test_another_move_begins_anew() -> None:
    paced = Paced()
    for second in range(6):
        told = paced.at(float(second), 100 * second, 1000)
    assert told.rate == pytest.approx(100.0)
    assert paced.at(6.0, 0, 50) == Pace()
    assert paced.at(8.0, 4, 50).rate == pytest.approx(2.0)


def test_samples_are_bounded() -> None:
    paced = Paced()
    for number in range(3 * SAMPLES):
        paced.at(number / 100, number, 10_000)
    assert len(paced._samples) == SAMPLES
    assert paced.at(3 * SAMPLES / 100, 3 * SAMPLES, 10_000).rate == pytest.approx(100.0, rel=0.05)


def test_a_move_that_goes_on_after_a_pause_is_not_slow_for_it() -> None:
    assert pace([Sample(0.0, 0), Sample(100.0, 50)], 100, 101.0).rate == pytest.approx(50 / WINDOW_SECONDS)
