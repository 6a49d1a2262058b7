"""Disks: engines by directory, which outlive the machines that open them, and where machines crash amid their writes.

The machine's code holds a ``GuardedEngine``: a dead machine's code can touch no disk, and a crash can be set for any write. What
the disk itself does wrong (lost tails, failed syncs, flipped bytes) is up to the ``Disk`` beneath.
"""

import asyncio
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Protocol

from kvtui.core.seams.launcher import Discarded
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.seams.storage import Batch, EngineFailed, EngineLocked, OpenEngine, StorageEngine
from tests.simulation.machine import Machine, MachineCrashed


class Disk(Protocol):
    """One directory."""

    def open(self) -> StorageEngine:
        """The engine over what the directory holds. Raises EngineUnreadable."""
        ...

    def crash(self) -> None:
        """The machine died: what was opened is gone, and what wasn't synced may be."""
        ...

    def note_end(self) -> None:
        """What was opened was closed in order: what the directory holds now is what it will hold when it is opened."""
        ...

    def copied(self) -> "Disk":
        """Another directory that holds what this one does now."""
        ...


class MemoryDisk:
    """A disk without faults: what was applied is kept, in memory."""

    def __init__(self, path: Path) -> None:
        self._kept = MemoryEngine()

    def open(self) -> StorageEngine:
        return _KeptEngine(self._kept)

    def crash(self) -> None:
        """Every batch was synced: nothing is lost."""

    def note_end(self) -> None:
        """Nothing of it is ever lost, and nobody looks."""

    def copied(self) -> "MemoryDisk":
        return deepcopy(self)


class SimDisks:
    """All directories of a run, and the crashes that are set for their writes."""

    def __init__(self, make: Callable[[Path], Disk] = MemoryDisk) -> None:
        self.writes: dict[str, int] = {}
        """Batches that each machine has written, by its name, over all its lives."""
        self.watch: Callable[[str, Batch], None] | None = None
        """Told of each batch that a machine, of that name, has written."""
        self.on_copy: Callable[[Path, Path], None] = lambda source, target: None
        """Told which directory was copied to which."""
        self._make = make
        self._disks: dict[Path, Disk] = {}
        self._holders: dict[Path, tuple[Machine, str]] = {}
        self._crash_at: dict[str, tuple[int, bool]] = {}
        self.undeletable: dict[Path, bool] = {}
        """Directories that can't be deleted. True: not a file of it; False: some files, so that no store opens there any more."""
        self._given_up: set[Path] = set()

    def opener(self, machine: Machine) -> OpenEngine:
        """The storage seam of ``machine``."""
        return lambda path, holder: self._open(machine, path, holder)

    def memory(self, machine: Machine) -> StorageEngine:
        """An engine in memory for ``machine``, whose writes count and crash like those of disks."""
        return GuardedEngine(self, machine, MemoryEngine(), lambda: None, lambda: None)

    def crash_at(self, machine: str, write: int, *, written: bool) -> None:
        """Crash ``machine`` at its ``write``-th batch from now (1: the next), after it was ``written`` or before."""
        self._crash_at[machine] = (self.writes.get(machine, 0) + write, written)

    def forget_crashes(self) -> None:
        """Let no machine crash at a write any more."""
        self._crash_at.clear()

    def disk(self, path: Path) -> Disk:
        """The disk of a directory, for tests that damage it."""
        if path not in self._disks:
            self._disks[path] = self._make(path)
        return self._disks[path]

    @property
    def paths(self) -> list[Path]:
        """The directories that exist."""
        return list(self._disks)

    def exists(self, path: Path) -> bool:
        """Whether there is such a directory."""
        return path in self._disks

    def copy(self, source: Path, target: Path) -> None:
        """Make ``target`` a copy of what ``source`` holds now, as ``cp -r`` does."""
        self._disks[target] = self.disk(source).copied()
        self.on_copy(source, target)

    def rename(self, source: Path, target: Path) -> None:
        """Move a directory; what was at ``target`` is gone."""
        self._disks[target] = self._disks.pop(source)

    def wipe(self, path: Path) -> None:
        """Delete a directory and all in it; nothing happens when there is none."""
        self._disks.pop(path, None)

    def discard(self, path: Path) -> Discarded:
        """Delete a directory as a launcher does, who may be unable to."""
        whole = self.undeletable.get(path)
        if path not in self._disks and path not in self._given_up:
            return Discarded()
        if whole is True and path in self._disks:
            return Discarded(f"{path} can't be emptied: Operation not permitted", intact=True)
        self.wipe(path)
        if whole is None:
            self._given_up.discard(path)
            return Discarded()
        self._given_up.add(path)
        return Discarded(f"{path}: 000004.log can't be deleted: Operation not permitted")

    def was_given_up(self, path: Path) -> bool:
        """Whether files are left there of a store that was discarded."""
        return path in self._given_up

    def apply(self, machine: Machine, engine: StorageEngine, batch: Batch) -> None:
        """Write ``batch`` for ``machine``, or crash it where that was set."""
        number = self.writes[machine.name] = self.writes.get(machine.name, 0) + 1
        when, written = self._crash_at.get(machine.name, (0, False))
        if number == when and not written:
            machine.crash()
            raise MachineCrashed
        engine.apply(batch)
        if self.watch is not None:
            self.watch(machine.name, batch)
        if number == when:
            machine.crash()
            raise MachineCrashed

    def _open(self, machine: Machine, path: Path, holder: str) -> StorageEngine:
        if path in self._holders:
            raise EngineLocked(path, self._holders[path][1])
        disk = self.disk(path)
        engine = disk.open()
        held = (machine, holder)
        self._holders[path] = held

        def release() -> None:
            if self._holders.get(path) is held:
                del self._holders[path]

        def ended(orderly: bool) -> None:
            if self._holders.get(path) is held:
                release()
                disk.crash()

        machine.on_end(ended)
        return GuardedEngine(self, machine, engine, disk.note_end, release)


class GuardedEngine:
    """The storage engine as one life of a machine has it."""

    def __init__(
        self,
        disks: SimDisks,
        machine: Machine,
        engine: StorageEngine,
        note_end: Callable[[], None],
        release: Callable[[], None],
    ) -> None:
        self._disks = disks
        self._machine = machine
        self._engine = engine
        self._note_end = note_end
        self._release = release

    @property
    def durable(self) -> bool:
        return self._engine.durable

    def get(self, key: bytes) -> bytes | None:
        self._check()
        return self._engine.get(key)

    def apply(self, batch: Batch) -> None:
        self._check()
        self._disks.apply(self._machine, self._engine, batch)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._check()
        return self._engine.scan(start, stop)

    @property
    def disk_bytes(self) -> int:
        self._check()
        return self._engine.disk_bytes

    def compact(self, start: bytes, stop: bytes, live: int) -> "asyncio.Future[None]":
        self._check()
        return self._engine.compact(start, stop, live)

    def close(self) -> None:
        if self._machine.alive:
            self._engine.close()
            self._note_end()
            self._release()

    def _check(self) -> None:
        if not self._machine.alive:
            raise MachineCrashed


class _KeptEngine:
    """Passes everything on to an engine in memory that outlives it."""

    durable = True

    def __init__(self, kept: MemoryEngine) -> None:
        self._kept: MemoryEngine | None = kept

    def get(self, key: bytes) -> bytes | None:
        return self._open_engine().get(key)

    def apply(self, batch: Batch) -> None:
        self._open_engine().apply(batch)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self._open_engine().scan(start, stop)

    @property
    def disk_bytes(self) -> int:
        return self._open_engine().disk_bytes

    def compact(self, start: bytes, stop: bytes, live: int) -> "asyncio.Future[None]":
        return self._open_engine().compact(start, stop, live)

    def close(self) -> None:
        self._kept = None

    def _open_engine(self) -> MemoryEngine:
        if self._kept is None:
            raise EngineFailed("the store is closed")
        return self._kept
