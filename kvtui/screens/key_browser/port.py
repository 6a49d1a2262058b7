"""What the key browser needs of a cluster, and nothing more."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from kvtui.core.cluster import Item, Location, Read, Written


class KeyStore(Protocol):
    """Keys that can be listed, read and written, as ``Cluster`` says."""

    async def get(self, key: bytes) -> Read: ...

    async def put(self, key: bytes, value: bytes) -> Written: ...

    async def delete(self, key: bytes) -> Written: ...

    async def locate(self, key: bytes) -> Location: ...

    def scan(
        self, prefix: bytes = b"", *, values: bool = True, passed: Callable[[float], None] | None = None
    ) -> AsyncIterator[list[Item]]: ...
