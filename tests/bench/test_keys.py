"""Which records are asked for, and how often."""

from collections import Counter
from random import Random

import pytest

from kvtui.bench.keys import THETA, Inserted, chooser, strewn, zeta, zipfian
from kvtui.bench.workloads import Keys

DRAWS = 40_000


def drawn(keys: Keys, loaded: int, inserted: Inserted | None = None) -> Counter[int]:
    draw = chooser(keys, loaded, inserted or Inserted(loaded), Random(7))
    return Counter(draw() for _ in range(DRAWS))


@pytest.mark.parametrize("count", [3, 100, 1_000, 1_001, 20_000])
def test_zeta_is_the_sum_whether_it_is_summed_or_integrated(count: int) -> None:
    assert zeta(count) == pytest.approx(sum(1 / i**THETA for i in range(1, count + 1)), rel=1e-8)


def test_zeta_of_ycsb() -> None:
    """The constant that YCSB has for ten billion items."""
    assert zeta(10_000_000_000) == pytest.approx(26.46902820178302, rel=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1_000, 100_000])
def test_zipfian_ranks_come_as_often_as_they_should(count: int) -> None:
    draw, whole = zipfian(count, Random(3)), zeta(count)
    found = Counter(draw() for _ in range(DRAWS))
    assert set(found) <= set(range(count))
    # The method is exact for the first two ranks; of the others it is right on the whole.
    for rank in range(min(2, count)):
        assert found[rank] / DRAWS == pytest.approx((rank + 1) ** -THETA / whole, abs=0.01)
    tenth = max(1, count // 10)
    expected = sum((rank + 1) ** -THETA for rank in range(tenth)) / whole
    assert sum(times for rank, times in found.items() if rank < tenth) / DRAWS == pytest.approx(expected, abs=0.03)


def test_popular_records_are_strewn_over_all_of_them() -> None:
    found = drawn(Keys.ZIPFIAN, 10_000)
    assert set(found) <= set(range(10_000))
    popular = [record for record, _ in found.most_common(20)]
    assert popular[0] == strewn(0, 10_000)
    assert max(popular) > 8_000
    assert min(popular) < 2_000
    assert not any(abs(one - other) == 1 for one in popular for other in popular)
    assert found[popular[0]] / DRAWS == pytest.approx(1 / zeta(10_000), abs=0.01)


def test_uniform_records_come_equally_often_inserted_ones_too() -> None:
    inserted = Inserted(50)
    for _ in range(50):
        inserted.end(inserted.begin())
    found = drawn(Keys.UNIFORM, 50, inserted)
    assert set(found) == set(range(100))
    assert max(found.values()) < 1.3 * DRAWS / 100


def test_the_latest_record_comes_most_often_and_older_ones_less() -> None:
    inserted = Inserted(1_000)
    inserted.end(inserted.begin())
    found = drawn(Keys.LATEST, 1_000, inserted)
    assert set(found) <= set(range(1, 1_001))
    assert [record for record, _ in found.most_common(3)] == [1_000, 999, 998]
    assert found[1_000] / DRAWS == pytest.approx(1 / zeta(1_000), abs=0.01)


def test_a_record_is_known_once_it_and_all_before_it_are_acknowledged() -> None:
    inserted = Inserted(10)
    first, second, third = inserted.begin(), inserted.begin(), inserted.begin()
    assert (first, second, third, inserted.newest, inserted.begun) == (10, 11, 12, 9, 13)
    inserted.end(second)
    assert inserted.newest == 9
    inserted.end(first)
    assert inserted.newest == 11
    inserted.end(third)
    assert inserted.newest == 12
    assert not inserted._ended
