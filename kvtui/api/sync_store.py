"""``kvtui.connect_sync``: the store for programs without an event loop."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self, SupportsIndex, TypeVar, overload

from kvtui.api import arguments
from kvtui.api.arguments import StrPath
from kvtui.api.connecting import connect
from kvtui.api.encoding import Data, Key, Name, Pairs, keys_to_bytes, pairs_to_bytes
from kvtui.api.hosting import CLOSE_SECONDS
from kvtui.api.leaving import left_behind
from kvtui.api.loop_thread import Call, LoopThread, asyncios_loop, uvloops_loop
from kvtui.api.opened import closed, opened
from kvtui.api.scanning import Scan, Scans
from kvtui.api.store import Store
from kvtui.control.held_here import holds
from kvtui.control.own_loop import running_loop
from kvtui.core.cluster import Cluster, ClusterError, Item, Read, Written, WrittenMany
from kvtui.core.plain import several
from kvtui.core.seams.child import reap
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.core.uncopied import uncopied
from kvtui.notation import as_rest

T = TypeVar("T")

LOOP_SECONDS: Final = 3.0
"""How much later than it must the loop may tell that the store is closed."""

_log = logging.getLogger(__name__)


class SyncStore:
    """A ``Store`` whose methods wait: the same names, results and exceptions. Any thread may use it, many at once.

    It has an event loop in a thread of its own. It closes with its ``with`` block, by ``close``, or at the latest when
    the program ends. A process that was forked off can't use it, and opens a store of its own.
    """

    def __init__(self, store: Store, thread: LoopThread) -> None:
        """``store`` was opened in ``thread``."""
        self._store = store
        self._cluster = store._wherever
        self._thread = thread
        self._closing = threading.RLock()  # a signal's handler may close it while it is closed
        self._last: Call[None] | None = None
        self._scans = Scans()
        self._closed = False
        closed(store)  # what programs have is this one
        opened(self)
        atexit.register(self._at_exit)

    def __repr__(self) -> str:
        return f"<kvtui.SyncStore {self._store._told}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _of_parent(self) -> bool:
        return self._thread.foreign

    @property
    def closed(self) -> bool:
        """As ``Store.closed``; also in a process that was forked off."""
        return self._closed or self._thread.foreign or self._store.closed

    def close(self) -> None:
        """As ``Store.close``. In a process that was forked off it does nothing.

        Interrupted (Ctrl-C), it returns at once and closing goes on: called again, as it is when the program ends, it waits for the
        rest. Raises ClusterError where something does not end, 40 seconds later at most: what is left is named.
        """
        if self._thread.foreign:
            return
        with self._closing:
            if self._closed:
                return
            if self._last is None:
                try:
                    self._last = self._thread.begin(self._store.close)
                except ClusterError:
                    self._end()
                    raise
            try:
                self._last.result(CLOSE_SECONDS + LOOP_SECONDS)
            except TimeoutError:
                self._end()
                left = left_behind(self._cluster)
                raise ClusterError(f"the store can't close: its event loop is held up; it is left{left}") from None
            except Exception:
                self._end()
                raise
            if not self._end():
                raise ClusterError("the store is closed, but something that it was asked for does not end, and is left")

    def _end(self) -> bool:
        ended = self._thread.end()
        reap()
        self._closed = True
        closed(self)
        atexit.unregister(self._at_exit)
        return ended

    def _at_exit(self) -> None:
        try:
            self.close()
        except KeyboardInterrupt:
            pass  # who is in such a hurry gets the end at once: nodes end by themselves when this process did
        except Exception as error:
            _log.warning("closing as the program ends: %s", error)

    # What a program gives many of may be made as it is taken: that is done in its own thread, and keeps the loop from nothing.

    def put(self, key: Data, value: Data, *, check: bool = True) -> Written:
        """As ``Store.put``."""
        return self._thread.run(self._store.put, key, value, check=check)

    def get(self, key: Data, *, check: bool = True) -> Read:
        """As ``Store.get``."""
        return self._thread.run(self._store.get, key, check=check)

    def delete(self, key: Data, *, check: bool = True) -> Written:
        """As ``Store.delete``."""
        return self._thread.run(self._store.delete, key, check=check)

    @overload
    def put_many(self, items: Mapping[Data, Data], *, check: bool = True) -> WrittenMany: ...
    @overload
    def put_many(self, items: Mapping[Key, Data], *, check: bool = True) -> WrittenMany: ...
    @overload
    def put_many(self, items: Iterable[tuple[Data, Data]], *, check: bool = True) -> WrittenMany: ...

    def put_many(self, items: Pairs, *, check: bool = True) -> WrittenMany:
        """As ``Store.put_many``."""
        return self._thread.run(self._store.put_many, pairs_to_bytes(items), check=check)

    @overload
    def get_many(self, keys: Iterable[Name], *, check: bool = True) -> dict[Name, Read]: ...
    @overload
    def get_many(self, keys: Iterable[bytearray | memoryview], *, check: bool = True) -> dict[bytes, Read]: ...
    @overload
    def get_many(self, keys: Iterable[Data], *, check: bool = True) -> dict[str | bytes, Read]: ...

    def get_many(self, keys: Iterable[Any], *, check: bool = True) -> dict[Any, Read]:
        """As ``Store.get_many``."""
        return self._thread.run(self._store.get_many, list(several(keys, "keys")), check=check)

    def delete_many(self, keys: Iterable[Data], *, check: bool = True) -> WrittenMany:
        """As ``Store.delete_many``."""
        return self._thread.run(self._store.delete_many, keys_to_bytes(several(keys, "keys")), check=check)

    def scan(self, prefix: Data = b"", *, values: bool = True) -> Iterator[Item]:
        """As ``Store.scan``: a page is asked for when the last one is used up."""
        return self._items(self._scans.begin(self._store.pages(prefix, values=values)))

    def _items(self, scan: Scan) -> Iterator[Item]:
        while (page := self._thread.run(self._scans.next, scan)) is not None:
            for item in page:
                self._thread.check_process()
                yield item

    def snapshot(self) -> ClusterSnapshot:
        """The newest picture of the cluster: its nodes and what moves, an immutable value."""
        return self._store._wherever.snapshot()

    def call(self, ask: Callable[[Cluster], Awaitable[T]]) -> T:
        """Ask the cluster under the store for anything else that it can do: ``store.call(lambda cluster: cluster.rebalance())``."""

        async def asking() -> T:
            with self._thread.ending_where_forked():
                return await ask(self._store._wherever)

        return self._thread.run(asking)

    def __reduce__(self) -> NoReturn:
        raise uncopied("SyncStore", "kvtui.connect_sync")

    if not TYPE_CHECKING:  # to a type checker it has none of these

        def __aenter__(self):
            raise TypeError(
                "kvtui.connect_sync needs no async: write with kvtui.connect_sync(...) as store, or async with"
                " kvtui.connect(...) as store"
            )

        def __aexit__(self, *error):
            pass


def connect_sync(
    state: StrPath | None = None,
    *,
    memory: bool = False,
    nodes: SupportsIndex | None = None,
    replicas: SupportsIndex | None = None,
    policy: Literal["balanced", "classic"] | None = None,
    vnodes: SupportsIndex | None = None,
    grace: float | None = None,
    secret_file: StrPath | None = None,
    tls_ca: StrPath | None = None,
    tls_cert: StrPath | None = None,
    tls_key: StrPath | None = None,
    takeup: bool = False,
    uvloop: bool = False,
) -> SyncStore:
    """As ``connect``, with the same arguments, for programs without an event loop: ``with kvtui.connect_sync("lab") as store``.

    It is open when this returns; the ``with`` block or ``SyncStore.close`` ends it. Its event loop is asyncio's own; with
    ``uvloop`` it is uvloop's, which must be installed then. Raises what ``connect`` does.
    """
    factory = uvloops_loop() if arguments.flag("uvloop", uvloop) else asyncios_loop
    connecting = connect(
        state,
        memory=memory,
        nodes=nodes,
        replicas=replicas,
        policy=policy,
        vnodes=vnodes,
        grace=grace,
        secret_file=secret_file,
        tls_ca=tls_ca,
        tls_cert=tls_cert,
        tls_key=tls_key,
        takeup=takeup,
    )

    here, state = running_loop(), connecting.state
    if here is not None and state is not None and holds(state, here):
        raise ClusterError(
            f"{as_rest(str(state))} is open in the event loop that runs here, which could not answer while this waits for it:"
            " use await kvtui.connect(...), or asyncio.to_thread(kvtui.connect_sync, ...)"
        )

    async def opening() -> Store:
        return await connecting

    thread = LoopThread(factory)
    try:
        return SyncStore(thread.run(opening), thread)
    except BaseException:
        thread.end()
        reap()
        raise
