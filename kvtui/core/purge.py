"""Compare-and-purge: removes tombstones from all clean replicas of slots, where ``kvtui.core.graves`` lets them go."""

import asyncio
from collections.abc import Callable, Sequence

from kvtui.core.batches import batches
from kvtui.core.catch_up import PAGE, Peer, StepFailed, ask
from kvtui.core.graves import purgeable
from kvtui.core.protocol import Counts, GetMany, Listed, Purge, Scan, from_blob, to_blob


async def purge(
    peers: Sequence[Peer],
    start: int,
    stop: int,
    still: Callable[[], bool],
    quiet: Callable[[bytes], bool],
    log: Callable[[], None],
) -> list[bytes]:
    """Purge what may go of slots ``start``..``stop``; the keys that must wait.

    ``still`` says whether ``peers`` are still all replicas of the slots, ``quiet`` whether nothing of a key is under way; they are
    asked in the tick in which the purge is sent. ``log`` logs how far the peers got: one that loses its tombstone later, when the
    others have none any more, must be noticed. Raises StepFailed, LinkLost, LinkFull, and what ``log`` raises.
    """
    waiting: list[bytes] = []
    for first, end in await _with_tombstones(peers, start, stop):
        listed = await asyncio.gather(*(_tombstones(peer, first, end) for peer in peers))
        candidates = dict.fromkeys(key for keys in listed for key in keys)
        for keys in batches(candidates, len, PAGE):
            waiting += await _purge_some(peers, keys, still, quiet, log)
    return waiting


async def _purge_some(
    peers: Sequence[Peer],
    keys: list[bytes],
    still: Callable[[], bool],
    quiet: Callable[[bytes], bool],
    log: Callable[[], None],
) -> list[bytes]:
    request = GetMany(keys=[to_blob(key) for key in keys])
    replies = await asyncio.gather(*(ask(node, link, request) for node, link in peers))
    copies = [reply.entries or [] for reply in replies]
    if any(len(entries) != len(keys) for entries in copies):
        raise StepFailed("a node left out keys that it was asked for")
    going: list[Listed] = []
    waiting: list[bytes] = []
    if not still():
        return keys
    for key, held in zip(keys, zip(*copies, strict=True), strict=True):
        version = purgeable(held)
        if version is not None and quiet(key):
            going.append(Listed(to_blob(key), version))
        else:
            waiting.append(key)
    if going:
        log()
        await asyncio.gather(*(ask(node, link, Purge(entries=going)) for node, link in peers))
    return waiting


async def _with_tombstones(peers: Sequence[Peer], start: int, stop: int) -> list[tuple[int, int]]:
    """Runs of slots that hold tombstones, each of about a page of entries at most where it is more than one slot."""
    ranges = [(slot, slot + 1) for slot in range(start, stop)]
    asked = [Counts(ranges=ranges, tombstones=True), Counts(ranges=ranges)]
    replies = await asyncio.gather(*(ask(node, link, request) for node, link in peers for request in asked))
    dead, live = ([reply.counts or [] for reply in replies[kind::2]] for kind in (0, 1))
    tombstones = [max(numbers) for numbers in zip(*dead, strict=True)]
    entries = [most + max(numbers) for most, *numbers in zip(tombstones, *live, strict=True)]
    return runs_of(start, tombstones, entries)


def runs_of(start: int, tombstones: Sequence[int], entries: Sequence[int]) -> list[tuple[int, int]]:
    """Slots, counted from ``start``, that hold ``tombstones``, in runs of neighbours that together hold ``PAGE`` entries at most:
    each run costs a few requests, however little is in it."""
    runs: list[tuple[int, int]] = []
    held = 0
    for slot, (dead, all_of_it) in enumerate(zip(tombstones, entries, strict=True), start=start):
        if not dead:
            continue
        if runs and runs[-1][1] == slot and held + all_of_it <= PAGE:
            runs[-1] = (runs[-1][0], slot + 1)
            held += all_of_it
        else:
            runs.append((slot, slot + 1))
            held = all_of_it
    return runs


async def _tombstones(peer: Peer, start: int, stop: int) -> list[bytes]:
    """The keys of a peer's tombstones in slots ``start``..``stop``."""
    node, link = peer
    request = Scan(start=start, stop=stop, limit=PAGE, values=False)
    keys: list[bytes] = []
    while True:
        reply = await ask(node, link, request)
        keys += [from_blob(entry.key) for entry in reply.entries or [] if entry.size < 0]
        if reply.cursor is None:
            return keys
        request = Scan(start=start, stop=stop, limit=PAGE, values=False, after=reply.cursor)
