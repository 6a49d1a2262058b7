"""A node comes back with a directory that is not the one it had: what that holds is found, marked, and cleared."""

import asyncio

from kvtui.core.cluster import Outcome
from kvtui.core.snapshot import NodeState
from tests.core.test_membership import KEYS, put_all, remove, state_of
from tests.simulation.harness import STATE, SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.seeds import seeded

N2 = STATE / "nodes" / "n2"
BACKUP = STATE / "backup"


async def held(cluster: SimCluster, node: str) -> int:
    server = cluster.process(node).server
    assert server is not None
    return sum(server.store.table.live) + sum(server.store.table.dead)


@seeded(3)
def test_what_a_backup_holds_of_slots_that_its_node_left_is_cleared(seed: int) -> None:
    """Its marks vanished when it came back as wiped: the entries stayed for ever, and deleted keys with them."""

    async def main() -> None:
        async with SimCluster(seed, nodes=3, replication=3, slots=8) as cluster:
            await put_all(cluster)
            cluster.disks.copy(N2, BACKUP)
            await cluster.call(lambda coordinator: coordinator.set_replication(2))
            await cluster.until(settled)
            for key in KEYS:
                assert (await cluster.delete(key)).outcome is Outcome.OK
            cluster.kill("n2")
            cluster.disks.wipe(N2)
            cluster.disks.copy(BACKUP, N2)
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            await cluster.revive("n2")
            await cluster.until(settled)
            topology = cluster.coordinator.topology
            server = cluster.process("n2").server
            assert server is not None
            for slot, place in enumerate(topology.places):
                assert "n2" not in place.garbage
                if "n2" not in place.replicas:
                    assert server.store.table.digests[slot] == 0
            for key in KEYS:
                assert (await cluster.get(key)).value is None

    run_virtual(main, seed=seed)


@seeded(3)
def test_a_node_that_was_removed_while_away_joins_again_with_nothing(seed: int) -> None:
    """What it still held was cleared only if it had keys, and whether that had worked was not looked at."""

    async def main() -> None:
        async with SimCluster(seed, nodes=0, replication=2, slots=8) as cluster:
            for number, port in enumerate((7400, 7500, 7600)):
                await cluster.launch(f"m{number}", port)
                await cluster.call(lambda c, n=number, p=port: c.add_node(f"m{n}", "127.0.0.1", p))  # type: ignore[misc]
            await put_all(cluster)
            await cluster.until(settled)
            for key in KEYS:
                await cluster.delete(key)
            cluster.kill("m2")
            await cluster.until(lambda snapshot: state_of(snapshot, "m2") is NodeState.DOWN)
            await cluster.call(lambda coordinator: coordinator.remove_node("m2", force=True))
            await cluster.launch("m2", 7600)
            assert await held(cluster, "m2")
            joining = asyncio.ensure_future(
                cluster.call(lambda coordinator: coordinator.add_node("again", "127.0.0.1", 7600))
            )
            await joining
            await cluster.until(settled)
            for key in KEYS:
                assert (await cluster.get(key)).value is None
            await remove(cluster, "again")

    run_virtual(main, seed=seed)
