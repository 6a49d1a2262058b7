"""Nodes that kvtui runs itself: their processes and data directories."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import anyio

from kvtui.core.authentication import Secret
from kvtui.core.cluster import ClusterError
from kvtui.core.process_ends import end_in_order
from kvtui.core.remote_node import NOT_STARTED, RemoteNode
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.launcher import Discarded, Launcher, LaunchFailed, LaunchRefused, NodeProcess, NodeSpec
from kvtui.notation import as_word

RESTARTS: Final = 12
"""Times that a node's start is tried while its last process may still hold its data directory."""
RESTART_SECONDS: Final = 0.25
ENDINGS: Final = 10
"""Times that a process is looked at before it counts as running."""
ENDING_SECONDS: Final = 0.05


def removed_meanwhile(name: str) -> str:
    """Why a node that a person let go is not started any more, in words."""
    return f"{name} was removed while it was being started"


class LocalProcesses:
    """Starts and ends node processes on this machine."""

    def __init__(self, launcher: Launcher, clock: Clock, data: Path | None, secret: Secret) -> None:
        """``data`` is the directory of the nodes' data directories; None keeps them in memory. ``secret`` is what nodes that are
        started here want proved: their coordinator alone knows it."""
        self._launcher = launcher
        self._clock = clock
        self._data = data
        self._secret = secret
        self._closed = False

    def close(self) -> None:
        """Start nothing any more. What is just starting is ended as soon as it runs: nobody would look after it."""
        self._closed = True

    async def start_new(self, node: RemoteNode) -> None:
        """Start a new node's process at its address. Raises ClusterError."""
        try:
            node.process = await self._started(self._spec(node))
        except LaunchFailed as error:
            node.ended = f"{NOT_STARTED} {node.id}: {error}"
            raise ClusterError(node.ended) from None
        self._begun(node, node.process)

    def _begun(self, node: RemoteNode, process: NodeProcess) -> None:
        node.host, node.port = process.address
        node.ended = ""

    async def has_ended(self, process: NodeProcess) -> bool:
        """Whether the process is gone. One that was killed just now is noticed a moment later than its broken link."""
        for _ in range(ENDINGS):
            if not process.alive:
                return True
            await self._clock.sleep(ENDING_SECONDS)
        return False

    def discard(self, node: RemoteNode) -> Discarded:
        """Delete the data directory of a node that left for good, or was wiped; what of it could not be deleted."""
        return self._launcher.discard(self._spec(node))

    def has_data(self, node: RemoteNode) -> bool:
        """Whether there is a store already where the node's data goes. Raises ClusterError."""
        try:
            return self._data is not None and node.id in self._launcher.stored(self._data)
        except OSError as error:
            raise ClusterError(f"can't look into {as_word(str(self._data))}: {error.strerror or error}") from None

    def _spec(self, node: RemoteNode, port: int | None = None) -> NodeSpec:
        data = None if self._data is None else self._data / node.id
        return NodeSpec(node.id, node.host, node.port if port is None else port, data, self._secret)

    async def restart(self, node: RemoteNode, gone: Callable[[], bool] = lambda: False) -> None:
        """Start a member's process on its data: on its own port, or on another if that is taken. Raises ClusterError.

        Once the node is ``gone``, its directory is not its own any more, and nothing is started there.
        """
        for attempt in range(RESTARTS):
            if gone():
                raise ClusterError(removed_meanwhile(node.id))
            try:
                # The port may have been taken since; the data directory may still be held by the last process.
                process = await self._started(self._spec(node, 0 if attempt % 3 == 2 else node.port))
                break
            except LaunchFailed as error:
                if isinstance(error, LaunchRefused) or attempt == RESTARTS - 1:
                    node.ended = f"{NOT_STARTED} {node.id}: {error}"
                    raise ClusterError(node.ended) from None
                await self._clock.sleep(RESTART_SECONDS)
        node.process = process
        if gone():
            await self.end(process)
            raise ClusterError(removed_meanwhile(node.id))
        self._begun(node, process)

    async def _started(self, spec: NodeSpec) -> NodeProcess:
        """Raises LaunchFailed, and ClusterError where this coordinator ends."""
        leaving = ClusterError(f"{spec.node} was not started: kvtui is ending")
        if self._closed:
            raise leaving
        process = await self._launcher.start(spec)
        if self._closed:
            await self.end(process)
            raise leaving
        return process

    async def end(self, process: NodeProcess) -> None:
        """End a process in order, or by force when it takes too long. Raises StillRuns where that is in vain.

        Whoever is cancelled with a group is so at each wait again, and nobody else waits for the process: it would stay, as a
        zombie, for as long as the program around us lives.
        """
        with anyio.CancelScope(shield=True):
            await end_in_order(process, self._clock)

    async def end_all(self, processes: Sequence[NodeProcess]) -> None:
        """End several at once, each as ``end`` does."""
        with anyio.CancelScope(shield=True):
            await asyncio.gather(*(self.end(process) for process in processes))
