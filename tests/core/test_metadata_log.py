"""The metadata log: what was appended is what a later opening reads, or the opening says what is wrong."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.metadata_log import COMPACT_RECORDS, LogDamaged, MetadataLog
from kvtui.core.placement import Placement
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import (
    Behind,
    Created,
    CutOver,
    Dual,
    Joined,
    Opened,
    Placed,
    Planned,
    Record,
    Recovered,
    Seen,
    Tuned,
)
from kvtui.core.seams.memory import MemoryEngine, open_memory
from kvtui.core.seams.storage import Batch, EngineFull
from tests.core.clusters import SLOTS, member, planned

HISTORY: list[Record] = [
    Created("c0ffee", "default", planned("").to_record()),
    Opened(1, "first"),
    Joined(member("A")),
    Joined(member("B")),
    Planned(planned("AB", 2).to_record()),
    Placed(0, SLOTS, Placement(("A", "B"), ("A", "B"))),
    Behind("B", [(0, 3), (5, 6)]),
    Recovered("B", 0, 3),
    Joined(member("C")),
    Planned(planned("ABC", 2).to_record()),
    Dual(3, 5, ("A", "C")),
    CutOver(3, 5),
    Dual(6, 7, ("C", "B")),
    Seen(member("B", counter=17)),
    Opened(2, "second"),
]


class FillingEngine(MemoryEngine):
    """Takes batches until it is full."""

    full = False

    def apply(self, batch: Batch) -> None:
        if self.full:
            raise EngineFull("no space left")
        super().apply(batch)


def engine() -> MemoryEngine:
    return open_memory(Path("unused"), "test")


def records_in(store: MemoryEngine) -> list[bytes]:
    return [key for key, _ in store.scan(b"", b"\xff")]


def written(*records: Record) -> tuple[MemoryEngine, MetadataLog]:
    store = engine()
    log = MetadataLog(store)
    log.append(*records)
    return store, log


def test_a_new_log_is_empty() -> None:
    log = MetadataLog(engine())
    assert log.empty
    log.append(HISTORY[0])
    assert not log.empty


@given(st.integers(1, len(HISTORY)))
def test_a_log_that_is_opened_again_gives_the_same_topology(length: int) -> None:
    store = engine()
    log = MetadataLog(store)
    for record in HISTORY[:length]:
        log.append(record)
    again = MetadataLog(store)
    assert again.topology == log.topology
    assert not again.empty


def test_records_of_one_append_come_in_their_order() -> None:
    one, _ = written(*HISTORY)
    other = engine()
    log = MetadataLog(other)
    for record in HISTORY:
        log.append(record)
    assert MetadataLog(one).topology == MetadataLog(other).topology
    assert list(one.scan(b"", b"\xff")) == list(other.scan(b"", b"\xff"))


def test_a_log_that_was_opened_again_goes_on_where_it_ended() -> None:
    store, _ = written(*HISTORY[:5])
    MetadataLog(store).append(*HISTORY[5:])
    assert MetadataLog(store).topology == written(*HISTORY)[1].topology
    assert len(records_in(store)) == len(HISTORY)


def test_append_returns_the_topology_that_it_made() -> None:
    log = MetadataLog(engine())
    assert log.append(*HISTORY[:3]) is log.topology
    assert list(log.topology.members) == ["A"]


def test_a_damaged_record_is_refused_by_its_number() -> None:
    store, _ = written(*HISTORY)
    key, value = list(store.scan(b"", b"\xff"))[6]
    for place in (0, 8, len(value) - 1):
        changed = bytearray(value)
        changed[place] ^= 1
        batch = Batch()
        batch.put(key, bytes(changed))
        store.apply(batch)
        with pytest.raises(LogDamaged, match="record 7 of the metadata log fails its checksum"):
            MetadataLog(store)


@pytest.mark.parametrize("missing", [0, 3, len(HISTORY) - 2])
def test_a_log_with_a_missing_record_is_refused(missing: int) -> None:
    store, _ = written(*HISTORY)
    batch = Batch()
    batch.delete(records_in(store)[missing])
    store.apply(batch)
    with pytest.raises(LogDamaged, match="metadata log"):
        MetadataLog(store)


def test_a_record_that_can_not_follow_is_refused_when_it_is_read() -> None:
    small, _ = written(*HISTORY)
    large, _ = written(Created("c0ffee", "default", planned("", slots=16).to_record()), Dual(9, 10, ("A",)))
    batch = Batch()
    batch.put(records_in(small)[-1], dict(large.scan(b"", b"\xff"))[records_in(large)[-1]])
    small.apply(batch)
    with pytest.raises(LogDamaged, match=r"record 15 .* can't be used: slots 9..10 are outside the ring"):
        MetadataLog(small)


def test_a_record_that_can_not_follow_is_not_appended() -> None:
    store, log = written(*HISTORY)
    before = log.topology
    with pytest.raises(ValueError, match="outside the ring"):
        log.append(Seen(member("A", counter=5)), Dual(0, SLOTS + 1, ("A",)))
    assert log.topology is before
    assert len(records_in(store)) == len(HISTORY)
    log.append(Seen(member("A", counter=6)))
    assert MetadataLog(store).topology.members["A"].counter == 6


def test_an_append_that_the_engine_has_no_space_for_changes_nothing() -> None:
    store = FillingEngine()
    log = MetadataLog(store)
    log.append(*HISTORY[:6])
    before = log.topology
    store.full = True
    with pytest.raises(EngineFull):
        log.append(*HISTORY[6:8])
    assert log.topology is before
    store.full = False
    log.append(*HISTORY[6:])
    assert MetadataLog(store).topology == log.topology == written(*HISTORY)[1].topology


def _long_log(store: MemoryEngine) -> MetadataLog:
    log = MetadataLog(store)
    log.append(*HISTORY)
    log.append(*(Seen(member("A", counter=counter)) for counter in range(COMPACT_RECORDS)))
    return log


def test_a_long_log_is_rewritten_as_few_records_that_give_the_same_topology() -> None:
    store = engine()
    log = _long_log(store)
    rewritten = MetadataLog(store)
    assert rewritten.topology == log.topology
    assert len(records_in(store)) < 30
    assert MetadataLog(store).topology == log.topology


def test_a_rewritten_log_has_got_no_further_than_before() -> None:
    """What nodes noted of records that a cut log has lost would be no news to it: the rewriting took their numbers."""
    store = engine()
    appended = len(HISTORY) + COMPACT_RECORDS
    assert _long_log(store).last == MetadataLog(store).last == appended
    assert len(records_in(store)) < 30
    MetadataLog(store).append(Opened(3, "third"))
    assert MetadataLog(store).last == appended + 1


def test_a_rewritten_log_goes_on() -> None:
    store = engine()
    _long_log(store)
    log = MetadataLog(store)
    log.append(Opened(3, "third"))
    again = MetadataLog(store)
    assert again.topology == log.topology
    assert again.topology.epoch == 3


def test_a_short_log_is_left_as_it_is() -> None:
    store, _ = written(*HISTORY)
    before = list(store.scan(b"", b"\xff"))
    MetadataLog(store)
    assert list(store.scan(b"", b"\xff")) == before


def test_a_long_log_opens_even_when_there_is_no_space_to_rewrite_it() -> None:
    store = FillingEngine()
    log = _long_log(store)
    store.full = True
    assert MetadataLog(store).topology == log.topology


def test_a_log_does_not_grow_for_ever_while_it_is_open() -> None:
    store = engine()
    log = _long_log(store)
    for counter in range(COMPACT_RECORDS):
        log.append(Seen(member("B", counter=counter)))
    assert len(records_in(store)) < COMPACT_RECORDS + 30
    assert MetadataLog(store).topology == log.topology


def test_a_rewritten_log_of_many_ranges_is_not_rewritten_at_every_append() -> None:
    slots = 4096
    store = engine()
    log = MetadataLog(store)
    log.append(Created("c0ffee", "default", planned("", slots=slots).to_record()))
    places = [Placement(("A",), ("A",)), Placement(("B",), ("B",))]
    log.append(*(Placed(slot, slot + 1, places[slot % 2]) for slot in range(slots)))
    log.append(Opened(2, "second"))
    before = len(records_in(store))
    log.append(Opened(3, "third"))
    assert len(records_in(store)) == before + 1
    assert MetadataLog(store).topology == log.topology


@pytest.mark.parametrize("quorum", [True, "2", 1.5, None])
def test_a_record_that_could_not_be_read_again_is_not_logged(quorum: Any) -> None:
    """A quorum that was true was logged, and the state directory could not be opened any more."""
    store, log = written(*HISTORY)
    before = records_in(store), log.topology
    with pytest.raises(ValueError, match=r"^a record \(Tuned\) could not be read again: "):
        log.append(Tuned(2, ReadMode.STRICT), Tuned(quorum, ReadMode.STRICT))
    assert (records_in(store), log.topology) == before
    assert MetadataLog(store).topology == log.topology
