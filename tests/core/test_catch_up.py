"""What makes one replica equal to another."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.catch_up import differences, differing
from kvtui.core.version import Version

versions = st.builds(Version, st.integers(0, 2), st.integers(1, 4))
replicas = st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d"]), versions)
digests = st.lists(st.integers(0, 2), max_size=12)


def carried_out(source: dict[bytes, Version], target: dict[bytes, Version]) -> dict[bytes, Version]:
    """The target after dropping and copying as nodes do: a drop at exactly its version, a copy only above what is there."""
    result = dict(target)
    difference = differences(source, target)
    for key, version in difference.drops:
        if result.get(key) == version:
            del result[key]
    for key in difference.copies:
        if key not in result or source[key] > result[key]:
            result[key] = source[key]
    return result


@given(replicas, replicas)
def test_the_target_becomes_equal_to_the_source(source: dict[bytes, Version], target: dict[bytes, Version]) -> None:
    assert carried_out(source, target) == source


@given(replicas)
def test_equal_replicas_differ_in_nothing(replica: dict[bytes, Version]) -> None:
    assert differences(replica, dict(replica)) == ([], [])


@given(replicas, replicas)
def test_no_more_is_sent_than_differs(source: dict[bytes, Version], target: dict[bytes, Version]) -> None:
    difference = differences(source, target)
    assert all(target.get(key) != source[key] for key in difference.copies)
    assert all(target[key] == version and source.get(key) != version for key, version in difference.drops)
    assert len(set(difference.copies)) == len(difference.copies)


@pytest.mark.parametrize(
    ("source", "target", "copies", "drops"),
    [
        ({b"a": Version(1, 2)}, {}, [b"a"], []),
        ({b"a": Version(1, 2)}, {b"a": Version(1, 1)}, [b"a"], []),
        ({}, {b"a": Version(1, 9)}, [], [(b"a", Version(1, 9))]),
        ({b"a": Version(1, 2)}, {b"a": Version(1, 9)}, [b"a"], [(b"a", Version(1, 9))]),
        ({b"a": Version(2, 1)}, {b"a": Version(1, 9)}, [b"a"], []),
    ],
    ids=["lacks it", "has it older", "has what the source dropped", "has what was never acknowledged", "older epoch"],
)
def test_what_the_source_has_is_right(
    source: dict[bytes, Version],
    target: dict[bytes, Version],
    copies: list[bytes],
    drops: list[tuple[bytes, Version]],
) -> None:
    assert differences(source, target) == (copies, drops)


def test_a_write_that_reached_both_after_the_target_was_listed_is_not_dropped() -> None:
    """The target is listed first: what is new at the source only was written meanwhile, and copying it does no harm."""
    assert differences({b"a": Version(1, 5)}, {b"a": Version(1, 4)}).drops == []


@given(st.integers(0, 100), digests)
def test_slots_that_differ_are_named_in_runs(start: int, one: list[int]) -> None:
    other = [digest if place % 3 else digest + 1 for place, digest in enumerate(one)]
    runs = differing(start, one, other)
    named = [slot for low, high in runs for slot in range(low, high)]
    assert named == [start + place for place in range(len(one)) if place % 3 == 0]


@given(digests, st.data())
def test_runs_are_maximal_and_in_order(one: list[int], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.integers(0, 2), min_size=len(one), max_size=len(one)))
    runs = differing(0, one, other)
    assert all(low < high for low, high in runs)
    assert all(before[1] < after[0] for before, after in pairwise(runs))
    named = {slot for low, high in runs for slot in range(low, high)}
    assert named == {slot for slot in range(len(one)) if one[slot] != other[slot]}


def test_digests_of_different_lengths_are_no_answer() -> None:
    with pytest.raises(ValueError, match="zip"):
        differing(0, [1, 2], [1])
