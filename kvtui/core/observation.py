"""Operations on keys with an observer looking on, who is told what the client is told."""

from collections.abc import Awaitable, Sequence

from kvtui.core.cluster import Observer, Outcome, Read, Written, WrittenMany
from kvtui.core.version import NEVER, Version


async def observed_write(
    observer: Observer, kind: str, key: bytes, value: bytes | None, writing: Awaitable[Written]
) -> Written:
    """Await a put or delete, with an observer looking on."""
    begun = observer.begin(kind, key, value)
    written = await writing
    observer.end(begun, written.outcome, None, _told(written.version), False)
    return written


async def observed_read(observer: Observer, key: bytes, reading: Awaitable[Read]) -> Read:
    """Await a get, with an observer looking on."""
    begun = observer.begin("get", key, None)
    read = await reading
    observer.end(begun, read.outcome, read.value, read.version, read.stale)
    return read


async def observed_writes(
    observer: Observer, kind: str, items: Sequence[tuple[bytes, bytes | None]], writing: Awaitable[WrittenMany]
) -> WrittenMany:
    """Await a batch of puts or deletes."""
    begun = [observer.begin(kind, key, value) for key, value in items]
    written = await writing
    versions = written.versions
    for each, (key, _) in zip(begun, items, strict=True):
        observer.end(each, written.others.get(key, Outcome.OK), None, _told(versions.get(key, NEVER)), False)
    return written


async def observed_reads(observer: Observer, keys: Sequence[bytes], reading: Awaitable[list[Read]]) -> list[Read]:
    """Await a batch of gets, of which the first may have room for its answers alone."""
    begun = [observer.begin("get", key, None) for key in keys]
    found = await reading
    for each, read in zip(begun, found, strict=False):
        observer.end(each, read.outcome, read.value, read.version, read.stale)
    for each in begun[len(found) :]:
        observer.end(each, Outcome.FAILED, None, None, False)
    return found


def _told(version: Version) -> Version | None:
    return None if version == NEVER or not version.epoch else version
