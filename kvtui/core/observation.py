"""Operations on keys with an observer looking on, who is told what the client is told."""

from collections.abc import Awaitable, Callable, Sequence

from kvtui.core.cluster import Observer, Outcome, Read, Written, WrittenMany
from kvtui.core.defect_place import kind_and_place
from kvtui.core.version import NEVER, Version


class Onlooker:
    """An ``Observer`` that may raise all the same: it is let go then, and whatever it looked at goes on."""

    def __init__(self, observer: Observer, let_go: Callable[[str], None]) -> None:
        """``let_go`` is told once, in words, what it raised; the observer is told of nothing from then on."""
        self._observer: Observer | None = observer
        self._let_go = let_go

    def begin(self, kind: str, key: bytes, value: bytes | None) -> object:
        return self._tell(lambda observer: observer.begin(kind, key, value))

    def end(self, begun: object, outcome: Outcome, value: bytes | None, version: Version | None, stale: bool) -> None:
        self._tell(lambda observer: observer.end(begun, outcome, value, version, stale))

    def event(self, text: str) -> None:
        self._tell(lambda observer: observer.event(text))

    def closed(self) -> None:
        self._tell(lambda observer: observer.closed())

    def _tell(self, tell: Callable[[Observer], object]) -> object:
        if self._observer is None:
            return None
        try:
            return tell(self._observer)
        except Exception as error:
            self._observer = None
            self._let_go(kind_and_place(error))
            return None


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
