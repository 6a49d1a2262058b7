"""Moves: exactly what differs between two tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.core.ring import Balanced, Classic, Move, Policy, Ring, moves
from tests.core.ring.histories import Change, changes, follow


@settings(deadline=None, max_examples=40)
@given(
    history=changes(12),
    replication=st.integers(1, 3),
    policy=st.sampled_from([Balanced(), Classic(4)]),
)
def test_the_moves_turn_one_table_into_the_other_and_name_nothing_else(
    history: list[Change], replication: int, policy: Policy
) -> None:
    ring = Ring.empty(policy, replication, 64)
    for change in history:
        after = follow(ring, change)
        table = list(ring.table)
        ends = -1
        last: tuple[object, object] | None = None
        for move in moves(ring.table, after.table):
            assert move.before != move.after
            assert ends <= move.start < move.stop
            assert ends != move.start or last != (move.before, move.after), "two moves that should be one"
            assert table[move.start : move.stop] == [move.before] * (move.stop - move.start)
            assert {*move.after} == {*move.before, *move.added} - {*move.removed}
            table[move.start : move.stop] = [move.after] * (move.stop - move.start)
            ends, last = move.stop, (move.before, move.after)
        assert tuple(table) == after.table
        ring = after


def test_equal_tables_have_no_moves() -> None:
    assert moves([("a",), ("b",)], [("a",), ("b",)]) == ()


def test_a_reordered_list_is_a_move_that_adds_and_removes_nothing() -> None:
    (move,) = moves([("a", "b")] * 3, [("a", "b"), ("b", "a"), ("b", "a")])
    assert move == Move(1, 3, ("a", "b"), ("b", "a"))
    assert (move.added, move.removed) == ((), ())


def test_a_move_names_who_comes_and_who_goes() -> None:
    (move,) = moves([("a", "b")], [("c", "a")])
    assert (move.added, move.removed) == (("c",), ("b",))


def test_tables_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="1 and 2 slots can't be compared"):
        moves([()], [(), ()])
