from kvtui.widgets.ring.circle import fit
from kvtui.widgets.ring.labels import Label, Placed, place
from kvtui.widgets.ring.samples import band_cells

CIRCLE = fit(62, 31, 8)
assert CIRCLE is not None
BAND = {(cell.x, cell.y) for cell in band_cells(CIRCLE)}


def placed(*labels: Label) -> tuple[Placed, ...]:
    assert CIRCLE is not None
    return place(labels, CIRCLE, BAND)


def cells(label: Placed) -> set[tuple[int, int]]:
    return {(x, label.y) for x in range(label.x, label.x + len(label.text))}


def test_a_mark_is_on_the_side_of_the_ring() -> None:
    left, right = placed(Label(0.75, "west", "w", "●"), Label(0.25, "east", "e", "●"))
    assert left.text == "west ●"
    assert right.text == "● east"
    assert left.x < 31 < right.x


def test_labels_touch_neither_band_nor_edge_nor_one_another() -> None:
    names = [Label(place / 24, f"n{place}", f"n{place}", "●") for place in range(24)]
    found = placed(*names)
    taken: set[tuple[int, int]] = set()
    for label in found:
        assert not cells(label) & BAND
        assert not cells(label) & taken
        assert all(0 <= x < 62 and 0 <= y < 31 for x, y in cells(label))
        taken |= cells(label)
    assert len(found) >= 20


def test_a_label_without_room_is_left_out_and_earlier_ones_stay() -> None:
    found = placed(Label(0.25, "first", "a"), *(Label(0.25, "x" * 7, "b") for _ in range(30)))
    assert found[0].label.text == "first"
    assert len(found) < 31
    assert placed(Label(0.25, "far too long for this side", "a")) == ()
