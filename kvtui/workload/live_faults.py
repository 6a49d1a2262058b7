"""Random faults on the nodes of a live cluster, one at a time, and only while every key has all its copies."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Final, Protocol

import anyio

from kvtui.core.cluster import Cluster, ClusterError, Faults, LocalNodes
from kvtui.core.snapshot import NodeState

PAUSE_SECONDS: Final = (0.5, 1.5)
"""Between one fault and the next, at least and at most."""
FAULT_SECONDS: Final = (0.5, 3.0)
SLOW_SECONDS: Final = (0.02, 0.4)
BACK_SECONDS: Final = 30.0
"""How long nodes may take to be back and clean at the end."""


class Harmed(Cluster, Faults, LocalNodes, Protocol):
    """A cluster whose nodes can be harmed and started again."""


class LiveFault(StrEnum):
    """What is done to a node. None of them loses what is on disk."""

    KILL = "kill"
    PAUSE = "pause"
    SLOW = "slow"
    CUT = "cut"


class LiveFaults:
    """Harms nodes until it is cancelled; ``heal`` undoes all."""

    def __init__(self, cluster: Harmed, random: Random, told: Callable[[str], None]) -> None:
        """``told`` hears of each fault as it is done."""
        self._cluster = cluster
        self._random = random
        self._told = told
        # Without disks a killed node has lost what it held: that would be no test but a loss.
        durable = cluster.snapshot().durable
        self._kinds = [kind for kind in LiveFault if durable or kind is not LiveFault.KILL]

    async def run(self) -> None:
        """One fault after the other, for ever."""
        while True:
            await anyio.sleep(self._random.uniform(*PAUSE_SECONDS))
            picture = self._cluster.snapshot()
            nodes = [view.id for view in picture.nodes if view.started_here and view.state is NodeState.UP]
            if nodes and not picture.guarantee_weakened:
                try:
                    await self._harm(self._random.choice(nodes), self._random.choice(self._kinds))
                except ClusterError:
                    # It went another way meanwhile, such as by a person's command: the next one then.
                    continue

    async def _harm(self, node: str, kind: LiveFault) -> None:
        cluster, seconds = self._cluster, self._random.uniform(*FAULT_SECONDS)
        match kind:
            case LiveFault.KILL:
                self._told(f"kill {node}")
                await cluster.kill_node(node)
                await anyio.sleep(seconds)
                self._told(f"start {node}")
                await cluster.start_node(node)
            case LiveFault.PAUSE:
                self._told(f"pause {node}")
                await cluster.pause_node(node)
                await anyio.sleep(seconds)
                self._told(f"resume {node}")
                await cluster.resume_node(node)
            case LiveFault.SLOW:
                delay = round(self._random.uniform(*SLOW_SECONDS), 3)
                self._told(f"slow {node} {1000 * delay:.0f}")
                await cluster.slow_node(node, delay)
                await anyio.sleep(seconds)
                self._told(f"slow {node} 0")
                await cluster.slow_node(node, 0.0)
            case LiveFault.CUT:
                self._told(f"cut {node}")
                await cluster.cut_node(node)
                await anyio.sleep(seconds)
                self._told("heal")
                await cluster.heal()

    async def heal(self) -> None:
        """End all faults, start what is dead, and wait until every key has all its copies, or ``BACK_SECONDS``."""
        await self._cluster.heal()
        # The last picture may be from before: who was harmed a moment ago is whole there, or harmed still.
        for view in (await self._cluster.refresh()).nodes:
            if view.started_here and view.pid is None:
                try:
                    await self._cluster.start_node(view.id)
                except ClusterError as error:
                    self._told(f"{view.id} did not come back: {error}")
        with anyio.move_on_after(BACK_SECONDS):
            picture = await self._cluster.refresh()
            while picture.guarantee_weakened or any(view.state is not NodeState.UP for view in picture.nodes):
                picture = await self._cluster.changed(picture)
