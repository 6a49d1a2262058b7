"""The guarantee that is shown is the effective one, in words."""

from dataclasses import replace

import pytest

from kvtui.core.read_mode import ReadMode
from kvtui.core.snapshot import ClusterSnapshot

WHOLE = ClusterSnapshot(
    name="lab", epoch=1, policy="balanced", slots=16_384, replication=2, copies_each=2, write_quorum=1,
    clean_copies=((2, 16_384),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words", "weakened"),
    [
        ({}, "every acknowledged write on 2 nodes; no stale reads", False),
        ({"clean_copies": ()}, "none yet: there are no nodes", False),
        (
            {"clean_copies": ((1, 16_384),), "copies_each": 1},
            "every acknowledged write on 1 node (2 wanted); no stale reads",
            False,
        ),
        (
            {"clean_copies": ((2, 16_384),), "copies_each": 1},
            "every acknowledged write on 2 nodes; no stale reads",
            False,
        ),
        (
            {"clean_copies": ((1, 1_365), (2, 15_019))},
            "1,365 slots on 1 node only; no stale reads",
            True,
        ),
        ({"clean_copies": ((1, 16_384),)}, "every acknowledged write on 1 node only; no stale reads", True),
        (
            {"clean_copies": ((0, 1), (2, 16_383)), "lost": 1},
            "1 slot lost; the rest on 2 nodes; no stale reads",
            True,
        ),
        ({"clean_copies": ((0, 16_384),), "lost": 16_384}, "16,384 slots lost; no stale reads", True),
        (
            {"reads": ReadMode.AVAILABLE},
            "every acknowledged write on 2 nodes; reads may be stale, and say so",
            False,
        ),
        ({"durable": False}, "every acknowledged write on 2 nodes; no stale reads; in memory only", False),
        (
            {"unavailable": 2_870, "waits_for": ("A", "B"), "clean_copies": ((1, 8_192), (2, 8_192))},
            "2,870 slots can't be served: they wait for A and B; 5,322 slots on 1 node only; no stale reads",
            True,
        ),
        (
            {"unavailable": 1, "waits_for": ("A",), "lost": 2, "clean_copies": ((0, 2), (2, 16_382))},
            "2 slots lost; 1 slot can't be served: it waits for A; the rest on 2 nodes; no stale reads",
            True,
        ),
        (
            {"unavailable": 30, "stale_at_best": 30, "waits_for": ("A", "B", "C", "D"), "reads": ReadMode.AVAILABLE},
            "30 slots answer stale and take no writes: they wait for A, B and 2 more; the rest on 2 nodes;"
            " reads may be stale, and say so",
            True,
        ),
        (
            {"unavailable": 30, "stale_at_best": 10, "waits_for": ("A",), "reads": ReadMode.AVAILABLE},
            "20 slots can't be served, 10 slots stale at best: they wait for A; the rest on 2 nodes;"
            " reads may be stale, and say so",
            True,
        ),
        (
            {"unavailable": 30, "stale_at_best": 10, "waits_for": ("A",)},
            "30 slots can't be served: they wait for A; the rest on 2 nodes; no stale reads",
            True,
        ),
        (
            {"unwritable": 5, "writes_wait_for": ("B",)},
            "5 slots take no writes: they wait for B; every acknowledged write on 2 nodes; no stale reads",
            True,
        ),
        ({"stopped": "another took over"}, "none from here: kvtui stopped serving", True),
    ],
)
def test_it_tells_what_holds_now(changes: dict[str, object], words: str, weakened: bool) -> None:
    picture = replace(WHOLE, **changes)  # type: ignore[arg-type]
    assert (picture.guarantee, picture.guarantee_weakened) == (words, weakened)
