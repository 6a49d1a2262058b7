"""A cluster opened, used by the dashboard or the shell, and closed in order whatever ends the program."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import anyio

from kvtui.commands.running import defect
from kvtui.config import Look
from kvtui.config.places import NoHome, default_state, user_state
from kvtui.control.event_log import OF_KVTUI, log_events
from kvtui.control.session import Session, session
from kvtui.control.sockets import UnixSockets
from kvtui.control.succession import ON_REQUEST, SCRIPT, TAKES_UP
from kvtui.core.authentication import BadSecret, Secret
from kvtui.core.background import start_soon, started
from kvtui.core.cluster import Cluster, ClusterError
from kvtui.core.limits import GRACE_SECONDS, VNODES
from kvtui.core.opening import Settings, StateHeld, real_seams
from kvtui.core.recovery import recover
from kvtui.core.seams.directory_trust import UnsafeDirectory, admit_state
from kvtui.core.seams.named_path import BadPath, named_path
from kvtui.core.seams.secret_source import take_secret
from kvtui.core.seams.standard_streams import give_up_output, say_aside
from kvtui.core.seams.tls import TlsFiles
from kvtui.core.snapshot import NodeState
from kvtui.core.topology import described
from kvtui.farewell import again_with, said_in_leaving, say
from kvtui.hangup import told_of_hangup
from kvtui.last_resort import LastResort
from kvtui.log import logging_to
from kvtui.notation import as_shell_word, as_word
from kvtui.options import Options
from kvtui.shell import Signals, run_commands, run_shell

FAILED = 1
CANNOT_OPEN = 2
HISTORY = "history"
"""The file of lines typed, in the state directory; without one, beside the default state directory."""


def uvloop_present() -> bool:
    """Whether the faster event loop is installed."""
    return importlib.util.find_spec("uvloop") is not None


def settings_of(options: Options, role: str) -> Settings:
    """What to open, as the arguments and the environment say. Raises ClusterError for a secret that can't be used."""
    secret, tls = _secret_of(options), _tls_of(options)
    state = None if options.memory else state_of(options)
    return Settings(
        state=state,
        name=state.name if state is not None and state.name else "memory",
        nodes=options.nodes or 0,
        replication=options.replicas,
        policy="classic" if options.policy == "classic" else "balanced",
        vnodes=options.vnodes or VNODES,
        grace=GRACE_SECONDS if options.grace is None else options.grace,
        # In the dashboard and the shell somebody looks on, and a node that was killed is the lesson.
        revive=role == "serve",
        role=f"kvtui {role} (process {os.getpid()})",
        secret=secret,
        tls=tls,
    )


def state_of(options: Options) -> Path:
    """The state directory. Raises ClusterError."""
    try:
        return default_state() if options.state is None else named_path(str(options.state))
    except NoHome as error:
        raise ClusterError(f"{error} (--state DIR)") from None
    except BadPath as error:
        raise ClusterError(f"the state directory: {error}") from None


def _secret_of(options: Options) -> Secret | None:
    try:
        return take_secret(options.secret_file, warn=lambda text: say_aside(f"kvtui: {text}"))
    except BadSecret as error:
        raise ClusterError(str(error)) from None


def _tls_of(options: Options) -> TlsFiles | None:
    if options.tls_ca is None:
        return None
    return TlsFiles(*(path and path.absolute() for path in (options.tls_cert, options.tls_key, options.tls_ca)))


async def open_and_run(options: Options, role: str, look: Look | None = None) -> int:
    """Open the cluster or attach to it, run the dashboard (with its ``look``), the shell or nothing on it, close or leave it; the
    exit status. ``role``: ``dashboard``, ``shell``, or ``serve``, which attaches to nobody."""
    last_resort = LastResort()
    signals = Signals(last_resort)
    status = FAILED
    async with anyio.create_task_group() as tasks:
        await started(tasks, signals.watch)
        with told_of_hangup(lambda: signals.take(signal.SIGHUP)):
            status = await _opened(options, role, look or Look(), signals)
        # Whoever ends a service by a signal wants to hear that it ended in order.
        if signals.status is not None and role != "serve":
            status = signals.status
        last_resort.if_needed(status)
        tasks.cancel_scope.cancel()
    return status


async def _opened(options: Options, role: str, look: Look, signals: Signals) -> int:
    try:
        settings = settings_of(options, role)
    except ClusterError as refusal:
        return _complain(str(refusal), CANNOT_OPEN)
    files = _own_files(settings.state)
    with logging_to(files):
        return await _with_cluster(settings, options, role, look, signals, files)


def _own_files(state: Path | None) -> Path | None:
    """Where log and typed lines go: nowhere in a directory that is not this user's, as where root attaches to another's kvtui."""
    try:
        if state is not None:
            admit_state(state)
    except UnsafeDirectory:
        return None
    return state


async def _with_cluster(
    settings: Settings, options: Options, role: str, look: Look, signals: Signals, files: Path | None
) -> int:
    status, opened, last = (0 if role == "serve" else FAILED), False, list[str]()
    log = logging.getLogger(__name__)
    try:
        with signals.covered():  # while opening; later a signal cancels the use alone, and closing runs undisturbed
            seams = real_seams(settings.secret, settings.tls)
            attaching, told = role != "serve", options.for_new
            manner = SCRIPT if options.commands else ON_REQUEST
            async with session(
                settings, seams, UnixSockets(), attaching=attaching, manner=manner, unheeded=told
            ) as cluster:
                opened = True
                done = f"attached to {cluster.holder} on" if cluster.holder else "opened"
                log.info("%s %s %s", settings.role, done, settings.name)
                async with anyio.create_task_group() as tasks:
                    start_soon(tasks, log_events, cluster.events(), OF_KVTUI, lambda: not cluster.holder)
                    with signals.covered():
                        status = await _used(cluster, settings, options, role, look, signals, files)
                    log.info("%s ends%s", settings.role, f" by {signals.received.name}" if signals.received else "")
                    if _is_watched(options, role, signals):
                        last = await said_in_leaving(cluster, _again(options, settings, role))
                    tasks.cancel_scope.cancel()
    except Exception as raised:
        error = _innermost(raised)
        if isinstance(error, ClusterError):
            unmade = settings.state is not None and not os.path.isdir(settings.state)
            hint = "; --state DIR names another one, --memory needs none" if options.state is None and unmade else ""
            if isinstance(error, StateHeld):
                hint = f": {_instead_of_serving(error)}"
            return _complain(f"{error}{hint}", FAILED if opened else CANNOT_OPEN)
        log.error("%s: %s", settings.role, defect(error))
        return _complain(defect(error), FAILED)
    say(last)
    return status


def _is_watched(options: Options, role: str, signals: Signals) -> bool:
    """Whether a person sits there, to be told what was kept; scripts and pipes stay quiet."""
    terminal = role == "dashboard" or (role == "shell" and sys.stdin.isatty() and sys.stdout.isatty())
    return terminal and not options.commands and signals.received is not signal.SIGHUP


def _again(options: Options, settings: Settings, role: str) -> str:
    with suppress(ClusterError):  # without a home directory, none is the default
        return again_with(options, role, default=settings.state == default_state())
    return again_with(options, role, default=False)


async def recover_state(options: Options, addresses: Sequence[tuple[str, int]], without: Sequence[str]) -> int:
    """``kvtui recover``; the exit status."""
    try:
        directory = state_of(options)
        seams = real_seams(_secret_of(options), _tls_of(options))
        rebuilt = await recover(directory, addresses, without, seams)
    except ClusterError as error:
        return _complain(str(error), CANNOT_OPEN)
    topology = rebuilt.topology
    print(f"Rebuilt cluster {as_word(topology.name)} from {', '.join(rebuilt.present)} (epoch {topology.epoch})")
    if rebuilt.missing:
        print(f"Not found: {', '.join(rebuilt.missing)}")
    if rebuilt.lost:
        print(
            f"Lost: {described(topology.lost)} have no copy that can be trusted; accept-loss serves what is left of them"
        )
    if rebuilt.disputed:
        print(f"Of {rebuilt.disputed:,} of them it can't be said which of several coordinators served them last")
    print(f"Open it with: kvtui --state {as_shell_word(str(directory))}")
    return 0


def _innermost(error: Exception) -> Exception:
    """What a task group wrapped; its first where there are several."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def _used(
    cluster: Session,
    settings: Settings,
    options: Options,
    role: str,
    look: Look,
    signals: Signals,
    files: Path | None,
) -> int:
    if cluster.holder and role == "shell":
        say_aside(f"kvtui: {cluster.attached_line}")
    if role == "serve":
        return await serve(cluster, settings)
    if role == "shell":
        for view in cluster.snapshot().nodes:
            if view.state is NodeState.DOWN and view.note:
                say_aside(f"kvtui: {view.id} is DOWN: {view.note}")
    if options.commands:
        return await run_commands(cluster, options.commands, signals, readonly=options.readonly)
    if role == "shell":
        lines = user_state() if settings.state is None else files
        return await run_shell(cluster, signals, history=lines and lines / HISTORY, readonly=options.readonly)
    from kvtui.app import run_dashboard

    return await run_dashboard(
        cluster, state=files, look=look, readonly=options.readonly, last_resort=signals.last_resort
    )


async def serve(cluster: Cluster, settings: Settings) -> int:
    """Do nothing but hold the coordinator, until a signal comes or it can't serve any more."""
    state = str(settings.state)
    told = f"serving {as_word(state)} (process {os.getpid()}); attach with: kvtui --state {as_shell_word(state)}"
    try:
        print(f"kvtui: {told}", flush=True)
    except OSError:  # nobody may be there to read it
        give_up_output()
    snapshot = cluster.snapshot()
    while not snapshot.stopped:
        snapshot = await cluster.changed(snapshot)
    return _complain(snapshot.stopped, FAILED)


def _instead_of_serving(held: StateHeld) -> str:
    """What an operator may do where somebody else holds the directory that is to be served."""
    attach = f"kvtui --state {as_shell_word(str(held.state))} attaches to it"
    if held.holder.endswith(TAKES_UP):
        end = "end every program that connected with takeup=True, start this, and then them, which attach to it"
    else:
        end = "end that one first"
    return f"{attach}; to serve here, {end}"


def _complain(text: str, status: int) -> int:
    say_aside(f"kvtui: {' '.join(text.split())}")  # the terminal may be what is lost
    return status
