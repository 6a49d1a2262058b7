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
        ({}, "every acknowledged write on 2 nodes; reads never older", False),
        ({"clean_copies": ()}, "none yet: there are no nodes", False),
        (
            {"clean_copies": ((1, 16_384),), "copies_each": 1},
            "every acknowledged write on 1 node (2 wanted); reads never older",
            False,
        ),
        (
            {"clean_copies": ((2, 16_384),), "copies_each": 1},
            "every acknowledged write on 2 nodes; reads never older",
            False,
        ),
        (
            {"clean_copies": ((1, 1_365), (2, 15_019))},
            "1,365 slots on 1 node only; reads never older",
            True,
        ),
        ({"clean_copies": ((1, 16_384),)}, "every acknowledged write on 1 node only; reads never older", True),
        (
            {"clean_copies": ((0, 1), (2, 16_383)), "lost": 1},
            "1 slot lost; every acknowledged write on 2 nodes; reads never older",
            True,
        ),
        ({"clean_copies": ((0, 16_384),), "lost": 16_384}, "16,384 slots lost; reads never older", True),
        (
            {"reads": ReadMode.AVAILABLE},
            "every acknowledged write on 2 nodes; reads may be older where flagged stale",
            False,
        ),
        ({"durable": False}, "every acknowledged write on 2 nodes; reads never older; in memory only", False),
        ({"stopped": "another took over"}, "none from here: kvtui stopped serving", True),
    ],
)
def test_it_tells_what_holds_now(changes: dict[str, object], words: str, weakened: bool) -> None:
    picture = replace(WHOLE, **changes)  # type: ignore[arg-type]
    assert (picture.guarantee, picture.guarantee_weakened) == (words, weakened)
