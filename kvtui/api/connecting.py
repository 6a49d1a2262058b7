"""``kvtui.connect``: a cluster opened in this process, or attached to where it runs already."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from kvtui.api.hosting import Hosted
from kvtui.api.store import Store
from kvtui.config.places import default_state
from kvtui.control.attaching import attached_or_opened
from kvtui.core.authentication import BadSecret, Secret
from kvtui.core.cluster import ClusterError
from kvtui.core.opening import Settings
from kvtui.core.replacement import GRACE_SECONDS
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.named_path import BadPath, named_path
from kvtui.core.seams.secret_source import take_secret
from kvtui.core.seams.tls import TlsFiles
from kvtui.core.uncopied import uncopied

StrPath = str | os.PathLike[str]


class Connecting(Coroutine[Any, Any, Store]):
    """What ``connect`` returns: ``async with`` opens and closes it; ``await``, or a task that runs it, opens it alone, for
    ``Store.close`` to end.

    It is for one store at a time, whoever holds it: while that is opened or open, another entry is refused. After its close, or
    where it could not be opened, it may be used again.
    """

    __name__ = "kvtui.connect"
    """What tasks that run it call it."""

    def __init__(self, settings: Settings, seams: Seams | None = None, *, takes_up: bool = False) -> None:
        self._settings = settings
        self._seams = seams
        self._takes_up = takes_up
        self._opening = False
        self._entered = False
        self._store: Store | None = None
        self._run: Coroutine[Any, Any, Store] | None = None
        self._task: asyncio.Task[Any] | None = None
        """The one that runs it."""

    def __await__(self) -> Generator[Any, None, Store]:
        return self._opened().__await__()

    async def __aenter__(self) -> Store:
        store = await self._opened()
        self._entered = True
        return store

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._store is not None:
                await self._store.close()
        finally:
            self._entered = False

    # As a coroutine, for asyncio.create_task and asyncio.run. It is made when it is first run: no other complains that nobody did.

    def send(self, value: Any) -> Any:
        """As coroutines do it."""
        return self._running(lambda run: run.send(value))

    def throw(self, *error: Any) -> Any:
        """As coroutines do it."""
        return self._running(lambda run: run.throw(*error))

    def close(self) -> None:
        """As coroutines do it: what is being opened is given up. A store that is open stays so."""
        run, self._run, self._task = self._run, None, None
        if run is not None:
            run.close()

    def _running(self, go_on: Callable[[Coroutine[Any, Any, Store]], Any]) -> Any:
        task = _current_task()
        run = self._run if self._run is not None and task is self._task else self._opened()
        if self._run is None:
            self._run, self._task = run, task
        try:
            return go_on(run)  # another task than the one that opens it is refused here
        except BaseException:
            if run is self._run:
                self._run = self._task = None
            raise

    async def _opened(self) -> Store:
        if self._opening or self._entered or (self._store is not None and not self._store.closed):
            now = "is being opened" if self._opening else "is open"
            raise ClusterError(f"the store of this kvtui.connect(...) {now}: call kvtui.connect again for another one")
        self._opening = True
        try:
            self._store = await self._open()
            return self._store
        finally:
            self._opening = False

    async def _open(self) -> Store:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ClusterError("kvtui runs under asyncio (or uvloop): no such event loop runs here") from None
        hosted = Hosted(attached_or_opened(self._settings, self._seams, takes_up=self._takes_up))
        return Store(await hosted.open(), hosted)

    def __reduce__(self) -> NoReturn:
        raise uncopied("kvtui.connect(...)", "it")

    if not TYPE_CHECKING:  # to a type checker it has none of these

        def __enter__(self):
            raise TypeError(
                "kvtui.connect needs async: write async with kvtui.connect(...) as store;"
                " without it, with kvtui.connect_sync(...) as store"
            )

        def __exit__(self, *error):
            pass

        def __getattr__(self, name):
            if not name.startswith("_") and hasattr(Store, name):
                raise AttributeError(
                    f"kvtui.connect(...) is no store yet, so it has no {name!r}: write async with kvtui.connect(...) as"
                    " store, or store = await kvtui.connect(...)"
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def connect(
    state: StrPath | None = None,
    *,
    memory: bool = False,
    nodes: int = 3,
    replicas: int | None = None,
    policy: Literal["balanced", "classic"] = "balanced",
    vnodes: int = 64,
    grace: float = GRACE_SECONDS,
    secret_file: StrPath | None = None,
    tls_ca: StrPath | None = None,
    tls_cert: StrPath | None = None,
    tls_key: StrPath | None = None,
    takeup: bool = False,
) -> Connecting:
    """Open the cluster of a state directory, or attach to who has it open: ``async with kvtui.connect("lab") as store``.

    In a notebook, or where no block fits, ``store = await kvtui.connect("lab")`` does the same, and ``await store.close()`` ends
    it. Nodes that this process started end with it in any case, even when it is killed.

    ``state`` is the directory; None: the one that ``kvtui`` uses by default. ``memory`` keeps everything in memory, without a
    directory, for this store alone. A cluster that does not exist yet is made, with ``nodes`` node processes on this machine,
    ``replicas`` copies of every key (None: two, or one with fewer than two nodes), and ``policy`` (with ``vnodes`` points
    a node where it is ``classic``); one that exists stays as it is. ``grace``: seconds after which a node that is away is replaced;
    0: never. ``secret_file`` and the PEM files ``tls_ca``, ``tls_cert``, ``tls_key`` are as the options of ``kvtui``; without
    ``secret_file`` the secret is that of the environment variable KVTUI_SECRET, if it is set.

    A program that attached finds by itself whoever opens the directory when the other one has ended. ``takeup``: where nobody else
    does, it opens it itself, then and whenever it is so again, and starts the nodes: for workers of which any may be the last one.
    What is asked meanwhile waits for that, and has failed after 5 seconds. Leave it out where something starts ``kvtui serve``
    again, which wants the directory free.

    Raises ClusterError, as it is entered or awaited, for what can't be opened; in one line, and nothing has changed.
    Installs no signal handlers, prints nothing.
    """
    if memory and state is not None:
        raise ClusterError("memory=True keeps no state: leave out the state directory, or memory=True")
    directory = None if memory else default_state() if state is None else _path("state", state)
    return Connecting(
        Settings(
            state=directory,
            name=directory.name if directory is not None and directory.name else "memory",
            nodes=nodes,
            replication=replicas,
            policy=policy,
            vnodes=vnodes,
            grace=grace,
            role=f"a Python program (process {os.getpid()})",
            secret=_secret(secret_file),
            tls=_tls(tls_ca, tls_cert, tls_key),
        ),
        takes_up=takeup,
    )


def _secret(file: StrPath | None) -> Secret | None:
    # A copy: a program's environment is its own, and the next connect wants the secret too.
    try:
        return take_secret(None if file is None else _path("secret_file", file), dict(os.environb))
    except BadSecret as error:
        raise ClusterError(str(error)) from None


def _tls(authority: StrPath | None, certificate: StrPath | None, key: StrPath | None) -> TlsFiles | None:
    if authority is None:
        if certificate is not None or key is not None:
            raise ClusterError("tls_cert and tls_key need tls_ca too: without it no node's certificate can be checked")
        return None
    named = {"tls_cert": certificate, "tls_key": key, "tls_ca": authority}
    return TlsFiles(*(None if path is None else _path(name, path) for name, path in named.items()))


def _path(name: str, path: StrPath) -> Path:
    try:
        return named_path(os.fspath(path))
    except BadPath as error:
        raise ClusterError(f"{name}: {error}") from None
