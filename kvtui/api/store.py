"""The store as a program uses it: text or bytes in, results out, and an exception for what did not end well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar, overload

from msgspec.structs import replace as replaced

from kvtui.api.coroutine_functions import returns_coroutine
from kvtui.api.encoding import Data, Key, Name, Pairs, keys_to_bytes, pairs_to_bytes, to_bytes, under_keys
from kvtui.api.failures import failure_of, failure_of_many, failure_of_reads
from kvtui.api.hosting import CLOSE_SECONDS, Hosted
from kvtui.api.leaving import left_behind
from kvtui.api.opened import closed
from kvtui.api.turns import Turns
from kvtui.control.own_loop import ELSEWHERE, running_loop
from kvtui.control.unanswered import CLOSED, CLOSED_MEANWHILE, INCOMPLETE
from kvtui.core.cluster import Cluster, ClusterError, Item, Outcome, Read, Written, WrittenMany
from kvtui.core.plain import several
from kvtui.core.seams.child import let_go_of
from kvtui.core.seams.forked import OF_PARENT, when_forked
from kvtui.core.uncopied import uncopied

OTHERS: Final = "its ring is held until every store of it is closed (kvtui.open_stores() has them)"
AT_ONCE: Final = 1_024
"""Operations of one store that run at once: more only make each other late."""

SingleT = TypeVar("SingleT", Written, Read)

_log = logging.getLogger(__name__)


class Store:
    """Keys and values on a cluster. Keys and values are bytes; str is taken as UTF-8; bytearray and memoryview are copied.

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
        self._of_parent = False
        """Whether this process was forked off from the one that it belongs to."""
        when_forked(self, Store._leave_to_parent)
        self._turns = Turns(AT_ONCE)

    def __repr__(self) -> str:
        return f"<kvtui.Store {self._told}>"

    @property
    def _told(self) -> str:
        """What it is, for people, from any thread: where it is kept, and while it is open who holds it."""
        if self.closed:
            return ", ".join(filter(None, [getattr(self._cluster, "place", ""), "closed"]))
        return ", ".join(filter(None, [getattr(self._cluster, "whereabouts", ""), "open"]))

    @property
    def cluster(self) -> Cluster:
        """The cluster under the store: its snapshots, events, nodes and settings. Its operations on keys take bytes and
        return outcomes of all kinds. Raises ClusterError once the store is closed, in a process that was forked off, and in
        another event loop, where it would wait for ever."""
        cluster = self._wherever
        if running_loop() not in {None, self._loop}:
            raise ClusterError(ELSEWHERE)
        return cluster

    @property
    def _wherever(self) -> Cluster:
        """The same for who knows that nothing of it is waited for here, or asks it in its own loop."""
        if self._of_parent:
            raise ClusterError(OF_PARENT)
        if self._closed or (self._hosted is not None and self._hosted.over):
            raise ClusterError(CLOSED)
        return self._cluster

    @property
    def closed(self) -> bool:
        """Whether it was closed, or ended with its event loop or by itself."""
        return self._closed or (self._hosted is not None and self._hosted.over) or self._loop.is_closed()

    async def __aenter__(self) -> Self:
        """For a store that was awaited: ``async with await kvtui.connect("lab") as store``. Raises ClusterError if it is closed."""
        _ = self._here
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End in order: the nodes that this process started end too. Does nothing a second time, and in a process that
        was forked off.

        Whoever opened the store with ``async with`` need not call it. Raises ClusterError in another event loop than its own, and
        where something does not end: what is left is named, and nobody waits for it any more (30 seconds at most).
        """
        if self._of_parent:
            return
        if not self.closed:
            _ = self._here
        again, self._closed = self._closed, True
        closed(self)
        if self._hosted is None:
            return
        if self._loop.is_closed() and not self._hosted.ended:
            # Nothing runs there any more, and nothing can be waited for: nodes end by themselves when their pipe does.
            left = left_behind(self._cluster)
            let_go_of(self._loop)
            if not again:
                raise ClusterError(f"the event loop of the store was closed before the store, which is left{left}")
            return
        await self._hosted.close()
        if not self._hosted.ended:
            raise ClusterError(
                f"the store did not close within {CLOSE_SECONDS:g} s, and is left{left_behind(self._cluster)}"
            )
        if not again and (beside := getattr(self._cluster, "held_beside", "")):
            _log.info("a store is closed, and %s still: %s", beside, OTHERS)

    # Not ``async``: what was given is looked at, and copied, at the call, and may change from then on.

    @returns_coroutine
    def put(self, key: Data, value: Data, *, check: bool = True) -> Coroutine[Any, Any, Written]:
        """Store a value. When it returns, enough replicas have it to outlive what the cluster promises to outlive.

        Raises OperationError unless ``check`` is False.
        """
        return self._put(to_bytes(key, "key"), to_bytes(value, "value"), check)

    @returns_coroutine
    def get(self, key: Data, *, check: bool = True) -> Coroutine[Any, Any, Read]:
        """Look up a key: ``value`` is None when it is absent. Never older than what was acknowledged or read before, unless
        it says that it is ``stale``, which only a cluster in ``available`` mode does.

        Raises OperationError unless ``check`` is False.
        """
        return self._get(to_bytes(key, "key"), check)

    @returns_coroutine
    def delete(self, key: Data, *, check: bool = True) -> Coroutine[Any, Any, Written]:
        """Delete a key; ``existed`` says whether it was there.

        Raises OperationError unless ``check`` is False.
        """
        return self._delete(to_bytes(key, "key"), check)

    @overload
    def put_many(self, items: Mapping[Data, Data], *, check: bool = True) -> Coroutine[Any, Any, WrittenMany]: ...
    @overload
    def put_many(self, items: Mapping[Key, Data], *, check: bool = True) -> Coroutine[Any, Any, WrittenMany]: ...
    @overload
    def put_many(
        self, items: Iterable[tuple[Data, Data]], *, check: bool = True
    ) -> Coroutine[Any, Any, WrittenMany]: ...

    @returns_coroutine
    def put_many(self, items: Pairs, *, check: bool = True) -> Coroutine[Any, Any, WrittenMany]:
        """Store many values, far faster than one by one. Not a transaction: each key ends by itself, whoever reads meanwhile may
        find some of them stored and others not yet, and ``others`` of the result names those that are not OK.

        Raises OperationError, for one key that is not OK already, unless ``check`` is False.
        """
        return self._put_many(pairs_to_bytes(items), check)

    @overload
    def get_many(self, keys: Iterable[Name], *, check: bool = True) -> Coroutine[Any, Any, dict[Name, Read]]: ...
    @overload
    def get_many(
        self, keys: Iterable[bytearray | memoryview], *, check: bool = True
    ) -> Coroutine[Any, Any, dict[bytes, Read]]: ...
    @overload
    def get_many(self, keys: Iterable[Data], *, check: bool = True) -> Coroutine[Any, Any, dict[str | bytes, Read]]: ...

    @returns_coroutine
    def get_many(self, keys: Iterable[Any], *, check: bool = True) -> Coroutine[Any, Any, dict[Any, Read]]:
        """Look up many keys, far faster than one by one: an answer for each, under the key as it was given, in that order; of a
        bytearray or memoryview under its bytes. Not a snapshot: each key is read by itself, so beside a ``put_many`` some may have
        their new values and others their old ones.

        Raises OperationError, for one key that is not OK already, unless ``check`` is False.
        """
        names = list(several(keys, "keys"))
        return self._get_many(names, keys_to_bytes(names), check)

    @returns_coroutine
    def delete_many(self, keys: Iterable[Data], *, check: bool = True) -> Coroutine[Any, Any, WrittenMany]:
        """Delete many keys, far faster than one by one; ``existed`` says how many were there. Not a transaction: see ``put_many``.

        Raises OperationError, for one key that is not OK already, unless ``check`` is False.
        """
        return self._delete_many(keys_to_bytes(several(keys, "keys")), check)

    def scan(self, prefix: Data = b"", *, values: bool = True) -> AsyncGenerator[Item, None]:
        """Every key that begins with ``prefix``, in the order of the ring, which is not the alphabet's. Pages are fetched as the
        items are taken. A key that is written meanwhile may come or not. ``values=False`` leaves the values out.

        Raises ClusterError where a part of the ring can't be read.
        """
        return self._scan(self.pages(prefix, values=values))

    def pages(self, prefix: Data = b"", *, values: bool = True) -> AsyncGenerator[list[Item], None]:
        """As ``scan``, a page of up to 1,000 items at a time."""
        return self._pages(to_bytes(prefix, "prefix"), values)

    async def _put(self, key: bytes, value: bytes, check: bool) -> Written:
        ask, turns = self._here.put, self._turns
        if not turns.took():
            await turns.turn()
        try:
            written = await ask(key, value)
        finally:
            turns.give()
        return self._checked("put", written, check)

    async def _get(self, key: bytes, check: bool) -> Read:
        ask, turns = self._here.get, self._turns
        if not turns.took():
            await turns.turn()
        try:
            read = await ask(key)
        finally:
            turns.give()
        if read.outcome is Outcome.OK:
            return read
        return self._checked("get", read, check)

    async def _delete(self, key: bytes, check: bool) -> Written:
        return self._checked("delete", await self._turns.run(self._here.delete, key), check)

    async def _put_many(self, items: Sequence[tuple[bytes, bytes]], check: bool) -> WrittenMany:
        return self._checked_many("put_many", await self._turns.run(self._here.put_many, items), check)

    async def _get_many(self, names: Sequence[Any], keys: Sequence[bytes], check: bool) -> dict[Any, Read]:
        """``names`` are the ``keys`` as they were given."""
        distinct = list(dict.fromkeys(keys))
        reads = await self._turns.run(self._here.get_many, distinct)
        if self._closed:
            reads = [self._checked("get_many", read, check=False) for read in reads]
        found = under_keys(names, keys, dict(zip(distinct, reads, strict=True)))
        if check and any(read.outcome is not Outcome.OK for read in reads):
            raise failure_of_reads("get_many", found)
        return found

    async def _delete_many(self, keys: Sequence[bytes], check: bool) -> WrittenMany:
        return self._checked_many("delete_many", await self._turns.run(self._here.delete_many, keys), check)

    async def _scan(self, pages: AsyncGenerator[list[Item], None]) -> AsyncGenerator[Item, None]:
        async with aclosing(pages):
            async for page in pages:
                for item in page:
                    self._check_process()
                    yield item

    async def _pages(self, prefix: bytes, values: bool) -> AsyncGenerator[list[Item], None]:
        found = self._here.scan(prefix, values=values)
        try:
            async for page in found:
                yield page
        except ClusterError:
            if self._closed:
                raise ClusterError(f"{CLOSED_MEANWHILE}; {INCOMPLETE}") from None
            raise
        finally:
            if isinstance(found, AsyncGenerator):
                await found.aclose()

    # Where the store was closed meanwhile, that is the reason, and no node's fault.

    def _checked(self, operation: str, end: SingleT, check: bool) -> SingleT:
        if end.outcome is not Outcome.OK:
            if self._closed:
                end = replaced(end, text=CLOSED_MEANWHILE)
            if check:
                raise failure_of(operation, end)
        return end

    def _checked_many(self, operation: str, written: WrittenMany, check: bool) -> WrittenMany:
        if written.failed or written.unknown:
            if self._closed:
                written = replace(written, text=CLOSED_MEANWHILE)
            if check:
                raise failure_of_many(operation, written)
        return written

    @property
    def _here(self) -> Cluster:
        """The cluster, for who is in its event loop."""
        if running_loop() is not self._loop:
            self._check_process()
            raise ClusterError(CLOSED if self._closed else ELSEWHERE)
        return self._wherever

    def _leave_to_parent(self) -> None:
        self._of_parent = True

    def _check_process(self) -> None:
        if self._of_parent:
            raise ClusterError(OF_PARENT)

    def __reduce__(self) -> NoReturn:
        raise uncopied("Store", "kvtui.connect")

    if not TYPE_CHECKING:  # to a type checker it has none of these

        def __enter__(self):
            raise TypeError("a Store needs async: write async with store, or await store.close() at its end")

        def __exit__(self, *error):
            pass
