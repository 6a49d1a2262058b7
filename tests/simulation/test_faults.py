"""Random faults and membership changes while keys are written and read: nothing acknowledged is lost, no read goes back."""

import asyncio
import random
from typing import Literal

from kvtui.core.cluster import ClusterError, Outcome
from tests.simulation.harness import CoordinatorGone, SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.seeds import seeded

KEYS = [b"key %d" % number for number in range(12)]
FAULTS = 6


class Register:
    """One key's history as its only client knows it: values are numbers that grow with every write."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.attempted = 0
        self.floor = 0
        """Acknowledged or read: nothing older may be read from now on."""
        self.reads = 0

    async def write(self, cluster: SimCluster) -> None:
        self.attempted += 1
        number = self.attempted
        if number % 5 == 0:
            written = await cluster.delete(self.key)
            # A deletion reads as the number before it; the next write tells them apart.
        else:
            written = await cluster.put(self.key, b"%d" % number)
        if written.outcome is Outcome.OK:
            self.floor = max(self.floor, number)

    async def read(self, cluster: SimCluster) -> None:
        floor = self.floor
        read = await cluster.get(self.key)
        if read.outcome is not Outcome.OK:
            return
        self.reads += 1
        newest = self.attempted
        if read.value is None:
            # Some deletion not older than the floor was attempted, or nothing was ever acknowledged.
            deletions = [number for number in range(max(1, floor), newest + 1) if number % 5 == 0]
            assert floor == 0 or deletions, f"{self.key!r} is absent at {read.version}; {floor} was acknowledged"
            return
        number = int(read.value)
        assert number >= floor, (
            f"{self.key!r} reads {number} at {read.version}; {floor} was acknowledged or read before"
        )
        assert number <= newest
        self.floor = max(self.floor, number)


async def client(cluster: SimCluster, register: Register, dice: random.Random, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if dice.random() < 0.5:
            await register.write(cluster)
        else:
            await register.read(cluster)
        await asyncio.sleep(dice.uniform(0.0, 0.05))


async def break_something(cluster: SimCluster, dice: random.Random) -> None:
    """One fault or change, and after a while its end."""
    names = [view.id for view in cluster.coordinator.snapshot().nodes]
    node = dice.choice(names)
    fault = dice.choice(["kill", "pause", "partition", "crash", "join", "leave", "copies", "cut"])
    pause = dice.uniform(0.0, 4.0)
    try:
        match fault:
            case "kill":
                cluster.kill(node)
                await asyncio.sleep(pause)
                await cluster.revive(node)
            case "pause":
                cluster.pause(node)
                await asyncio.sleep(pause)
                cluster.resume(node)
            case "partition":
                cluster.network.partition(*dice.sample([node, "coordinator"], 2))
                await asyncio.sleep(pause)
                cluster.network.heal()
            case "cut":
                cluster.network.cut(node, "coordinator")
            case "crash":
                cluster.crash()
                await asyncio.sleep(pause)
                await cluster.open()
            case "join":
                name = f"x{dice.randrange(10**6)}"
                await cluster.call(lambda coordinator: coordinator.add_node(name, "127.0.0.1", 0))
            case "leave" if len(names) > 2:
                async with asyncio.timeout(pause + 1):
                    await cluster.call(lambda coordinator: coordinator.remove_node(node))
            case "copies":
                copies = dice.randint(1, 3)
                await cluster.call(lambda coordinator: coordinator.set_replication(copies))
    except (ClusterError, CoordinatorGone, TimeoutError):
        # A refused change changes nothing; a slow one goes on behind.
        pass


async def story(seed: int) -> int:
    dice = random.Random(seed)
    registers = [Register(key) for key in KEYS]
    policy: Literal["balanced", "classic"] = "classic" if seed % 3 == 2 else "balanced"
    copies = dice.randint(1, 3)
    async with SimCluster(seed, nodes=3, replication=copies, slots=8, policy=policy, vnodes=4) as cluster:
        stop = asyncio.Event()
        clients = [asyncio.create_task(client(cluster, r, random.Random(f"{seed} {r.key!r}"), stop)) for r in registers]
        for _ in range(FAULTS):
            await break_something(cluster, dice)
            await asyncio.sleep(dice.uniform(0.0, 2.0))
        cluster.network.heal()
        for view in cluster.coordinator.snapshot().nodes:
            process = cluster.process(view.id)
            if process.alive:
                cluster.resume(view.id)
            else:
                await cluster.revive(view.id)
        await cluster.until(settled)
        stop.set()
        await asyncio.gather(*clients)
        for register in registers:
            reads = register.reads
            await register.read(cluster)
            assert register.reads == reads + 1, f"{register.key!r} can't be read although all is well"
    return sum(register.reads for register in registers)


@seeded(25)
def test_nothing_acknowledged_is_lost_and_no_read_goes_back_under_faults(seed: int) -> None:
    assert run_virtual(story, seed, seed=seed) > 30
