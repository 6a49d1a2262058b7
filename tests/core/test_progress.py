"""Whose write counters are logged with a change of who holds what."""

from types import SimpleNamespace

import pytest

from kvtui.core.ledger import Ledger
from kvtui.core.metadata_log import MetadataLog, essence
from kvtui.core.placement import Placement
from kvtui.core.progress import changed_clean_sets, concerned, progress
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Behind, Cleaned, Counted, CutOver, Dual, LossAccepted, Record, Recovered, Tuned, Wiped
from kvtui.core.remote_node import RemoteNode
from kvtui.core.seams.memory import MemoryEngine
from tests.core.clusters import SLOTS, placed_as, settled

PLACE = Placement(("A", "B"), ("A", "B"), ("C",), ("A", "C"))
TOPOLOGY = placed_as(settled("ABCD", 2), PLACE)


@pytest.mark.parametrize(
    ("record", "names"),
    [
        (Behind("A", [(0, 2)]), ["A", "B", "C"]),
        (Recovered("B", 0, 2), ["A", "B", "C"]),
        (CutOver(3, 4), ["A", "B", "C"]),
        (LossAccepted(0, 2, ("A",)), ["A", "B", "C"]),
        (Wiped("A", "other data", 1), ["B", "C"]),
        (Cleaned("D", 0, 2), ["D"]),
        (Dual(0, 2, ("A", "C")), []),
        (Behind("A", []), []),
        (Tuned(0, ReadMode.STRICT), []),
        (Counted("A", 9), []),
    ],
)
def test_it_is_those_who_may_be_clean_after_it_and_who_let_go_of_garbage(record: Record, names: list[str]) -> None:
    assert concerned(TOPOLOGY, [record]) == names


def test_only_what_is_further_than_the_log_is_logged() -> None:
    nodes = {name: SimpleNamespace(counter=counter) for name, counter in (("A", 7), ("B", 0), ("gone", 9))}
    assert progress(TOPOLOGY, ["A", "B", "C", "gone"], nodes) == [Counted("A", 7)]


def test_a_change_of_a_clean_set_is_logged_together_with_how_far_its_members_got() -> None:
    log = MetadataLog(MemoryEngine())
    log.append(*essence(TOPOLOGY))
    ledger = Ledger(log)
    ledger.nodes = {name: RemoteNode(name, "127.0.0.1", 1, known_counter=5) for name in "ABCD"}
    seen: list[Record] = []
    ledger.on_records = seen.extend
    ledger.append(Behind("A", [(0, 1)]))
    assert seen == [Behind("A", [(0, 1)]), *(Counted(name, 5) for name in "ABC")]
    ledger.append(Recovered("A", 0, 1))
    assert seen[4:] == [Recovered("A", 0, 1)]
    assert [member.counter for member in ledger.topology.members.values()] == [5, 5, 5, 0]


def test_runs_of_several_records_come_one_after_the_other() -> None:
    records: list[Record] = [Behind("A", [(0, 1), (3, 4)]), Dual(5, 6, ("A", "C")), CutOver(5, 6)]
    assert changed_clean_sets(records, SLOTS) == [(0, 1), (3, 4), (5, 6)]
    assert changed_clean_sets([Wiped("A", "other data", 1)], SLOTS) == [(0, SLOTS)]
