"""What is on the simulated disks, entry by entry, as whoever looks from outside sees it: the product is not asked.

A node's disk is followed write by write. What faults take from it (lost tails, flipped bits) is told apart from what the product
did: a replica that lost something, and was not found out yet, still counts as holding it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from xxhash import xxh3_64_digest

from kvtui.core.notes import NoteDamaged, read_note
from kvtui.core.seams.storage import Batch
from kvtui.core.topology import Topology
from tests.simulation.engine import ENTRY, NOTE, FaultyDisk, FaultyEngine
from tests.simulation.values import name_of

KEY_AT: Final = 9
"""Where the key begins in an entry's place; before it comes the token."""
HEAD: Final = slice(8, 25)
"""Of a record: version (16 bytes, ordered as versions are) and kind, after the checksum."""
VERSION: Final = 16
LIVE: Final = 1
"""The kind of a value; that of a tombstone is 0."""
MEMBERSHIP: Final = b"\x00membership"
COUNTER: Final = b"\x00counter"
SUMS: Final = b"\x00sums"
SEAL: Final = 8
NOTE_TEXT_AT: Final = 24
"""Where the text of a note begins, after its checksum and how far it goes."""

Where = bytes
"""The place of an entry on a disk."""
Head = bytes
"""An entry's version and kind."""


def where(key: bytes) -> Where:
    """The place of a key's entry."""
    return b"\x01" + xxh3_64_digest(key) + key


def slot_at(place: Where, slots: int) -> int:
    """The slot of an entry, of so many."""
    return int.from_bytes(place[1:KEY_AT], "big") * slots >> 64


def packed(version: tuple[int, int]) -> bytes:
    """A version as records have it."""
    return version[0].to_bytes(8, "big") + version[1].to_bytes(8, "big")


def told(head: Head | None) -> str:
    """A head in words."""
    if head is None:
        return "nothing"
    version = f"{int.from_bytes(head[:8], 'big')}.{int.from_bytes(head[8:16], 'big')}"
    return version if len(head) == VERSION or head[VERSION] == LIVE else f"a tombstone at {version}"


def sound(place: Where, record: bytes) -> bool:
    """Whether a stored record is what was written there."""
    return len(record) >= HEAD.stop and xxh3_64_digest(place[KEY_AT:] + record[HEAD.start :]) == record[: HEAD.start]


def _is_own(place: bytes) -> bool:
    """Whether a node keeps it for itself alone."""
    return place == COUNTER or place.startswith(SUMS)


@dataclass(slots=True)
class Identity:
    """What a node's disk says of the node."""

    data_id: str = ""
    cluster: str = ""
    coordinator: str = ""
    epoch: int = 0
    let_go: bool = False
    """It left a cluster before."""


class KnownDisk(FaultyDisk):
    """A disk that the model follows."""

    def __init__(self, path: Path, model: "Model", *, seed: int) -> None:
        super().__init__(path, seed=seed)
        self._model = model
        self.held: dict[Where, Head] = {}
        """What was written there and not removed again, whatever faults did to it since it was last opened."""
        self.missed: dict[Where, Head] = {}
        """What faults took, until the product has found out."""
        self.purged: dict[Where, Head] = {}
        """Tombstones that were removed, until the slot is cleared."""
        self.identity = Identity()
        self.note = b""
        """The coordinator's note, as it lies there."""
        self.mended: set[Where] = set()
        """Where the last batch replaced a damaged record by an older one: nobody could know its version. If it was promised,
        a clean replica lacks it from then on."""
        self.hurt = False
        """A fault took something of it."""
        self.counter = 0
        """The number of its newest batch."""
        self.stored_in: dict[Where, int] = {}
        """The batch in which each entry was first written at its version."""
        self._batches = 0

    def open(self) -> FaultyEngine:
        engine = super().open()
        self._look(engine)
        self._batches = len(self._synced) + len(self._unsynced)
        return engine

    def write(self, batch: Batch) -> None:
        self.mended = {place for place, record in batch.changes if self._mends(place, record)}
        super().write(batch)
        self._batches = len(self._synced) + len(self._unsynced)
        self._model.take(self, batch)

    def _mends(self, place: Where, record: bytes | None) -> bool:
        """Whether an older version takes the place of a damaged entry."""
        old = self.held.get(place)
        if old is None or record is None or place[0] != ENTRY or record[HEAD][:VERSION] >= old[:VERSION]:
            return False
        return not sound(place, self.found(place) or b"")

    def compact(self) -> None:
        super().compact()
        self._batches = len(self._synced) + len(self._unsynced)

    def _look(self, engine: FaultyEngine) -> None:
        """What is there may be less than what was written."""
        before = self.held
        self.held = {}
        for place, record in engine.scan(b"\x01", b"\x02"):
            # Of a damaged entry it is known only that it was there.
            head = record[HEAD] if sound(place, record) else before.get(place)
            if head is not None:
                self.held[place] = head
        for place, head in before.items():
            if self.held.get(place, b"")[:VERSION] < head[:VERSION]:
                self.missed[place] = max(head, self.missed.get(place, b""))
                # What was removed elsewhere because this one had it may come back from there.
                self._model.forget(place)
        if len(self._synced) + len(self._unsynced) < self._batches:
            self.hurt = True
        # A batch whose sync failed may be there as well.
        for key, value in (*engine.scan(MEMBERSHIP, MEMBERSHIP + b"\0"), *engine.scan(NOTE, NOTE + b"\0")):
            self.keep(key, value)
        for _, value in engine.scan(COUNTER, COUNTER + b"\0"):
            self.count(value)
        # What comes after a lost tail has numbers that were given before.
        self.stored_in = {place: number for place, number in self.stored_in.items() if number <= self.counter}

    def count(self, value: bytes) -> None:
        """Take what the node keeps about how far it got."""
        self.counter = int.from_bytes(value[SEAL : 2 * SEAL], "big")

    def keep(self, key: bytes, value: bytes | None) -> Identity | None:
        """Take what the node keeps about itself; who it was, if that changed."""
        if key == NOTE:
            self.note = value or b""
        elif key == MEMBERSHIP and value is not None:
            said: dict[str, Any] = json.loads(value[SEAL:])
            former = self.identity
            names = ("data_id", "cluster", "coordinator", "epoch")
            self.identity = Identity(
                **{name: said[name] for name in names if name in said}, let_go=bool(said.get("left"))
            )
            return former
        return None


def noted_on(disk: KnownDisk) -> Topology | None:
    """What the coordinator's note on a disk says; None where there is none that can be read."""
    try:
        return read_note(disk.note[NOTE_TEXT_AT:].decode()) if disk.note else None
    except NoteDamaged:
        return None


@dataclass(slots=True)
class Model:
    """All nodes' disks, what was promised of the entries on them, and what was found wrong: the first is what counts."""

    wrong: list[str] = field(default_factory=list)
    acknowledged: dict[Where, bytes] = field(default_factory=dict)
    """The newest version of each key that a client was told to be stored, or has read."""
    gone: dict[Where, bytes] = field(default_factory=dict)
    """The newest version of each key whose tombstone was purged anywhere."""
    failed: dict[tuple[Where, bytes], tuple[str | None, str, str]] = field(default_factory=dict)
    """Writes that were told to have failed, by the names of their values (None: deletes), why, and the coordinator that gave the
    version: nobody may hold them, ever. Two coordinators may have given one version, of whom only one is obeyed: their values
    differ, their deletes are told apart by whom a node obeys."""
    is_clean: Callable[[KnownDisk, Where], bool | None] = lambda disk, place: False
    """Whether the node of a disk is said to be a clean replica of an entry. None: by whom it obeys, and nobody looks at that one's
    table."""
    on_purge: Callable[[KnownDisk, Where, Head], None] = lambda disk, place, head: None
    """Told of tombstones that clean replicas removed."""
    on_drop: Callable[[KnownDisk, Where, Head], None] = lambda disk, place, head: None
    """Told of values that were removed one by one."""
    left: set[str] = field(default_factory=set)
    """The data that nodes had when they were let go."""
    disks: dict[Path, KnownDisk] = field(default_factory=dict)
    """The newest disk of each directory, wiped ones included."""
    mistaken: bool = False
    """A node that was let go answered where a member was looked for, which counts as wiped then."""
    changed: set[Where] = field(default_factory=set)
    """Entries that were written or removed anywhere since somebody looked."""

    def make(self, path: Path, seed: int) -> FaultyDisk:
        """The disk of a directory: a node's is followed."""
        if path.name == "metadata":
            return FaultyDisk(path, seed=seed)
        disk = self.disks[path] = KnownDisk(path, self, seed=seed)
        return disk

    def take(self, disk: KnownDisk, batch: Batch) -> None:
        """A batch was written to a node's disk."""
        for first, end in batch.cleared:
            for place in [place for place in disk.held if first <= place < end]:
                del disk.held[place]
                self.changed.add(place)
            for place in [place for place in (*disk.purged, *disk.missed) if first <= place < end]:
                disk.purged.pop(place, None)
                disk.missed.pop(place, None)
        number = next((value for place, value in reversed(batch.changes) if place == COUNTER), None)
        if number is not None:
            before = disk.counter
            disk.count(number)
            if disk.counter > before and not batch.cleared and all(_is_own(place) for place, _ in batch.changes):
                self.complain(f"{disk.path.name} counts a batch of its own: a lost one is not noticed by its number")
        for place, record in batch.changes:
            if place[0] != ENTRY:
                if place in (MEMBERSHIP, NOTE):
                    former = disk.keep(place, record)
                    if former is not None:
                        self._check_grant(disk, former)
            elif record is None:
                self._remove(disk, place)
            else:
                self._store(disk, place, record[HEAD], record)

    def forget(self, place: Where) -> None:
        """What was purged of a key may come back, and nobody is to blame."""
        self.gone.pop(place, None)
        for disk in self.disks.values():
            disk.purged.pop(place, None)

    def complain(self, text: str) -> None:
        """Something is wrong."""
        self.wrong.append(text)

    def _store(self, disk: KnownDisk, place: Where, head: Head, record: bytes) -> None:
        version, old = head[:VERSION], disk.held.get(place)
        if disk.identity.let_go and not disk.identity.cluster:
            self.complain(f"{disk.path.name} stored {place[KEY_AT:]!r} at {told(head)}, and had left the cluster")
        if old is not None and version < old[:VERSION] and place not in disk.mended:
            self.complain(f"{disk.path.name} replaced {place[KEY_AT:]!r} at {told(old)} by {told(head)}")
        if head[VERSION] == LIVE and version < disk.purged.get(place, b"")[:VERSION]:
            purged = told(disk.purged[place])
            self.complain(
                f"{place[KEY_AT:]!r} at {told(head)} came back on {disk.path.name}, which had purged {purged}"
            )
        if self.failed and (place, version) in self.failed:
            value, why, giver = self.failed[place, version]
            if (
                value == name_of(record[HEAD.stop :])
                if head[VERSION] == LIVE
                else value is None and giver == disk.identity.coordinator
            ):
                self.complain(f"{disk.path.name} stored {place[KEY_AT:]!r} at {told(head)}, which had failed: {why}")
        disk.held[place] = head
        if old is None or old[:VERSION] != version or place not in disk.stored_in:
            # Who wrote it anew, to repair it, may not have heard of that yet.
            disk.stored_in[place] = disk.counter
        self.changed.add(place)

    def _remove(self, disk: KnownDisk, place: Where) -> None:
        old = disk.held.pop(place, None)
        self.changed.add(place)
        if old is None:
            return
        if old[VERSION] == LIVE:
            self.on_drop(disk, place, old)
            return
        clean = self.is_clean(disk, place)
        if clean:
            # From others it is dropped, when they are made equal to one that lacks it.
            disk.purged[place] = old
            self.on_purge(disk, place, old)
        if clean is not False:
            self.gone[place] = max(old[:VERSION], self.gone.get(place, b""))

    def _check_grant(self, disk: KnownDisk, former: Identity) -> None:
        now = disk.identity
        if former.cluster and not now.cluster and now.let_go:
            self.left.add(former.data_id)
        if now.cluster != former.cluster or now.data_id != former.data_id:
            return
        if now.epoch < former.epoch or (now.epoch == former.epoch and now.coordinator != former.coordinator):
            self.complain(
                f"{disk.path.name} had granted epoch {former.epoch} to {former.coordinator},"
                f" and granted {now.epoch} to {now.coordinator}"
            )
