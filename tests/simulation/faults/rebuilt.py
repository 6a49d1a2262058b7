"""Logs that are rebuilt from the nodes: without one of them, or after coordinators went on apart."""

import asyncio
import random
import re
from pathlib import Path
from typing import Final

from kvtui.core.cluster import ClusterError
from kvtui.core.coordinator import Coordinator
from kvtui.node.server import NodeServer
from tests.simulation.faults.changes import weigh
from tests.simulation.faults.coordinators import late_write
from tests.simulation.faults.scene import HALF, NOTICED, Inflict, Scene
from tests.simulation.harness import COORDINATOR, CoordinatorGone
from tests.simulation.machine import Machine
from tests.simulation.plan import Fault, FaultKind

WITHOUT: Final = re.compile(r"--without (\S+)")
AWAY_MOST: Final = 1.0
"""Seconds at most that a log is lost, that a coordinator is in office, or that a sleeper is awake."""
TAKEOVERS: Final = (2, 3)
TRIES: Final = 3
CHANGE_SECONDS: Final = 0.5
"""So long a change is waited for that can't be made while a node is out of reach."""


async def rebuild_without_naming(scene: Scene, fault: Fault) -> bool:
    """A person forgets a node. Where it is needed they name it after all, or give it up, which costs its slots."""
    cluster = scene.cluster
    async with scene.opening:
        node = scene.chosen(fault) if await in_office(scene) else None
        if node is None:
            return False
        cluster.crash()
        await asyncio.sleep(min(AWAY_MOST, fault.seconds))
        state = Path(f"lost{next(scene.names)}")
        try:
            await cluster.recover(state, unnamed=[node])
        except ClusterError as error:
            wanted = WITHOUT.findall(str(error))
            if wanted and fault.flag and fault.amount < HALF:
                scene.given_up = True
                await _or_reopen(scene, state, wanted, [node])
            else:
                await rebuild(scene)
    return True


async def note_in_sleep(scene: Scene, fault: Fault) -> bool:
    """A node is out of the next coordinator's reach; the sleeper wakes, logs that others are gone, and notes that there."""
    cluster = scene.cluster
    dice = random.Random(f"sleeper:{fault.at}:{fault.amount}")
    async with scene.opening:
        away = scene.chosen(fault) if await in_office(scene) else None
        if away is None:
            return False
        scene.taken_over = True
        cluster.network.partition(COORDINATOR, away)
        former, sleeper = await cluster.take_over(Path(f"slept{next(scene.names)}"))
        try:
            others = sorted(set(cluster.launcher.processes) - {away})
            other = dice.choice(others) if others else away
            cluster.kill(other)
            await asyncio.sleep(NOTICED)
            await scene.revive(other)
            await asyncio.sleep(dice.uniform(0.0, AWAY_MOST))
            await _go_on(scene, fault)
            cluster.network.heal()
            await _wake(scene, former, sleeper, dice)
        finally:
            former.crash()
        await rebuild(scene)
    return True


async def take_over_in_a_row(scene: Scene, fault: Fault) -> bool:
    """Each reaches some nodes only; those that slept wake in between, or at the end. A copy may be older than the last takeover."""
    cluster = scene.cluster
    dice = random.Random(f"row:{fault.at}:{fault.amount}")
    formers: list[tuple[Machine, Coordinator]] = []
    async with scene.opening:
        if not await in_office(scene):
            return False
        scene.taken_over = True
        old = Path(f"row{next(scene.names)}")
        cluster.copy_log(old)
        try:
            for number in range(dice.choice(TAKEOVERS)):
                if not cluster.running:
                    break
                away = dice.choice(sorted(cluster.launcher.processes))
                cluster.network.partition(COORDINATOR, away)
                state = old if number == 1 and dice.random() < HALF else Path(f"row{next(scene.names)}")
                formers.append(await cluster.take_over(state))
                await asyncio.sleep(dice.uniform(0.0, AWAY_MOST))
                await _go_on(scene, fault)
                cluster.network.heal()
                if dice.random() < HALF:
                    await _wake(scene, *formers[-1], dice)
            for former, sleeper in formers:
                await _wake(scene, former, sleeper, dice)
        finally:
            for former, _ in formers:
                former.crash()
        await rebuild(scene)
    return bool(formers)


async def in_office(scene: Scene) -> bool:
    """Whether there is a coordinator of nodes that run by themselves. One that has stopped is replaced by one with a log that is
    rebuilt, as it tells a person to do."""
    cluster = scene.cluster
    if not cluster.attached:
        return False
    if not cluster.running:
        await cluster.open()
    if cluster.coordinator._ledger.stopped:
        await rebuild(scene)
    return True


async def _go_on(scene: Scene, fault: Fault) -> None:
    """The one in office acknowledges what it can, and moves slots where it may."""
    await asyncio.gather(*(scene.write(key, "in office") for key in scene.keys))
    try:
        async with asyncio.timeout(CHANGE_SECONDS):
            await weigh(scene, fault)
    except (ClusterError, CoordinatorGone, TimeoutError):
        # It is fenced, or goes on with it behind.
        return


async def _wake(scene: Scene, former: Machine, sleeper: Coordinator, dice: random.Random) -> None:
    """It finds links broken, logs and notes that, and writes if it is obeyed."""
    former.resume()
    await asyncio.sleep(dice.uniform(0.0, AWAY_MOST))
    if former.alive:
        await late_write(scene, former, sleeper, dice.choice(scene.keys))


async def rebuild(scene: Scene) -> None:
    """A log that is rebuilt from all nodes. What was wiped is given up. Raises ClusterError, with the log open that there was."""
    cluster, state = scene.cluster, Path(f"rebuilt after{next(scene.names)}")
    wanted: list[str] = []
    for _ in range(TRIES):
        there = _as_known(scene)
        try:
            await cluster.recover(state)
            return
        except ClusterError as error:
            wanted = WITHOUT.findall(str(error))
            if wanted and scene.wiped:
                break
            # One may have died, or come back elsewhere, while they were asked.
            now = _as_known(scene)
            if wanted and all(name in there and there[name] is now.get(name) for name in wanted):
                scene.served_elsewhere.append(f"all nodes are there, and yet: {error}")
            # A node that ended just now is started again.
            await asyncio.sleep(NOTICED)
    await _or_reopen(scene, state, wanted if scene.wiped else [])


def _as_known(scene: Scene) -> dict[str, NodeServer]:
    """The nodes that run, as what, with the data that the last coordinator knew them to have."""
    members = scene.cluster.coordinator.topology.members if scene.cluster._coordinator is not None else {}
    servers = {name: process.server for name, process in scene.cluster.launcher.processes.items() if process.alive}
    return {
        name: server
        for name, server in servers.items()
        if server is not None
        and name in members
        and server.store.membership.data_id == members[name].data_id
        # A coordinator that is obeyed no more may have let it go.
        and scene.cluster.belongs(name)
    }


async def _or_reopen(scene: Scene, state: Path, without: list[str], unnamed: list[str] | None = None) -> None:
    """Rebuild, or go on with the log that there was. Raises ClusterError."""
    try:
        await scene.cluster.recover(state, without, unnamed or [])
    except ClusterError:
        await scene.cluster.open()
        raise


OF_REBUILT: Final[dict[FaultKind, Inflict]] = {
    FaultKind.UNNAMED: rebuild_without_naming,
    FaultKind.SLEEPER: note_in_sleep,
    FaultKind.IN_A_ROW: take_over_in_a_row,
}
