"""Opening a cluster: its state directory, its seams, its coordinator, from the first node to the orderly end."""

import logging
import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import anyio
from anyio.abc import TaskGroup

from kvtui.core.authentication import Secret
from kvtui.core.cluster import ClusterError
from kvtui.core.coordinator import Coordinator
from kvtui.core.formats import WrittenByNewer
from kvtui.core.limits import GRACE_MOST, GRACE_SECONDS, NODES_MOST, REPLICAS_MOST, VNODES, VNODES_MOST
from kvtui.core.metadata_log import LogDamaged, MetadataLog
from kvtui.core.records import Created, Member
from kvtui.core.ring import SLOTS, Balanced, Classic, Policy, Ring
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.chance import SystemRandom
from kvtui.core.seams.clock import ExactClock
from kvtui.core.seams.directories import identity_of
from kvtui.core.seams.directory_trust import UnsafeDirectory, admit_state
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.seams.processes import ProcessLauncher
from kvtui.core.seams.rocksdb import open_log
from kvtui.core.seams.started_as_node import A_COPY, VARIABLE
from kvtui.core.seams.storage import EngineFailed, EngineFull, EngineLocked, EngineUnreadable, StorageEngine, let_go
from kvtui.core.seams.system_reason import system_reason
from kvtui.core.seams.tls import BadTls, TlsFiles, as_coordinator
from kvtui.core.seams.transport import TcpTransport
from kvtui.notation import as_rest, as_word

_log = logging.getLogger(__name__)

METADATA: Final = "metadata"
"""The directory of the log, below the state directory."""
TWO_COPIES: Final = 2
"""Of every key, where a cluster is made with so many nodes at least."""


class StateHeld(ClusterError):
    """Another process has the state directory open: it holds the coordinator."""

    def __init__(self, state: Path, holder: str) -> None:
        super().__init__(f"the state directory {as_rest(str(state))} is in use by {holder or 'another process'}")
        self.state = state
        self.holder = holder
        """Who that is, in its own words; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to open a cluster. What it was created with stays: ``nodes``, ``policy``, ``vnodes`` matter for a new one."""

    state: Path | None
    """The state directory; None keeps everything in memory."""
    name: str = "default"
    nodes: int = 0
    """Nodes n1..nN to start in a new cluster."""
    replication: int | None = None
    """Copies of every key in a new cluster; None: as ``first_copies`` says."""
    policy: Literal["balanced", "classic"] = "balanced"
    vnodes: int = VNODES
    """Points a node on a ``classic`` ring."""
    must_exist: bool = False
    """A directory that holds no cluster is refused; else one is made there."""
    role: str = "kvtui"
    """What this process is, told to whoever tries to open the same directory."""
    grace: float = GRACE_SECONDS
    """Seconds after which a node that is away is replaced; 0: never."""
    revive: bool = False
    """Whether nodes that were started here and died by themselves are started again: where nobody looks on."""
    slots: int = SLOTS
    """Slots of a new ring, a power of two; fewer only for tests."""
    secret: Secret | None = None
    """What nodes that others started must prove to know; without it, nodes are on this machine."""
    tls: TlsFiles | None = None
    """Given: every node is spoken to over TLS, those started here included."""

    @property
    def first_copies(self) -> int:
        """Copies of every key that a new cluster is made with.

        Where nobody says: two if several nodes are made with it, so that one may die. A ring that grows node by node begins with
        one, and ``setreplica`` is what teaches it more.
        """
        if self.replication is not None:
            return self.replication
        return TWO_COPIES if self.nodes >= TWO_COPIES else 1


def real_seams(secret: Secret | None = None, tls: TlsFiles | None = None) -> Seams:
    """TCP or TLS, the system's clock, the system's randomness, processes and RocksDB.

    Raises ClusterError for bad TLS files, and in a process that should have become a node.
    """
    if VARIABLE in os.environ:
        raise ClusterError(A_COPY)
    try:
        transport = TcpTransport(None if tls is None else as_coordinator(tls))
    except BadTls as error:
        raise ClusterError(str(error)) from None
    launcher = ProcessLauncher(tls=tls)
    return Seams(transport, ExactClock(), SystemRandom(), launcher, open_log, identity_of, admit_state, secret)


@asynccontextmanager
async def open_cluster(settings: Settings, seams: Seams | None = None) -> AsyncIterator[Coordinator]:
    """The cluster of a state directory, or a new one; on leaving, the nodes that kvtui started end in order.

    Raises ClusterError, before it yields, for a directory that another process holds (StateHeld), that can't be read, or
    settings that make no sense.
    """
    _check(settings)
    seams = seams or real_seams(settings.secret, settings.tls)
    try:
        if settings.state is None or METADATA not in seams.launcher.stored(settings.state):
            _check_launching(settings, seams, ())
        engine = _open_engine(settings, seams)
    except OSError as error:
        raise _unusable(settings, error) from None
    try:
        log = _open_log(engine, settings, seams)
        _check_launching(settings, seams, log.topology.members.values())
        coordinator = Coordinator(log, seams, settings.state, grace=settings.grace, revive=settings.revive)
    except (EngineFailed, EngineFull) as error:
        let_go(engine)
        raise ClusterError(f"the state directory {as_rest(str(settings.state))} can't be written: {error}") from None
    except OSError as error:
        let_go(engine)
        raise _unusable(settings, error) from None
    except BaseException:
        let_go(engine)
        raise
    try:
        async with anyio.create_task_group() as tasks:
            try:
                await _start(coordinator, tasks, settings)
                yield coordinator
            finally:
                with anyio.CancelScope(shield=True):
                    await coordinator.close()
                tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        # The task group wraps what the caller's own block raised; the caller wants it as it was.
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise


async def _start(coordinator: Coordinator, tasks: TaskGroup, settings: Settings) -> None:
    new = not coordinator.snapshot().nodes
    await coordinator.open(tasks)
    if new and settings.nodes:
        # It may have been made earlier, with no nodes and one copy: nothing was put into it yet.
        if coordinator.snapshot().replication < settings.first_copies:
            await coordinator.set_replication(settings.first_copies)
        await coordinator.add_local_nodes([f"n{number}" for number in range(1, settings.nodes + 1)])
    await coordinator.refresh()


def _unusable(settings: Settings, error: OSError) -> ClusterError:
    """What the system refused, such as to enter a directory of another user."""
    why = system_reason(error)
    at = f" ({as_word(str(error.filename))})" if error.filename not in (None, str(settings.state)) else ""
    return ClusterError(f"the state directory {as_rest(str(settings.state))} can't be used: {why}{at}")


def _check(settings: Settings) -> None:
    if not 0 <= settings.nodes <= NODES_MOST:
        raise ClusterError(f"{settings.nodes} nodes of a new cluster are not possible: use 0 to {NODES_MOST}")
    if not 1 <= settings.vnodes <= VNODES_MOST:
        raise ClusterError(f"{settings.vnodes} virtual nodes are not possible: use 1 to {VNODES_MOST}")
    if not 0 <= settings.grace <= GRACE_MOST:
        raise ClusterError(
            f"a grace of {settings.grace:g} s is not possible: use 1 to {GRACE_MOST}, or 0 to replace nobody"
        )
    if settings.replication is not None and not 1 <= settings.replication <= REPLICAS_MOST:
        raise ClusterError(f"{settings.replication} copies are not possible: use 1 to {REPLICAS_MOST}")


def _check_launching(settings: Settings, seams: Seams, members: Collection[Member]) -> None:
    """Raise ClusterError where every node would have to be started here, and none can be."""
    needed = all(member.started_here for member in members) if members else settings.nodes > 0
    if needed and (reason := seams.launcher.refusal()):
        raise ClusterError(reason)


def _open_engine(settings: Settings, seams: Seams) -> StorageEngine:
    if settings.state is None:
        return MemoryEngine()
    try:
        for warning in seams.admit(settings.state):
            _log.warning("%s", warning)
        return seams.open_engine(settings.state / METADATA, settings.role)
    except UnsafeDirectory as error:
        raise ClusterError(str(error)) from None
    except EngineLocked as error:
        raise StateHeld(settings.state, error.holder) from None
    except EngineUnreadable as error:
        raise ClusterError(f"the state directory {as_rest(str(settings.state))} can't be opened: {error}") from None


def _open_log(engine: StorageEngine, settings: Settings, seams: Seams) -> MetadataLog:
    try:
        log = MetadataLog(engine)
        if log.empty and settings.must_exist:
            raise ClusterError(f"the state directory {as_rest(str(settings.state))} holds no cluster any more")
        if log.empty:
            policy: Policy = Classic(settings.vnodes) if settings.policy == "classic" else Balanced()
            ring = Ring.empty(policy, settings.first_copies, settings.slots)
            log.append(Created(seams.random.identity(), settings.name, ring.to_record()))
        return log
    except WrittenByNewer as error:
        raise ClusterError(
            f"the state directory {as_rest(str(settings.state))} was {error}: open it with that one"
        ) from None
    except LogDamaged as error:
        raise ClusterError(f"the state directory {as_rest(str(settings.state))} is damaged: {error}") from None
    except (EngineFailed, EngineFull) as error:
        raise ClusterError(f"the state directory {as_rest(str(settings.state))} can't be written: {error}") from None
