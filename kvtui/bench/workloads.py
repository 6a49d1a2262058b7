"""The core workloads of YCSB as values, and what a run of one is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

RECORDS_MOST: Final = 10_000_000
SIZE_MOST: Final = 1024 * 1024
CLIENTS_MOST: Final = 4_096
SECONDS_MOST: Final = 3_600
OPERATIONS_MOST: Final = 1_000_000_000
RATE_MOST: Final = 1_000_000
SCAN_MOST: Final = 100
"""Records of the longest scan of workload E; each length from 1 is as likely."""


class Op(StrEnum):
    """A kind of operation."""

    READ = "read"
    UPDATE = "update"
    """Writes a record anew, unseen."""
    INSERT = "insert"
    SCAN = "scan"
    """Reads up to ``SCAN_MOST`` records whose numbers follow one another."""
    MODIFY = "modify"
    """Reads a record, then writes it: read-modify-write, timed as one."""


class Keys(StrEnum):
    """Which records are asked for."""

    ZIPFIAN = "zipfian"
    """Few of them most of the time, strewn over the ring."""
    UNIFORM = "uniform"
    LATEST = "latest"
    """The newest ones most of the time."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What clients do, and how often: the parts of ``mix`` sum up to 100."""

    name: str
    mix: tuple[tuple[Op, int], ...]
    keys: Keys

    @property
    def words(self) -> str:
        """``50 % read, 50 % update``."""
        return ", ".join(f"{percent} % {op}" for op, percent in self.mix)

    @property
    def inserts(self) -> bool:
        """Whether the records become more."""
        return any(op is Op.INSERT for op, _ in self.mix)


WORKLOADS: Final = {
    workload.name: workload
    for workload in (
        Workload("A", ((Op.READ, 50), (Op.UPDATE, 50)), Keys.ZIPFIAN),
        Workload("B", ((Op.READ, 95), (Op.UPDATE, 5)), Keys.ZIPFIAN),
        Workload("C", ((Op.READ, 100),), Keys.ZIPFIAN),
        Workload("D", ((Op.READ, 95), (Op.INSERT, 5)), Keys.LATEST),
        Workload("E", ((Op.SCAN, 95), (Op.INSERT, 5)), Keys.ZIPFIAN),
        Workload("F", ((Op.READ, 50), (Op.MODIFY, 50)), Keys.ZIPFIAN),
    )
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One run, as it was asked for."""

    workload: Workload = WORKLOADS["A"]
    keys: Keys = Keys.ZIPFIAN
    records: int = 10_000
    """Records that are there when clients begin."""
    size: int = 100
    """Bytes of a value."""
    clients: int = 64
    seconds: int = 10
    """How long clients run."""
    operations: int | None = None
    """Or how many operations they begin, within ``SECONDS_MOST`` seconds."""
    rate: int | None = None
    """Operations a second that are begun, on time or late (open loop); None: each client begins one when its last has ended."""
    keep: bool = False
    """The records stay."""

    @property
    def seconds_most(self) -> int:
        """After which clients begin nothing more."""
        return SECONDS_MOST if self.operations is not None else self.seconds
