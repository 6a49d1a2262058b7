import pytest

from kvtui.widgets.ring.circle import fit
from kvtui.widgets.ring.dots import FULL, Dust, dust, spread, strewn
from kvtui.widgets.ring.samples import band_cells
from tests.widgets.frozen import density_of

CIRCLE = fit(62, 31, 4)
assert CIRCLE is not None


def dots(bits: dict[tuple[int, int], int]) -> int:
    return sum(bin(cell).count("1") for cell in bits.values())


@pytest.fixture(scope="module")
def places() -> Dust:
    assert CIRCLE is not None
    return dust(CIRCLE)


@pytest.mark.parametrize("keys", [1, 5, 40])
def test_few_keys_have_a_dot_each(places: Dust, keys: int) -> None:
    assert dots(strewn(density_of(keys), places)) == keys


def test_many_keys_are_thinned_to_a_part_of_the_places(places: Dust) -> None:
    room = sum(len(part) for part in places.parts)
    for keys in (100_000, 10_000_000):
        density = [keys // 256] * 256
        assert dots(strewn(density, places)) < (FULL + 0.1) * room


def test_an_empty_part_of_the_ring_stays_empty_and_a_single_key_is_seen(places: Dust) -> None:
    density = [100_000] * 128 + [0] * 127 + [1]
    assert CIRCLE is not None
    bits = strewn(density, places)
    left = [(x, y) for x, y in bits if x < CIRCLE.columns // 2 - 1]
    assert dots({place: bits[place] for place in left}) == 1


def test_dots_stay_off_the_band(places: Dust) -> None:
    assert CIRCLE is not None
    band = {(cell.x, cell.y) for cell in band_cells(CIRCLE)}
    assert not any((x, y) in band for part in places.parts for x, y, _ in part)


@pytest.mark.parametrize("parts", [1, 7, 64, 256, 1000])
def test_recounting_keeps_the_sum(parts: int) -> None:
    assert sum(spread(density_of(777), parts)) == pytest.approx(777)


def test_no_density_has_no_dots(places: Dust) -> None:
    assert strewn((), places) == {}
    assert strewn((0,) * 64, places) == {}
