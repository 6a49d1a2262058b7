"""Percentiles, and what coordinated omission left out of them."""

import sys
from collections import Counter

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.bench.histogram import (
    ERROR,
    LONGEST,
    MISSING_MOST,
    HdrCounts,
    Histogram,
    SketchCounts,
    counting,
    missing,
)
from kvtui.bench.tally import Tally
from kvtui.bench.view import NOTHING
from kvtui.bench.workloads import Op
from kvtui.core.cluster import Outcome

both = pytest.mark.parametrize("kind", [HdrCounts, SketchCounts])


@both
def test_percentiles_are_right_to_three_digits(kind: type[Histogram]) -> None:
    histogram = kind()
    for microseconds in range(1, 100_001):
        histogram.add(microseconds)
    found = histogram.percentiles()
    assert found.p50 == pytest.approx(50.0, rel=1e-3)
    assert found.p90 == pytest.approx(90.0, rel=1e-3)
    assert found.p99 == pytest.approx(99.0, rel=1e-3)
    assert found.p999 == pytest.approx(99.9, rel=1e-3)
    assert found.longest == pytest.approx(100.0, rel=1e-3)


@both
@given(
    counts=st.dictionaries(st.integers(1, LONGEST), st.integers(1, 9), min_size=1, max_size=60),
    percentile=st.sampled_from([0.1, 50.0, 90.0, 99.0, 99.9, 100.0]),
    apart=st.integers(0, 60),
)
def test_a_percentile_errs_by_what_the_result_says(
    kind: type[Histogram], counts: dict[int, int], percentile: float, apart: int
) -> None:
    """As counted in two parts that are put together, the first of which goes on being one of its own."""
    parts = [kind(), kind()]
    for place, (latency, times) in enumerate(counts.items()):
        parts[place >= apart].add(latency, times)
    whole = kind()
    whole.merge(parts[0])
    whole.merge(parts[1])
    parts[0].add(LONGEST, 5)
    ordered = sorted(Counter(counts).elements())
    exact = ordered[max(1, int(percentile / 100 * len(ordered) + 0.5)) - 1]
    assert whole.count == len(ordered)
    assert f"within {100 * ERROR:g} %" in kind.words
    assert whole.at(percentile) == pytest.approx(exact, rel=1.01 * ERROR)


@both
def test_nothing_has_no_percentiles(kind: type[Histogram]) -> None:
    assert kind().percentiles() == NOTHING
    assert kind().median == 0


@both
def test_what_is_beyond_the_ends_counts_as_the_ends(kind: type[Histogram]) -> None:
    histogram = kind()
    histogram.add(0, 3)
    histogram.add(10 * LONGEST)
    found = histogram.percentiles()
    assert found.p50 == pytest.approx(0.001, rel=1.01 * ERROR)
    assert found.longest == pytest.approx(LONGEST / 1000, rel=1e-3)


def test_sketches_count_where_the_other_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counting() is HdrCounts
    monkeypatch.setitem(sys.modules, "hdrh.histogram", None)
    assert counting() is SketchCounts
    assert "DDSketch" in counting().words


def test_an_operation_of_five_intervals_kept_four_others_from_being_begun() -> None:
    assert Counter(dict(missing({5_000: 1}, 1_000))) == {1_000: 1, 2_000: 1, 3_000: 1, 4_000: 1}
    assert dict(missing({5_000: 2, 3_000: 1, 1_999: 50}, 1_000)) == {1_000: 3, 2_000: 3, 3_000: 2, 4_000: 2}


@pytest.mark.parametrize("interval", [0, -5])
def test_without_an_interval_nothing_is_missing(interval: int) -> None:
    assert list(missing({5_000: 1}, interval)) == []


def test_what_is_missing_has_a_limit() -> None:
    assert len(list(missing({LONGEST: 1}, 1))) == MISSING_MOST - 1


def seen(pause: int, *, on_time: bool = False, kind: type[Histogram] = HdrCounts) -> Tally:
    """Ten clients of a store that answers within a millisecond, and once paused for so many."""
    tally = Tally([Op.READ], on_time=on_time, histogram=kind)
    noted = tally.noted[Op.READ]
    noted.due[1_000] += 10_000
    noted.due[pause * 1_000] += 10
    anyio.run(tally.fold, 1.0)
    return tally


@both
def test_a_pause_shows_in_the_99th_percentile_with_the_correction_and_not_without(kind: type[Histogram]) -> None:
    tally = seen(500, kind=kind)
    assert tally.interval == pytest.approx(1_000, rel=1e-3)
    (reads,) = tally.ops
    assert reads.uncorrected.p99 == pytest.approx(1.0, rel=1e-2)
    # Of 1,000 moments of each client's first second and a half, 500 lay within the pause.
    assert reads.latency.p50 == pytest.approx(1.0, rel=1e-2)
    assert reads.latency.p99 > 450
    assert (tally.whole, tally.measured) == (reads.latency, reads.uncorrected)


def test_operations_with_a_time_of_their_own_are_not_corrected_twice() -> None:
    tally = seen(500, on_time=True)
    assert tally.interval == 0
    assert tally.ops[0].latency.p99 == pytest.approx(1.0, rel=1e-2)


def test_without_a_pause_the_correction_changes_nothing() -> None:
    (reads,) = seen(1).ops
    assert reads.latency == reads.uncorrected


def test_a_fold_counts_ends_and_tells_the_second() -> None:
    tally = Tally([Op.READ, Op.UPDATE], on_time=False)
    tally.noted[Op.READ].due[2_000] += 90
    tally.noted[Op.READ].absent += 1
    tally.noted[Op.UPDATE].due[4_000] += 10
    tally.noted[Op.UPDATE].bad.update({Outcome.FAILED: 2, Outcome.UNKNOWN: 1})
    anyio.run(tally.fold, 0.5)
    reads, updates = (one.ends for one in tally.ops)
    assert (reads.ok, reads.absent, reads.good) == (90, 1, False)
    assert (updates.ok, updates.failed, updates.unknown, updates.all) == (7, 2, 1, 10)
    (second,) = tally.seconds
    assert (second.rate, second.bad) == (194.0, 3)
    assert second.longest == pytest.approx(4.0, rel=1e-2)
    assert not tally.noted[Op.READ].due
