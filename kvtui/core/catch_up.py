"""Making one node's slots equal to a clean replica's: digests say where they differ, lists say how. One way only.

The pure part is ``differences``; ``CatchUp`` carries the bytes. Source and target get every new write meanwhile, so copies
only add what came before. The target is listed *before* the source: what it has and the source, listed later, has not, is
something that the source never acknowledged, or dropped.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from kvtui.core.batches import batches
from kvtui.core.link import Link
from kvtui.core.protocol import (
    ERROR,
    INLINE_BYTES,
    Blob,
    Digests,
    Drop,
    Entry,
    GetMany,
    Listed,
    PutMany,
    Reply,
    Request,
    Scan,
    from_blob,
    to_blob,
)
from kvtui.core.throttle import Throttle
from kvtui.core.value_transfer import UploadFailed, ValueMoved, fetch_value, send_value
from kvtui.core.version import NEVER, Version

PAGE: Final = 1_000
"""Entries of one page that is listed."""
NAMED: Final = 20
"""Keys of a page that are named to an observer."""
ABSENT: Final = Version(0, 1)
"""Below every version that a cluster gives: of the tombstone that takes a damaged entry's place where there should be nothing."""


Peer = tuple[str, Link]
"""A node's id and its link."""


class StepFailed(Exception):
    """A node refused a step; the text names it and says why. Nothing is lost: the step is repeated later."""


class Difference(NamedTuple):
    """``copies``: keys that the target lacks or has older. ``drops``: what it has and should not, at that version."""

    copies: list[bytes]
    drops: list[tuple[bytes, Version]]


class Listing(NamedTuple):
    """What a node holds of some slots. ``damaged``: keys of entries that failed their checksum; it does not know their versions."""

    versions: dict[bytes, Version]
    damaged: frozenset[bytes]


def differences(source: dict[bytes, Version], target: dict[bytes, Version]) -> Difference:
    """What makes ``target`` equal to ``source``, which is right even where it is older."""
    copies = [key for key, version in source.items() if target.get(key, NEVER) != version]
    drops = [(key, version) for key, version in target.items() if key not in source or version > source[key]]
    return Difference(copies, drops)


async def ask(node: str, link: Link, request: Request) -> Reply:
    """Ask, and take an error reply as a failed step. Raises StepFailed, LinkLost, LinkFull."""
    reply = await link.ask(request)
    if reply.status == ERROR:
        raise StepFailed(f"{node}: {reply.msg}")
    return reply


def differing(start: int, one: Sequence[int], other: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of slots, counted from ``start``, whose digests differ."""
    runs: list[tuple[int, int]] = []
    for slot, (mine, yours) in enumerate(zip(one, other, strict=True), start=start):
        if mine == yours:
            continue
        if runs and runs[-1][1] == slot:
            runs[-1] = (runs[-1][0], slot + 1)
        else:
            runs.append((slot, slot + 1))
    return runs


async def digests_of(peers: Sequence[Peer], start: int, stop: int) -> list[list[int]]:
    """Each peer's digests at one point of all write streams: they are asked in the same tick, and answer in order.

    Raises StepFailed, LinkLost, LinkFull.
    """
    asked = [link.ask(Digests(start=start, stop=stop)) for _, link in peers]
    replies = await asyncio.gather(*asked)
    for (node, _), reply in zip(peers, replies, strict=True):
        if reply.status == ERROR or reply.digests is None or len(reply.digests) != stop - start:
            raise StepFailed(f"{node}: {reply.msg or 'it sent no digests'}")
    return [reply.digests or [] for reply in replies]


class CatchUp:
    """Copies from a clean ``source`` to ``target``, as fast as ``throttle`` allows.

    ``copied`` and ``dropped`` are told of each page: some of its keys, and how many they are.
    """

    def __init__(
        self,
        source: Peer,
        target: Peer,
        copied: Callable[[str, list[bytes], int], None],
        dropped: Callable[[str, list[bytes], int], None],
        large: asyncio.Lock,
        throttle: Throttle,
    ) -> None:
        """``large`` is held while a large value is copied: a node has room for few of them at once."""
        self._source, self._from = source
        self._target, self._to = target
        self._copied = copied
        self._dropped = dropped
        self._large = large
        self._throttle = throttle

    async def merge(self, start: int, stop: int) -> None:
        """Give the target what the source has newer; both are clean, so nothing is dropped that is whole."""
        theirs = await self._list(self._target, self._to, start, stop)
        ours = await self._list(self._source, self._from, start, stop)
        await self._copy([key for key, version in ours.versions.items() if theirs.versions.get(key, NEVER) < version])
        await self._clear_damage(ours, theirs)

    async def equalise(self, start: int, stop: int) -> frozenset[bytes]:
        """Make the target's slots ``start``..``stop`` equal to the source's, which is right even where it is older.

        Returns the keys of which the source's own entries are damaged: as long as they are, the two don't become equal.
        """
        theirs = await self._list(self._target, self._to, start, stop)
        if not theirs.versions and not theirs.damaged:
            return await self._copy_all(start, stop)
        ours = await self._list(self._source, self._from, start, stop)
        difference = differences(ours.versions, theirs.versions)
        # Where the source's own entry is damaged, the target's may be the only one left.
        drops = [(key, version) for key, version in difference.drops if key not in ours.damaged]
        for gone in batches(drops, lambda drop: len(drop[0])):
            await self._drop(gone)
            self._dropped(self._target, [key for key, _ in gone], len(gone))
        await self._copy(difference.copies)
        await self._clear_damage(ours, theirs)
        return ours.damaged

    async def _clear_damage(self, ours: Listing, theirs: Listing) -> None:
        """Remove the target's damaged entries of keys of which the source holds nothing, neither sound nor damaged.

        Nothing was acknowledged of them. A tombstone below every version takes their place, which any write that comes meanwhile
        overrules, and is dropped at once.
        """
        suspects = sorted(theirs.damaged - ours.versions.keys() - ours.damaged)
        for keys in batches(suspects, len):
            reply = await ask(self._source, self._from, GetMany(keys=[to_blob(key) for key in keys]))
            held = zip(keys, reply.entries or [], strict=True)
            gone = [key for key, entry in held if entry.version == NEVER]
            if gone:
                graves = [Entry(to_blob(key), ABSENT, -1) for key in gone]
                await ask(self._target, self._to, PutMany(entries=graves))
                await self._drop([(key, ABSENT) for key in gone])

    async def _drop(self, gone: list[tuple[bytes, Version]]) -> None:
        await ask(self._target, self._to, Drop(entries=[Listed(to_blob(key), version) for key, version in gone]))

    async def _copy(self, copies: list[bytes]) -> None:
        at = 0
        while at < len(copies):
            turn = await self._throttle.turn()
            keys = next(batches(copies[at : at + turn.entries], len))
            at += len(keys)
            await self._copy_some(keys)
            self._throttle.took(turn, len(keys))

    async def _copy_some(self, keys: list[bytes]) -> None:
        """A reply carries some of the values of some of the keys; what it left out is asked for again while that brings more."""
        while keys:
            reply = await ask(self._source, self._from, GetMany([to_blob(key) for key in keys], some=True))
            answered = len(reply.entries or [])
            entries = [entry for entry in reply.entries or [] if entry.version != NEVER]
            later = [from_blob(entry.key) for entry in entries if _left_out(entry)]
            if len(later) == answered:
                raise StepFailed(f"{self._source} sends none of {len(keys)} values")
            sent = [entry for entry in entries if not _left_out(entry)]
            # The node's limit on a reply was on its values alone.
            for some in batches(sent, _weight):
                await self._store(some)
            keys = later + keys[answered:]

    async def _copy_all(self, start: int, stop: int) -> frozenset[bytes]:
        damaged: set[bytes] = set()
        after: Blob | None = None
        while True:
            turn = await self._throttle.turn()
            request = Scan(start=start, stop=stop, limit=turn.entries, after=after)
            reply = await ask(self._source, self._from, request)
            damaged.update(map(from_blob, reply.damaged or []))
            entries = reply.entries or []
            await self._store(entries)
            self._throttle.took(turn, len(entries))
            if reply.cursor is None:
                return frozenset(damaged)
            after = reply.cursor

    async def _list(self, node: str, link: Link, start: int, stop: int) -> Listing:
        listed: dict[bytes, Version] = {}
        damaged: set[bytes] = set()
        after: Blob | None = None
        while True:
            reply = await ask(node, link, Scan(start=start, stop=stop, limit=PAGE, values=False, after=after))
            damaged.update(map(from_blob, reply.damaged or []))
            for entry in reply.entries or []:
                listed[from_blob(entry.key)] = entry.version
            if reply.cursor is None:
                return Listing(listed, frozenset(damaged))
            after = reply.cursor

    async def _store(self, entries: list[Entry]) -> None:
        """Give the target entries that fit into a batch, and those whose values are too long to come along."""
        small = [entry for entry in entries if entry.value is not None or entry.size < 0]
        if small:
            await ask(self._target, self._to, PutMany(entries=small))
            self._copied(self._target, [from_blob(entry.key) for entry in small[:NAMED]], len(small))
        if len(small) == len(entries):
            return
        for entry in entries:
            if entry.value is None and entry.size >= 0:
                async with self._large:
                    await self._store_large(entry)

    async def _store_large(self, entry: Entry) -> None:
        key = from_blob(entry.key)
        try:
            value = await fetch_value(self._from, key, entry.version, entry.size)
        except ValueMoved:
            # A newer write of the key went to both; there is nothing left to copy.
            return
        except UploadFailed as error:
            raise StepFailed(f"{self._source}: {error}") from None
        upload = f"c{entry.version}"
        try:
            await send_value(self._to, upload, value)
        except UploadFailed as error:
            raise StepFailed(f"{self._target}: {error}") from None
        await ask(self._target, self._to, PutMany(entries=[Entry(entry.key, entry.version, entry.size, upload=upload)]))
        self._copied(self._target, [key], 1)


def _left_out(entry: Entry) -> bool:
    """Whether the value could have come along and did not, because the reply was full."""
    return entry.value is None and 0 <= entry.size <= INLINE_BYTES


def _weight(entry: Entry) -> int:
    return len(from_blob(entry.key)) + max(0, entry.size)
