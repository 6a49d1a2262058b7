"""The write path: a version, one request to every replica, and the outcome.

A write is OK when every reachable member of the clean set stored it, those that did not are recorded as behind first, and at
least max(1, W) clean copies remain. It is FAILED only when nobody can hold it, and UNKNOWN otherwise.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from kvtui.core.batches import batches
from kvtui.core.cluster import IT_IS_DOWN, Given, Outcome, ReplicaAnswer, Written, WrittenMany
from kvtui.core.ledger import Ledger
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.meter import Meter
from kvtui.core.naming import any_of
from kvtui.core.notes import Notes
from kvtui.core.patience import Patience
from kvtui.core.pending_write import PendingWrite
from kvtui.core.protocol import (
    BATCH_ENTRIES,
    ERROR,
    INLINE_BYTES,
    KEY_BYTES,
    VALUE_BYTES,
    Del,
    Put,
    PutRun,
    Reply,
    Request,
    to_blob,
)
from kvtui.core.routes import Hop, Route
from kvtui.core.seams.clock import Clock, Timer
from kvtui.core.trace import SILENT, UNASKED
from kvtui.core.value_transfer import UploadFailed, give_up, send_value
from kvtui.core.version import NEVER, Version

DONE: Final = Outcome.OK
FAILED: Final = Outcome.FAILED
UNKNOWN: Final = Outcome.UNKNOWN
# Named once: to look a member up costs as much as to make an object.

BATCHES_AT_ONCE: Final = 16
"""Batches of one put_many or delete_many that are under way together."""

DEADLINE_SECONDS: Final = 5.0
"""How long one put, delete or get may take from when it is sent, or since the last piece of a large value; a write that has no end
by then is reported as unknown, and goes on behind."""
WHICH_IS_SLOW: Final = "and see with show which node is slow"
"""What to do about an operation that ran out of time."""
SWEEP_SECONDS: Final = 0.5
"""How often writes under way are looked at for their deadline."""

LARGE_AT_ONCE: Final = 2
"""Large values that puts send at once: of the ``UPLOADS`` of a connection, one is left for moves and one for repairs."""


class Change(NamedTuple):
    """One key of a batch: the value that is stored, or None for a tombstone."""

    slot: int
    key: bytes
    value: bytes | None


class Writes:
    """Puts and deletes. Knows which keys have a write in flight."""

    def __init__(self, ledger: Ledger, clock: Clock, meter: Meter, notes: Notes) -> None:
        self._ledger = ledger
        self._notes = notes
        self._clock = clock
        self._now = clock.monotonic
        self._meter = meter
        self._uploads = 0
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._unsettled: dict[PendingWrite, None] = {}
        """Every write that has not settled, oldest first."""
        self._sweep: Timer | None = None
        self.in_flight: dict[bytes, PendingWrite] = {}
        """The newest write of each key that has not settled."""
        ledger.on_clean = self._remade

    async def put(self, key: bytes, value: bytes) -> Written:
        """Store a value on every replica of the key."""
        if not key or len(key) > KEY_BYTES or len(value) > INLINE_BYTES:
            problem = unfit(key, value)
            return Written(FAILED, NEVER, text=problem) if problem else await self._put_large(key, value)
        version = self._ledger.next_version()
        request = Put(to_blob(key), to_blob(value), version)
        begun = self._begin((key,), (self._ledger.slot(key),), version, request, len(value))
        # As ``_ended``, without a coroutine more: that is a twentieth of what a put costs here.
        if isinstance(begun, Written):
            return begun
        await begun.waiter
        return self._written(begun)

    async def delete(self, key: bytes) -> Written:
        """Store a tombstone on every replica of the key."""
        problem = unfit(key, b"")
        if problem:
            return Written(FAILED, NEVER, text=problem)
        version = self._ledger.next_version()
        slots = (self._ledger.slot(key),)
        begun = self._begin((key,), slots, version, Del(to_blob(key), version), buries=True)
        return await self._ended(begun)

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        """Store a batch of any length, in batches of the wire's size, a few at a time."""
        problem = next((text for key, value in items if (text := unfit(key, value))), "")
        if problem:
            return _refused([key for key, _ in items], problem)
        latest = dict(items)
        large = [(key, value) for key, value in latest.items() if len(value) > INLINE_BYTES]
        tally = _Tally()
        for key, value in large:
            tally.add((key,), await self.put(key, value))
            del latest[key]
        await self._write_batches(latest.items(), tally)
        return tally.report([key for key, _ in items], len(latest) + len(large))

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        """Delete a batch of any length, as ``put_many`` stores one."""
        problem = next((text for key in keys if (text := unfit(key, b""))), "")
        if problem:
            return _refused(keys, problem)
        distinct = dict.fromkeys(keys)
        tally = _Tally()
        await self._write_batches(distinct.items(), tally)
        return tally.report(keys, len(distinct))

    async def _write_batches(self, items: Iterable[tuple[bytes, bytes | None]], tally: "_Tally") -> None:
        """Write each key, ``BATCHES_AT_ONCE`` at most under way together, oldest awaited first."""
        under_way: deque[tuple[PendingWrite, list[Change]]] = deque()
        places = self._ledger.topology.places
        for batch in self._batches(items):
            if len(under_way) >= BATCHES_AT_ONCE:
                await self._await_batch(*under_way.popleft(), tally)
            # Against what all batches were cut by: one that was looked at says nothing of the next.
            current = self._ledger.topology.places
            if current is not places and len({current[change.slot] for change in batch}) > 1:
                # A move changed some of these slots since the batch was cut.
                await self._write_singly(batch, tally)
                continue
            begun = self._begin_batch(batch)
            if isinstance(begun, Written):
                tally.add([change.key for change in batch], begun)
            else:
                under_way.append((begun, batch))
        while under_way:
            await self._await_batch(*under_way.popleft(), tally)

    async def _await_batch(self, write: PendingWrite, batch: list[Change], tally: "_Tally") -> None:
        await write.waiter
        tally.end(write)

    def _batches(self, items: Iterable[tuple[bytes, bytes | None]]) -> Iterator[list[Change]]:
        """Items of equal placement, cut to the wire's limits."""
        places = self._ledger.topology.places
        slot_of = self._ledger.slot
        groups: dict[int, list[Change]] = {}
        for key, value in items:
            slot = slot_of(key)
            change = Change(slot, key, value)
            # Slots of equal placement share one object: by its identity they are told apart fastest.
            group = groups.get(id(places[slot]))
            if group is None:
                groups[id(places[slot])] = [change]
            else:
                group.append(change)
        for group in groups.values():
            yield from batches(group, lambda change: len(change.key) + len(change.value or b""), BATCH_ENTRIES)

    def _begin_batch(self, batch: list[Change]) -> PendingWrite | Written:
        version = self._ledger.next_version(len(batch))
        slots, keys, values = zip(*batch, strict=True)
        request = PutRun(
            version,
            [to_blob(key) for key in keys],
            [None if value is None else to_blob(value) for value in values],
        )
        return self._begin(keys, slots, version, request, buries=values[0] is None)

    async def _write_singly(self, batch: list[Change], tally: "_Tally") -> None:
        for change in batch:
            if change.value is None:
                tally.add((change.key,), await self.delete(change.key), buries=True)
            else:
                tally.add((change.key,), await self.put(change.key, change.value))

    async def _put_large(self, key: bytes, value: bytes) -> Written:
        """Send the value ahead in pieces, so that small requests pass between them, then store it by name."""
        self._uploads += 1
        upload = f"u{self._uploads}"
        began = self._now()
        ahead: dict[str, Link] = {}
        try:
            # Who waits for its turn is not late yet, nor whose value is long, while its pieces are taken.
            async with self._large, Patience(DEADLINE_SECONDS) as patience:
                problem = await self._send_ahead(key, value, upload, patience, ahead)
                if problem:
                    return _unsent(problem)
                # From here on it may be stored: its end is the write's own.
                patience.end()
                version = self._ledger.next_version()
                request = Put(to_blob(key), version=version, upload=upload)
                begun = self._begin((key,), (self._ledger.slot(key),), version, request, began=began)
                for node in () if isinstance(begun, Written) else begun.may_hold:
                    ahead.pop(node, None)
                return await self._ended(begun)
        except TimeoutError:
            return _unsent(f"nothing more of it was taken for {DEADLINE_SECONDS:g} s; put it again, {WHICH_IS_SLOW}")
        finally:
            for link in ahead.values():
                give_up(link, upload)

    async def _ended(self, begun: PendingWrite | Written) -> Written:
        """The end of the write of one key, once it is known or its deadline has passed."""
        if isinstance(begun, Written):
            return begun
        await begun.waiter
        return self._written(begun)

    async def _send_ahead(
        self, key: bytes, value: bytes, upload: str, patience: Patience, sent: dict[str, Link]
    ) -> str:
        """Send the value to all that take part in the write, which ``sent`` then has; why a clean replica does not take it, else
        empty."""
        slot = self._ledger.slot(key)
        while True:
            route = self._ledger.route(slot)
            hops = [hop for hop in route.everyone if sent.get(hop.node) is not hop.link]
            if not hops:
                return ""
            sent.update((hop.node, hop.link) for hop in hops)
            ends = await asyncio.gather(*(self._send_to(hop, upload, value, patience) for hop in hops))
            # A follower that does not take it refuses the write, too, and that needs no follower.
            refusals = [f"{hop.node}: {end}" for hop, end in zip(hops, ends, strict=True) if end and hop in route.clean]
            if refusals:
                return refusals[0]

    async def _send_to(self, hop: Hop, upload: str, value: bytes, patience: Patience) -> str:
        try:
            await send_value(hop.link, upload, value, patience.progressed)
        except UploadFailed as error:
            return str(error)
        return ""

    def _begin(
        self,
        keys: Sequence[bytes],
        slots: Sequence[int],
        version: Version,
        request: Request,
        size: int = 0,
        *,
        began: float | None = None,
        buries: bool = False,
    ) -> PendingWrite | Written:
        """Send the request to all that take part. What is returned settles whether anybody waits for it or not."""
        ledger = self._ledger
        route = ledger.route(slots[0])
        if route.missing or ledger.stopped or len(route.clean) < route.least:
            route = self._reachable_route(slots[0])
            problem = self._unwritable(route)
            if problem:
                return Written(FAILED, version, text=problem)
        now = self._now()
        write = PendingWrite(
            keys,
            slots,
            version,
            set(route.counting),
            now if began is None else began,
            asyncio.get_running_loop().create_future(),
            buries=buries,
        )
        if began is not None:
            write.ahead = now - began
        for counting in ledger.counting:
            if counting.covers(slots):
                if any(hop.node == counting.node for hop in route.followers):
                    write.waiting.add(counting.node)
                else:
                    counting.spoiled = True
        for key in keys:
            self.in_flight[key] = write
        self._unsettled[write] = None
        if self._sweep is None:
            self._sweep = self._clock.call_later(SWEEP_SECONDS, self._look_for_overdue)
        for hop in route.everyone:
            if not write.waiting:
                # None of those that count takes it: it has failed, and nobody else is to store it.
                break
            write.may_hold.add(hop.node)
            try:
                hop.link.send(request, partial(self._answered, write, hop.node), size)
            except (LinkLost, LinkFull) as error:
                self._answered(write, hop.node, Reply(status=ERROR, msg=str(error)))
        return write

    def may_purge(self, key: bytes) -> bool:
        """Whether no write of the key is in flight, and none ended unknown."""
        return key not in self.in_flight and key not in self._ledger.uncertain

    def _look_for_overdue(self) -> None:
        """Let those go on who wait for a write that is past its deadline. It stays in flight until its replicas' fate is known."""
        self._sweep = None
        due = self._clock.monotonic() - DEADLINE_SECONDS + SWEEP_SECONDS
        for write in self._unsettled:
            if write.began + write.ahead <= due and not write.overdue:
                write.overdue = True
                write.let_go()
        if self._unsettled:
            self._sweep = self._clock.call_later(SWEEP_SECONDS, self._look_for_overdue)

    def _reachable_route(self, slot: int) -> Route:
        """The slot's route, once clean members that can't be reached are recorded as behind, where that is allowed."""
        route = self._ledger.route(slot)
        if route.missing and not self._ledger.stopped:
            for node in route.missing:
                self._ledger.exclude(node, [(0, len(self._ledger.topology.places))])
            route = self._ledger.route(slot)
        return route

    def _unwritable(self, route: Route) -> str:
        if self._ledger.stopped:
            return self._ledger.stopped
        if not route.clean and not route.missing:
            if not self._ledger.topology.members:
                return "there are no nodes yet; add one with: addnode A 5001"
            return "its range has no clean copy left; start the nodes that held it, or give it up with: accept-loss"
        if route.missing and not route.clean:
            return f"{route.waits_for}{self._unlogged()}"
        if route.missing:
            copies = "copy" if route.least == 1 else "copies"
            return (
                f"it needs {route.least} clean {copies} and reaches {len(route.clean)}: it waits for {any_of(route.missing)}"
                f"{self._unlogged()}"
            )
        if len(route.clean) < route.least:
            return (
                f"it needs {route.least} clean copies and has {len(route.clean)} until the others are made equal (or fewer are"
                f" asked for: setquorum {len(route.clean)})"
            )
        return ""

    def _unlogged(self) -> str:
        """Why a write does not go on without those that can't be reached, where it could."""
        return f", and to go on without that has to be logged: {self._ledger.full}" if self._ledger.full else ""

    def _answered(self, write: PendingWrite, node: str, reply: Reply | None) -> None:
        if not write.waiting:
            self._spoil(write, node, reply)
            return
        now = self._now()
        finished = write.feed(node, reply, now)
        if reply is None or reply.status == ERROR:
            self._spoil(write, node, reply)
        if finished:
            self._settle(write, now)

    def _spoil(self, write: PendingWrite, node: str, reply: Reply | None) -> None:
        """A verification during which a write missed the node is void, and so is one during which it missed a clean replica: who is
        being verified may hold it, and a get that asked the clean ones alone is content."""
        if reply is not None and reply.status != ERROR:
            return
        missed_by_clean = node in self._ledger.topology.places[write.slots[0]].clean
        for counting in self._ledger.counting:
            if (missed_by_clean or counting.node == node) and counting.covers(write.slots):
                counting.spoiled = True

    def _remade(self, nodes: Sequence[str], start: int, stop: int) -> None:
        """Nodes were made equal to a clean replica of slots ``start``..``stop``."""
        for write in self._unsettled:
            if any(start <= slot < stop for slot in write.slots):
                write.remade = {*write.remade, *nodes}

    def _settle(self, write: PendingWrite, now: float) -> None:
        """All that were waited for have answered. Who counts must also have noted whom the write goes on without."""
        if write.fenced:
            self._ledger.stop(f"another coordinator took this cluster over ({write.fenced}); kvtui stops")
        elif write.refused and any(
            node in self._ledger.topology.places[write.slots[0]].clean for node in write.acknowledged
        ):
            for node in write.refused:
                self._ledger.exclude(node, [(slot, slot + 1) for slot in sorted(set(write.slots))])
        if self._notes.owing(write.acknowledged):
            self._notes.when_noted(
                write.acknowledged, lambda noted: self._finish(write, self._clock.monotonic(), noted)
            )
        else:
            self._finish(write, now, noted=True)

    def _noted(self, write: PendingWrite) -> bool:
        """Whether all that count for the write have noted whom it goes on without: one that was lost may not have."""
        places = self._ledger.topology.places
        lost = self._notes.missed.intersection(write.acknowledged)
        return not any(node in places[slot].clean for node in lost for slot in write.slots)

    def _finish(self, write: PendingWrite, now: float, noted: bool) -> None:
        self._unsettled.pop(write, None)
        in_flight = self.in_flight
        bared = [key for key in write.keys if in_flight.get(key) is write]
        for key in bared:
            del in_flight[key]
        write.ended = now
        self._meter.put(len(write.keys), now - write.began)
        outcome = write.outcome = self._outcome(write, noted and (not self._notes.missed or self._noted(write)))
        if outcome is not DONE:
            self._uncover(bared)
        if outcome is UNKNOWN or (outcome is DONE and self._ledger.uncertain):
            epoch, first = write.version
            for seq, (key, slot) in enumerate(zip(write.keys, write.slots, strict=True), start=first):
                if outcome is UNKNOWN:
                    self._ledger.suspect_key(key, slot, Version(epoch, seq))
                else:
                    self._ledger.overruled(key, Version(epoch, seq))
        if write.buries:
            for slot in set(write.slots):
                self._ledger.graves.bury(slot)
        place = self._ledger.topology.places[write.slots[0]]
        if outcome is DONE and len(place.clean) < len(place.replicas):
            for node in place.behind:
                if node not in write.acknowledged:
                    self._ledger.hint(node, write.keys)
        write.let_go()

    def _uncover(self, keys: Sequence[bytes]) -> None:
        """The newest write of these keys did not prevail: an older one that is under way still, and was hidden by it, is the newest
        in flight again. It may be on some of the clean replicas alone."""
        bared = set(keys)
        for older in self._unsettled:
            for key in bared.intersection(older.keys):
                self.in_flight[key] = older

    def _outcome(self, write: PendingWrite, noted: bool) -> Outcome:
        if write.stored_nowhere:
            return FAILED
        if not write.acknowledged or write.fenced or not noted:
            return UNKNOWN
        missed = bool(write.silent or write.refused)
        acknowledged = frozenset(write.acknowledged).difference(write.remade) if missed else frozenset()
        places = self._ledger.topology.places
        # Most slots of a batch still share one placement.
        slots = write.slots
        for slot in slots if len(slots) == 1 else {id(places[slot]): slot for slot in slots}.values():
            clean = places[slot].clean
            if len(clean) < self._ledger.route(slot).least:
                return UNKNOWN
            # Whoever came to be clean meanwhile was made equal to one that has the write, unless that one is who missed it: then
            # the write is gone from there, acknowledged or not.
            if missed and not acknowledged.issuperset(clean):
                return UNKNOWN
        return DONE

    def _written(self, write: PendingWrite) -> Written:
        outcome = write.outcome
        place = self._ledger.topology.places[write.slots[0]]
        return Written(
            outcome,
            write.version,
            self._answers(write, place.replicas),
            write.existed,
            "" if outcome is DONE else _explained(outcome, write),
            self._answers(write, place.receiving) if place.receiving else (),
            max(0.0, write.ended - write.began) * 1000,
        )

    def _answers(self, write: PendingWrite, nodes: tuple[str, ...]) -> tuple[ReplicaAnswer, ...]:
        answers = write.answers
        if len(nodes) == 1 and nodes[0] in answers:
            return (answers[nodes[0]],)
        return tuple([answers.get(node) or self._without_answer(write, node) for node in nodes])

    def _without_answer(self, write: PendingWrite, node: str) -> ReplicaAnswer:
        """Of a replica that was not waited for, or not even asked."""
        remote = self._ledger.nodes.get(node)
        away = remote is None or not remote.usable
        if node in write.may_hold:
            return ReplicaAnswer(node, SILENT, IT_IS_DOWN if away else "not answered yet")
        return ReplicaAnswer(node, UNASKED, IT_IS_DOWN if away else "")


class _Tally:
    """How the keys of a batch ended so far."""

    def __init__(self) -> None:
        self._others: dict[bytes, Outcome] = {}
        self._reason = ""
        self._existed = 0
        self._given: list[Given] = []

    def add(self, keys: Sequence[bytes], written: Written, *, buries: bool = False) -> None:
        """A key that was written by itself, or keys that were not sent at all, ended so."""
        if written.outcome is DONE:
            # What an end says of puts is no count.
            self._existed += buries and written.existed
        else:
            self._others.update(dict.fromkeys(keys, written.outcome))
            self._reason = self._reason or written.text
        if written.outcome is not FAILED:
            self._given.append(Given(written.version, tuple(keys)))

    def end(self, write: PendingWrite) -> None:
        """A batch settled, or its deadline has passed."""
        if write.outcome is DONE:
            self._existed += write.found
        else:
            self._others.update(dict.fromkeys(write.keys, write.outcome))
            self._reason = self._reason or _explained(write.outcome, write)
        if write.outcome is not FAILED:
            self._given.append(Given(write.version, tuple(write.keys)))

    def report(self, keys: Sequence[bytes], distinct: int) -> WrittenMany:
        """The end of a batch of ``keys``, of which so many are ``distinct``: one that came twice counts twice."""
        others = self._others
        if not others:
            return WrittenMany(len(keys), existed=self._existed, given=tuple(self._given))
        ends = (
            Counter(others.values()) if distinct == len(keys) else Counter(others[key] for key in keys if key in others)
        )
        failed, unknown = ends[FAILED], ends[UNKNOWN]
        ok = len(keys) - failed - unknown
        return WrittenMany(ok, failed, unknown, self._reason, others, self._existed, tuple(self._given))


def _refused(keys: Sequence[bytes], problem: str) -> WrittenMany:
    return WrittenMany(0, failed=len(keys), text=problem, others=dict.fromkeys(keys, FAILED))


def _unsent(why: str) -> Written:
    return Written(FAILED, NEVER, text=f"the value could not be sent: {why}")


def unfit(key: bytes, value: bytes) -> str:
    """Why a key or value can't be stored; empty when it can."""
    if not key:
        return "the key is empty"
    if len(key) > KEY_BYTES:
        return f"the key has {len(key):,} bytes; at most {KEY_BYTES:,} are possible"
    if len(value) > VALUE_BYTES:
        return f"the value has {len(value):,} bytes; at most {VALUE_BYTES:,} are possible"
    return ""


def _explained(outcome: Outcome, write: PendingWrite) -> str:
    if outcome is DONE:
        return ""
    if write.overdue:
        waiting = ", ".join(sorted(write.waiting)) or "its replicas"
        return f"it may or may not be stored: {waiting} did not answer within {DEADLINE_SECONDS:g} s"
    reasons = [f"{node}: {text}" for node, text in write.refused.items()]
    reasons += [f"{node} did not answer" for node in write.silent]
    why = "; ".join(reasons)
    if outcome is FAILED:
        return f"not stored: {why}"
    return f"it may or may not be stored: {why or 'kvtui ended before its replicas answered'}"
