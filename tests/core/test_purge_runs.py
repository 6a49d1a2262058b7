"""Which slots are listed together when tombstones are looked for."""

from kvtui.core.catch_up import PAGE
from kvtui.core.purge import runs_of


def test_neighbours_with_tombstones_are_listed_together_up_to_a_page() -> None:
    third = PAGE // 3
    assert runs_of(5, [1, 1, 1, 1], [third] * 4) == [(5, 8), (8, 9)]


def test_slots_without_tombstones_are_not_listed() -> None:
    assert runs_of(0, [0, 2, 0, 1, 1, 0], [9, 9, 9, 9, 9, 9]) == [(1, 2), (3, 5)]
    assert runs_of(0, [0, 0], [9, 9]) == []


def test_a_slot_of_more_than_a_page_goes_alone() -> None:
    assert runs_of(0, [1, 1, 1], [1, 3 * PAGE, 1]) == [(0, 1), (1, 2), (2, 3)]
