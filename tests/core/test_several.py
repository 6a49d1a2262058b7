"""Which keys of a get_many are read next, and which answers have room."""

import pytest

from kvtui.core.cluster import Outcome, Read
from kvtui.core.protocol import BATCH_BYTES, INLINE_BYTES
from kvtui.core.several import PAGE, SINGLY_AT_ONCE, UNKNOWN_AT_ONCE, Several, first_that_fit
from kvtui.core.version import Version

KEYS = [b"%d" % number for number in range(200)]


def answered(length: int | None) -> Read:
    return Read(Outcome.OK, None if length is None else b"v" * length, Version(1, 1))


def test_pages_hold_what_comes_whole_in_one_reply() -> None:
    several = Several(KEYS)
    assert [len(page) for page in several.pages([b"%d" % number for number in range(2 * PAGE + 1)])] == [PAGE, PAGE, 1]
    for key in KEYS:
        several.leave_out(key, INLINE_BYTES)
    assert {len(page) for page in several.pages(KEYS)} == {BATCH_BYTES // (INLINE_BYTES + 3), 2}


def test_what_is_long_or_answered_is_not_asked_for_together_again() -> None:
    several = Several([b"a", b"b", b"c", b"d", b"a"])
    several.answer(b"a", answered(1))
    several.leave_out(b"b", INLINE_BYTES)
    several.leave_out(b"c", INLINE_BYTES + 1)
    assert several.small_ones() == [b"b", b"d"]
    assert several.known == 3
    assert list(several.one_by_one()) == [[b"b", b"c", b"d"]]


def test_without_a_limit_many_are_read_one_by_one_at_the_same_time() -> None:
    several = Several(KEYS)
    assert [len(some) for some in several.one_by_one()] == [SINGLY_AT_ONCE] * 3 + [len(KEYS) - 3 * SINGLY_AT_ONCE]


def read_all(several: Several, length: int) -> list[int]:
    """How many were read one by one in each round."""
    rounds = []
    for some in several.one_by_one():
        rounds.append(len(some))
        for key in some:
            several.answer(key, answered(length))
    return rounds


@pytest.mark.parametrize(
    ("length", "rounds", "answers"),
    [(10, [10], 10), (100, [1], 1), (101, [1], 1), (34, [2], 2), (0, [64, 64, 64, 8], 200)],
)
def test_of_values_whose_length_is_known_no_more_are_read_than_have_room(
    length: int, rounds: list[int], answers: int
) -> None:
    several = Several(KEYS, room=100)
    for key in KEYS:
        several.leave_out(key, length)
    several.cut()
    assert read_all(several, length) == rounds
    assert len(several.in_order()) == answers


def test_of_values_of_which_nothing_is_known_few_are_read_at_once() -> None:
    several = Several(KEYS, room=100)
    assert read_all(several, 30) == [UNKNOWN_AT_ONCE]
    assert len(several.in_order()) == 3
    several = Several(KEYS, room=100)
    assert read_all(several, 1) == [UNKNOWN_AT_ONCE] * 26
    assert len(several.in_order()) == 100


def test_answers_come_in_order_and_as_often_as_they_were_asked_for() -> None:
    several = Several([b"a", b"b", b"a"])
    several.answer(b"b", answered(2))
    several.answer(b"a", answered(1))
    assert [len(read.value or b"") for read in several.in_order()] == [1, 2, 1]


def test_the_first_answers_that_fit_are_one_at_least() -> None:
    assert first_that_fit([], 5) == []
    assert first_that_fit([answered(9), answered(1)], 5) == [answered(9)]
    assert first_that_fit([answered(2), answered(None), answered(3), answered(1)], 5) == [
        answered(2),
        answered(None),
        answered(3),
    ]


def test_with_room_answers_are_those_of_the_first_keys_as_far_as_all_of_them_are_known() -> None:
    """An answer that is known is no other key's: one gap ends them, whatever is known behind it."""
    several = Several([b"a", b"b", b"c"], room=100)
    several.answer(b"a", answered(1))
    several.answer(b"c", answered(3))
    assert [len(read.value or b"") for read in several.in_order()] == [1]
    several.answer(b"b", answered(None))
    assert [read.value and len(read.value) for read in several.in_order()] == [1, None, 3]
