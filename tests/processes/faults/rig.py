"""A real cluster to harm: a coordinator in this process, nodes as processes of their own, a proxy before each."""

import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio

from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.seams.launcher import NodeProcess, NodeSpec
from kvtui.core.seams.processes import ProcessLauncher
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from tests.processes.faults.proxy import Proxy

NODES = 3
SLOTS = 256
SETTLE_SECONDS = 60.0
"""Until then after the last fault, every node is back and every key has its copies."""


class RigNode:
    """A node, its data, and the proxy through which the coordinator knows it."""

    def __init__(self, name: str, data: Path) -> None:
        self.name = name
        self.data = data
        self.proxy = Proxy()
        self.process: NodeProcess | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    async def start(self) -> None:
        """On the data that is there."""
        self.process = await ProcessLauncher().start(NodeSpec(self.name, "127.0.0.1", 0, self.data))
        self.proxy.target = self.process.address

    async def kill(self) -> None:
        """As ``kill -9`` does."""
        assert self.process is not None
        self.process.signal(signal.SIGKILL)
        await self.process.wait()

    def wipe(self) -> None:
        """Its data directory is gone."""
        for entry in self.data.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    async def revive(self) -> None:
        """It runs, whole and reachable."""
        self.proxy.heal()
        if self.alive:
            assert self.process is not None
            self.process.signal(signal.SIGCONT)
        else:
            await self.start()


class Rig:
    """The cluster and its nodes, by name."""

    def __init__(self, cluster: Coordinator, nodes: dict[str, RigNode]) -> None:
        self.cluster = cluster
        self.nodes = nodes

    async def settle(self) -> ClusterSnapshot:
        """Revive all, and wait until every slot has its copies, or is lost. Raises TimeoutError."""
        for node in self.nodes.values():
            await node.revive()
        with anyio.fail_after(SETTLE_SECONDS):
            picture = self.cluster.snapshot()
            while not _settled(picture):
                picture = await self.cluster.changed(picture)
        return picture


def _settled(picture: ClusterSnapshot) -> bool:
    up = all(view.state is NodeState.UP for view in picture.nodes)
    short = sum(slots for copies, slots in picture.clean_copies if 0 < copies < picture.copies_each)
    return up and not short and picture.moving is None


@asynccontextmanager
async def rig(path: Path, copies: int, nodes: int = NODES, grace: float = 0.0) -> AsyncIterator[Rig]:
    """A cluster of its own, with that many copies of every key; the nodes end with it."""
    async with AsyncExitStack() as stack:
        made: dict[str, RigNode] = {}
        for number in range(1, nodes + 1):
            node = RigNode(f"n{number}", path / f"n{number}")
            node.data.mkdir(parents=True, exist_ok=True)
            await node.proxy.start()
            stack.push_async_callback(node.proxy.stop)
            await node.start()
            stack.push_async_callback(_end, node)
            made[node.name] = node
        settings = Settings(path / "state", replication=copies, slots=SLOTS, grace=grace)
        cluster = await stack.enter_async_context(open_cluster(settings))
        for node in made.values():
            await cluster.add_node(node.name, "127.0.0.1", node.proxy.port)
        await cluster.rebalance()
        yield Rig(cluster, made)


async def _end(node: RigNode) -> None:
    if node.alive:
        with anyio.CancelScope(shield=True):
            await node.kill()
