"""A node's entries over a storage engine: highest version stays, writes are staged and committed together.

Reads see what is staged; who reads or writes must not be answered before ``commit`` returned.

Opening a store does not read its entries: their sums per slot lie beside them (``kvtui.node.sums``), written in the same batches.
But nothing is answered on the strength of sums alone. A slot is *verified* when all its entries were read and are what its
sums say; each entry that fails its checksum is then known as damaged. The first read, write, scan or digest that touches a slot
verifies it, and ``verify_next`` does so for all others bit by bit. So what is told of a key, or of a slot's digest, rests on
entries that were read since the opening, as if all had been read before it: an older version is never served for one that the
engine lost (promise 2), a replica is never called clean by a digest of entries that nobody looked at (promise 4), and
damage is found and repaired (promise 9), though a heartbeat tells of it later. Only counts of keys and bytes are told from sums
not yet verified, which the batches that changed them made durable. A slot that holds something else than its sums say,
without a damaged entry that would explain it, proves that the engine lost entries or brought back old ones: the store fails
as after a failed sync, leaves a mark, and does not open again.

A store of few entries, and one whose sums are missing or damaged, is verified whole at its opening.
"""

import asyncio
from collections.abc import Iterator
from struct import Struct
from typing import Any, Final

from kvtui.core.formats import WrittenByNewer
from kvtui.core.seams.chance import Random
from kvtui.core.seams.storage import Batch, EngineFailed, EngineFull, EngineUnreadable, StorageEngine
from kvtui.core.version import NEVER, Version
from kvtui.node.large_records import LargeRecords
from kvtui.node.membership import Membership, encode_membership, read_membership, released
from kvtui.node.record import (
    AFTER_ENTRIES,
    ENTRY,
    META,
    OVERHEAD,
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
from kvtui.node.sealed import CHECKSUM_BYTES, content_of, is_sealed, seal
from kvtui.node.slots import NOTHING, Held, SlotTable
from kvtui.node.sums import KeptSums

COMMIT_BYTES: Final = 4 * 1024 * 1024
"""Staged bytes above which a commit is due at once."""
OPENING_ENTRIES: Final = 50_000
"""A store of at most so many entries is verified whole at its opening, which takes some 0.15 s."""

_MEMBERSHIP = META + b"membership"
_COUNTER = META + b"counter"
_NOTE = META + b"note"
_LOST = META + b"lost"
"""There when entries were found to be lost: in which words."""
_ABOVE_ALL = b"\xff"
_counter = Struct(">QQ")
_held = Struct(">QQQ")
"""What the node holds in all: follows the counter in its record."""
_NOTE_AT = 24
"""Where a note's text begins: after the checksum, and the version that says how far it goes."""
_ABSENT: Final[Any] = object()


class _EntriesLost(Exception):
    """What the engine holds is not what was written."""


class EntryDamaged(Exception):
    """The stored entry failed its checksum; it is never served."""


class Store:
    """Entries, identity and write counter of one data directory. Every method may raise EngineFailed.

    After that nothing of the store may be used but ``close``.
    """

    def __init__(self, engine: StorageEngine, random: Random, *, at_opening: int = OPENING_ENTRIES) -> None:
        """A store of at most ``at_opening`` entries is verified here and now.

        Raises EngineUnreadable when the engine holds something else than a node's data, or not all of it.
        """
        self._engine = engine
        self._random = random
        self._staged: dict[bytes, bytes | None] = {}
        self._large = LargeRecords()
        self.staged_bytes = 0
        """Size of what waits for the next commit."""
        self.counter = 0
        """Synced batches in this data directory's life, but for those that the store writes for itself: they would take the places
        of batches that were acknowledged and lost."""
        self._seq = 0
        self.noted = NEVER
        """How far the coordinator's note goes."""
        self.garbage = 0
        """Bytes that were written and are no longer held, about, since the last compaction: what the engine could give back."""
        self._written: Held | None = None
        self._sums = KeptSums()
        self._changed: set[int] = set()
        """Slots whose sums are no longer those in the engine."""
        self.membership = self._load()
        self._table = SlotTable(self.membership.slots, self.membership.data_id)
        self._unverified = bytearray(self.membership.slots)
        """1 for each slot whose entries were not yet read."""
        self._left = 0
        """How many those are."""
        self._fill_table(at_opening)
        self.garbage = max(0, engine.disk_bytes - self.held_bytes)

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
    def verified(self) -> bool:
        """Whether every entry was read since the opening."""
        return not self._left

    @property
    def held_bytes(self) -> int:
        """Bytes of all entries, tombstones included, without what the engine adds to them."""
        table = self._table
        return table.live_bytes + table.entries * OVERHEAD

    @property
    def disk_bytes(self) -> int:
        """Size of the files; 0 where there are none."""
        return self._engine.disk_bytes

    def fold(self, least: int) -> None:
        """Write the sums of all slots anew, in place of the changes that they went through, where these take ``least`` bytes.
        Nothing may be staged.

        Raises EngineFull: then they stay as they are.
        """
        if self._engine.durable and self._sums.changes_bytes >= least:
            self._apply(Batch(upkeep=True), fold=True)

    def compact(self, number: int, pieces: int) -> "asyncio.Future[None]":
        """Give back the space of what was replaced or removed in the ``number``-th of so many ``pieces`` of the store, in the
        background. Raises CompactionFailed, as the future does: the store goes on.
        """
        slots = self._table.slots
        first, _ = self._table.range(slots * number // pieces, slots)
        _, end = self._table.range(0, slots * (number + 1) // pieces)
        # What is no entry lies before and after them.
        first = b"" if number == 0 else first
        end = _ABOVE_ALL if number == pieces - 1 else end
        return self._engine.compact(first, end, self.held_bytes)

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
                self._large.keep(where, record)
        return record

    def read_to_its_end(self, key: bytes) -> None:
        """The last of a record that ``read_large`` kept at hand was sent."""
        self._large.forget(engine_key(key))

    def write(self, key: bytes, version: Version, value: bytes | None) -> bool:
        """Stage a value, or a tombstone (None), unless the key is already at ``version`` or above.

        Returns whether a live value was there.
        """
        where = engine_key(key)
        old = self._current(where)
        packed = pack_version(version)
        if old is not None and packed_version(old) >= packed:
            return is_live(old)
        if self._table.damaged and self._table.is_damaged(where):
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
            adds = any(record is not None and is_live(record) for record in staged.values())
            self._apply(Batch(changes=list(staged.items()), upkeep=not adds))
        except EngineFull:
            self._forget(staged)
            raise

    def clear(self, start: int, stop: int) -> None:
        """Remove everything in slots ``start``..``stop``, synced. Nothing may be staged. Raises EngineFull."""
        batch = Batch(upkeep=True)
        table = self._table
        batch.clear(*table.range(start, stop))
        self._large.clear()
        going = sum(table.sizes[start:stop]) + (sum(table.live[start:stop]) + sum(table.dead[start:stop])) * OVERHEAD
        self._apply(batch, cleared=range(start, stop))
        self._table.reset(start, stop)
        self._note_verified(start, stop)
        self.garbage += going

    def join(self, membership: Membership, *, keep: bool = False) -> None:
        """Persist ``membership``; entering a cluster clears what was stored, unless it is to ``keep`` it. Nothing may be staged.

        Raises EngineFull.
        """
        entering = membership.cluster != self.membership.cluster
        self._become(membership, cleared=entering and not keep)

    def leave(self, noted: Version) -> None:
        """Become standalone and empty, with a new data id and a counter that starts again, and remember whom it left, and that
        its log had got as far as ``noted``. Nothing may be staged.

        Raises EngineFull.
        """
        before = self.counter
        self.counter = 0
        try:
            self._become(released(self.membership, self._random.identity(), noted), cleared=True)
        except EngineFull:
            self.counter = before
            raise

    def read_note(self) -> str:
        """What the coordinator left here last; empty where it left nothing, or what it left is damaged."""
        stored = self._engine.get(_NOTE)
        if stored is None or not is_sealed(stored):
            return ""
        return stored[_NOTE_AT:].decode()

    @property
    def note_damaged(self) -> bool:
        """Whether the coordinator left something here that fails its checksum: what it said is not known."""
        stored = self._engine.get(_NOTE)
        return stored is not None and not is_sealed(stored)

    def write_note(self, text: str, noted: Version) -> None:
        """Replace the note, which goes as far as ``noted``, synced. Nothing may be staged. Raises EngineFull."""
        batch = Batch(upkeep=True)
        batch.put(_NOTE, seal(pack_version(noted) + text.encode()))
        self._apply(batch)
        self.noted = noted
        self.garbage += len(text)

    def scan(self, start: int, stop: int, after: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Places and records of slots ``start``..``stop`` in order, above the key ``after``. Nothing may be staged.

        Damaged entries are left out; those of the slots passed so far are known.
        """
        first, end = self._table.range(start, stop)
        if after is not None:
            first = max(first, engine_key(after) + b"\x00")
            start = max(start, self._table.slot_at(first))
        for where, record in self._engine.scan(first, end):
            if self._left and (slot := self._table.slot_at(where)) >= start:
                self._verify(start, slot + 1)
                start = slot + 1
            if sound(where, record):
                yield where, record
            elif not self._table.is_damaged(where):
                self._recount(self._table.slot_at(where))
        if self._left:
            self._verify(start, stop)

    def digests(self, start: int, stop: int) -> list[int]:
        """The digests of slots ``start``..``stop``, staged writes included."""
        if self._left:
            self._verify(start, stop)
        return self._table.digests[start:stop]

    def verify_next(self, entries: int) -> None:
        """Verify the next slots that are not, as many as hold about so many ``entries``: one at least, if there is any."""
        start = self._unverified.find(1)
        if start < 0:
            return
        stop = start + 1
        table = self._table
        held = table.live[start] + table.dead[start]
        while stop < table.slots and self._unverified[stop] and stop - start < entries:
            held += table.live[stop] + table.dead[stop]
            if held > entries:
                break
            stop += 1
        self._verify(start, stop)

    def close(self) -> None:
        self._engine.close()

    def _current(self, where: bytes) -> bytes | None:
        """The sound record at ``where``; damage is noted and counts as nothing."""
        record: bytes | None = self._staged.get(where, _ABSENT)
        if record is not _ABSENT:
            return record
        if self._left:
            slot = self._table.slot_at(where)
            self._verify(slot, slot + 1)
        record = self._engine.get(where)
        if record is None:
            return None
        is_sound = sound(where, record)
        if is_sound and not self._table.damaged:
            return record
        if self._table.is_damaged(where) is is_sound:
            # It was damaged since it was last read, or the damage was only in the memory that it was read into.
            self._recount(self._table.slot_at(where))
        return record if is_sound else None

    def _stage(self, where: bytes, old: bytes | None, new: bytes | None) -> None:
        self._changed.add(self._table.change(where, old, new))
        self._staged[where] = new
        if old is not None:
            self.garbage += len(where) + len(old)
        self.staged_bytes += len(where) + (len(new) if new is not None else 0)
        if self._large:
            self._large.forget(where)

    def _apply(
        self, batch: Batch, *, after: SlotTable | None = None, cleared: range = range(0), fold: bool = False
    ) -> None:
        """Write ``batch``, after which the node holds what the table says without the slots ``cleared``, or what ``after`` says.
        ``fold``: with the sums of all slots, for the store itself.
        """
        table = after or self._table
        held = table.held_outside(cleared.start, cleared.stop) if cleared else table.held
        size, whole = 0, fold or after is not None or self._sums.whole_is_due()
        number = self.counter if fold else self.counter + 1
        if self._engine.durable:
            slots = table.filled(range(table.slots)) if whole else self._changed.union(table.filled(cleared))
            rows = table.rows(slots)
            if cleared:
                rows = [(row[0], 0, 0, 0, 0, 0) if row[0] in cleared else row for row in rows]
            if rows or whole:
                size = self._sums.add(batch, table.slots, number, rows, whole=whole)
        batch.put(_COUNTER, seal(_counter.pack(number, self._seq) + _held.pack(*held)))
        self._engine.apply(batch)
        self.counter = number
        self._changed.clear()
        self._sums.written(size, whole=whole)
        self.garbage += size

    def _become(self, membership: Membership, *, cleared: bool) -> None:
        """Raises EngineFull."""
        batch = Batch(upkeep=True)
        table: SlotTable | None = None
        if cleared:
            batch.clear(ENTRY, AFTER_ENTRIES)
            batch.delete(_NOTE)
            table = SlotTable(membership.slots, membership.data_id, self._table.found)
        elif membership.slots != self._table.slots:
            if self._left:
                self._verify(0, self._table.slots)
            table = SlotTable(membership.slots, membership.data_id, self._table.found)
            table.tally(self._engine.scan(ENTRY, AFTER_ENTRIES))
        batch.put(_MEMBERSHIP, seal(encode_membership(membership)))
        self._apply(batch, after=table)
        self.membership = membership
        if cleared:
            self.garbage += self.held_bytes
            self.noted = NEVER
            self._large.clear()
        if table is not None:
            self._table = table
            self._unverified = bytearray(table.slots)
            self._left = 0

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
        self._changed.add(slot)

    def _fill_table(self, at_opening: int) -> None:
        """Fill the empty table from the sums in the engine, or from all entries. Raises EngineUnreadable."""
        rows = self._sums.read(self._engine, self._table.slots)
        written = self._written
        if rows is not None and written is not None:
            damages = self._table.restore(rows)
            if written == Held(self._table.entries, self._table.total, sum(damages.values())):
                self._unverified = bytearray(b"\x01") * self._table.slots
                self._left = self._table.slots
                self._verify_at_opening(damages, at_opening)
                return
            # Not all sums that were written: only reading the entries tells.
            self._table.reset(0, self._table.slots)
            self._sums = KeptSums()
        self._table.tally(self._engine.scan(ENTRY, AFTER_ENTRIES))
        held = self._table.held
        if written is not None and held.lacks(written):
            raise EngineUnreadable(_lost(held.entries, written.entries))

    def _verify_at_opening(self, damages: dict[int, int], at_opening: int) -> None:
        """Verify slots with ``damages``, of which only reading them tells what is damaged, and all of a small store."""
        try:
            for slot, damaged in damages.items():
                self._read_slots(slot, slot + 1, damaged)
            if self._table.entries <= at_opening:
                self._read_unverified(0, self._table.slots)
        except _EntriesLost as lost:
            raise EngineUnreadable(str(lost)) from None

    def _verify(self, start: int, stop: int) -> None:
        """See to it that slots ``start``..``stop`` are verified. Nothing may be staged in those that aren't.

        Raises EngineFailed when entries are lost.
        """
        try:
            self._read_unverified(start, stop)
        except _EntriesLost as lost:
            mark = Batch(upkeep=True)
            mark.put(_LOST, seal(str(lost).encode()))
            try:
                self._engine.apply(mark)
            except EngineFull:
                # It is found again after the next opening.
                pass
            raise EngineFailed(str(lost)) from None

    def _read_unverified(self, start: int, stop: int) -> None:
        """Raises _EntriesLost."""
        while self._left:
            first = self._unverified.find(1, start, stop)
            if first < 0:
                return
            end = self._unverified.find(0, first, stop)
            start = stop if end < 0 else end
            self._read_slots(first, start)

    def _read_slots(self, start: int, stop: int, damages: int = 0) -> None:
        """Read slots ``start``..``stop``, none of them verified, with ``damages`` damaged entries before. Raises _EntriesLost."""
        table = self._table
        before, written = table.entries, table.columns(start, stop)
        table.reset(start, stop)
        table.entries -= damages
        table.tally(self._engine.scan(*table.range(start, stop)))
        if damages or table.damaged or table.columns(start, stop) != written:
            for slot, was in enumerate(zip(*written, strict=True), start):
                ((_, digest, live, dead, damaged, _),) = table.rows((slot,))
                if Held(live + dead + damaged, digest, damaged).lacks(Held(was[1] + was[2] + damages, was[0], damages)):
                    raise _EntriesLost(_lost(table.entries, before))
                if damaged or damages:
                    self._changed.add(slot)
        self._note_verified(start, stop)

    def _note_verified(self, start: int, stop: int) -> None:
        self._left -= self._unverified.count(1, start, stop)
        self._unverified[start:stop] = bytes(stop - start)

    def _load(self) -> Membership:
        stored = self._engine.get(_MEMBERSHIP)
        if stored is None:
            if next(self._engine.scan(b"", _ABOVE_ALL), None) is not None:
                raise EngineUnreadable("the directory holds data that is not a node's")
            fresh = Membership(data_id=self._random.identity())
            batch = Batch()
            batch.put(_MEMBERSHIP, seal(encode_membership(fresh)))
            self._apply(batch, after=SlotTable(fresh.slots, fresh.data_id))
            self._written = NOTHING
            return fresh
        try:
            membership = read_membership(_open(stored, "identity"))
        except WrittenByNewer as error:
            raise EngineUnreadable(f"the node's data was {error}: start it with that one") from None
        lost = self._engine.get(_LOST)
        if lost is not None:
            raise EngineUnreadable(_open(lost, "mark of lost entries").decode())
        note = self._engine.get(_NOTE)
        if note is not None and is_sealed(note):
            self.noted = unpack_version(note[CHECKSUM_BYTES:_NOTE_AT])
        kept = _open(self._engine.get(_COUNTER) or b"", "write counter")
        self.counter, self._seq = _counter.unpack_from(kept)
        if len(kept) > _counter.size:
            self._written = Held(*_held.unpack_from(kept, _counter.size))
        return membership


def _lost(entries: int, written: int) -> str:
    return f"the node's data is damaged: its {entries:,} entries are not the {written:,} that were written"


def _open(sealed: bytes, name: str) -> bytes:
    if not is_sealed(sealed):
        raise EngineUnreadable(f"the node's {name} is damaged")
    return content_of(sealed)
