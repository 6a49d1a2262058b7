"""``kvtui recover``: finds a cluster's nodes and writes a new metadata log from what they noted."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from kvtui.core.authentication import Secret
from kvtui.core.cluster import ClusterError
from kvtui.core.formats import WrittenByNewer
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.metadata_log import LogDamaged, MetadataLog, essence
from kvtui.core.node_access import Access, fresh_secret
from kvtui.core.opening import METADATA
from kvtui.core.process_ends import end_in_order
from kvtui.core.protocol import ERROR, Hello, Note
from kvtui.core.rebuilding import Found, Rebuilt, rebuild
from kvtui.core.remote_node import NotANode, Refused, say_hello
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.directory_trust import UnsafeDirectory
from kvtui.core.seams.launcher import LaunchFailed, NodeSpec
from kvtui.core.seams.storage import EngineFailed, EngineFull, EngineLocked, EngineUnreadable, StorageEngine, let_go
from kvtui.core.seams.transport import Transport, Unreachable
from kvtui.notation import as_shell_word, as_word

ROLE = "kvtui recover"


async def recover(state: Path, addresses: Sequence[tuple[str, int]], without: Sequence[str], seams: Seams) -> Rebuilt:
    """Write a log into ``state``, which must hold none, from the nodes at ``addresses`` and those whose data lies in ``state``.

    The nodes themselves are left as they are. Raises ClusterError, and then nothing was written.
    """
    try:
        seams.admit(state)
    except UnsafeDirectory as error:
        raise ClusterError(str(error)) from None
    # A store that is there already is held while the nodes are asked. One that is not is made when there is something to write.
    engine = _open(state, seams) if METADATA in seams.launcher.stored(state) else None
    try:
        if engine is not None:
            _empty_log(engine, state)
        own = fresh_secret(seams.random)
        access = Access.over(seams.transport, seams.secret, own, seams.random, seams.clock)
        found = [
            *await _stored(state / "nodes", access.own, own, seams),
            *[await _asked(host, port, access.others, seams.clock) for host, port in addresses],
        ]
        rebuilt = rebuild(found, without)
        engine = engine or _open(state, seams)
        _empty_log(engine, state).append(*essence(rebuilt.topology))
        return rebuilt
    except WrittenByNewer as error:
        raise ClusterError(f"{state / METADATA} was {error}: open it with that one, it is not lost") from None
    except LogDamaged as error:
        raise ClusterError(f"{state / METADATA} is damaged: {error}; move it away first") from None
    except (EngineFailed, EngineFull) as error:
        raise ClusterError(f"the state directory {state} can't be written: {error}") from None
    finally:
        if engine is not None:
            let_go(engine)


def _open(state: Path, seams: Seams) -> StorageEngine:
    try:
        return seams.open_engine(state / METADATA, ROLE)
    except EngineLocked as error:
        raise ClusterError(f"the state directory {state} is in use by {error.holder or 'another process'}") from None
    except EngineUnreadable as error:
        raise ClusterError(
            f"{error}; move {state / METADATA} away first: its damaged log is not used, the nodes' notes are"
        ) from None


def _empty_log(engine: StorageEngine, state: Path) -> MetadataLog:
    """Raises ClusterError for one that is not empty, LogDamaged, WrittenByNewer, EngineFailed."""
    log = MetadataLog(engine)
    if not log.empty:
        raise ClusterError(
            f"{as_word(str(state))} holds the log of cluster {as_word(log.topology.name)} already: open it with kvtui --state"
            f" {as_shell_word(str(state))}, or move {as_word(str(state / METADATA))} away to rebuild it from the nodes"
        )
    return log


async def _stored(nodes: Path, transport: Transport, secret: Secret, seams: Seams) -> list[Found]:
    """The nodes whose data directories lie in ``nodes``, each started for long enough to be asked, and for nobody else."""
    found: list[Found] = []
    async with AsyncExitStack() as ending:
        for name in seams.launcher.stored(nodes):
            try:
                process = await seams.launcher.start(NodeSpec(name, "127.0.0.1", 0, nodes / name, secret))
            except LaunchFailed as error:
                raise ClusterError(f"node {name} does not start on {nodes / name}: {error}") from None

            ending.push_async_callback(end_in_order, process, seams.clock)
            host, port = process.address
            found.append(await _asked(host, port, transport, seams.clock, name))
    return [node for node in found if node.facts.cluster]


async def _asked(host: str, port: int, transport: Transport, clock: Clock, name: str = "") -> Found:
    link = Link(clock, lambda _link, _reason: None)
    try:
        await transport.connect(host, port, lambda: link)
        facts = await say_hello(link, Hello())
        note = await link.ask(Note())
        if note.version is not None:
            # A coordinator that still runs may have noted more between the two.
            facts = msgspec.structs.replace(facts, noted=note.version)
    except (Unreachable, NotANode, LinkLost, LinkFull) as error:
        raise ClusterError(f"can't ask the node at {host}:{port}: {error}") from None
    except Refused as error:
        raise ClusterError(f"the node at {host}:{port} refuses to say who it is: {error}") from None
    finally:
        link.close("asked enough")
    return Found(host, port, facts, note.note or "", name, damaged=note.status == ERROR)
