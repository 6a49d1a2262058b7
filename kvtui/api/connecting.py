"""``kvtui.connect``: a cluster opened in this process, or attached to where it runs already."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, SupportsIndex

from kvtui.api import arguments
from kvtui.api.arguments import StrPath
from kvtui.api.hosting import Hosted
from kvtui.api.opened import opened
from kvtui.api.store import OTHERS, Store
from kvtui.config.places import NoHome, default_state
from kvtui.control.attaching import attached_or_opened
from kvtui.core.authentication import BadSecret, Secret
from kvtui.core.cluster import ArgumentError, ClusterError
from kvtui.core.limits import GRACE_MOST, GRACE_SECONDS, NODES_MOST, REPLICAS_MOST, VNODES, VNODES_MOST
from kvtui.core.opening import Settings, real_seams
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.patched import patched
from kvtui.core.seams.secret_source import take_secret
from kvtui.core.seams.tls import TlsFiles
from kvtui.core.uncopied import uncopied
from kvtui.notation import as_rest

_log = logging.getLogger(__name__)

NODES: Final = 3
"""That a new cluster has where nobody says how many."""


class Connecting(Coroutine[Any, Any, Store]):
    """What ``connect`` returns: ``async with`` opens and closes it; ``await``, or a task that runs it, opens it alone, for
    ``Store.close`` to end.

    It is for one store at a time, whoever holds it: while that is opened or open, another entry is refused. After its close, or
    where it could not be opened, it may be used again.
    """

    __name__ = "kvtui.connect"
    """What tasks that run it call it."""

    def __init__(
        self, settings: Settings, seams: Seams | None = None, *, takes_up: bool = False, given: Sequence[str] = ()
    ) -> None:
        """``given``: the arguments for a new cluster or for who holds it, of which one that exists may heed none."""
        self._settings = settings
        self._given = given
        self._seams = seams
        self._takes_up = takes_up
        self._opening = False
        self._entered = False
        self._store: Store | None = None
        self._run: Coroutine[Any, Any, Store] | None = None
        self._task: asyncio.Task[Any] | None = None
        """The one that runs it."""

    def __repr__(self) -> str:
        place = "in memory" if self._settings.state is None else f"in {as_rest(str(self._settings.state))}"
        store = self._store
        is_open = store is not None and not store.closed
        now = "being opened" if self._opening else "open" if is_open else "not open"
        return f"<kvtui.connect(...) {place}, {now}>"

    @property
    def state(self) -> Path | None:
        """The state directory; None: in memory."""
        return self._settings.state

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
        # Of this process, which may be another one than where connect() was called: a fork of it.
        settings = replace(self._settings, role=f"a Python program (process {os.getpid()})")
        hosted = Hosted(attached_or_opened(settings, self._seams, takes_up=self._takes_up, unheeded=self._given))
        cluster = await hosted.open()
        if cluster.holder and cluster.in_vain:  # who holds it is told of that by its events
            _log.warning("%s", cluster.in_vain)
        if beside := cluster.held_beside:
            _log.warning("%s already, and the new store is attached to it there: %s", beside, OTHERS)
        elif cluster.holder and self._given and not cluster.in_vain:
            _log.info("%s", cluster.attached_line)
        store = Store(cluster, hosted)
        opened(store)
        return store

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
) -> Connecting:
    """Open the cluster of a state directory, or attach to who has it open: ``async with kvtui.connect("lab") as store``.

    In a notebook, or where no block fits, ``store = await kvtui.connect("lab")`` does the same, and ``await store.close()`` ends
    it. Nodes that this process started end with it in any case, even when it is killed.

    ``state`` is the directory; None: the one that ``kvtui`` uses by default. ``memory`` keeps everything in memory, without a
    directory, for this store alone. A cluster that does not exist yet is made, with ``nodes`` node processes on this machine
    (0 to 64; None: 3), ``replicas`` copies of every key (1 to 8; as many as there are nodes, until there are more; None: two, or
    one with fewer than two nodes), and ``policy`` (None: ``balanced``; with ``vnodes`` points a node where it is ``classic``, None:
    64); one that exists stays as it is, and the logger ``kvtui`` is told of what was asked for in vain. ``grace``: seconds after
    which a node that is away is replaced (None: 60); 0: never. ``secret_file`` and the PEM files ``tls_ca``, ``tls_cert``,
    ``tls_key`` are as the options of ``kvtui``; without ``secret_file`` the secret is that of the environment variable
    KVTUI_SECRET, if it is set.

    A program that attached finds by itself whoever opens the directory when the other one has ended. ``takeup``: where nobody else
    does, it opens it itself, then and whenever it is so again, and starts the nodes: for workers of which any may be the last one.
    What is asked meanwhile waits for that, and has failed after 5 seconds. Leave it out where something starts ``kvtui serve``
    again, which wants the directory free.

    Raises at once ArgumentError (a ClusterError and a ValueError) for an argument that can't be, TypeError for one of a wrong type;
    and ClusterError, as it is entered or awaited, for what can't be opened. Each is one line, and nothing has changed.
    At once also ClusterError where gevent or eventlet have replaced Python's own threads or sockets.
    Installs no signal handlers, prints nothing.
    """
    if trouble := patched():
        raise ClusterError(trouble)
    directory = arguments.directory("state", state)
    takes_up = arguments.flag("takeup", takeup)
    if arguments.flag("memory", memory):
        if directory is not None:
            raise ArgumentError("memory=True keeps no state: leave out the state directory, or memory=True")
        if takes_up:
            raise ArgumentError("memory=True leaves nothing to take up: leave out takeup=True, or memory=True")
    elif directory is None:
        directory = _default_state()
    chosen = arguments.one_of("policy", policy, ("balanced", "classic"), "balanced")
    points = arguments.whole("vnodes", vnodes, 1, VNODES_MOST)
    if points is not None and chosen != "classic":
        raise ArgumentError(f"vnodes={points} needs policy='classic': the balanced ring has no virtual nodes")
    made = arguments.whole("nodes", nodes, 0, NODES_MOST)
    settings = Settings(
        state=directory,
        name=directory.name if directory is not None and directory.name else "memory",
        nodes=NODES if made is None else made,
        replication=arguments.whole("replicas", replicas, 1, REPLICAS_MOST),
        policy="classic" if chosen == "classic" else "balanced",
        vnodes=VNODES if points is None else points,
        grace=arguments.seconds("grace", grace, GRACE_MOST, GRACE_SECONDS),
        revive=True,
        secret=_secret(arguments.path("secret_file", secret_file)),
        tls=_tls(
            arguments.path("tls_ca", tls_ca), arguments.path("tls_cert", tls_cert), arguments.path("tls_key", tls_key)
        ),
    )
    for_new = {
        "nodes": nodes,
        "replicas": replicas,
        "policy": policy,
        "vnodes": vnodes,
        "grace": grace,
        "secret_file": secret_file,
        "tls_ca": tls_ca,
    }
    given = [name for name, value in for_new.items() if value is not None]
    return Connecting(settings, _seams(settings), takes_up=takes_up, given=given)


def _default_state() -> Path:
    try:
        return default_state()
    except NoHome as error:
        raise ArgumentError(f"{error} (state), or memory=True") from None


def _secret(file: Path | None) -> Secret | None:
    # A copy: a program's environment is its own, and the next connect wants the secret too.
    try:
        return take_secret(file, dict(os.environb))
    except BadSecret as error:
        raise ArgumentError(str(error)) from None


def _tls(authority: Path | None, certificate: Path | None, key: Path | None) -> TlsFiles | None:
    if authority is None and (certificate is not None or key is not None):
        raise ArgumentError("tls_cert and tls_key need tls_ca too: without it no node's certificate can be checked")
    if certificate is None and key is not None:
        raise ArgumentError("tls_key belongs to tls_cert: give both")
    return None if authority is None else TlsFiles(certificate, key, authority)


def _seams(settings: Settings) -> Seams:
    """They read the files for TLS: once, as one may be a pipe."""
    try:
        return real_seams(settings.secret, settings.tls)
    except ClusterError as error:
        if settings.tls is None:
            raise  # of what this process is, no argument is the cause
        raise ArgumentError(str(error)) from None
