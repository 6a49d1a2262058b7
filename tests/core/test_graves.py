"""Which tombstones may go, as placement and copies tell; and when it is looked."""

import pytest

from kvtui.core.graves import FRESH, RIPE, Graves, eligible, purgeable
from kvtui.core.placement import Placement
from kvtui.core.protocol import Entry
from kvtui.core.version import NEVER, Version

AB = Placement(("A", "B"), ("A", "B"))
DEAD = Entry("k", Version(1, 7), -1)
OLDER = Entry("k", Version(1, 3), -1)
LIVE = Entry("k", Version(1, 7), 3)
NOTHING = Entry("k", NEVER, -1)


def test_a_slot_at_rest_with_every_copy_clean_may_be_purged() -> None:
    assert eligible(AB, ("A", "B"))


@pytest.mark.parametrize(
    ("place", "target"),
    [
        (Placement(), ()),
        (AB._replace(clean=("A",)), ("A", "B")),
        (AB._replace(garbage=("C",)), ("A", "B")),
        (AB._replace(receiving=("C",), target=("A", "C")), ("A", "C")),
        (AB, ("A", "C")),
    ],
    ids=["empty", "one is behind", "someone holds garbage", "moving", "about to move"],
)
def test_no_tombstone_goes_while_anybody_else_may_need_it(place: Placement, target: tuple[str, ...]) -> None:
    assert not eligible(place, target)


def test_a_tombstone_goes_at_the_version_that_all_have() -> None:
    assert purgeable([DEAD, DEAD]) == Version(1, 7)
    assert purgeable([DEAD, NOTHING]) == Version(1, 7)


@pytest.mark.parametrize("copies", [[DEAD, OLDER], [DEAD, LIVE], [LIVE, LIVE], [NOTHING, NOTHING]])
def test_nothing_goes_that_differs_or_lives(copies: list[Entry]) -> None:
    assert purgeable(copies) is None


def test_a_grave_is_looked_at_once_it_is_ripe_and_again_after_the_next_burial() -> None:
    graves = Graves(4)
    assert graves.ripen()
    assert not graves.ripen()
    graves.looked(0, 4)
    graves.bury(2)
    assert graves.marks == bytes([0, 0, FRESH, 0])
    assert graves.ripen()
    graves.bury(2)
    assert graves.marks[2] == RIPE


def test_an_empty_value_is_no_tombstone() -> None:
    empty = Entry("k", Version(1, 7), 0)
    assert purgeable([empty, empty]) is None
    assert purgeable([DEAD, empty]) is None
