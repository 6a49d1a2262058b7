"""Answers requests from a store: the meaning of every message, without the bytes and without the waiting."""

from collections.abc import Callable
from typing import Any, Final

from kvtui.core import protocol as wire
from kvtui.core.protocol import (
    BAD_REQUEST,
    BATCH_BYTES,
    BATCH_ENTRIES,
    CHANGED,
    DAMAGED,
    FOREIGN,
    FRAME_BYTES,
    FULL,
    INLINE_BYTES,
    KEY_BYTES,
    NOT_FOUND,
    NOTE_BYTES,
    OK,
    TOO_LARGE,
    VALUE_BYTES,
    Blob,
    Entry,
    Facts,
    Listed,
    Reply,
    Request,
    from_blob,
    to_blob,
)
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.storage import EngineFull
from kvtui.core.version import NEVER, Version
from kvtui.node.compaction import Compaction
from kvtui.node.membership import KEEP, Authority, Refused, admit, refuse_superseded
from kvtui.node.pages import EXAMINED_BYTES, page
from kvtui.node.record import SEQ_MOST, engine_key, is_live, part_of, size_of, value_of, version_of
from kvtui.node.store import EntryDamaged, Store
from kvtui.node.uploads import Uploads, UploadSpace

WRITES: Final = frozenset({wire.Put, wire.Del, wire.PutMany, wire.PutRun, wire.Drop, wire.Purge})
"""Requests that stage changes: they fail with ``full`` when the commit does."""
READS: Final = frozenset(
    {wire.Get, wire.Size, wire.GetMany, wire.Digests, wire.Counts, wire.Fetch, wire.Heartbeat, wire.Hello}
)
"""Requests that may have seen staged changes: asked again when the commit fails. Of hellos, those that only ask: a node is judged
by the write counter that they tell."""


class Peer:
    """Who is at the other end of a connection: what it may do, and what it has under way."""

    __slots__ = ("authority", "greeted", "legacy", "uploads")

    def __init__(self, uploads: Uploads) -> None:
        self.authority: Authority | None = None
        """The coordinator's session for which it acts, once its hello was accepted."""
        self.greeted = False
        """Whether it ever said hello."""
        self.legacy = False
        """Whether it speaks as the original's coordinator does."""
        self.uploads = uploads


class Service:
    """One node's answers. EngineFailed passes through every method: the node must stop."""

    def __init__(self, store: Store, clock: Clock, settle: Callable[[], None], compaction: Compaction) -> None:
        """``settle`` commits what is staged and corrects the replies that a full engine proves wrong."""
        self._compaction = compaction
        self._store = store
        self._clock = clock
        self._settle = settle
        self._space = UploadSpace()
        self._authority: Authority | None = None
        self._handlers: dict[type[Any], Callable[[Peer, Any], Reply]] = {
            wire.Put: self._put,
            wire.Get: self._get,
            wire.Del: self._delete,
            wire.Size: self._size,
            wire.Dump: self._dump,
            wire.PutMany: self._put_many,
            wire.PutRun: self._put_run,
            wire.GetMany: self._get_many,
            wire.Scan: self._scan,
            wire.Digests: self._digests,
            wire.Counts: self._counts,
            wire.Piece: self._piece,
            wire.Fetch: self._fetch,
            wire.Drop: self._drop,
            wire.Purge: self._drop,
            wire.Clear: self._clear,
            wire.Note: self._note,
            wire.Compact: self._compact,
            wire.Challenge: self._unasked,
            wire.Prove: self._unasked,
            wire.Hello: self._hello,
            wire.Heartbeat: self._heartbeat,
            wire.Leave: self._leave,
        }

    def new_peer(self) -> Peer:
        return Peer(Uploads(self._space))

    def answer(self, peer: Peer, request: Request) -> Reply:
        """The reply to ``request``. What it changed is staged at most: it must not leave before a commit."""
        try:
            if peer.authority is not None and peer.authority is not self._authority and type(request) is not wire.Hello:
                peer.uploads.forget()
                raise refuse_superseded(peer.authority, self._authority)
            return self._handlers[type(request)](peer, request)
        except Refused as refusal:
            return Reply(status=wire.ERROR, id=request.id, code=refusal.code, msg=str(refusal))
        except EntryDamaged:
            return Reply(status=wire.ERROR, id=request.id, code=DAMAGED, msg="the stored entry failed its checksum")
        except EngineFull as full:
            return full_reply(request, full)

    def facts(self) -> Facts:
        """The node's account of itself."""
        store, own = self._store, self._store.membership
        return Facts(
            protocol=wire.PROTOCOL,
            cluster=own.cluster,
            coordinator=own.coordinator,
            epoch=own.epoch,
            session=self._authority.session if self._authority else 0,
            data_id=own.data_id,
            counter=store.counter_after_commit,
            keys=store.table.keys,
            bytes=store.table.live_bytes,
            tombstones=store.table.tombstones,
            damaged=store.table.damages,
            damage_found=store.table.found,
            durable=store.durable,
            noted=store.noted,
            uncompacted=self._compaction.trouble,
            left=own.left,
        )

    def _put(self, peer: Peer, request: wire.Put) -> Reply:
        key = _key(request.key)
        if request.upload:
            value = peer.uploads.take(request.upload)
            if request.value:
                raise Refused(BAD_REQUEST, "a put has a value or an upload, not both")
        else:
            value = _value(request.value)
        version = self._version(peer, request.version)
        store = self._store
        store.write(key, version, value)
        return Reply(status=OK, id=request.id, version=version, counter=store.counter_after_commit)

    def _delete(self, peer: Peer, request: wire.Del) -> Reply:
        key = _key(request.key)
        version = self._version(peer, request.version)
        status = OK if self._store.write(key, version, None) else NOT_FOUND
        return Reply(status=status, id=request.id, version=version, counter=self._store.counter_after_commit)

    def _put_many(self, peer: Peer, request: wire.PutMany) -> Reply:
        entries = request.entries
        _check_list(len(entries))
        writes: list[tuple[bytes, Version, bytes | None]] = []
        total = 0
        for entry in entries:
            key, value = self._entry(peer, entry)
            writes.append((key, entry.version, value))
            total += len(key) + (len(value) if value is not None and not entry.upload else 0)
        if total > BATCH_BYTES and len(entries) > 1:
            raise Refused(TOO_LARGE, f"a batch holds at most {BATCH_BYTES:,} bytes of keys and values, not {total:,}")
        versions = [self._version(peer, None if version == NEVER else version) for _, version, _ in writes]
        for (key, _, value), version in zip(writes, versions, strict=True):
            self._store.write(key, version, value)
        return Reply(status=OK, id=request.id, counter=self._store.counter_after_commit)

    def _put_run(self, peer: Peer, request: wire.PutRun) -> Reply:
        keys = _keys(request.keys)
        if len(request.values) != len(keys):
            raise Refused(BAD_REQUEST, f"{len(keys)} keys need as many values, not {len(request.values)}")
        values = [None if value is None else _value(value) for value in request.values]
        total = sum(map(len, keys)) + sum(len(value) for value in values if value is not None)
        if total > BATCH_BYTES and len(keys) > 1:
            raise Refused(TOO_LARGE, f"a batch holds at most {BATCH_BYTES:,} bytes of keys and values, not {total:,}")
        epoch, seq = self._version(peer, request.first)
        _check_numbers(Version(epoch, seq + len(keys)))
        write = self._store.write
        existed = 0
        for number, (key, value) in enumerate(zip(keys, values, strict=True), start=seq):
            existed += write(key, Version(epoch, number), value)
        return Reply(status=OK, id=request.id, counts=[existed], counter=self._store.counter_after_commit)

    def _entry(self, peer: Peer, entry: Entry) -> tuple[bytes, bytes | None]:
        key = _key(entry.key)
        if entry.upload:
            value = peer.uploads.take(entry.upload)
        elif entry.size < 0:
            if entry.value is not None:
                raise Refused(BAD_REQUEST, "a tombstone (size -1) has no value")
            return key, None
        elif entry.value is None:
            raise Refused(BAD_REQUEST, "an entry to store needs its value or an upload")
        else:
            value = _value(entry.value)
        if entry.size != len(value):
            raise Refused(BAD_REQUEST, f"an entry says {entry.size} bytes and has {len(value)}")
        return key, value

    def _get(self, peer: Peer, request: wire.Get) -> Reply:
        record = self._store.read(_key(request.key))
        if record is None:
            return Reply(status=NOT_FOUND, id=request.id, version=NEVER)
        version = version_of(record)
        if not is_live(record):
            return Reply(status=NOT_FOUND, id=request.id, version=version)
        value = value_of(record)
        if len(value) <= INLINE_BYTES:
            return Reply(status=OK, id=request.id, value=to_blob(value), version=version)
        if not peer.legacy:
            return Reply(status=OK, id=request.id, size=len(value), version=version)
        if len(value) > FRAME_BYTES:
            raise Refused(TOO_LARGE, f"the value of {len(value):,} bytes must be read with fetch")
        return Reply(status=OK, value=to_blob(value))

    def _get_many(self, peer: Peer, request: wire.GetMany) -> Reply:
        keys = _keys(request.keys)
        entries = []
        space = BATCH_BYTES
        read = 0
        for blob, key in zip(request.keys, keys, strict=True):
            if request.some and read > EXAMINED_BYTES:
                break
            record = self._store.read(key)
            if record is None:
                entries.append(Entry(blob, NEVER, -1))
                continue
            size = size_of(record)
            read += len(record)
            value = None
            if 0 <= size <= min(space, INLINE_BYTES):
                value = to_blob(value_of(record))
                space -= size
            entries.append(Entry(blob, version_of(record), size, value))
        return Reply(status=OK, id=request.id, entries=entries)

    def _size(self, peer: Peer, request: wire.Size) -> Reply:
        return Reply(status=OK, id=request.id, keys=self._store.table.keys)

    def _dump(self, peer: Peer, request: wire.Dump) -> Reply:
        self._settle()
        table = self._store.table
        size = 0
        data: dict[str, Blob] = {}
        for where, record in self._store.scan(0, table.slots, None):
            if not is_live(record):
                continue
            key, value = to_blob(where[9:]), to_blob(value_of(record))
            if not isinstance(key, str):
                raise Refused(BAD_REQUEST, "a key is not UTF-8 and can't be dumped; use scan")
            size += len(where) + len(record)
            if size > FRAME_BYTES:
                break
            data[key] = value
        if table.damages:
            raise Refused(DAMAGED, f"{table.damages} entries failed their checksum; scan lists the others")
        if size > FRAME_BYTES or len(wire.encode(data)) > FRAME_BYTES:
            raise Refused(TOO_LARGE, f"the data exceeds one frame of {FRAME_BYTES:,} bytes; use scan")
        return Reply(status=OK, id=request.id, data=data)

    def _scan(self, peer: Peer, request: wire.Scan) -> Reply:
        self._check_slots(request.start, request.stop)
        if request.limit < 1:
            raise Refused(BAD_REQUEST, f"a page has at least one entry, not {request.limit}")
        after = None if request.after is None else _key(request.after)
        prefix = _key(request.prefix)
        self._settle()
        pairs = self._store.scan(request.start, request.stop, after)
        entries, cursor = page(pairs, min(request.limit, BATCH_ENTRIES), request.values, prefix)
        if request.whole and any(request.start <= slot < request.stop for slot in self._store.table.damaged):
            raise Refused(DAMAGED, f"entries of slots {request.start}..{request.stop} failed their checksum")
        damaged = self._damaged_keys(request, after, cursor) if self._store.table.damaged else None
        return Reply(status=OK, id=request.id, entries=entries, cursor=cursor, damaged=damaged)

    def _damaged_keys(self, request: wire.Scan, after: bytes | None, cursor: Blob | None) -> list[Blob]:
        """Those of the part that the page covers, to which the cursor belongs."""
        first, end = self._store.table.range(request.start, request.stop)
        if after is not None:
            first = engine_key(after) + b"\x00"
        if cursor is not None:
            end = engine_key(from_blob(cursor)) + b"\x00"
        keys = self._store.table.damaged_keys(first, end)
        if len(keys) > BATCH_ENTRIES or sum(map(len, keys)) > BATCH_BYTES:
            raise Refused(
                DAMAGED, f"{len(keys):,} entries of slots {request.start}..{request.stop} failed their checksum"
            )
        return [to_blob(key) for key in keys]

    def _digests(self, peer: Peer, request: wire.Digests) -> Reply:
        self._check_slots(request.start, request.stop)
        return Reply(status=OK, id=request.id, digests=self._store.digests(request.start, request.stop))

    def _counts(self, peer: Peer, request: wire.Counts) -> Reply:
        _check_list(len(request.ranges))
        table = self._store.table
        column = table.dead if request.tombstones else table.live
        for start, stop in request.ranges:
            self._check_slots(start, stop)
        return Reply(status=OK, id=request.id, counts=[sum(column[start:stop]) for start, stop in request.ranges])

    def _piece(self, peer: Peer, request: wire.Piece) -> Reply:
        self._check_writer(peer)
        data = _bytes(request.data)
        peer.uploads.add(request.upload, request.offset, request.total, data, self._clock.monotonic())
        return Reply(status=OK, id=request.id)

    def _fetch(self, peer: Peer, request: wire.Fetch) -> Reply:
        key = _key(request.key)
        record = self._store.read_large(key)
        if record is None or version_of(record) != request.version or not is_live(record):
            raise Refused(CHANGED, f"the key is not at version {request.version}")
        size = size_of(record)
        if not 0 <= request.offset <= size:
            raise Refused(BAD_REQUEST, f"offset {request.offset} is outside the value's {size} bytes")
        part = part_of(record, request.offset, INLINE_BYTES)
        if request.offset + len(part) == size:
            self._store.read_to_its_end(key)
        return Reply(status=OK, id=request.id, value=to_blob(part), size=size, version=request.version)

    def _drop(self, peer: Peer, request: wire.Drop | wire.Purge) -> Reply:
        self._check_writer(peer)
        only_tombstone = isinstance(request, wire.Purge)
        keys = _keys([entry.key for entry in request.entries])
        dropped = 0
        entry: Listed
        for entry, key in zip(request.entries, keys, strict=True):
            dropped += self._store.drop(key, entry.version, only_tombstone=only_tombstone)
        return Reply(status=OK, id=request.id, counts=[dropped], counter=self._store.counter_after_commit)

    def _clear(self, peer: Peer, request: wire.Clear) -> Reply:
        self._check_writer(peer)
        self._check_slots(request.start, request.stop)
        self._settle()
        self._store.clear(request.start, request.stop)
        return Reply(status=OK, id=request.id, counter=self._store.counter)

    def _note(self, peer: Peer, request: wire.Note) -> Reply:
        if not request.text:
            if self._store.note_damaged:
                # Not the same as none: it may have said what no other node knows.
                raise Refused(DAMAGED, "the coordinator's note is damaged")
            return Reply(status=OK, id=request.id, note=self._store.read_note(), version=self._store.noted)
        self._check_writer(peer)
        if len(_bytes(request.text)) > NOTE_BYTES:
            raise Refused(TOO_LARGE, f"a note holds at most {NOTE_BYTES:,} bytes")
        _check_numbers(request.noted)
        self._settle()
        self._store.write_note(request.text, request.noted)
        return Reply(status=OK, id=request.id, note="", version=request.noted, counter=self._store.counter)

    def _compact(self, peer: Peer, request: wire.Compact) -> Reply:
        self._check_writer(peer)
        if request.begin:
            self._settle()
            self._compaction.begin()
        done, total, before, failure = self._compaction.progress
        if failure:
            raise Refused(wire.UNCOMPACTED, f"its space could not be given back: {failure}")
        return Reply(status=OK, id=request.id, counts=[done, total, before, self._store.disk_bytes])

    def _unasked(self, peer: Peer, request: wire.Challenge | wire.Prove) -> Reply:
        raise Refused(wire.NO_SECRET, "this node asks for no proof of a secret")

    def _hello(self, peer: Peer, request: wire.Hello) -> Reply:
        peer.greeted = True
        if not request.cluster:
            return Reply(status=OK, id=request.id, facts=self.facts())
        self._settle()
        store = self._store
        held = store.table.keys + store.table.damages
        try:
            membership = admit(store.membership, request, self._authority, held)
        except Refused as refusal:
            text = str(refusal)
            return Reply(status=wire.ERROR, id=request.id, code=refusal.code, msg=text, facts=self.facts())
        if membership is not store.membership:
            store.join(membership, keep=request.data == KEEP)
        self._authority = Authority(request.cluster, request.coordinator, request.epoch, request.session)
        peer.authority = self._authority
        peer.uploads.forget()
        return Reply(status=OK, id=request.id, facts=self.facts())

    def _heartbeat(self, peer: Peer, request: wire.Heartbeat) -> Reply:
        return Reply(status=OK, id=request.id, facts=self.facts())

    def _leave(self, peer: Peer, request: wire.Leave) -> Reply:
        self._check_writer(peer)
        _check_numbers(request.noted)
        self._settle()
        self._store.leave(request.noted)
        self._authority = None
        return Reply(status=OK, id=request.id, facts=self.facts())

    def _check_writer(self, peer: Peer) -> None:
        """A cluster's node takes writes from its coordinator alone."""
        if peer.authority is None and self._store.membership.cluster:
            raise Refused(
                FOREIGN,
                f"this node belongs to cluster {self._store.membership.cluster}: write through its coordinator (where that is gone:"
                " kvtui recover)",
            )

    def _version(self, peer: Peer, given: Version | None) -> Version:
        """The version of a write: the coordinator's, or one of the standalone node's own."""
        if peer.authority is None:
            self._check_writer(peer)
            if given is not None:
                raise Refused(
                    BAD_REQUEST, "only a cluster's coordinator gives versions; this node belongs to no cluster"
                )
            return self._store.next_version()
        if given is None or given == NEVER:
            raise Refused(BAD_REQUEST, "a coordinator's write needs its version")
        _check_numbers(given)
        return given

    def _check_slots(self, start: int, stop: int) -> None:
        slots = self._store.table.slots
        if not 0 <= start <= stop <= slots:
            raise Refused(BAD_REQUEST, f"slots {start}..{stop} are not within 0..{slots}")


def removes(request: Request) -> bool:
    """Whether all that the request changes is removed, or buried under a tombstone."""
    if isinstance(request, wire.PutRun):
        return all(value is None for value in request.values)
    return isinstance(request, wire.Del | wire.Drop | wire.Purge)


def full_reply(request: Request, full: EngineFull) -> Reply:
    """The reply to a write for which there is no space."""
    return Reply(status=wire.ERROR, id=request.id, code=FULL, msg=str(full) or "no space")


def _check_numbers(version: Version) -> None:
    if not (0 <= version[0] <= SEQ_MOST and 0 <= version[1] <= SEQ_MOST):
        raise Refused(BAD_REQUEST, "a version's numbers are between 0 and 2^63 - 1")


def _bytes(blob: Blob) -> bytes:
    try:
        return from_blob(blob)
    except ValueError as error:
        raise Refused(BAD_REQUEST, str(error)) from None


def _key(blob: Blob) -> bytes:
    key = _bytes(blob)
    if len(key) > KEY_BYTES:
        raise Refused(TOO_LARGE, f"a key holds at most {KEY_BYTES:,} bytes, not {len(key):,}")
    return key


def _value(blob: Blob) -> bytes:
    value = _bytes(blob)
    if len(value) > VALUE_BYTES:
        raise Refused(TOO_LARGE, f"a value holds at most {VALUE_BYTES:,} bytes, not {len(value):,}")
    return value


def _keys(blobs: list[Blob]) -> list[bytes]:
    _check_list(len(blobs))
    keys = [_key(blob) for blob in blobs]
    total = sum(map(len, keys))
    if total > BATCH_BYTES and len(keys) > 1:
        raise Refused(TOO_LARGE, f"a batch holds at most {BATCH_BYTES:,} bytes of keys, not {total:,}")
    return keys


def _check_list(length: int) -> None:
    if length > BATCH_ENTRIES:
        raise Refused(TOO_LARGE, f"a list holds at most {BATCH_ENTRIES:,} entries, not {length:,}")
