"""What tests on live clusters share: running a command as a person does, waiting for a node's state, finding its process."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kvtui.commands import Context, parse, run
from kvtui.core.cluster import Cluster
from kvtui.core.coordinator import Coordinator
from kvtui.core.seams.launcher import NodeSpec
from kvtui.core.seams.processes import ProcessLauncher
from kvtui.core.snapshot import NodeState


async def said(cluster: Coordinator, text: str) -> tuple[bool, list[str]]:
    """Run a command as the shell does: whether it succeeded, and its lines."""
    lines: list[str] = []
    context = Context(
        cluster=cluster,
        say=lambda line: lines.append(line.text),
        located=lambda location: None,
        progress=lambda what, done, total: None,
        leave=lambda: None,
    )
    invocation = parse(text)
    assert invocation is not None
    return await run(invocation.confirmed(), context), lines


async def until_state(cluster: Cluster, node: str, state: NodeState) -> None:
    """Return once the node's state is as wanted."""
    snapshot = cluster.snapshot()
    while (view := snapshot.node(node)) is None or view.state is not state:
        snapshot = await cluster.changed(snapshot)


def pid_of(cluster: Coordinator, node: str) -> int:
    """The process of a node that kvtui started."""
    view = cluster.snapshot().node(node)
    assert view is not None
    assert view.pid is not None
    return view.pid


@asynccontextmanager
async def lone_node(data: Path | None) -> AsyncIterator[tuple[str, int]]:
    """A node of no cluster, killed at the end; its host and port."""
    process = await ProcessLauncher().start(NodeSpec("lone", "127.0.0.1", 0, data))
    try:
        yield process.address
    finally:
        process.signal(signal.SIGKILL)
        await process.wait()
