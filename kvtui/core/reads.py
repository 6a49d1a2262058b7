"""The read path: one clean replica answers, unless something about the key is uncertain; then all of them are asked.

A get waits for a write of its key that is in flight. After a write of unknown outcome, and for every key until the replicas were
compared after a start, it asks the whole clean set, writes the newest version back, and only then answers.
Where no clean replica can be asked it fails (``strict``), or answers what one that is behind has, flagged (``available``).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from msgspec import structs

from kvtui.core.cluster import IT_IS_DOWN, ClusterError, Heard, Item, Location, Outcome, Read, ReplicaCopy
from kvtui.core.ledger import Ledger
from kvtui.core.link import LinkFull, LinkLost
from kvtui.core.meter import Meter
from kvtui.core.patience import Patience
from kvtui.core.placement import Placement, without
from kvtui.core.protocol import (
    BATCH_ENTRIES,
    DAMAGED,
    ERROR,
    INLINE_BYTES,
    NOT_FOUND,
    OK,
    VALUE_BYTES,
    Entry,
    Get,
    GetMany,
    PutMany,
    Reply,
    Request,
    Scan,
    from_blob,
    to_blob,
)
from kvtui.core.read_mode import ReadMode
from kvtui.core.ring import slot_of, token_of
from kvtui.core.room import Room
from kvtui.core.routes import Hop, Route
from kvtui.core.seams.clock import Clock
from kvtui.core.several import Several
from kvtui.core.trace import Doubt, Purpose, Trace
from kvtui.core.value_transfer import UploadFailed, ValueMoved, fetch_value, give_up, send_value
from kvtui.core.version import NEVER, Version
from kvtui.core.writes import DEADLINE_SECONDS, DONE, WHICH_IS_SLOW, Writes

ATTEMPTS: Final = 4
"""Replicas, or moments, that one get tries before it gives up."""
WAITS: Final = 2
"""Writes in flight that a get waits for before it asks the whole clean set instead."""
PAGE: Final = 1_000
"""Most entries of one page of a scan."""
PAGE_BYTES: Final = VALUE_BYTES
"""Bytes of values at which a page of a scan is given out before it is full: more need not be held at once."""
FETCHED_AT_ONCE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of values that are being fetched in pieces at the same time; who wants more waits for its turn."""


class Reads:
    """Gets, scans and look-ups."""

    def __init__(self, ledger: Ledger, clock: Clock, meter: Meter, writes: Writes) -> None:
        self._ledger = ledger
        self._clock = clock
        self._now = clock.monotonic
        self._meter = meter
        self._writes = writes
        self._large = asyncio.Lock()
        self._room = Room(FETCHED_AT_ONCE_BYTES)

    async def get(self, key: bytes, trace: Trace | None = None) -> Read:
        """The newest acknowledged value of a key. ``trace`` notes how it was come by."""
        began = self._now()
        slot = self._ledger.slot(key)
        read = await self._get_at_once(key, slot, began) if trace is None else None
        if read is None:
            read = await self._get_patiently(key, slot, began, trace)
            read = structs.replace(read, milliseconds=(self._now() - began) * 1000)
        self._meter.get(1, read.milliseconds / 1000)
        return read

    async def _get_at_once(self, key: bytes, slot: int, began: float) -> Read | None:
        """The answer of one clean replica where nothing is uncertain and its first answer will do; else None."""
        ledger = self._ledger
        if not self._settled(key, slot) or ledger.stopped or not (clean := ledger.route(slot).clean):
            return None
        hop = clean[0]
        try:
            reply = await hop.link.ask(Get(to_blob(key)))
        except (LinkLost, LinkFull):
            return None
        value = reply.value
        if reply.status == OK and value is not None:
            found = from_blob(value)
        elif reply.status == NOT_FOUND:
            found = None
        else:
            return None
        return Read(DONE, found, reply.version or NEVER, hop.node, (self._now() - began) * 1000)

    async def _get_patiently(self, key: bytes, slot: int, began: float, trace: Trace | None) -> Read:
        """Wait, ask others or all, within the deadline; then, in ``available`` mode, whoever may be behind."""
        try:
            async with Patience(DEADLINE_SECONDS, self._now() - began) as patience:
                read = await self._get(key, slot, trace, patience)
                if read.outcome is not Outcome.OK and self._ledger.topology.reads is ReadMode.AVAILABLE:
                    return await self._get_stale(key, slot, trace, patience) or read
                return read
        except TimeoutError:
            came = "no answer" if not patience.seen else "nothing more of the value"
            return _unread(f"{came} within {DEADLINE_SECONDS:g} s; get it again, {WHICH_IS_SLOW}")

    async def _get_stale(self, key: bytes, slot: int, trace: Trace | None, patience: Patience) -> Read | None:
        """The newest of what the replicas hold that can be asked, clean or not."""
        route = self._ledger.route(slot)
        newest: Read | None = None
        for hop in () if self._ledger.stopped else route.clean + route.behind:
            try:
                reply = await self._ask(hop, Get(to_blob(key)), trace)
                read = None if reply.status == ERROR else await self._read_of(hop, key, reply, patience)
            except (LinkLost, LinkFull, ValueMoved, UploadFailed):
                continue
            if read is not None and (newest is None or read.version > newest.version):
                newest = structs.replace(read, stale=True)
        return newest

    def _ask(
        self,
        hop: Hop,
        request: Request,
        trace: Trace | None,
        purpose: Purpose = Purpose.GET,
        version: Version | None = None,
    ) -> "asyncio.Future[Reply]":
        answer = hop.link.ask(request)
        if trace is not None:
            trace.follow(hop.node, purpose, answer, version)
        return answer

    async def _get(self, key: bytes, slot: int, trace: Trace | None, patience: Patience) -> Read:
        trouble = ""
        for _ in range(ATTEMPTS):
            settled = await self._quiet(key, trace)
            if self._ledger.stopped:
                return _unread(self._ledger.stopped)
            route = self._ledger.route(slot)
            if not settled or key in self._ledger.uncertain or self._ledger.unverified[slot]:
                if trace is not None:
                    trace.doubt(*self._doubts(key, slot, settled))
                read = await self._get_from_all(key, slot, trace, patience)
                if read.outcome is Outcome.OK or route is self._ledger.route(slot):
                    return read
                trouble = read.text
                continue
            if not route.clean:
                return _unread(self._unreadable(route))
            hop = route.clean[0]
            try:
                reply = await self._ask(hop, Get(to_blob(key)), trace)
                if reply.status == ERROR:
                    # What a node can't serve (a damaged entry), another clean one may.
                    return await self._get_elsewhere(key, slot, hop, reply, trace, patience)
                return await self._read_of(hop, key, reply, patience)
            except (LinkLost, LinkFull) as error:
                trouble = f"{hop.node}: {error}"
            except ValueMoved:
                trouble = "the value kept changing while it was read"
            except UploadFailed as error:
                trouble = f"{hop.node}: {error}"
        return _unread(trouble)

    def _doubts(self, key: bytes, slot: int, settled: bool) -> list[Doubt]:
        """Why all of the clean set are to be asked for the key."""
        found = {
            Doubt.IN_FLIGHT: not settled,
            Doubt.UNKNOWN: key in self._ledger.uncertain,
            Doubt.UNVERIFIED: bool(self._ledger.unverified[slot]),
        }
        return [doubt for doubt, holds in found.items() if holds]

    async def _quiet(self, key: bytes, trace: Trace | None) -> bool:
        """Wait for writes of the key in flight; False when they never end."""
        for _ in range(WAITS):
            write = self._writes.in_flight.get(key)
            if write is None:
                return True
            settled = write.settled()
            if trace is not None:
                trace.wait(settled)
            await settled
        return key not in self._writes.in_flight

    async def _get_elsewhere(
        self, key: bytes, slot: int, failed: Hop, reply: Reply, trace: Trace | None, patience: Patience
    ) -> Read:
        for hop in self._ledger.route(slot).clean:
            if hop.node != failed.node and self._settled(key, slot):
                other = await self._ask(hop, Get(to_blob(key)), trace)
                if other.status != ERROR:
                    return await self._read_of(hop, key, other, patience)
        return _unread(f"{failed.node}: {reply.msg}")

    async def _read_of(self, hop: Hop, key: bytes, reply: Reply, patience: Patience) -> Read:
        version = reply.version or NEVER
        if reply.status != OK:
            return Read(Outcome.OK, None, version, hop.node)
        if reply.value is None:
            size = reply.size or 0
            with patience.waiting():
                await self._room.take(size)
            try:
                value = await fetch_value(hop.link, key, version, size, patience.progressed)
            finally:
                self._room.give(size)
        else:
            value = from_blob(reply.value)
        return Read(Outcome.OK, value, version, hop.node)

    def _unreadable(self, route: Route) -> str:
        away = ", ".join(route.missing)
        if away and route.clean:
            return (
                f"{away} can't be reached, may have a write of unknown outcome, and too few copies are left to go on without it;"
                " start it, or want fewer with: setquorum"
            )
        if away:
            return route.waits_for
        if not self._ledger.topology.members:
            return "there are no nodes yet; add one with: addnode A 5001"
        return "its range has no clean copy left; start the nodes that held it, or give it up with: accept-loss"

    async def _get_from_all(self, key: bytes, slot: int, trace: Trace | None, patience: Patience) -> Read:
        """Ask all of S, bring those that are older up to the newest version, then answer with it."""
        # A tombstone must not be purged between an older value's being read here and its being written back.
        self._ledger.repairs[slot] += 1
        try:
            return await self._repair(key, slot, trace, patience)
        finally:
            self._ledger.repairs[slot] -= 1

    async def _repair(self, key: bytes, slot: int, trace: Trace | None, patience: Patience) -> Read:
        route = self._ledger.route(slot)
        if route.missing:
            for node in route.missing:
                self._ledger.exclude(node, [(0, len(self._ledger.topology.places))])
            route = self._ledger.route(slot)
        if route.missing or not route.clean:
            return _unread(self._unreadable(route))
        suspected, revision = self._ledger.uncertain.get(key), self._ledger.revision
        try:
            asked = [self._ask(hop, Get(to_blob(key)), trace) for hop in route.clean]
            replies = [await future for future in asked]
            broken = [reply for reply in replies if reply.status == ERROR]
            if any(reply.code != DAMAGED for reply in broken) or len(broken) == len(replies):
                # A damaged entry is repaired from the others, as one that is older; anything else leaves doubt.
                return _unread(broken[0].msg)
            newest = max(range(len(replies)), key=lambda index: replies[index].version or NEVER)
            read = await self._read_of(route.clean[newest], key, replies[newest], patience)
            whole: list[str] = []
            for hop, reply in zip(route.clean, replies, strict=True):
                if (reply.version or NEVER) >= read.version or await self._write_back(hop, key, read, trace, patience):
                    whole.append(hop.node)
        except (LinkLost, LinkFull, ValueMoved, UploadFailed) as error:
            return _unread(str(error) or "the value kept changing while it was read")
        if any((reply.version or NEVER) < read.version for reply in replies):
            # Who fell behind, and was made equal to one that did not have it yet, does not have it any more.
            whole = [node for node in whole if self._ledger.remade.get(node, 0) <= revision]
        if without(self._ledger.topology.places[slot].clean, tuple(whole)):
            return _unread("its range changed hands while it was read")
        if key in self._writes.in_flight:
            # What was read of it may never reach who is being verified, and is not to be gone when that one counts.
            self._ledger.spoil(slot)
        elif self._ledger.uncertain.get(key) == suspected:
            self._ledger.uncertain.pop(key, None)
        return read

    async def _write_back(self, hop: Hop, key: bytes, read: Read, trace: Trace | None, patience: Patience) -> bool:
        """Give a clean replica what was read, unless it is none any more."""
        if read.value is None:
            return await self._put_back(hop, key, Entry(to_blob(key), read.version, -1), trace)
        if len(read.value) <= INLINE_BYTES:
            entry = Entry(to_blob(key), read.version, len(read.value), to_blob(read.value))
            return await self._put_back(hop, key, entry, trace)
        # One at a time: a node takes few, and two readers of one key would send the same one into each other's.
        with patience.waiting():
            await self._large.acquire()
        try:
            upload = f"b{read.version}"
            await send_value(hop.link, upload, read.value, patience.progressed)
            entry = Entry(to_blob(key), read.version, len(read.value), upload=upload)
            stored = await self._put_back(hop, key, entry, trace)
            if not stored:
                give_up(hop.link, upload)
            return stored
        finally:
            self._large.release()

    async def _put_back(self, hop: Hop, key: bytes, entry: Entry, trace: Trace | None) -> bool:
        slot = self._ledger.slot(key)
        if hop.node not in self._ledger.topology.places[slot].clean:
            # It may have been cleared of the slot since it was asked: what comes after that would stay there, marked by nobody.
            return False
        self._ledger.spoil(slot)
        reply = await self._ask(hop, PutMany(entries=[entry]), trace, Purpose.REPAIR, entry.version)
        if reply.status == ERROR:
            raise UploadFailed(f"{hop.node}: {reply.msg}")
        return True

    async def get_many(self, keys: Sequence[bytes], room: int | None = None) -> list[Read]:
        """One answer a key, in order; keys of one node travel together, and all nodes are asked at once. With ``room``, as
        ``Cluster.get_many`` says."""
        began = self._now()
        several = Several(keys, room)
        together = several.wanted
        while together and await self._ask_together(together, several):
            several.cut()
            together = several.small_ones()
        self._meter.get(len(several.answers), self._now() - began)
        for some in several.one_by_one():
            for key, read in zip(some, await asyncio.gather(*map(self.get, some)), strict=True):
                several.answer(key, read)
        return several.in_order()

    async def _ask_together(self, keys: Iterable[bytes], several: Several) -> bool:
        """Ask once for the keys about which nothing is uncertain; whether that brought anything."""
        known = several.known
        asked = [
            (hop, page, self._ask_many(hop, page))
            for hop, theirs in self._at_once(keys).items()
            for page in several.pages(theirs)
        ]
        for hop, page, asking in asked:
            await self._take_answers(hop, page, asking, several)
        return several.known > known

    def _at_once(self, keys: Iterable[bytes]) -> dict[Hop, list[bytes]]:
        """The keys about which nothing is uncertain, by the replica that is asked for them; none once this coordinator stopped."""
        ledger = self._ledger
        grouped: dict[Hop, list[bytes]] = defaultdict(list)
        if ledger.stopped:
            return grouped
        for key in keys:
            slot = ledger.slot(key)
            clean = ledger.route(slot).clean
            if clean and self._settled(key, slot):
                grouped[clean[0]].append(key)
        return grouped

    def _settled(self, key: bytes, slot: int) -> bool:
        return (
            key not in self._writes.in_flight
            and key not in self._ledger.uncertain
            and not self._ledger.unverified[slot]
        )

    def _ask_many(self, hop: Hop, keys: list[bytes]) -> "asyncio.Future[Reply] | None":
        try:
            return hop.link.ask(GetMany([to_blob(key) for key in keys], some=True))
        except (LinkLost, LinkFull):
            return None

    async def _take_answers(
        self, hop: Hop, keys: list[bytes], asking: "asyncio.Future[Reply] | None", several: Several
    ) -> None:
        """Answers of those keys that fit into a reply and that nothing happened to meanwhile."""
        try:
            reply = await asking if asking is not None else None
        except LinkLost:
            return
        for key, entry in zip(keys, (reply and reply.entries) or [], strict=False):
            if not self._settled(key, self._ledger.slot(key)):
                continue
            if entry.size < 0:
                several.answer(key, Read(DONE, None, entry.version, hop.node))
            elif entry.value is not None:
                several.answer(key, Read(DONE, from_blob(entry.value), entry.version, hop.node))
            else:
                several.leave_out(key, entry.size)

    async def locate(self, key: bytes) -> Location:
        """Where the key is, and what each replica holds of it now."""
        topology = self._ledger.topology
        token = token_of(key)
        slots = len(topology.places)
        slot = slot_of(token, slots)
        place = topology.places[slot]
        start, stop = next(((low, high) for low, high, _ in topology.stretches if low <= slot < high), (slot, slot + 1))
        copies = await asyncio.gather(*(self._copy(node, key, place) for node in place.replicas + place.receiving))
        return Location(key, token, token / 2**64, start / slots, stop / slots, tuple(copies))

    async def _copy(self, node: str, key: bytes, place: Placement) -> ReplicaCopy:
        unknown = partial(ReplicaCopy, node, None, clean=node in place.clean, receiving=node in place.receiving)
        remote = self._ledger.nodes.get(node)
        if remote is None or remote.link is None:
            return unknown(heard=Heard.NOT_ASKED, why=IT_IS_DOWN)
        try:
            reply = await remote.ask(Get(to_blob(key)))
        except LinkFull as error:
            return unknown(heard=Heard.NOT_ASKED, why=str(error))
        except LinkLost as error:
            return unknown(heard=Heard.NO_ANSWER, why=str(error))
        if reply.status == ERROR:
            return unknown(heard=Heard.DAMAGED if reply.code == DAMAGED else Heard.REFUSED, why=reply.msg)
        version = reply.version or NEVER
        return replace(unknown(), version=version, deleted=reply.status != OK and version != NEVER)

    async def scan(
        self, prefix: bytes, values: bool, passed: Callable[[float], None] | None = None
    ) -> AsyncIterator[list[Item]]:
        """Every live key with that prefix, in ring order, a page at a time. Raises ClusterError."""
        slot = 0
        after: bytes | None = None
        while slot < len(self._ledger.topology.places) and self._ledger.topology.members:
            entries, after, slot = await self._page(slot, after, prefix, values)
            if passed is not None:
                passed(slot / len(self._ledger.topology.places) if after is None else token_of(after) / 2**64)
            items: list[Item] = []
            held = 0
            for entry in entries:
                item = await self._item(entry, values)
                if item is None:
                    continue
                items.append(item)
                held += len(item.value or b"")
                if held >= PAGE_BYTES:
                    yield items
                    items, held = [], 0
            if items:
                yield items

    async def _page(
        self, start: int, after: bytes | None, prefix: bytes, values: bool
    ) -> tuple[list[Entry], bytes | None, int]:
        """What a clean replica holds after ``after`` from slot ``start`` on, and where the next page begins. Of slots whose clean
        replicas were not compared since this coordinator started, what any of them holds: one may lack what others have."""
        trouble = ""
        for attempt in range(ATTEMPTS):
            route = self._ledger.route(start)
            if self._ledger.stopped:
                raise ClusterError(f"can't read the whole ring: {self._ledger.stopped}")
            if not route.clean:
                raise ClusterError(f"can't read the whole ring: {self._unreadable(route)}")
            # Of these slots the nodes are clean replicas now; should one be emptied of them, then after it answered.
            stop = self._end_of_run(start)
            hops: Sequence[Hop] = (route.clean[attempt % len(route.clean)],)
            if any(self._ledger.unverified[start:stop]):
                for node in route.missing:
                    self._ledger.exclude(node, [(0, len(self._ledger.topology.places))])
                route = self._ledger.route(start)
                if route.missing or not route.clean:
                    raise ClusterError(f"can't read the whole ring: {self._unreadable(route)}")
                hops, stop = route.clean, self._end_of_run(start)
            request = Scan(
                start=start,
                stop=stop,
                after=None if after is None else to_blob(after),
                limit=min(PAGE, BATCH_ENTRIES),
                values=values,
                prefix=to_blob(prefix),
                whole=True,
            )
            replies: list[Reply] = []
            try:
                asked = [hop.link.ask(request) for hop in hops]
                replies += [await future for future in asked]
            except (LinkLost, LinkFull) as error:
                trouble = f"{hops[min(len(replies), len(hops) - 1)].node}: {error}"
                continue
            for hop, reply in zip(hops, replies, strict=True):
                if reply.status == ERROR and reply.code != DAMAGED:
                    raise ClusterError(f"can't read the whole ring: {hop.node}: {reply.msg}")
            damaged = next((hop.node for hop, reply in zip(hops, replies, strict=True) if reply.code == DAMAGED), None)
            if damaged is not None:
                # Others have what it lacks; and it is repaired from them.
                trouble = f"{damaged}: {next(reply.msg for reply in replies if reply.code == DAMAGED)}"
                continue
            entries, cursor = _together(replies)
            return entries, cursor, stop if cursor is None else self._ledger.slot(cursor)
        raise ClusterError(f"can't read the whole ring: {trouble}")

    def _end_of_run(self, slot: int) -> int:
        places = self._ledger.topology.places
        clean = places[slot].clean
        stop = slot + 1
        while stop < len(places) and places[stop].clean == clean:
            stop += 1
        return stop

    async def _item(self, entry: Entry, values: bool) -> Item | None:
        key = from_blob(entry.key)
        if self._settled(key, self._ledger.slot(key)):
            if entry.size < 0:
                return None
            if not values:
                return Item(key, None, entry.version, entry.size)
            if entry.value is not None:
                return Item(key, from_blob(entry.value), entry.version, entry.size)
        read = await self.get(key)
        if read.outcome is not Outcome.OK:
            raise ClusterError(f"can't read the whole ring: {read.text}")
        if read.stale:
            # An item has no way to say that it may be old.
            raise ClusterError(
                "can't read the whole ring: a key of it can only be read from a replica that may be behind; try again once all of"
                " its nodes are UP"
            )
        if read.value is None:
            return None
        return Item(key, read.value if values else None, read.version, len(read.value))


def _together(replies: Sequence[Reply]) -> tuple[list[Entry], bytes | None]:
    """One page of what several nodes hold of the same part, the newest of each key, as far as all of them got; and its end."""
    ends = [from_blob(reply.cursor) for reply in replies if reply.cursor is not None]
    end = min(ends, key=_in_the_ring, default=None)
    if len(replies) == 1:
        return replies[0].entries or [], end
    newest: dict[bytes, Entry] = {}
    for entry in (entry for reply in replies for entry in reply.entries or ()):
        key = from_blob(entry.key)
        if (end is None or _in_the_ring(key) <= _in_the_ring(end)) and (
            key not in newest or entry.version > newest[key].version
        ):
            newest[key] = entry
    return [newest[key] for key in sorted(newest, key=_in_the_ring)], end


def _in_the_ring(key: bytes) -> tuple[int, bytes]:
    return token_of(key), key


def _unread(text: str) -> Read:
    return Read(Outcome.FAILED, None, NEVER, text=text)
