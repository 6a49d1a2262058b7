"""Why a key is where it is, in words, against what the ring decided."""

from dataclasses import replace

from kvtui.commands.inspection import key_facts
from kvtui.commands.placed import STEPS_NAMED, why_words
from kvtui.core.ring import Classic, Ring
from kvtui.core.snapshot import ClusterSnapshot, Progress
from tests.widgets import frozen


def classic(vnodes: int, copies: int) -> tuple[ClusterSnapshot, Ring]:
    ring = Ring.empty(Classic(vnodes), copies, frozen.SLOTS).join_all(["A", "B", "C"])
    return replace(
        frozen.healthy(replication=copies), policy=f"classic {vnodes}", ranges=frozen.ranges_of(ring),
        nodes=frozen.nodes_of(ring, ()),
    ), ring  # fmt: skip


def test_a_balanced_ring_says_that_and_nothing_of_a_way() -> None:
    snapshot = frozen.healthy()
    assert why_words(snapshot, 0.3) == "chosen for balance"
    assert why_words(frozen.healthy(["A"], replication=1), 0.3) == "", "one node is no choice"
    assert why_words(replace(snapshot, moving=Progress(1, 2)), 0.3) == "", "it may be where it was put before"
    assert why_words(frozen.empty(), 0.3) == ""


def test_a_classic_ring_names_the_virtual_nodes_that_are_met_in_order() -> None:
    snapshot, ring = classic(16, 2)
    skipped = 0
    for slot in range(frozen.SLOTS):
        words = why_words(snapshot, slot / frozen.SLOTS).removeprefix("clockwise: ").split(", ")
        assert tuple(word for word in words if "again" not in word) == ring.table[slot] or "…" in words
        skipped += sum("again (skipped)" in word for word in words)
        assert len(words) <= STEPS_NAMED + 1
    assert skipped > 20
    fact = key_facts(snapshot, frozen.located(snapshot, b"apple"))[-1]
    assert (fact.name, fact.text[:11]) == ("why there", "clockwise: ")


def test_a_node_that_is_to_hold_it_is_told_as_that() -> None:
    snapshot, _ = classic(16, 1)
    more = replace(snapshot, replication=2)
    assert why_words(more, 0.5).count("(being filled)") == 1
