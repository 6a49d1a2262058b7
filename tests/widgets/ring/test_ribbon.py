import pytest

from kvtui.widgets.colour import RGB
from kvtui.widgets.ring.arcs import FRACTIONS, Arc
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.ribbon import Inks, Ribbon, ribbon
from kvtui.widgets.ring.samples import DEPTHS, STEPS

CIRCLE = Circle(60, 30, 26.0, 19.0)
COLOURS: dict[str, RGB] = {"A": (200, 0, 0), "B": (0, 200, 0), "C": (0, 0, 200)}
INKS = Inks(COLOURS.__getitem__, background=(0, 0, 0), empty=(30, 30, 30), bad=(255, 0, 255))


def drawn(*arcs: Arc) -> Ribbon:
    columns = ribbon(arcs, CIRCLE, INKS)
    assert len(columns) == STEPS
    assert {len(column) for column in columns} == {DEPTHS}
    return columns


def part_of(columns: Ribbon, colour: RGB) -> float:
    return sum(column.count(colour) for column in columns) / (len(columns) * DEPTHS)


def test_every_step_has_the_colour_of_its_arc_up_to_the_border() -> None:
    columns = drawn(Arc(0, 0.3, "A"), Arc(0.3, 0.9, "B"), Arc(0.9, 1, "C"))
    for step, column in enumerate(columns):
        position = (step + 0.5) / STEPS
        node = "A" if position < 0.3 else "B" if position < 0.9 else "C"
        assert column == (COLOURS[node],) * DEPTHS


def test_a_thousand_arcs_leave_no_step_without_a_colour() -> None:
    edges = [place / 1000 for place in range(1001)]
    columns = drawn(*(Arc(edges[place], edges[place + 1], "ABC"[place % 3]) for place in range(1000)))
    assert part_of(columns, INKS.empty) == 0


def test_without_arcs_the_band_is_empty() -> None:
    assert part_of(drawn(), INKS.empty) == 1


def test_a_hollow_arc_is_an_outline_closed_at_both_ends() -> None:
    columns = drawn(Arc(0, 0.5, "A", hollow=True), Arc(0.5, 1, "B"))
    middle = columns[STEPS // 4]
    assert middle[0] == middle[-1] == COLOURS["A"]
    assert middle[DEPTHS // 2] == INKS.background
    assert columns[0] == columns[STEPS // 2 - 1] == (COLOURS["A"],) * DEPTHS


def test_a_hollow_arc_in_a_thin_band_is_dimmed() -> None:
    thin = Circle(20, 10, 8.0, 6.0)
    column = ribbon([Arc(0, 1, "A", hollow=True)], thin, INKS)[7]
    assert len(set(column)) == 1
    assert column[0] not in (COLOURS["A"], INKS.background)


def test_the_receivers_stripes_grow_with_its_progress() -> None:
    shares = [
        part_of(drawn(Arc(0, 1, "A", gaining="C", filled=filled, handing_over=True)), COLOURS["C"])
        for filled in range(FRACTIONS + 1)
    ]
    assert shares == sorted(shares)
    assert 0.2 < shares[0] < 0.4
    assert 0.75 < shares[-1] < 1, "until it is handed over, the giver still serves"


def test_a_later_copy_that_moves_shows_at_the_inner_edge_alone() -> None:
    columns = drawn(Arc(0, 1, "A", gaining="C", filled=8))
    assert all(column[: DEPTHS // 2] == (COLOURS["A"],) * (DEPTHS // 2) for column in columns)
    assert 0 < part_of(columns, COLOURS["C"]) < 0.25


def test_lost_ranges_are_striped_in_the_colour_of_bad_news() -> None:
    assert part_of(drawn(Arc(0, 1, "A", lost=True)), INKS.bad) == pytest.approx(0.5, abs=0.05)


def test_what_waits_for_a_node_is_hollow_and_striped_what_is_lost_is_full_and_striped() -> None:
    """They differ without colours as well."""
    lost, waits = drawn(Arc(0, 1, "A", lost=True)), drawn(Arc(0, 1, "A", hollow=True, unserved=True))
    served = drawn(Arc(0, 1, "A", hollow=True, follower="B"))
    assert part_of(waits, INKS.bad) == pytest.approx(0.25, abs=0.05)
    assert part_of(waits, INKS.background) > 0.4
    for length in (0.004, 0.01, 0.02, 0.05):
        columns = drawn(
            Arc(0, 0.3, "B"), Arc(0.3, 0.3 + length, "A", hollow=True, unserved=True), Arc(0.3 + length, 1, "B")
        )
        assert part_of(columns, INKS.bad) > 0.05 * length, "however short it is, it is marked"
    assert part_of(lost, INKS.background) == 0
    assert part_of(served, INKS.bad) == 0


def test_a_dimmed_arc_is_near_the_background() -> None:
    column = drawn(Arc(0, 1, "A", dimmed=True))[0]
    assert sum(column[0]) < sum(COLOURS["A"]) / 2


def test_a_hollow_arc_has_the_colour_of_who_serves_it_at_its_inner_rim() -> None:
    columns = drawn(Arc(0, 1, "A", hollow=True, follower="B"))
    for column in columns[100:-100]:
        assert column[0] == COLOURS["A"]
        assert column[-1] == COLOURS["B"]
        assert INKS.background in column


def test_a_rim_reaches_as_far_as_it_has_come() -> None:
    columns = drawn(Arc(0, 1, "A", hollow=True, follower="B", reach=0.25))
    with_rim = [step for step, column in enumerate(columns) if COLOURS["B"] in column]
    assert with_rim
    assert max(with_rim) < STEPS // 4
    assert len(with_rim) > STEPS // 5


def test_neighbouring_hollow_arcs_of_one_node_are_one_outline() -> None:
    columns = drawn(
        Arc(0, 0.2, "A", hollow=True, follower="B"), Arc(0.2, 0.5, "A", hollow=True, follower="C"), Arc(0.5, 1, "B")
    )
    full = (COLOURS["A"],) * DEPTHS
    closed = [step for step, column in enumerate(columns) if column == full]
    assert closed
    assert all(step < STEPS * 0.05 or STEPS * 0.45 < step < STEPS * 0.5 for step in closed)


def test_a_ring_that_is_hollow_all_round_has_no_ends() -> None:
    full = (COLOURS["A"],) * DEPTHS
    assert full not in drawn(Arc(0, 1, "A", hollow=True))
    assert full not in drawn(Arc(0, 0.5, "A", hollow=True), Arc(0.5, 1, "A", hollow=True, follower="B"))


def test_a_later_copy_that_has_arrived_shows_at_the_inner_edge_all_along() -> None:
    columns = drawn(Arc(0, 1, "A", follower="C"))
    assert all(column[-1] == COLOURS["C"] and column[0] == COLOURS["A"] for column in columns)
