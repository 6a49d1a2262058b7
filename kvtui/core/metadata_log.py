"""The coordinator's memory: records of the topology, each synced through the storage engine before it acts.

Engine keys: ``r`` + 8-byte number -> checksum and record; a new log begins at 1 without gaps. When it has ``COMPACT_RECORDS`` more
than it takes, the log is rewritten as the few records that make the same topology, in one atomic batch; its last number stays.
"""

from typing import Final

import msgspec
from xxhash import xxh3_64_digest

from kvtui.core.formats import WrittenByNewer
from kvtui.core.records import (
    Created,
    Joined,
    Opened,
    Placed,
    Planned,
    Record,
    Tuned,
    encode_record,
    read_record,
)
from kvtui.core.seams.storage import Batch, EngineFull, StorageEngine, let_go
from kvtui.core.topology import Topology, apply

COMPACT_RECORDS: Final = 2_000
"""Records more than the topology takes, at which a log is rewritten."""
_PREFIX: Final = b"r"


class LogDamaged(Exception):
    """A record is missing, fails its checksum or can't follow the ones before it."""


class MetadataLog:
    """Appends records and keeps their sum, ``topology``. One owner: the engine is locked by whoever opened it."""

    def __init__(self, engine: StorageEngine) -> None:
        """Replay what ``engine`` holds. Raises LogDamaged, and WrittenByNewer, before anything is written."""
        self._engine = engine
        self.topology = Topology()
        self._first = self._last = 0
        self._looked_for = 0
        """Records above ``COMPACT_RECORDS`` at which the log is worth another look."""
        for key, value in engine.scan(_PREFIX, b"s"):
            number = int.from_bytes(key[1:], "big")
            if self._last and number != self._last + 1:
                raise LogDamaged(f"record {self._last + 1} of the metadata log is missing")
            self._first = number if not self._last else self._first
            self._last = number
            self.topology = _replayed(self.topology, number, value)
        self._compact_if_long()

    @property
    def last(self) -> int:
        """The number of the newest record; it grows for ever."""
        return self._last

    @property
    def empty(self) -> bool:
        return self._last == 0

    def append(self, *records: Record) -> Topology:
        """Make the records durable, all or none, then return the topology after them.

        Raises EngineFailed, EngineFull (nothing changed) and ValueError for a record that can't follow, or could not be read again.
        """
        topology = self.topology
        batch = Batch()
        for offset, record in enumerate(records, start=1):
            topology = apply(topology, record)
            sealed = _sealed(record)
            _check_readable(record, sealed)
            batch.put(_key(self._last + offset), sealed)
        self._engine.apply(batch)
        self._first = self._first or 1
        self._last += len(records)
        self.topology = topology
        self._compact_if_long()
        return topology

    def close(self) -> str:
        """Why it could not be closed in order, in words; empty when it was. What was appended is there all the same."""
        return let_go(self._engine)

    def _compact_if_long(self) -> None:
        surplus = self._last - self._first + 1 - COMPACT_RECORDS
        if surplus < self._looked_for:
            return
        records = essence(self.topology)
        if surplus < len(records):
            # Not at each record: on a large ring it takes long to find out.
            self._looked_for = len(records)
            return
        batch = Batch()
        batch.clear(_PREFIX, b"s")
        # The last number stays: nothing was appended. Were it above, what nodes noted of records that are lost would not be.
        first = self._last - len(records) + 1
        for number, record in enumerate(records, start=first):
            batch.put(_key(number), _sealed(record))
        try:
            self._engine.apply(batch)
        except EngineFull:
            # The long log says the same; it stays until there is space.
            return
        self._first, self._looked_for = first, 0


def _key(number: int) -> bytes:
    return _PREFIX + number.to_bytes(8, "big")


def _sealed(record: Record) -> bytes:
    body = encode_record(record)
    return xxh3_64_digest(body) + body


def _check_readable(record: Record, sealed: bytes) -> None:
    """What is logged is read when nobody can mend it any more: a number that was ``true`` would be the end of the directory."""
    try:
        read_record(sealed[8:])
    except (WrittenByNewer, msgspec.DecodeError) as error:
        raise ValueError(f"a record ({type(record).__name__}) could not be read again: {error}") from None


def _replayed(topology: Topology, number: int, value: bytes) -> Topology:
    if xxh3_64_digest(value[8:]) != value[:8]:
        raise LogDamaged(f"record {number} of the metadata log fails its checksum")
    try:
        return apply(topology, read_record(value[8:]))
    except WrittenByNewer as error:
        raise WrittenByNewer(f"{error}; its record {number} says so") from None
    except (msgspec.DecodeError, ValueError, KeyError) as error:
        raise LogDamaged(f"record {number} of the metadata log can't be used: {error}") from error


def _before(topology: Topology) -> tuple[tuple[int, str], ...]:
    return tuple(opening for opening in topology.openings if opening != (topology.epoch, topology.coordinator))


def essence(topology: Topology) -> list[Record]:
    """The few records whose replay gives ``topology``."""
    ring = topology.planned.to_record()
    records: list[Record] = [
        Created(topology.cluster, topology.name, ring),
        Opened(topology.epoch, topology.coordinator, topology.home, _before(topology), topology.ends),
        *(Joined(member) for member in topology.members.values()),
        Planned(ring),
        Tuned(topology.quorum, topology.reads, topology.throttle),
    ]
    records += [Placed(start, stop, place) for start, stop, place in topology.stretches]
    return records
