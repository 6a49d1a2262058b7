"""Lists cut to what one request may carry."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.batches import batches
from kvtui.core.protocol import BATCH_BYTES, BATCH_ENTRIES

weights = st.lists(
    st.sampled_from([0, 1, 1000, BATCH_BYTES // 3, BATCH_BYTES // 2, BATCH_BYTES, BATCH_BYTES + 1]), max_size=30
)


def weigh(item: int) -> int:
    return item


@given(weights, st.integers(1, 5))
def test_everything_is_in_one_batch_and_in_its_order(items: list[int], most: int) -> None:
    assert [item for batch in batches(items, weigh, most) for item in batch] == items


@given(weights, st.integers(1, 5))
def test_no_batch_is_above_a_limit_unless_it_is_one_item(items: list[int], most: int) -> None:
    for batch in batches(items, weigh, most):
        assert 1 <= len(batch) <= most
        assert sum(batch) <= BATCH_BYTES or len(batch) == 1


@given(weights, st.integers(1, 5))
def test_no_batch_ends_before_it_must(items: list[int], most: int) -> None:
    cut = list(batches(items, weigh, most))
    for batch, following in pairwise(cut):
        assert len(batch) == most or sum(batch) + following[0] > BATCH_BYTES


def test_the_wire_s_own_limit_holds_when_none_is_named() -> None:
    assert [len(batch) for batch in batches([0] * (BATCH_ENTRIES + 1), weigh)] == [BATCH_ENTRIES, 1]
