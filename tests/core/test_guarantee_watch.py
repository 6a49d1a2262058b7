"""What was begun in the background ends in one line; what is weaker is told, and that it is whole again."""

from dataclasses import replace

from kvtui.core.events import Level
from kvtui.core.guarantee_watch import GuaranteeWatch
from kvtui.core.happenings import Happenings
from kvtui.core.read_mode import ReadMode
from kvtui.core.seams.clock import LoopClock
from kvtui.core.snapshot import ClusterSnapshot, Progress
from tests.core.test_guarantee import WHOLE

ONE = replace(WHOLE, replication=1, copies_each=1, clean_copies=((1, 16_384),), copies=1)
TWO = replace(WHOLE, copies=2)


class Told(Happenings):
    def __init__(self) -> None:
        super().__init__(LoopClock())
        self.texts: list[str] = []

    def emit(self, level: Level, text: str, *nodes: str) -> None:
        self.texts.append(text)


def told(first: ClusterSnapshot, *pictures: ClusterSnapshot) -> list[str]:
    happenings = Told()
    watch = GuaranteeWatch(first, happenings)
    for picture in pictures:
        watch.look(picture)
    return happenings.texts


RISING = replace(ONE, replication=2, copies_each=2, clean_copies=((1, 16_000), (2, 384)), moving=Progress(384, 16_384))


def test_copies_that_have_risen_are_told_once() -> None:
    assert told(ONE, RISING, RISING, TWO, TWO) == ["every key is on 2 nodes now"]


def test_fewer_copies_that_were_asked_for_are_no_warning_and_their_end_is_told() -> None:
    falling = replace(TWO, replication=1, copies_each=1, clean_copies=((1, 384), (2, 16_000)))
    assert told(TWO, falling, ONE) == ["every key is on 1 node now"]


def test_a_join_that_moves_slots_has_an_end() -> None:
    joining = replace(TWO, moving=Progress(0, 5_461))
    assert told(TWO, joining, TWO) == ["every key is on 2 nodes now"]


def test_a_node_that_goes_and_comes_back_is_a_warning_and_one_end() -> None:
    away = replace(TWO, clean_copies=((1, 10_923), (2, 5_461)))
    assert told(TWO, away, TWO) == [
        "the guarantee is weaker now: 10,923 slots on 1 node only; no stale reads",
        "every key is on 2 nodes now",
    ]


def test_a_guarantee_that_is_whole_while_slots_still_move_is_told_as_that() -> None:
    away = replace(TWO, clean_copies=((1, 10_923), (2, 5_461)), moving=Progress(0, 100))
    whole = replace(TWO, moving=Progress(50, 100))
    assert told(TWO, away, whole, TWO)[1:] == [
        "the guarantee is whole again: every acknowledged write on 2 nodes; no stale reads",
        "every key is on 2 nodes now",
    ]


def test_what_waits_for_a_node_is_not_at_its_end() -> None:
    waiting = replace(ONE, unavailable=5_461, waits_for=("n2",))
    assert told(ONE, RISING, waiting)[1:] == []
    assert told(ONE, waiting, ONE)[1:] == ["every key is on 1 node now"]


def test_fewer_nodes_than_copies_are_named_beside_what_holds() -> None:
    two_of_three = replace(TWO, replication=3)
    assert told(ONE, replace(RISING, replication=3), two_of_three) == [
        "every key is on 2 nodes now (3 wanted: add nodes)"
    ]


def test_an_empty_ring_has_nothing_to_say() -> None:
    assert told(replace(ONE, copies=0), replace(RISING, copies=0), replace(TWO, copies=0)) == []


def test_another_kind_of_reads_is_neither_weaker_nor_whole_again() -> None:
    """It was told twice besides, once as each."""
    assert told(TWO, replace(TWO, reads=ReadMode.AVAILABLE), TWO) == []
