"""Disks that lose the last of what they said they had synced, of one node or more, with their coordinator alive or dead."""

import asyncio
from collections.abc import Collection
from itertools import combinations
from typing import Final

from kvtui.core.coordinator import Coordinator
from kvtui.core.topology import Topology
from tests.simulation.faults.scene import HALF, NOTICED, Inflict, Scene
from tests.simulation.loop import until
from tests.simulation.machine import Machine
from tests.simulation.plan import Fault, FaultKind

SPARED_SHARE: Final = 0.85
DARK_SPARED_SHARE: Final = 0.5
"""Cuts of nodes beside which others hold everything, where there are such, with the coordinator alive and dead."""
MANY_SHARE: Final = 0.4
FEW: Final = 3
MANY: Final = 24
"""Most batches that are lost, commonly and in that part of the cuts."""
UNLOGGED: Final = 4
UNLOGGED_SECONDS: Final = 1.0
"""Of so many cuts one is while the log is full, and how long that lasts at most."""
MISSED_SECONDS: Final = 20.0
"""Until then a node that was killed is missed, whatever lies between."""
LOOK_SECONDS: Final = 0.02
PATIENCE_SECONDS: Final = 3.0
"""Until then there is somebody to be cut."""


async def lose_tails(scene: Scene, fault: Fault) -> bool:
    """They are killed, cut and started again. Every other time the coordinator is killed as soon as it has missed them: by then it
    has logged how far they had got."""
    cluster = scene.cluster
    nodes = await _chosen(scene, fault, several=fault.kind is FaultKind.LOST_TAILS)
    if not nodes:
        return False
    machine, coordinator = cluster.machine, cluster.coordinator
    topology = coordinator.topology
    state = cluster.settings.state
    assert state is not None
    log = scene.disk(state / "metadata") if fault.node % UNLOGGED == 0 else None
    if log is not None:
        # What is missed can't be logged before there is space again, and they are back by then.
        log.free = 0
    for node in nodes:
        cluster.kill(node)
    cut = scene.tails.cut(_batches(fault, nodes), topology, dark=False)
    scene.wiped = scene.wiped or bool(cut)
    if log is not None:
        await asyncio.sleep(NOTICED)
        await asyncio.gather(*(scene.revive(node) for node in nodes), return_exceptions=True)
        await asyncio.sleep(min(UNLOGGED_SECONDS, fault.seconds))
        log.free = None
    watching = asyncio.create_task(_until_missed(scene, machine, coordinator, cut))
    if fault.flag and await watching:
        cluster.crash()
        await scene.reopen(fault.seconds)
    else:
        await asyncio.sleep(fault.seconds)
    await asyncio.gather(*(scene.revive(node) for node in nodes), watching, return_exceptions=True)
    return len(cut) > (fault.kind is FaultKind.LOST_TAILS)


async def _until_missed(scene: Scene, machine: Machine, coordinator: Coordinator, nodes: list[str]) -> bool:
    """Once it has missed them, the coordinator has logged how far they had got. Before, it is all in its memory: when it ends,
    nobody knows."""
    cluster, ledger = scene.cluster, coordinator._ledger

    def gone() -> bool:
        return cluster.machine is not machine or not machine.alive

    def known() -> bool:
        linked = any(node in ledger.nodes and ledger.nodes[node].link is not None for node in nodes)
        return gone() or (not linked and scene.tails.log_takes_records())

    missed = await until(known, MISSED_SECONDS, LOOK_SECONDS)
    if gone():
        scene.tails.loosen(nodes)
        return False
    return missed


async def lose_tails_in_the_dark(scene: Scene, fault: Fault) -> bool:
    """The coordinator is killed in the same moment, and another one opened later: it has nothing to go by but the log."""
    cluster = scene.cluster
    async with scene.opening:
        nodes = await _chosen(scene, fault, several=fault.flag)
        if not nodes:
            return False
        topology = cluster.coordinator.topology
        for node in nodes:
            cluster.kill(node)
        cluster.crash()
        cut = scene.tails.cut(_batches(fault, nodes), topology, dark=True)
        scene.wiped = scene.wiped or bool(cut)
        await asyncio.sleep(fault.seconds)
        if cluster.attached:
            for node in nodes:
                await scene.revive(node)
        if not cluster.machine.alive:
            await cluster.open()
    return bool(cut)


async def _chosen(scene: Scene, fault: Fault, *, several: bool) -> list[str]:
    """Whose processes run, as soon as that many do."""
    names: list[str] = []

    def enough() -> bool:
        names[:] = _running(scene, fault, several=several)
        return len(names) > several

    return names if await until(enough, PATIENCE_SECONDS, LOOK_SECONDS) else []


def _running(scene: Scene, fault: Fault, *, several: bool) -> list[str]:
    cluster = scene.cluster
    if not cluster.running or cluster.coordinator._ledger.stopped:
        return []
    topology = cluster.coordinator.topology
    # A node that forgets that it joined has the keys of its own again, and waits for a person.
    members = [name for name in topology.members if name in cluster.launcher.processes and not name.startswith("own")]
    members = [name for name in members if cluster.process(name).alive]
    # One that is about to end has noted what it ends with: what it loses from then on keeps it from starting, until a person comes.
    members = [name for name in members if not scene.tails.disk(name).ended_in_order]
    choices = list(combinations(members, 2 if several else 1)) or [tuple(members)]
    at = fault.node % len(choices)
    choices = choices[at:] + choices[:at]
    share = DARK_SPARED_SHARE if fault.kind is FaultKind.DARK_TAILS else SPARED_SHARE
    spared = [names for names in choices if _others_have_all(topology, names)] if fault.amount < share else []
    return list((spared or choices)[0])


def _others_have_all(topology: Topology, names: Collection[str]) -> bool:
    return all(set(place.clean).difference(names) for place in topology.distinct if place.clean)


def _batches(fault: Fault, nodes: list[str]) -> dict[str, int]:
    """How many each loses: of a few nodes often the same number, as when one machine that holds them loses its power."""
    lot = fault.amount * 7 % 1
    most = MANY if lot < MANY_SHARE else FEW
    return {node: 1 + int((lot * 13 + number * fault.flag * HALF) % 1 * most) for number, node in enumerate(nodes)}


OF_TAILS: Final[dict[FaultKind, Inflict]] = {
    FaultKind.LOST_TAIL: lose_tails,
    FaultKind.LOST_TAILS: lose_tails,
    FaultKind.DARK_TAILS: lose_tails_in_the_dark,
}
