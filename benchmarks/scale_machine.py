"""What ``benchmarks/scale.py`` measures with: keys, directories, processes, numbers and their spread."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kvtui.core.coordinator import Coordinator

VALUE: Final = b"v" * 100
BATCH: Final = 1_000
LOADERS: Final = 4
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
TICKS: Final = os.sysconf("SC_CLK_TCK")


def say(text: str) -> None:
    """To whoever watches."""
    print(text, flush=True)


def name_of(number: int) -> bytes:
    """A key of 16 bytes."""
    return b"key-%012d" % number


def median_and_spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and the least and the greatest where there are several."""
    middle = f"{statistics.median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f}..{max(values):,.{digits}f})"


class Directory:
    """Makes directories on a disk and removes them all at the end."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._number = 0

    def new(self) -> Path:
        """A directory that does not exist yet."""
        self._number += 1
        return self._base / str(self._number)

    def remove(self, path: Path) -> None:
        """What is not needed any more makes room."""
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def directory(where: str | None) -> Iterator[Directory]:
    """Below ``where`` (None: the system's place for temporary files), whatever happens removed at the end."""
    base = Path(tempfile.mkdtemp(prefix="kvtui-scale-", dir=where))
    try:
        yield Directory(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


async def load_keys(cluster: Coordinator, start: int, stop: int) -> float:
    """Put keys ``start``..``stop``; returns the seconds that it took."""
    begun = time.monotonic()
    numbers = iter(range(start, stop, BATCH))

    async def loader() -> None:
        for first in numbers:
            items = [(name_of(number), VALUE) for number in range(first, min(stop, first + BATCH))]
            written = await cluster.put_many(items)
            assert written.ok == len(items), written

    await asyncio.gather(*(loader() for _ in range(LOADERS)))
    return time.monotonic() - begun


def resident_bytes(pid: int | str = "self") -> int:
    """What a process has in memory, pages that it shares with other processes left out where they come from files."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * PAGE_BYTES


def processor_seconds(pid: int | str = "self") -> float:
    """Processor time of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pids_of(cluster: Coordinator) -> list[int]:
    """Of the nodes that run here."""
    return [view.pid for view in cluster.snapshot().nodes if view.pid is not None]


def disk_bytes(path: Path) -> int:
    """What lies below a directory, in blocks that it takes."""
    total = 0
    for file in path.rglob("*"):
        try:
            total += file.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


class Copies:
    """Counts keys that are copied between nodes from its making on."""

    def __init__(self, cluster: Coordinator) -> None:
        self._moves = cluster._moves
        self._tally = self._moves.begin()

    @property
    def keys(self) -> int:
        """So many so far."""
        return self._tally.copies

    def end(self) -> None:
        """Count no more."""
        self._moves.end(self._tally)
