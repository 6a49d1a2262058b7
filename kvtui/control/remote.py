"""A cluster whose coordinator is another process: ``Cluster`` and every capability over the control socket."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

import msgspec

from kvtui.control import calls
from kvtui.control.channel import Channel, NotBegun, Unsendable
from kvtui.control.own_loop import running_loop
from kvtui.control.unanswered import CLOSED_MEANWHILE
from kvtui.control.wire import ANSWER_BYTES, BATCH_ENTRIES, EVENTS, PAGES, Delete, Get, Listen, Look, Picture, Put, Scan
from kvtui.core.change import Change
from kvtui.core.cluster import (
    ClusterError,
    Compaction,
    Item,
    Location,
    NodeAdded,
    Observer,
    Outcome,
    OwnData,
    Read,
    ReadMode,
    Rebalanced,
    Written,
    WrittenMany,
)
from kvtui.core.events import Event
from kvtui.core.explanation import Explanation
from kvtui.core.plan import Plan
from kvtui.core.several import first_that_fit
from kvtui.core.snapshot import ClusterSnapshot, NodeView
from kvtui.core.version import NEVER, Version
from kvtui.core.writes import unfit

T = TypeVar("T")

_ITEMS: Final = msgspec.json.Decoder(list[Item])
_EVENT: Final = msgspec.json.Decoder(Event)
BATCH_READS: Final = 256
"""Keys of one request for many values."""
BY_HAND: Final = "takeup opens it here"
"""What follows when the holder ended and a person, or a program, says when this process is to be the next one."""


class PartlyBegun(NotBegun):
    """The first of the batches that a request was cut to were carried out, and the others not begun."""

    def __init__(self, text: str, done: WrittenMany, rest: Sequence[Any]) -> None:
        super().__init__(text)
        self.done = done
        self.rest = rest


class RemoteCluster:
    """Implements ``Cluster`` and all its capabilities, with one addition: what the holder did not begin, because it ended or is
    ending, raises NotBegun, operations on keys included. ``kvtui.control.session`` asks it again elsewhere, or fails it."""

    def __init__(self, channel: Channel, first: Picture, ended: Callable[[str], None], then: str = BY_HAND) -> None:
        """``first`` is the picture that the holder sent with its welcome. ``ended`` is called once, with the reason, when the
        connection is over; ``then`` is what follows, in words."""
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._told_of_end = ended
        self._then = then
        self._drawn = asyncio.Event()
        self._looking = False
        self._snapshot = self._drawn_from(first, None)
        channel.watcher = self

    @property
    def holder(self) -> str:
        """Who holds the coordinator: what it is, and its process."""
        return self._channel.holder

    @property
    def open(self) -> bool:
        """Whether the holder can be asked."""
        return self._channel.open

    def close(self) -> None:
        """Leave; the holder goes on. What is asked of it and not answered, and who waits for a picture, is told."""
        self._channel.watcher = None
        self._channel.close(CLOSED_MEANWHILE)
        self._tell_of_picture()

    # What the channel tells.

    def show(self, picture: Picture) -> None:
        self._looking = False
        self._snapshot = self._drawn_from(picture, self._snapshot)
        self._tell_of_picture()

    def ended(self, reason: str) -> None:
        self._looking = False
        self._snapshot = replace(self._snapshot, stopped=f"{reason}: {self._then}")
        self._told_of_end(reason)
        self._tell_of_picture()

    def _drawn_from(self, picture: Picture, before: ClusterSnapshot | None) -> ClusterSnapshot:
        """The snapshot that was sent; parts that are as they were are the same objects."""
        snapshot = picture.snapshot
        known: dict[str, NodeView] = {} if before is None else {view.id: view for view in before.nodes}
        nodes = tuple(old if (old := known.get(view.id)) == view else view for view in snapshot.nodes)
        ranges = picture.ranges if picture.ranges is not None else () if before is None else before.ranges
        return replace(snapshot, nodes=nodes, ranges=ranges, attached=snapshot.attached or self._channel.holder)

    def _tell_of_picture(self) -> None:
        self._drawn.set()
        self._drawn = asyncio.Event()

    def _look(self) -> None:
        """Ask for the next picture, unless that was done. Only while somebody looks are pictures sent."""
        if not self._looking and self._channel.open:
            self._looking = True
            self._channel.tell(Look())

    # Cluster.

    def snapshot(self) -> ClusterSnapshot:
        if running_loop() is self._loop:
            self._look()
        return self._snapshot

    async def changed(self, seen: ClusterSnapshot) -> ClusterSnapshot:
        while self._snapshot is seen:
            if not self._channel.open:
                raise NotBegun(self._channel.reason)
            self._look()
            await self._drawn.wait()
        return self._snapshot

    def events(self) -> AsyncIterator[Event]:
        return self._channel.stream(Listen, _EVENT, EVENTS)

    async def refresh(self) -> ClusterSnapshot:
        await self._channel.call(calls.REFRESH)
        return self._snapshot

    async def put(self, key: bytes, value: bytes) -> Written:
        problem = unfit(key, value)
        if problem:
            return Written(Outcome.FAILED, NEVER, text=problem)
        try:
            written: Written = await self._channel.ask(lambda number: Put(number, key, value), len(value))
        except NotBegun:
            raise
        except ClusterError as error:
            return unwritten(error)
        return written

    async def get(self, key: bytes) -> Read:
        problem = unfit(key, b"")
        if problem:
            return unread(problem)
        try:
            read: Read = await self._channel.ask(lambda number: Get(number, key), 0)
        except NotBegun:
            raise
        except ClusterError as error:
            return unread(str(error))
        return read

    async def delete(self, key: bytes) -> Written:
        problem = unfit(key, b"")
        if problem:
            return Written(Outcome.FAILED, NEVER, text=problem)
        try:
            written: Written = await self._channel.ask(lambda number: Delete(number, key), 0)
        except NotBegun:
            raise
        except ClusterError as error:
            return unwritten(error)
        return written

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        return await self._write_many(calls.PUT_MANY, items, lambda item: item)

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        return await self._write_many(calls.DELETE_MANY, keys, lambda key: (key, b""))

    async def _write_many(
        self, call: "calls.Call[WrittenMany]", items: Sequence[T], parts: Callable[[T], tuple[bytes, bytes]]
    ) -> WrittenMany:
        """``parts`` of an item: its key and value. One batch after the other. Of a key that comes twice only the last value is
        written, as if all went as one."""
        problem = next((text for item in items if (text := unfit(*parts(item)))), "")
        keys = [parts(item)[0] for item in items]
        if problem:
            return unwritten_many(keys, Outcome.FAILED, problem)
        ends = WrittenMany(0)
        latest = dict(zip(keys, items, strict=True))
        done: set[bytes] = set()
        for batch in _batches(list(latest.values()), parts):
            own = [parts(item)[0] for item in batch]
            try:
                end = await self._channel.call(call, batch)
            except NotBegun as error:
                rest = [item for key, item in zip(keys, items, strict=True) if key not in done]
                raise PartlyBegun(str(error), _counted(ends, [key for key in keys if key in done]), rest) from None
            except ClusterError as error:
                end = unwritten_many(own, _outcome(error), str(error))
            ends = together(ends, end)
            done.update(own)
        return _counted(ends, keys)

    async def get_many(self, keys: Sequence[bytes], *, room: int | None = None) -> list[Read]:
        reads: list[Read] = []
        while len(reads) < len(keys) and (room is None or len(first_that_fit(reads, room)) == len(reads)):
            asked = keys[len(reads) : len(reads) + BATCH_READS]
            problem = next((text for key in asked if (text := unfit(key, b""))), "")
            try:
                if problem:
                    raise ClusterError(problem)
                found: list[Read] = await self._channel.call(calls.GET_MANY, list(asked))
                reads += found
            except NotBegun:
                raise
            except ClusterError as error:
                reads += [unread(str(error))] * len(asked)
        return reads if room is None else first_that_fit(reads, room)

    async def locate(self, key: bytes) -> Location:
        return await self._channel.call(calls.LOCATE, key)

    def scan(
        self, prefix: bytes = b"", *, values: bool = True, passed: Callable[[float], None] | None = None
    ) -> AsyncIterator[list[Item]]:
        return self._channel.stream(lambda number: Scan(number, prefix, values), _ITEMS, PAGES, passed)

    async def add_node(self, node: str, host: str, port: int, *, own_data: OwnData = OwnData.REFUSE) -> NodeAdded:
        return await self._channel.call(calls.ADD_NODE, node, host, port, own_data)

    async def remove_node(self, node: str, *, force: bool = False) -> str:
        return await self._channel.call(calls.REMOVE_NODE, node, force)

    async def set_replication(self, copies: int) -> None:
        await self._channel.call(calls.SET_REPLICATION, copies)

    async def rebalance(self) -> Rebalanced:
        return await self._channel.call(calls.REBALANCE)

    # Capabilities.

    async def start_node(self, node: str) -> None:
        await self._channel.call(calls.START_NODE, node)

    async def stop_node(self, node: str) -> None:
        await self._channel.call(calls.STOP_NODE, node)

    async def accept_loss(self, node: str | None = None) -> int:
        return await self._channel.call(calls.ACCEPT_LOSS, node)

    async def set_quorum(self, copies: int) -> None:
        await self._channel.call(calls.SET_QUORUM, copies)

    async def set_reads(self, mode: ReadMode) -> None:
        await self._channel.call(calls.SET_READS, mode)

    async def set_throttle(self, keys_per_second: int) -> None:
        await self._channel.call(calls.SET_THROTTLE, keys_per_second)

    @property
    def observer(self) -> Observer | None:
        """Nobody: see ``observe``."""
        return None

    def observe(self, observer: Observer | None) -> Version:
        """Refused: the operations of one attached process are not all that happens to a key, and a history of some can't be
        checked. The holder's history has those of everybody."""
        if observer is None:
            return NEVER
        raise ClusterError(
            f"a history of everybody's operations is recorded where the coordinator is: in {self.holder}"
        )

    async def set_policy(self, policy: str, vnodes: int = 0) -> None:
        await self._channel.call(calls.SET_POLICY, policy, vnodes)

    async def set_weight(self, node: str, weight: int) -> None:
        await self._channel.call(calls.SET_WEIGHT, node, weight)

    async def explain_put(self, key: bytes, value: bytes) -> Explanation:
        return await self._channel.call(calls.EXPLAIN_PUT, key, value)

    async def explain_get(self, key: bytes) -> Explanation:
        return await self._channel.call(calls.EXPLAIN_GET, key)

    async def explain_delete(self, key: bytes) -> Explanation:
        return await self._channel.call(calls.EXPLAIN_DELETE, key)

    async def plan(self, change: Change) -> Plan:
        return await self._channel.call(calls.PLAN, change)

    async def compact(self, node: str, *, begin: bool = True) -> Compaction:
        return await self._channel.call(calls.COMPACT, node, begin)

    async def kill_node(self, node: str) -> None:
        await self._channel.call(calls.KILL_NODE, node)

    async def pause_node(self, node: str) -> None:
        await self._channel.call(calls.PAUSE_NODE, node)

    async def resume_node(self, node: str) -> None:
        await self._channel.call(calls.RESUME_NODE, node)

    async def slow_node(self, node: str, seconds: float) -> None:
        await self._channel.call(calls.SLOW_NODE, node, seconds)

    async def cut_node(self, node: str) -> None:
        await self._channel.call(calls.CUT_NODE, node)

    async def heal(self) -> None:
        await self._channel.call(calls.HEAL)

    async def wipe_node(self, node: str) -> None:
        await self._channel.call(calls.WIPE_NODE, node)


def _outcome(error: ClusterError) -> Outcome:
    """How a write ended that was not answered: unknown where it may have reached the coordinator."""
    return Outcome.FAILED if isinstance(error, NotBegun | Unsendable) else Outcome.UNKNOWN


def unwritten(error: ClusterError) -> Written:
    """The end of a write that was not answered."""
    return Written(_outcome(error), NEVER, text=str(error))


def unwritten_many(keys: Sequence[bytes], outcome: Outcome, text: str) -> WrittenMany:
    """The end of a batch that ended as a whole."""
    failed = len(keys) if outcome is Outcome.FAILED else 0
    return WrittenMany(0, failed, len(keys) - failed, text, dict.fromkeys(keys, outcome))


def unread(text: str) -> Read:
    """The end of a get that was not answered."""
    return Read(Outcome.FAILED, None, NEVER, text=text)


def together(one: WrittenMany, later: WrittenMany) -> WrittenMany:
    """The end of two batches that were asked for as one. A key of both ended as the later one says."""
    overruled = later.versions if one.others else {}
    others = {**{key: end for key, end in one.others.items() if key not in overruled}, **later.others}
    return WrittenMany(
        one.ok + later.ok,
        one.failed + later.failed,
        one.unknown + later.unknown,
        one.text or later.text,
        others,
        one.existed + later.existed,
        one.given + later.given,
    )


def _counted(ends: WrittenMany, keys: Sequence[bytes]) -> WrittenMany:
    """The end of a batch of ``keys``: one that came twice counts twice."""
    if ends.ok + ends.failed + ends.unknown == len(keys):
        return ends
    counts = Counter(ends.others.get(key, Outcome.OK) for key in keys)
    return replace(ends, ok=counts[Outcome.OK], failed=counts[Outcome.FAILED], unknown=counts[Outcome.UNKNOWN])


def _batches(items: Sequence[T], parts: Callable[[T], tuple[bytes, bytes]]) -> list[list[T]]:
    """The items cut to what one message may hold, in order."""
    found: list[list[T]] = []
    held = 0
    for item in items:
        size = sum(map(len, parts(item)))
        if not found or held + size > ANSWER_BYTES or len(found[-1]) >= BATCH_ENTRIES:
            found.append([])
            held = 0
        found[-1].append(item)
        held += size
    return found
