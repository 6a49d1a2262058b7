"""Scenarios of the metadata log, on disks that fail."""

import pytest

from kvtui.core import metadata_log
from kvtui.core.cluster import ClusterError
from kvtui.core.ledger import Ledger
from kvtui.core.metadata_log import LogDamaged, MetadataLog, essence
from kvtui.core.placement import Placement
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Created, Joined, Opened, Placed, Tuned
from kvtui.core.ring import Balanced, Ring
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.seams.storage import Batch, EngineFull
from kvtui.core.topology import Topology, apply
from tests.core.clusters import SLOTS, after, member, settled
from tests.mutants.scenarios.constants import lowered
from tests.simulation.engine import FaultyDisk, FaultyEngine

RECORDS = (
    Created("c0ffee", "default", Ring.empty(Balanced(), 1, SLOTS).to_record()),
    Opened(1, "first"),
    Joined(member("n1")),
    Joined(member("n2")),
)


def _on_a_disk() -> tuple[FaultyDisk, MetadataLog]:
    disk = FaultyDisk()
    log = MetadataLog(disk.open())
    log.append(*RECORDS)
    return disk, log


async def a_record_acts_before_it_is_logged() -> None:
    disk, log = _on_a_disk()
    before = log.topology
    disk.free = 0
    with pytest.raises(EngineFull):
        log.append(Placed(0, SLOTS, Placement(("n1",), ("n1",))))
    assert log.topology == before
    assert MetadataLog(_reopened(disk)).topology == before


def _reopened(disk: FaultyDisk) -> FaultyEngine:
    disk.crash()
    return disk.open()


def a_rewritten_log_forgets_how_far_it_had_got() -> None:
    _the_essence_is_all_of_it()


def a_rewritten_log_forgets_earlier_coordinators() -> None:
    _the_essence_is_all_of_it()


def a_rewritten_log_forgets_the_mode_of_reads() -> None:
    _the_essence_is_all_of_it()


def a_log_is_rewritten_without_what_moves() -> None:
    _the_essence_is_all_of_it()


def _the_essence_is_all_of_it() -> None:
    topology = after(
        settled("ABC", 2),
        Opened(2, "second", "home", ends=((1, 10),)),
        Opened(3, "third", "home", ends=((1, 10), (2, 20))),
        Tuned(2, ReadMode.AVAILABLE, 1000),
        Placed(2, 4, Placement(("A", "B"), ("B",), ("C",), ("B", "C"), ())),
        Placed(4, 6, Placement(("A", "B"), ("A", "B"), (), (), ("C",))),
    )
    again = Topology()
    for record in essence(topology):
        again = apply(again, record)
    assert again == topology


def a_rewritten_log_is_written_over() -> None:
    disk, log = _on_a_disk()
    with lowered(metadata_log, COMPACT_RECORDS=20):
        for quorum in range(200):
            log.append(Tuned(quorum % 3, ReadMode.STRICT))
            again = MetadataLog(_reopened(disk))
            assert again.topology == log.topology
            assert again.last == log.last
            log = again
    assert len(disk.stored(b"r", b"s")) < 60


def _log_of(*numbers: int) -> MemoryEngine:
    """A log that has lost some of its records."""
    whole, part = MemoryEngine(), MemoryEngine()
    MetadataLog(whole).append(*RECORDS)
    batch = Batch()
    for key, value in whole.scan(b"r", b"s"):
        if int.from_bytes(key[1:], "big") in numbers:
            batch.put(key, value)
    part.apply(batch)
    return part


def a_record_that_is_missing_is_passed_over() -> None:
    assert MetadataLog(_log_of(1, 2, 3, 4)).last == 4
    with pytest.raises(LogDamaged, match="record 3 of the metadata log is missing"):
        MetadataLog(_log_of(1, 2, 4))


def a_record_that_was_damaged_is_believed() -> None:
    disk, _ = _on_a_disk()
    key = b"r" + (3).to_bytes(8, "big")
    value = dict(disk.stored(b"r", b"s"))[key]
    # A letter of the node's name: it is a record all the same.
    disk.flip(key, value.index(b"n1") + 1, 2)
    with pytest.raises(LogDamaged, match="record 3 of the metadata log fails its checksum"):
        MetadataLog(_reopened(disk))


def what_stopped_a_log_is_told_as_no_space() -> None:
    disk, log = _on_a_disk()
    ledger = Ledger(log)
    disk.syncs_until_failure = 0
    with pytest.raises(ClusterError):
        ledger.append(Tuned(1, ReadMode.STRICT))
    assert ledger.stopped
    assert not ledger.full
