"""Clusters that stand still, with keys to browse: in ring order, with versions, and with what can go wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from kvtui.core.cluster import ClusterError, Item, Location, Outcome, Read, Written
from kvtui.core.ring.token import token_of
from kvtui.core.version import NEVER, Version
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster

PAGE = 100
ORDER = {"customer": {"name": "Ada Lovelace", "vip": True}, "items": [{"sku": "A-17", "count": 2}], "total": 41.5}


@dataclass
class KeyCluster(FrozenCluster):
    """Keeps a version a key, and scans in ring order, a page at a time."""

    versions: dict[bytes, Version] = field(default_factory=dict)
    unreadable: str = ""
    """Why no key can be read or listed; empty: all can."""
    written: Written | None = None
    """The end of every put and delete that follows; None: they succeed."""
    scans: list[bytes] = field(default_factory=list)
    """Prefixes, as they were searched."""
    given_up: list[bytes] = field(default_factory=list)
    """Prefixes of scans that were ended before they were through."""
    held: asyncio.Event | None = None
    """When set, scans wait for it between pages."""

    def store(self, key: bytes, value: bytes) -> None:
        """As another client would."""
        self.sequence += 1
        self.stored[key], self.versions[key] = value, Version(4, self.sequence)

    async def put(self, key: bytes, value: bytes) -> Written:
        if self.written is not None:
            return self.written
        done = await super().put(key, value)
        self.versions[key] = Version(4, self.sequence)
        return Written(done.outcome, self.versions[key], done.replicas)

    async def delete(self, key: bytes) -> Written:
        return await super().delete(key) if self.written is None else self.written

    async def get(self, key: bytes) -> Read:
        if self.unreadable:
            return Read(Outcome.FAILED, None, NEVER, text=self.unreadable)
        version = self.versions.get(key, NEVER)
        return Read(Outcome.OK, self.stored.get(key), version, self._replicas()[0], 0.2)

    async def locate(self, key: bytes) -> Location:
        found = await super().locate(key)
        version = self.versions.get(key, NEVER)
        return replace(found, replicas=tuple(replace(copy, version=version) for copy in found.replicas))

    async def scan(
        self, prefix: bytes = b"", *, values: bool = True, passed: Callable[[float], None] | None = None
    ) -> AsyncIterator[list[Item]]:
        self.scans.append(prefix)
        ended = False
        try:
            if self.unreadable:
                raise ClusterError(f"can't read the whole ring: {self.unreadable}")
            keys = sorted(self.stored, key=lambda key: (token_of(key), key))
            for start in range(0, len(keys), PAGE):
                page = keys[start : start + PAGE]
                if passed is not None:
                    passed(token_of(page[-1]) / 2**64)
                found = [key for key in page if key.startswith(prefix)]
                if found:
                    yield [Item(key, None, self.versions[key], len(self.stored[key])) for key in found]
                await asyncio.sleep(0)
                if self.held is not None:
                    await self.held.wait()
            ended = True
        finally:
            if not ended:
                self.given_up.append(prefix)


def shop(keys: int = 300) -> KeyCluster:
    """Three nodes, and keys of a few kinds."""
    cluster = KeyCluster(frozen.healthy())
    for number in range(keys):
        cluster.store(b"user:%04d" % number, b"x" * (number % 97))
    cluster.store(b"order:1842", json.dumps(ORDER).encode())
    cluster.store(b"order:2001", json.dumps({**ORDER, "note": "line one\nline two"}).encode())
    cluster.store(b"photo:7", bytes(range(256)) * 80)
    cluster.store(b"page:home", b"<h1>Hello</h1>\n<p>A page of\ttext.</p>\n")
    cluster.store(b"log:today", b"a line of a long log\n" * 80_000)
    return cluster
