"""How many copies a write needs, and when a replica may leave the clean set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.limits import REPLICAS_MOST
from kvtui.core.quorum import may_shrink, write_quorum

replicas = st.integers(1, REPLICAS_MOST)


@pytest.mark.parametrize(("copies", "needed"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (8, 5)])
def test_a_write_needs_one_of_two_copies_and_else_a_majority(copies: int, needed: int) -> None:
    assert write_quorum(copies) == needed


@given(replicas)
def test_two_write_quorums_of_three_or_more_replicas_share_one(copies: int) -> None:
    assert write_quorum(copies) <= copies
    if copies >= 3:
        assert 2 * write_quorum(copies) > copies


@given(replicas)
def test_the_quorum_never_falls_when_replicas_are_added(copies: int) -> None:
    assert write_quorum(copies + 1) >= write_quorum(copies)


@given(replicas, st.data())
def test_a_clean_set_that_shrinks_keeps_the_quorum(copies: int, data: st.DataObject) -> None:
    clean = data.draw(st.integers(0, copies))
    if may_shrink(clean, copies):
        assert clean - 1 >= max(1, write_quorum(copies))
    else:
        assert clean - 1 < max(1, write_quorum(copies))


@given(replicas)
def test_the_last_clean_copy_never_leaves(copies: int) -> None:
    assert not may_shrink(1, copies)
    assert not may_shrink(0, copies)


def test_two_replicas_go_on_with_one_and_three_with_two() -> None:
    assert may_shrink(2, 2)
    assert may_shrink(3, 3)
    assert not may_shrink(2, 3)


@given(replicas, st.integers(0, REPLICAS_MOST), st.integers(0, REPLICAS_MOST))
def test_what_is_asked_for_bounds_a_clean_set(copies: int, clean: int, wanted: int) -> None:
    assert may_shrink(clean, copies, wanted) is (clean > max(1, write_quorum(copies, wanted)))


def test_two_replicas_of_which_both_are_asked_for_do_not_go_on_with_one() -> None:
    assert not may_shrink(2, 2, 2)
    assert may_shrink(3, 3, 1)
