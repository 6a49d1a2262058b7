"""Scenarios of a node's store: on engines in memory, and on disks that fail."""

from collections.abc import Callable

from kvtui.core.protocol import Hello
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.storage import EngineFailed, EngineFull, EngineUnreadable
from kvtui.core.version import NEVER, Version
from kvtui.node import garbage
from kvtui.node.compaction import Compaction
from kvtui.node.membership import Membership, admit
from kvtui.node.record import engine_key, is_live, value_of
from kvtui.node.slots import Held
from kvtui.node.store import EntryDamaged, Store
from kvtui.node.verification import Verification
from tests.simulation.engine import FaultyDisk
from tests.simulation.loop import SimClock

SLOTS = 8
KEYS = [b"key %d" % number for number in range(40)]


def _store(disk: FaultyDisk, *, unread: bool = False) -> Store:
    return Store(disk.open(), SeededRandom(1), at_opening=0) if unread else Store(disk.open(), SeededRandom(1))


def _member(store: Store) -> Store:
    """The same store, in a cluster of few slots."""
    own = store.membership
    store.join(Membership(data_id=own.data_id, cluster="ring", coordinator="c1", epoch=1, slots=SLOTS))
    return store


def _filled(disk: FaultyDisk) -> Store:
    """A member with 40 keys, all of their second version."""
    store = _member(_store(disk))
    for seq, value in enumerate((b"old", b"new"), start=1):
        for key in KEYS:
            store.write(key, Version(seq, 1), value)
            store.commit()
    return store


def _replaced(disk: FaultyDisk, key: bytes, record: bytes) -> None:
    """The engine brings back an entry as it was: nobody is told."""
    from kvtui.core.seams.storage import Batch

    batch = Batch(changes=[(engine_key(key), record)])
    disk.open().replace(batch)
    disk._synced.append(batch)


def _refused(kind: type[Exception], do: Callable[[], object]) -> bool:
    try:
        do()
    except kind:
        return True
    return False


def an_older_write_overrules_a_tombstone() -> None:
    store = _store(FaultyDisk())
    store.write(b"k", Version(1, 1), b"value")
    store.write(b"k", Version(1, 3), None)
    store.write(b"k", Version(1, 2), b"late")
    record = store.read(b"k")
    assert record is not None
    assert not is_live(record), "a put that is older than the delete brought the key back"


def versions_are_stored_backwards() -> None:
    store = _store(FaultyDisk())
    store.write(b"k", Version(1, 2), b"older")
    store.write(b"k", Version(1, 256), b"newer")
    store.write(b"k", Version(1, 255), b"between")
    record = store.read(b"k")
    assert record is not None
    assert value_of(record) == b"newer"


def digests_without_versions() -> None:
    one, other = _member(_store(FaultyDisk())), _member(_store(FaultyDisk()))
    one.write(b"k", Version(1, 1), b"older")
    other.write(b"k", Version(1, 2), b"newer")
    assert one.digests(0, SLOTS) != other.digests(0, SLOTS)


def a_repaired_entry_stays_damaged() -> None:
    disk = FaultyDisk()
    store, other = _member(_store(disk)), _member(_store(FaultyDisk()))
    store.write(b"k", Version(1, 1), b"value")
    store.commit()
    disk.flip(engine_key(b"k"), 27)
    assert _refused(EntryDamaged, lambda: store.read(b"k"))
    for each in (store, other):
        each.write(b"k", Version(1, 2), b"anew")
        each.commit()
    assert store.table.damages == 0
    assert store.digests(0, SLOTS) == other.digests(0, SLOTS)


def a_full_disk_leaves_the_sums_of_what_it_refused() -> None:
    disk = FaultyDisk()
    store, other = _member(_store(disk)), _member(_store(FaultyDisk()))
    disk.free = 0
    store.write(b"k", Version(1, 1), b"value")
    assert _refused(EngineFull, store.commit)
    assert store.digests(0, SLOTS) == other.digests(0, SLOTS), "it compares as one that has what it refused"


def the_counter_told_is_one_too_low() -> None:
    store = _store(FaultyDisk())
    store.write(b"k", Version(1, 1), b"value")
    told = store.counter_after_commit
    store.commit()
    assert told == store.counter


def an_epoch_is_granted_in_memory() -> None:
    disk = FaultyDisk()
    store = _member(_store(disk))
    hello = Hello(cluster="ring", coordinator="c2", epoch=2, session=1, slots=SLOTS)
    store.join(admit(store.membership, hello, None, 0))
    disk.crash()
    assert _store(disk).membership.epoch == 2


def keys_that_were_to_be_kept_are_cleared() -> None:
    store = _store(FaultyDisk())
    store.write(b"k", store.next_version(), b"value")
    store.commit()
    own = Membership(data_id=store.membership.data_id, cluster="ring", coordinator="c1", epoch=1, slots=SLOTS)
    store.join(own, keep=True)
    assert store.read(b"k") is not None


def what_a_node_noted_is_told_late() -> None:
    store = _member(_store(FaultyDisk()))
    store.write_note("text", Version(1, 7))
    assert store.noted == Version(1, 7)


def a_slot_that_nobody_read_is_answered() -> None:
    """The engine lost the newest version of a key, and has the one before."""
    disk = FaultyDisk()
    older = FaultyDisk()
    record = _older_record(older)
    _filled(disk)
    disk.crash()
    _replaced(disk, KEYS[0], record)
    store = _store(disk, unread=True)
    assert not store.verified
    assert _refused(EngineFailed, lambda: store.read(KEYS[0])), "an older value was served for one that was lost"


def _older_record(disk: FaultyDisk) -> bytes:
    store = _member(_store(disk))
    store.write(KEYS[0], Version(1, 1), b"old")
    store.commit()
    record = store.read(KEYS[0])
    assert record is not None
    return record


def lost_entries_are_counted_and_not_compared() -> None:
    disk = FaultyDisk()
    _filled(disk)
    disk.crash()
    _replaced(disk, KEYS[0], _older_record(FaultyDisk()))
    assert _refused(EngineUnreadable, lambda: _store(disk)), "an older entry passes for the newest"
    assert Held(3, 30, 0).lacks(Held(3, 31, 0))


async def the_sums_of_what_is_only_staged_are_written() -> None:
    disk = FaultyDisk()
    store = _filled(disk)
    failures: list[Exception] = []
    compaction = Compaction(store, SimClock(), lambda: 0, lambda text: None, failures.append, least=4)
    store.write(b"staged", Version(3, 1), b"value")
    compaction.begin()
    disk.crash()
    assert not failures
    again = _store(disk)
    assert again.read(b"staged") is None
    assert again.read(KEYS[0]) is not None


async def verification_ends_after_its_first_slice() -> None:
    disk = FaultyDisk()
    _filled(disk)
    disk.crash()
    store = _store(disk, unread=True)
    clock = SimClock()
    failures: list[Exception] = []
    # A slot at a time: this store has less than one slice.
    verify_next = store.verify_next
    store.verify_next = lambda entries: verify_next(1)  # type: ignore[method-assign]
    Verification(store, clock, failures.append).start()
    await clock.sleep(5.0)
    assert store.verified
    assert not failures


def garbage_is_weighed_the_wrong_way_round() -> None:
    least = garbage.LEAST_BYTES
    assert garbage.due(2 * least, 4 * least, garbage.IDLE_SECONDS)
    assert not garbage.due(2 * least, 8 * least, garbage.IDLE_SECONDS)


def a_leaver_is_remembered_by_its_new_data() -> None:
    store = _member(_store(FaultyDisk()))
    before = store.membership.data_id
    store.leave(Version(1, 9))
    left = store.membership.left
    assert left is not None
    assert left.data_id == before != store.membership.data_id
    assert store.noted == NEVER


def a_value_that_was_replaced_stays_at_hand() -> None:
    store = _store(FaultyDisk())
    store.write(b"key", Version(1, 1), b"old")
    store.commit()
    assert store.read_large(b"key") == store.read(b"key")
    store.write(b"key", Version(1, 2), b"new")
    store.commit()
    assert store.read_large(b"key") == store.read(b"key")


def a_refused_leave_takes_the_counter_along() -> None:
    disk = FaultyDisk()
    store = _store(disk)
    store.write(b"key", Version(1, 1), b"value")
    store.commit()
    before, disk.free = store.counter, 0
    try:
        store.leave(Version(1, 1))
    except EngineFull:
        assert store.counter == before
    else:
        raise AssertionError("there was no space")
