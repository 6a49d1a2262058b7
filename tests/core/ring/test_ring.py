"""The ring as a value: what follows from what, lookups, ranges, records, refusals."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.core.ring import Balanced, Classic, Policy, Ring, RingRecord, slot_of, token_of
from tests.core.ring.histories import Change, changes, follow

POLICIES = st.sampled_from([Balanced(), Classic(4)])
SETTINGS = settings(deadline=None, max_examples=40)


def grown(history: list[Change], policy: Policy, replication: int, slots: int = 64) -> Ring:
    ring = Ring.empty(policy, replication, slots)
    for change in history:
        ring = follow(ring, change)
    return ring


@SETTINGS
@given(history=changes(15), policy=POLICIES, replication=st.integers(1, 3))
def test_replicas_of_a_slot_are_distinct_nodes_of_the_ring(
    history: list[Change], policy: Policy, replication: int
) -> None:
    ring = grown(history, policy, replication)
    wanted = min(ring.replication, len(ring.weights))
    assert len(ring.table) == ring.slots
    assert all(len(row) == len(set(row)) == wanted and set(row) <= set(ring.weights) for row in ring.table)


@SETTINGS
@given(history=changes(15), policy=POLICIES, replication=st.integers(1, 3))
def test_the_same_history_gives_the_same_ring(history: list[Change], policy: Policy, replication: int) -> None:
    first, second = (grown(history, policy, replication) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first.table == second.table


HISTORY = """
from kvtui.core.ring import Balanced, Ring, token_of
import msgspec
ring = Ring.empty(Balanced(), 2, 1024)
for index in range(14):
    ring = ring.join(f"node-{index}", index % 4 + 1)
ring = ring.leave("node-3").leave("node-8").replicate(3).reweigh("node-5", 7).replicate(2).join("late")
print(token_of(msgspec.json.encode(ring.to_record())))
"""


def test_the_same_history_gives_the_same_table_in_processes_that_hash_differently() -> None:
    def run(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", HISTORY]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()

    first, second = run("1"), run("2")
    assert first.isdigit()
    assert first == second


@SETTINGS
@given(history=changes(12), policy=POLICIES, replication=st.integers(1, 3), change=changes(1))
def test_a_ring_goes_through_its_record_and_continues_alike(
    history: list[Change], policy: Policy, replication: int, change: list[Change]
) -> None:
    ring = grown(history, policy, replication)
    text = msgspec.json.encode(ring.to_record())
    back = Ring.from_record(msgspec.json.decode(text, type=RingRecord))
    assert back == ring
    assert [follow(back, step) for step in change] == [follow(ring, step) for step in change]


def test_a_record_is_compact() -> None:
    ring = Ring.empty(Balanced(), 2)
    for index in range(5):
        ring = ring.join(f"n{index}")
    assert len(msgspec.json.encode(ring.to_record())) < 4096


def test_a_key_is_held_by_the_replicas_of_its_slot() -> None:
    ring = Ring.empty(Balanced(), 2, 8).join("a").join("b").join("c")
    for number in range(200):
        key = str(number).encode()
        assert ring.replicas(key) == ring.table[slot_of(token_of(key), 8)]
    assert Ring.empty(Balanced(), 2).replicas(b"key") == ()


@SETTINGS
@given(history=changes(12), policy=POLICIES, replication=st.integers(1, 3))
def test_ranges_cover_the_table_in_order_and_are_as_long_as_can_be(
    history: list[Change], policy: Policy, replication: int
) -> None:
    ring = grown(history, policy, replication)
    ranges = ring.ranges()
    assert [row for part in ranges for row in [part.replicas] * (part.stop - part.start)] == list(ring.table)
    assert ranges[0].start == 0
    for left, right in itertools.pairwise(ranges):
        assert left.stop == right.start
        assert left.replicas != right.replicas


def test_with_fewer_nodes_than_replicas_every_node_holds_every_slot() -> None:
    ring = Ring.empty(Balanced(), 3, 8).join("a").join("b")
    assert ring.replication == 3
    assert all(set(row) == {"a", "b"} for row in ring.table)


def test_weights_are_in_join_order_and_can_not_be_written() -> None:
    ring = Ring.empty(Balanced(), 1, 8).join("z", 2).join("a").reweigh("z", 3)
    assert list(ring.weights.items()) == [("z", 3), ("a", 1)]
    with pytest.raises(TypeError):
        ring.weights["z"] = 1  # type: ignore[index]


def test_a_ring_can_not_be_changed() -> None:
    ring = Ring.empty(Balanced(), 1, 8)
    with pytest.raises(AttributeError, match="can't be changed"):
        ring.replication = 2
    with pytest.raises(AttributeError, match="can't be changed"):
        del ring.table


def test_rings_that_differ_in_anything_are_not_equal() -> None:
    ring = Ring.empty(Balanced(), 1, 8).join("a").join("b")
    assert ring != Ring.empty(Balanced(), 1, 8).join("b").join("a")
    assert ring != ring.reweigh("a", 2)
    assert Ring.empty(Balanced(), 1, 8).join("a", 1) != Ring.empty(Balanced(), 1, 8).join("a", 2)
    assert ring != Ring.empty(Balanced(), 2, 8).join("a").join("b")
    assert Ring.empty(Classic(1), 1, 8) != Ring.empty(Classic(2), 1, 8)
    assert ring != "ring"


def test_what_makes_no_sense_is_refused_in_a_clear_sentence() -> None:
    ring = Ring.empty(Balanced(), 2, 8).join("a")
    refusals: dict[str, Callable[[], object]] = {
        "node a is already in the ring": lambda: ring.join("a"),
        "a node needs an id that is not empty": lambda: ring.join(""),
        "node b can't have a weight of 0; the least is 1": lambda: ring.join("b", 0),
        "node a can't have a weight of -1; the least is 1": lambda: ring.reweigh("a", -1),
        "node b is not in the ring": lambda: ring.leave("b"),
        "node c is not in the ring": lambda: ring.reweigh("c", 2),
        "a ring can't keep 0 replicas; the least is 1": lambda: ring.replicate(0),
        "a ring can't keep -2 replicas; the least is 1": lambda: Ring.empty(Balanced(), -2),
        "the number of slots must be a power of two, not 12": lambda: Ring.empty(Balanced(), 1, 12),
        "the number of slots must be a power of two, not 0": lambda: Ring.empty(Balanced(), 1, 0),
        "a classic ring needs at least 1 virtual node per node, not 0": lambda: Classic(0),
    }
    for sentence, act in refusals.items():
        with pytest.raises(ValueError) as refused:
            act()
        assert str(refused.value) == sentence


def test_a_record_that_no_ring_gives_is_refused_in_a_clear_sentence() -> None:
    good: dict[str, object] = {
        "policy": {"type": "balanced"},
        "replication": 1,
        "nodes": [["a", 1], ["b", 2]],
        "runs": [[5, 1], [3, 0]],
        "slots": 8,
    }
    refusals: dict[str, dict[str, object]] = {
        "the number of slots must be a power of two, not 9": {"slots": 9},
        "the ring record covers 5 of 8 slots": {"runs": [[5, 1]]},
        "the ring record covers 0 of 8 slots": {"runs": []},
        "the ring record names a node twice": {"nodes": [["a", 1], ["a", 2]]},
        "the ring record gives node b a weight of 0; the least is 1": {"nodes": [["a", 1], ["b", 0]]},
        "the ring record asks for 0 replicas; the least is 1": {"replication": 0},
        "the ring record has a run without its 2 different replicas": {"replication": 2},
        "the ring record has a run on a node that it does not name": {"runs": [[8, 2]]},
        "the ring record has a run of 0 slots; the least is 1": {"runs": [[8, 1], [0, 0]]},
    }
    assert Ring.from_record(msgspec.convert(good, RingRecord)).table == (("b",),) * 5 + (("a",),) * 3
    for sentence, fault in refusals.items():
        record = msgspec.json.decode(json.dumps({**good, **fault}), type=RingRecord)
        with pytest.raises(ValueError) as refused:
            Ring.from_record(record)
        assert str(refused.value) == sentence


def test_more_replicas_are_appended_to_those_that_stay_in_their_order() -> None:
    ring = Ring.empty(Balanced(), 2, 1024)
    for node in range(6):
        ring = ring.join(f"n{node}")
    for before, after in zip(ring.table, ring.replicate(3).table, strict=True):
        assert after[:2] == before
