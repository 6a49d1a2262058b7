"""A node's entries over a storage engine: highest version stays, writes are staged and committed together.

Reads see what is staged; who reads or writes must not be answered before ``commit`` returned.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any, Final

import msgspec
from xxhash import xxh3_64_digest

from kvtui.core.protocol import UPLOADS
from kvtui.core.seams.chance import Random
from kvtui.core.seams.storage import Batch, EngineFull, EngineUnreadable, StorageEngine
from kvtui.core.version import NEVER, Version
from kvtui.node.membership import FORMAT, Membership
from kvtui.node.record import (
    AFTER_ENTRIES,
    ENTRY,
    META,
    engine_key,
    is_live,
    pack,
    pack_version,
    packed_version,
    sound,
    token_at,
    unpack_version,
    version_of,
)
from kvtui.node.slots import NOTHING, Held, SlotTable

COMMIT_BYTES: Final = 4 * 1024 * 1024
"""Staged bytes above which a commit is due at once."""

_MEMBERSHIP = META + b"membership"
_COUNTER = META + b"counter"
_NOTE = META + b"note"
_ABOVE_ALL = b"\xff"
_counter = Struct(">QQ")
_held = Struct(">QQQ")
"""What the node holds in all: follows the counter in its record."""
_CHECKSUM_BYTES = 8
_NOTE_AT = 24
"""Where a note's text begins: after the checksum, and the version that says how far it goes."""
_ABSENT: Final[Any] = object()


class EntryDamaged(Exception):
    """The stored entry failed its checksum; it is never served."""


class Store:
    """Entries, identity and write counter of one data directory. Every method may raise EngineFailed.

    After that nothing of the store may be used but ``close``.
    """

    def __init__(self, engine: StorageEngine, random: Random) -> None:
        """Read everything once, verifying it. Raises EngineUnreadable when the engine holds something else than a node's data."""
        self._engine = engine
        self._random = random
        self._staged: dict[bytes, bytes | None] = {}
        self._large: dict[bytes, bytes] = {}
        self.staged_bytes = 0
        """Size of what waits for the next commit."""
        self.counter = 0
        """Synced batches in this data directory's life."""
        self._seq = 0
        self.noted = NEVER
        """How far the coordinator's note goes."""
        self._written: Held | None = None
        self.membership = self._load()
        self._table = SlotTable(self.membership.slots, self.membership.data_id)
        self._table.tally(engine.scan(ENTRY, AFTER_ENTRIES))
        self._refuse_a_part()

    @property
    def durable(self) -> bool:
        return self._engine.durable

    @property
    def table(self) -> SlotTable:
        """The sums per slot, staged writes included. Only to be read."""
        return self._table

    @property
    def staged(self) -> bool:
        """Whether anything waits for a commit."""
        return bool(self._staged)

    @property
    def counter_after_commit(self) -> int:
        """The write counter once all that is staged is synced."""
        return self.counter + 1 if self._staged else self.counter

    def next_version(self) -> Version:
        """A version above all that this standalone node has given, earlier lives of the process included."""
        self._seq += 1
        return Version(0, self._seq)

    def read(self, key: bytes) -> bytes | None:
        """The record of ``key``, staged or stored; None when there is none. Raises EntryDamaged."""
        where = engine_key(key)
        record = self._current(where)
        if record is None and self._table.damaged:
            slot = self._table.slot_at(where)
            if self._table.is_damaged(where) or slot in self._table.misplaced:
                raise EntryDamaged
        return record

    def read_large(self, key: bytes) -> bytes | None:
        """As ``read``, keeping the record at hand for the calls that fetch the rest of it."""
        where = engine_key(key)
        record = self._large.get(where)
        if record is None:
            record = self.read(key)
            if record is not None:
                while len(self._large) >= UPLOADS:
                    self._large.pop(next(iter(self._large)))
                self._large[where] = record
        return record

    def write(self, key: bytes, version: Version, value: bytes | None) -> bool:
        """Stage a value, or a tombstone (None), unless the key is already at ``version`` or above.

        Returns whether a live value was there.
        """
        where = engine_key(key)
        old = self._current(where)
        packed = pack_version(version)
        if old is not None and packed_version(old) >= packed:
            return is_live(old)
        if self._table.is_damaged(where):
            self._table.repair(where)
        self._stage(where, old, pack(key, packed, value))
        return old is not None and is_live(old)

    def drop(self, key: bytes, version: Version, *, only_tombstone: bool) -> bool:
        """Stage the removal of the entry, if it is at exactly ``version``; returns whether it was."""
        where = engine_key(key)
        old = self._current(where)
        if old is None or version_of(old) != version or (only_tombstone and is_live(old)):
            return False
        self._stage(where, old, None)
        return True

    def commit(self) -> None:
        """Sync all that is staged as one batch, the advanced counter included.

        Raises EngineFull: then nothing of it was stored and all of it is forgotten.
        """
        if not self._staged:
            return
        staged, self._staged = self._staged, {}
        self.staged_bytes = 0
        try:
            self._apply(Batch(changes=list(staged.items())))
        except EngineFull:
            self._forget(staged)
            raise

    def clear(self, start: int, stop: int) -> None:
        """Remove everything in slots ``start``..``stop``, synced. Nothing may be staged. Raises EngineFull."""
        batch = Batch()
        batch.clear(*self._table.range(start, stop))
        self._large.clear()
        self._apply(batch, self._table.held_outside(start, stop))
        self._table.reset(start, stop)

    def join(self, membership: Membership, *, keep: bool = False) -> None:
        """Persist ``membership``; entering a cluster clears what was stored, unless it is to ``keep`` it. Nothing may be staged.

        Raises EngineFull.
        """
        entering = membership.cluster != self.membership.cluster
        self._become(membership, Batch(), cleared=entering and not keep)
        if self._table.slots != membership.slots:
            self._table = SlotTable(membership.slots, membership.data_id)
            self._table.tally(self._engine.scan(ENTRY, AFTER_ENTRIES))

    def leave(self) -> None:
        """Become standalone and empty, with a new data id and a counter that starts again. Nothing may be staged.

        Raises EngineFull.
        """
        before = self.counter
        self.counter = 0
        try:
            self._become(Membership(data_id=self._random.identity()), Batch(), cleared=True)
        except EngineFull:
            self.counter = before
            raise

    def read_note(self) -> str:
        """What the coordinator left here last; empty where it left nothing, or what it left is damaged."""
        stored = self._engine.get(_NOTE)
        if stored is None or not _is_sealed(stored):
            return ""
        return stored[_NOTE_AT:].decode()

    def write_note(self, text: str, noted: Version) -> None:
        """Replace the note, which goes as far as ``noted``, synced. Nothing may be staged. Raises EngineFull."""
        batch = Batch()
        batch.put(_NOTE, _seal(pack_version(noted) + text.encode()))
        self._apply(batch)
        self.noted = noted

    def scan(self, start: int, stop: int, after: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Places and records of slots ``start``..``stop`` in order, above the key ``after``. Nothing may be staged.

        Damaged entries are left out.
        """
        first, end = self._table.range(start, stop)
        if after is not None:
            first = max(first, engine_key(after) + b"\x00")
        for where, record in self._engine.scan(first, end):
            if sound(where, record):
                yield where, record
            elif not self._table.is_damaged(where):
                self._recount(self._table.slot_at(where))

    def close(self) -> None:
        self._engine.close()

    def _current(self, where: bytes) -> bytes | None:
        """The sound record at ``where``; damage is noted and counts as nothing."""
        record: bytes | None = self._staged.get(where, _ABSENT)
        if record is not _ABSENT:
            return record
        record = self._engine.get(where)
        if record is None:
            return None
        is_sound = sound(where, record)
        if self._table.is_damaged(where) is is_sound:
            # It was damaged since it was last read, or the damage was only in the memory that it was read into.
            self._recount(self._table.slot_at(where))
        return record if is_sound else None

    def _stage(self, where: bytes, old: bytes | None, new: bytes | None) -> None:
        self._table.change(where, old, new)
        self._staged[where] = new
        self.staged_bytes += len(where) + (len(new) if new is not None else 0)
        if self._large:
            self._large.pop(where, None)

    def _apply(self, batch: Batch, held: Held | None = None) -> None:
        """Write ``batch``, after which the node holds what the table says, or ``held``."""
        held = held or self._table.held
        batch.put(_COUNTER, _seal(_counter.pack(self.counter + 1, self._seq) + _held.pack(*held)))
        self._engine.apply(batch)
        self.counter += 1

    def _become(self, membership: Membership, batch: Batch, *, cleared: bool) -> None:
        if cleared:
            batch.clear(ENTRY, AFTER_ENTRIES)
            batch.delete(_NOTE)
            self.noted = NEVER
            self._large.clear()
        batch.put(_MEMBERSHIP, _seal(msgspec.json.encode(membership)))
        self._apply(batch, NOTHING if cleared else None)
        self.membership = membership
        if cleared:
            self._table = SlotTable(membership.slots, membership.data_id)

    def _forget(self, staged: dict[bytes, bytes | None]) -> None:
        for slot in {token_at(where) >> self._table.shift for where in staged}:
            self._recount(slot)

    def _recount(self, slot: int) -> None:
        """Build a slot's sums anew from what is stored, and what is staged above it."""
        first, end = self._table.range(slot, slot + 1)
        entries: dict[bytes, bytes | None] = dict(self._engine.scan(first, end))
        entries.update((where, record) for where, record in self._staged.items() if first <= where < end)
        self._table.reset(slot, slot + 1)
        self._table.tally((where, record) for where, record in entries.items() if record is not None)

    def _load(self) -> Membership:
        stored = self._engine.get(_MEMBERSHIP)
        if stored is None:
            if next(self._engine.scan(b"", _ABOVE_ALL), None) is not None:
                raise EngineUnreadable("the directory holds data that is not a node's")
            fresh = Membership(data_id=self._random.identity())
            batch = Batch()
            batch.put(_MEMBERSHIP, _seal(msgspec.json.encode(fresh)))
            self._apply(batch, NOTHING)
            self._written = NOTHING
            return fresh
        membership = msgspec.json.decode(_open(stored, "identity"), type=Membership)
        if membership.format != FORMAT:
            raise EngineUnreadable(f"the data has format {membership.format}; this version of kvtui reads {FORMAT}")
        note = self._engine.get(_NOTE)
        if note is not None and _is_sealed(note):
            self.noted = unpack_version(note[_CHECKSUM_BYTES:_NOTE_AT])
        kept = _open(self._engine.get(_COUNTER) or b"", "write counter")
        self.counter, self._seq = _counter.unpack_from(kept)
        if len(kept) > _counter.size:
            self._written = Held(*_held.unpack_from(kept, _counter.size))
        return membership

    def _refuse_a_part(self) -> None:
        """Raises EngineUnreadable when the engine has lost entries that it had synced, or brought back others."""
        written, held = self._written, self._table.held
        if written is not None and held.lacks(written):
            raise EngineUnreadable(
                f"the node's data is damaged: its {held.entries:,} entries are not the {written.entries:,} that were written"
            )


def _seal(content: bytes) -> bytes:
    return xxh3_64_digest(content) + content


def _is_sealed(stored: bytes) -> bool:
    return xxh3_64_digest(stored[_CHECKSUM_BYTES:]) == stored[:_CHECKSUM_BYTES]


def _open(sealed: bytes, name: str) -> bytes:
    if not _is_sealed(sealed):
        raise EngineUnreadable(f"the node's {name} is damaged")
    return sealed[_CHECKSUM_BYTES:]
