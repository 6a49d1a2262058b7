"""The store as a program uses it: text or bytes in, results out, and an exception for what did not end well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final, TypeVar

from kvtui.api.encoding import check_several, to_bytes
from kvtui.api.failures import failure_of, failure_of_many, failure_of_reads
from kvtui.api.hosting import Hosted
from kvtui.api.turns import Turns
from kvtui.core.cluster import Cluster, ClusterError, Item, Outcome, Read, Written, WrittenMany

Key = TypeVar("Key", bound=str | bytes)
Pairs = Mapping[Key, str | bytes] | Iterable[tuple[Key, str | bytes]]
"""Keys and their values: a mapping, or pairs."""

CLOSED: Final = "the store is closed: open another with kvtui.connect"
AT_ONCE: Final = 1_024
"""Operations of one store that run at once: more only make each other late."""


class Store:
    """Keys and values on a cluster. Keys and values are bytes; where they are given as text, its UTF-8 is meant.

    An operation that is not OK raises ``OperationFailed`` (it did not happen and never will) or ``OutcomeUnknown`` (it may have
    happened): whoever forgets to look at an outcome does not lose data in silence. With ``check=False`` it returns instead, and
    ``outcome`` and ``text`` of the result say how it ended and why. Both are ``OperationError``, whose ``result`` is that result.

    Any number of tasks may use it, all in the event loop in which it was opened. 1,024 operations run at once, the others wait for
    their turn; from then on each key ends within 5 seconds, whatever the nodes do. A value above 64 KiB travels in pieces, and its
    seconds count from the last piece; 64 MiB of such values are fetched at once, the others wait for their turn. So a batch may
    take long, and each of its keys ends by itself. The outcome of an operation that is cancelled is unknown.
    """

    def __init__(self, cluster: Cluster, hosted: Hosted[Any] | None = None) -> None:
        """``hosted`` is what the cluster lives in, and ends with the store; None: the cluster lives on."""
        self._cluster = cluster
        self._hosted = hosted
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._turns = Turns(AT_ONCE)

    @property
    def cluster(self) -> Cluster:
        """The cluster under the store: its snapshots, events, nodes and settings. Its operations on keys take bytes and
        return outcomes of all kinds. Raises ClusterError once the store is closed."""
        if self._closed or (self._hosted is not None and self._hosted.over):
            raise ClusterError(CLOSED)
        return self._cluster

    async def close(self) -> None:
        """End in order: the nodes that this process started end too. Does nothing a second time.

        Whoever opened the store with ``async with`` need not call it.
        """
        self._closed = True
        if self._hosted is not None:
            await self._hosted.close()

    async def put(self, key: str | bytes, value: str | bytes, *, check: bool = True) -> Written:
        """Store a value. When it returns, enough replicas have it to outlive what the cluster promises to outlive.

        Raises OperationError unless ``check`` is False.
        """
        return _checked(
            "put", await self._turns.run(self._here.put, to_bytes(key, "key"), to_bytes(value, "value")), check
        )

    async def get(self, key: str | bytes, *, check: bool = True) -> Read:
        """Look up a key: ``value`` is None when it is absent. Never older than what was acknowledged or read before, unless
        it says that it is ``stale``, which only a cluster in ``available`` mode does.

        Raises OperationError unless ``check`` is False.
        """
        read = await self._turns.run(self._here.get, to_bytes(key, "key"))
        if check and read.outcome is not Outcome.OK:
            raise failure_of("get", read)
        return read

    async def delete(self, key: str | bytes, *, check: bool = True) -> Written:
        """Delete a key; ``existed`` says whether it was there.

        Raises OperationError unless ``check`` is False.
        """
        return _checked("delete", await self._turns.run(self._here.delete, to_bytes(key, "key")), check)

    async def put_many(
        self, items: Pairs[str] | Pairs[bytes] | Pairs[str | bytes], *, check: bool = True
    ) -> WrittenMany:
        """Store many values, far faster than one by one. Not a transaction: each key ends by itself, whoever reads meanwhile may
        find some of them stored and others not yet, and ``others`` of the result names those that are not OK.

        Raises OperationError, for one key that is not OK already, unless ``check`` is False.
        """
        check_several(items, "pairs of key and value")
        pairs = items.items() if isinstance(items, Mapping) else items
        given = [(to_bytes(key, "key"), to_bytes(value, "value")) for key, value in pairs]
        return _checked_many("put_many", await self._turns.run(self._here.put_many, given), check)

    async def get_many(self, keys: Iterable[Key], *, check: bool = True) -> dict[Key, Read]:
        """Look up many keys, far faster than one by one: an answer for each, under the key as it was given, in that order. Not a
        snapshot: each key is read by itself, so beside a ``put_many`` some may have their new values and others their old ones.

        Raises OperationError, for one key that is not OK already, unless ``check`` is False.
        """
        check_several(keys, "keys")
        given = list(dict.fromkeys(keys))
        reads = await self._turns.run(self._here.get_many, [to_bytes(key, "key") for key in given])
        found = dict(zip(given, reads, strict=True))
        if check and any(read.outcome is not Outcome.OK for read in reads):
            raise failure_of_reads("get_many", found)
        return found

    async def delete_many(self, keys: Iterable[str | bytes], *, check: bool = True) -> WrittenMany:
        """Delete many keys, far faster than one by one; ``existed`` says how many were there. Not a transaction: see ``put_many``.

        Raises OperationError, for one key that is not OK already, unless ``check`` is False.
        """
        check_several(keys, "keys")
        given = [to_bytes(key, "key") for key in keys]
        return _checked_many("delete_many", await self._turns.run(self._here.delete_many, given), check)

    async def scan(self, prefix: str | bytes = b"", *, values: bool = True) -> AsyncGenerator[Item, None]:
        """Every key that begins with ``prefix``, in the order of the ring, which is not the alphabet's. Pages are fetched as the
        items are taken. A key that is written meanwhile may come or not. ``values=False`` leaves the values out.

        Raises ClusterError where a part of the ring can't be read.
        """
        async with aclosing(self.pages(prefix, values=values)) as pages:
            async for page in pages:
                for item in page:
                    yield item

    async def pages(self, prefix: str | bytes = b"", *, values: bool = True) -> AsyncGenerator[list[Item], None]:
        """As ``scan``, a page of up to 1,000 items at a time."""
        found = self._here.scan(to_bytes(prefix, "prefix"), values=values)
        try:
            async for page in found:
                yield page
        finally:
            if isinstance(found, AsyncGenerator):
                await found.aclose()

    @property
    def _here(self) -> Cluster:
        """The cluster, for who is in its event loop."""
        if asyncio.get_running_loop() is not self._loop:
            raise ClusterError("the store belongs to the event loop in which it was opened: open one in this loop")
        return self.cluster


def _checked(operation: str, written: Written, check: bool) -> Written:
    if check and written.outcome is not Outcome.OK:
        raise failure_of(operation, written)
    return written


def _checked_many(operation: str, written: WrittenMany, check: bool) -> WrittenMany:
    if check and (written.failed or written.unknown):
        raise failure_of_many(operation, written)
    return written
