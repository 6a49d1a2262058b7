"""A storage engine that fails as disks do, when and where its test says: a disk that outlives the engines opened on it."""

import asyncio
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path

from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.seams.storage import Batch, CompactionFailed, EngineFailed, EngineFull, EngineUnreadable

COMPACTION_SECONDS = 0.05
"""How long a compaction takes."""
ENTRY = 1
"""First byte of what a node stores an entry under."""
NOTE = b"\x00note"
"""What a node stores the coordinator's note under."""
_ABOVE_ALL = b"\xff" * 16


def _now() -> float:
    """Virtual seconds; 0 where nothing runs."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return 0.0


def _refuses_none(batch: Batch) -> bool:
    return False


def holds_entries(batch: Batch) -> bool:
    """Whether a node stores keys, or removes some, one by one."""
    return any(place[0] == ENTRY for place, _ in batch.changes)


def holds_note(batch: Batch) -> bool:
    """Whether a node keeps the coordinator's note."""
    return any(place == NOTE for place, _ in batch.changes)


def _size(batch: Batch) -> int:
    return sum(len(key) + len(value or b"") for key, value in batch.changes)


class FaultyDisk:
    """One directory: what is synced, what is written but not yet synced, and the faults that are set.

    It has the shape of ``tests.simulation.disks.Disk``. With ``lossy_syncs`` it lies about syncing, as a drive with a volatile
    cache does: the last few batches may be lost by a crash, decided by ``seed``. Without, a crash loses nothing that was applied.
    """

    def __init__(self, path: Path = Path("disk"), *, seed: int = 0, lossy_syncs: bool = False) -> None:
        self.path = path
        self.free: int | None = None
        """Bytes that still fit; None: any number."""
        self.refuses: Callable[[Batch], bool] = _refuses_none
        """Whether a batch has no room, whatever fits."""
        self.spare = 0
        """Bytes beyond those that fit if nothing is added by them."""
        self.unreadable = ""
        """Why the directory can't be opened; empty: it can."""
        self.syncs_until_failure: int | None = None
        """Batches that are still synced before one fails; None: none ever fails."""
        self.compaction_fails = ""
        """Why compactions fail; empty: they don't."""
        self.failing_batch_survives = False
        """Whether the batch whose sync failed is there after a crash all the same: nobody can know."""
        self._random = SeededRandom(seed)
        self._lossy = lossy_syncs
        self._size: int | None = 0
        """Of all batches; None: something else happened to them than that one came."""
        self._synced: list[Batch] = []
        self._unsynced: list[Batch] = []
        self.refused_at = float("-inf")
        """When it last had no space, in seconds of the loop."""
        self._compacted = 0
        """How many of the batches a compaction made."""
        self._engine: FaultyEngine | None = None
        self._noted: int | None = None
        """How many batches there were at the orderly end; None: it was opened since, or never closed in order."""

    def open(self) -> "FaultyEngine":
        """The engine over what survived. Raises EngineUnreadable."""
        if self.unreadable:
            raise EngineUnreadable(f"can't open the store in {self.path}: {self.unreadable}")
        held = len(self._synced) + len(self._unsynced)
        if self._noted is not None and self._noted != held:
            raise EngineUnreadable(
                f"the store in {self.path} is damaged: it has {held} batches, and had {self._noted} when it was closed"
            )
        self._noted = None
        self._engine = FaultyEngine(self, [*self._synced, *self._unsynced])
        return self._engine

    def copied(self) -> "FaultyDisk":
        """Another directory with the same batches and the same faults; nothing is opened there."""
        # Batches are never changed once they are written.
        other = copy(self)
        other._synced, other._unsynced = list(self._synced), list(self._unsynced)
        other._engine = None
        return other

    def crash(self) -> None:
        """Power off: the open engine is gone, and with it the batches that were never synced, but for some of the oldest."""
        if self._engine is not None:
            self._engine.fail("the machine crashed")
        kept = int(self._random.uniform(0, len(self._unsynced) + 1)) if self._unsynced else 0
        self._synced += self._unsynced[:kept]
        self._unsynced.clear()
        self._size = None

    @property
    def batches(self) -> int:
        """How many there are that are synced."""
        return len(self._synced)

    @property
    def ended_in_order(self) -> bool:
        """Whether it was closed in order: what is missing then is noticed at the next opening."""
        return self._noted is not None

    def take_all(self) -> None:
        """Refuse nothing that fits any more."""
        self.refuses = _refuses_none

    def lose_tail(self, batches: int) -> list[Batch]:
        """The last synced batches are gone, as from a drive that lied or a log that was cut: what was in them. What a compaction
        kept lies in tables, and stays."""
        assert self._engine is None or self._engine.failed, "cut the disk of a node that doesn't run"
        kept = max(self._compacted, len(self._synced) - batches)
        lost = self._synced[kept:]
        del self._synced[kept:]
        self._size = None
        return lost

    def found(self, key: bytes) -> bytes | None:
        """What is stored under a key, whether the disk is open or not."""
        for batch in reversed([*self._synced, *self._unsynced]):
            for changed, value in reversed(batch.changes):
                if changed == key:
                    return value
            if any(start <= key < stop for start, stop in batch.cleared):
                return None
        return None

    def note_end(self) -> None:
        """What was opened was closed in order: what is there now is what is to be there at the next opening."""
        self._noted = len(self._synced) + len(self._unsynced)

    def flip(self, key: bytes, at: int, mask: int = 1) -> None:
        """Flip bits of byte ``at`` of the stored value of ``key``, unnoticed."""
        if self._engine is None:
            raise AssertionError("flip bytes on an open disk")
        value = self._engine.get(key)
        assert value is not None, f"{key!r} is not stored"
        damaged = bytearray(value)
        damaged[at] ^= mask
        batch = Batch(changes=[(key, bytes(damaged))])
        self._engine.replace(batch)
        self._synced.append(batch)
        self._size = None

    def stored(self, start: bytes, stop: bytes) -> list[tuple[bytes, bytes]]:
        """What the open engine holds from ``start`` to ``stop``."""
        return [] if self._engine is None or self._engine.failed else list(self._engine.scan(start, stop))

    @property
    def size(self) -> int:
        """Bytes that were written and not yet given back."""
        if self._size is None:
            self._size = sum(_size(batch) for batch in (*self._synced, *self._unsynced))
        return self._size

    def compact(self) -> None:
        """What is held now is all that is kept, and is synced. A full disk stays full: others write to it as well.

        Raises CompactionFailed.
        """
        assert self._engine is not None
        if self.compaction_fails:
            raise CompactionFailed(self.compaction_fails)
        kept = Batch(list(self._engine.scan(b"", _ABOVE_ALL)))
        self._synced, self._unsynced = [kept], []
        self._compacted = 1
        self._size = None

    def write(self, batch: Batch) -> None:
        """Take ``batch`` as an engine of this disk does. Raises EngineFull, EngineFailed."""
        size = _size(batch)
        if self.refuses(batch):
            self.refused_at = _now()
            raise EngineFull(f"no space for {size:,} bytes at {self.path}")
        if self.free is not None:
            if size > self.free + (self.spare if batch.upkeep or batch.cleared else 0):
                self.refused_at = _now()
                raise EngineFull(f"no space for {size:,} bytes at {self.path}")
            self.free -= size
        if self.syncs_until_failure == 0:
            if self.failing_batch_survives:
                self._synced.append(batch)
                self._size = None
            raise EngineFailed(f"can't write to {self.path}: the sync failed")
        if self.syncs_until_failure is not None:
            self.syncs_until_failure -= 1
        (self._unsynced if self._lossy else self._synced).append(batch)
        if self._size is not None:
            self._size += size


class FaultyEngine:
    """What is open on a ``FaultyDisk``. After a failure it answers nothing any more."""

    def __init__(self, disk: FaultyDisk, batches: list[Batch]) -> None:
        self._disk = disk
        self._contents = MemoryEngine()
        self._failure = ""
        for batch in batches:
            self._contents.apply(batch)

    @property
    def durable(self) -> bool:
        return True

    def get(self, key: bytes) -> bytes | None:
        self._check()
        return self._contents.get(key)

    def apply(self, batch: Batch) -> None:
        self._check()
        kept = Batch(list(batch.changes), list(batch.cleared), batch.upkeep)
        try:
            self._disk.write(kept)
        except EngineFailed as failure:
            self._failure = str(failure)
            raise
        self._contents.apply(kept)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._check()
        return self._contents.scan(start, stop)

    @property
    def disk_bytes(self) -> int:
        return self._disk.size

    def compact(self, start: bytes, stop: bytes, live: int) -> "asyncio.Future[None]":
        """All of it, whatever the range, a while from now: it may crash, fail or be closed before."""
        if self._failure:
            raise CompactionFailed(self._failure)
        if self._disk.free is not None and live > self._disk.free:
            raise CompactionFailed(f"no space for {live:,} bytes at {self._disk.path}")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def compacted() -> None:
            if done.done():
                return
            try:
                if self._failure:
                    raise CompactionFailed(self._failure)
                self._disk.compact()
            except CompactionFailed as failure:
                done.set_exception(failure)
                done.exception()  # who waits for it may have been killed: then nobody looks at it, and that is all right
            else:
                done.set_result(None)

        loop.call_later(COMPACTION_SECONDS, compacted)
        return done

    def close(self) -> None:
        self._failure = self._failure or f"{self._disk.path} is closed"

    def fail(self, reason: str) -> None:
        """From now on everything fails with ``reason``."""
        self._failure = reason

    @property
    def failed(self) -> bool:
        return bool(self._failure)

    def replace(self, batch: Batch) -> None:
        """Change what is read, without a write of its own."""
        self._contents.apply(batch)

    def _check(self) -> None:
        if self._failure:
            raise EngineFailed(self._failure)
