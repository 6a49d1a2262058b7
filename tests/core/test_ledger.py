"""What the coordinator is not certain of: bounded, and never forgotten too early."""

import pytest

from kvtui.core import ledger as ledger_module
from kvtui.core.ledger import SUSPECTED_ANEW, Ledger
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.placement import Placement
from kvtui.core.records import Created, Placed
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.version import Version
from tests.core.clusters import SLOTS, planned

EMPTY = Placement()


def ledger(place: Placement = EMPTY) -> Ledger:
    log = MetadataLog(MemoryEngine())
    log.append(Created("c0ffee", "default", planned("").to_record()), Placed(0, SLOTS, place))
    return Ledger(log)


def test_a_newer_write_overrules_an_unknown_one() -> None:
    known = ledger()
    known.suspect_key(b"key", 0, Version(1, 5))
    known.overruled(b"key", Version(1, 6))
    assert not known.uncertain


def test_an_older_write_does_not_settle_a_newer_unknown_one() -> None:
    """An older write, still waiting for a newcomer, ended well after a newer one ended unknown: the suspicion was dropped."""
    known = ledger()
    known.suspect_key(b"key", 0, Version(1, 6))
    known.suspect_key(b"key", 0, Version(1, 4))
    known.overruled(b"key", Version(1, 5))
    assert known.uncertain == {b"key": Version(1, 6)}


def test_beyond_the_limit_whole_slots_are_suspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "UNCERTAIN_KEYS", 2)
    known = ledger()
    known.unverified[:] = bytes(SLOTS)
    for number, key in enumerate((b"a", b"b", b"c", b"a")):
        known.suspect_key(key, number, Version(1, number + 1))
    assert known.uncertain == {b"a": Version(1, 4), b"b": Version(1, 2)}
    assert list(known.unverified) == [0, 0, SUSPECTED_ANEW, 0, 0, 0, 0, 0]


def test_hints_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "HINTS", 3)
    known = ledger()
    for number in range(10):
        known.hint("A", (b"key %d" % number,))
    assert len(known.hints["A"]) == 3


def test_versions_grow_and_leave_room_for_a_batch() -> None:
    known = ledger()
    assert [known.next_version(), known.next_version(3), known.next_version()] == [
        Version(0, 1),
        Version(0, 2),
        Version(0, 5),
    ]


def test_a_node_is_excluded_only_where_others_go_on() -> None:
    known = ledger(Placement(("A", "B"), ("A", "B")))
    known.exclude("A", [(0, 3), (6, 8)])
    assert [place.clean for place in known.topology.places] == [("B",)] * 3 + [("A", "B")] * 3 + [("B",)] * 2
    known.exclude("B", [(0, SLOTS)])
    assert [place.clean for place in known.topology.places] == [("B",)] * 3 + [("A",)] * 3 + [("B",)] * 2
