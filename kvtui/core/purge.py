"""Compare-and-purge: removes tombstones from all clean replicas of slots, where ``kvtui.core.graves`` lets them go."""

import asyncio
from collections.abc import Callable, Sequence

from kvtui.core.batches import batches
from kvtui.core.catch_up import PAGE, Peer, StepFailed, ask
from kvtui.core.graves import purgeable
from kvtui.core.protocol import Counts, GetMany, Listed, Purge, Scan, from_blob, to_blob


async def purge(peers: Sequence[Peer], start: int, stop: int, quiet: Callable[[bytes], bool]) -> list[bytes]:
    """Purge what may go of slots ``start``..``stop``; the keys that must wait.

    ``quiet`` says whether nothing of a key is under way; it is asked in the tick in which the purge is sent.
    Raises StepFailed, LinkLost, LinkFull.
    """
    candidates: dict[bytes, None] = {}
    for slot in await _with_tombstones(peers, start, stop):
        for peer in peers:
            candidates.update(dict.fromkeys(await _tombstones(peer, slot)))
    waiting: list[bytes] = []
    for keys in batches(list(candidates), len, PAGE):
        waiting += await _purge_some(peers, keys, quiet)
    return waiting


async def _purge_some(peers: Sequence[Peer], keys: list[bytes], quiet: Callable[[bytes], bool]) -> list[bytes]:
    request = GetMany(keys=[to_blob(key) for key in keys])
    replies = await asyncio.gather(*(ask(node, link, request) for node, link in peers))
    copies = [reply.entries or [] for reply in replies]
    if any(len(entries) != len(keys) for entries in copies):
        raise StepFailed("a node left out keys that it was asked for")
    going: list[Listed] = []
    waiting: list[bytes] = []
    for key, held in zip(keys, zip(*copies, strict=True), strict=True):
        version = purgeable(held)
        if version is not None and quiet(key):
            going.append(Listed(to_blob(key), version))
        else:
            waiting.append(key)
    if going:
        await asyncio.gather(*(ask(node, link, Purge(entries=going)) for node, link in peers))
    return waiting


async def _with_tombstones(peers: Sequence[Peer], start: int, stop: int) -> list[int]:
    request = Counts(ranges=[(slot, slot + 1) for slot in range(start, stop)], tombstones=True)
    replies = await asyncio.gather(*(ask(node, link, request) for node, link in peers))
    counts = zip(*(reply.counts or [] for reply in replies), strict=True)
    return [slot for slot, numbers in enumerate(counts, start=start) if any(numbers)]


async def _tombstones(peer: Peer, slot: int) -> list[bytes]:
    """The keys of a peer's tombstones in one slot."""
    node, link = peer
    request = Scan(start=slot, stop=slot + 1, limit=PAGE, values=False)
    keys: list[bytes] = []
    while True:
        reply = await ask(node, link, request)
        keys += [from_blob(entry.key) for entry in reply.entries or [] if entry.size < 0]
        if reply.cursor is None:
            return keys
        request = Scan(start=slot, stop=slot + 1, limit=PAGE, values=False, after=reply.cursor)
