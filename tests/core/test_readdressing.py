"""A member that runs by itself comes back at another address, with the only copy of what it holds."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from kvtui.core.cluster import ClusterError, NodeAdded, OwnData
from kvtui.core.notes import SPREAD_SECONDS, read_note
from kvtui.core.snapshot import NodeState
from tests.core.test_membership import add, check_all, put_all, state_of
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

ALONE = Path("alone")


async def with_b(cluster: SimCluster) -> None:
    """Two members that run by themselves, at 7400 and 7500, and keys on both."""
    for node, port in (("a", 7400), ("b", 7500)):
        await cluster.launch(node, port)
        await add(cluster, node, port)
    await put_all(cluster)
    await cluster.until(settled)


async def down(cluster: SimCluster, node: str) -> None:
    cluster.kill(node)
    await cluster.until(lambda snapshot: state_of(snapshot, node) is NodeState.DOWN)


def test_a_node_goes_on_at_another_address_and_the_log_and_the_notes_know() -> None:
    """It was "a node already", and could never be one again."""

    async def main() -> None:
        async with SimCluster(nodes=0, slots=8) as cluster:
            await with_b(cluster)
            await down(cluster, "b")
            await cluster.launch("b", 7600)
            added = await cluster.call(lambda coordinator: coordinator.add_node("b", "127.0.0.1", 7600))
            assert added == NodeAdded("b", "127.0.0.1", 7600, started=False, former="127.0.0.1:7500")
            await cluster.until(settled)
            await check_all(cluster)
            await asyncio.sleep(2 * SPREAD_SECONDS)
            server = cluster.process("a").server
            assert server is not None
            assert read_note(server.store.read_note()).members["b"].port == 7600
            cluster.crash()
            await cluster.open()
            await cluster.until(settled)
            await check_all(cluster)

    run_virtual(main)


def test_under_another_name_it_is_told_who_it_is_and_nothing_is_wiped() -> None:
    async def main() -> None:
        async with SimCluster(nodes=0, slots=8) as cluster:
            await with_b(cluster)
            await down(cluster, "b")
            await cluster.launch("b", 7600)
            for own_data in OwnData:

                async def join(own_data: OwnData = own_data) -> NodeAdded:
                    return await cluster.coordinator.add_node("c", "127.0.0.1", 7600, own_data=own_data)

                with pytest.raises(ClusterError, match=r"addnode b 127\.0\.0\.1:7600"):
                    await cluster.call(lambda _, join=join: join())  # type: ignore[misc]
            await add(cluster, "b", 7600)
            await cluster.until(settled)
            await check_all(cluster)

    run_virtual(main)


def test_an_address_that_is_not_the_node_s_changes_nothing() -> None:
    async def main() -> None:
        async with SimCluster(nodes=0, slots=8) as cluster:
            await with_b(cluster)
            with pytest.raises(ClusterError, match=r"UP at 127\.0\.0\.1:7500"):
                await add(cluster, "b", 7600)
            await down(cluster, "b")
            with pytest.raises(ClusterError, match="must run there"):
                await add(cluster, "b", 7600)
            await cluster.launch("c", 7700)
            with pytest.raises(ClusterError, match="it belongs to no cluster"):
                await add(cluster, "b", 7700)
            with pytest.raises(ClusterError, match=r"looked for at 127\.0\.0\.1:7500 already"):
                await add(cluster, "b", 7500)
            assert cluster.coordinator.topology.members["b"].port == 7500
            await cluster.launch("b", 7500)
            await cluster.until(settled)
            await check_all(cluster)

    run_virtual(main)


def test_an_older_copy_of_its_data_is_not_taken_for_the_node() -> None:
    """What it has lost would have been told of as its own: it is the newest copy that goes on."""

    async def main() -> None:
        async with SimCluster(nodes=0, slots=8) as cluster:
            await with_b(cluster)
            cluster.disks.copy(ALONE / "b", ALONE / "copy")
            await put_all(cluster)
            await down(cluster, "b")
            await cluster.launch("copy", 7600)
            with pytest.raises(ClusterError, match="is an older copy of it") as refusal:
                await add(cluster, "b", 7600)
            assert "keep this one" in str(refusal.value)
            await cluster.launch("b", 7700)
            await add(cluster, "b", 7700)
            await cluster.until(settled)
            await check_all(cluster)

    run_virtual(main)


def test_while_it_answers_where_it_was_its_copy_is_not_taken_for_it() -> None:
    async def main() -> None:
        async with SimCluster(nodes=0, slots=8) as cluster:
            await with_b(cluster)
            await down(cluster, "b")
            cluster.disks.copy(ALONE / "b", ALONE / "copy")
            await cluster.launch("copy", 7600)
            await cluster.launch("b", 7500)
            # Its link is not there yet, or is again: either way it is where it was.
            with pytest.raises(ClusterError, match=r"one of them is a copy|UP at 127\.0\.0\.1:7500"):
                await add(cluster, "b", 7600)
            await cluster.until(settled)
            await check_all(cluster)

    run_virtual(main)


def test_on_an_old_copy_of_the_log_a_node_that_moved_proves_it_old() -> None:
    """It noted more than the copy knows: taking it back there would have served what was moved since."""

    async def main() -> None:
        cluster = SimCluster(nodes=0, slots=8)
        async with cluster:
            await with_b(cluster)
            cluster.copy_log(Path("old"))
            await cluster.call(lambda coordinator: coordinator.set_weight("a", 3))
            await cluster.until(settled)
            await down(cluster, "a")
            await down(cluster, "b")
            cluster.crash()
            cluster.settings = replace(cluster.settings, state=Path("old"))
            await cluster.open()
            await cluster.launch("b", 7600)
            with pytest.raises(ClusterError, match="old copy"):
                await add(cluster, "b", 7600)

    run_virtual(main)


def test_what_became_of_the_node_while_it_was_asked_who_it_is_stays() -> None:
    """It was decided that it leaves: that was overwritten with what it had been before."""

    async def main() -> None:
        async with SimCluster(nodes=0, slots=8) as cluster:
            await with_b(cluster)
            await down(cluster, "b")
            await cluster.launch("b", 7600)
            cluster.network.slow("b", 0.3)
            ledger = cluster.coordinator._ledger
            adding = asyncio.ensure_future(
                cluster.call(lambda coordinator: coordinator.add_node("b", "127.0.0.1", 7600))
            )
            await asyncio.sleep(0.1)
            assert not adding.done()
            cluster.coordinator._membership._begin_to_leave("b")
            assert ledger.topology.members["b"].leaving
            await adding
            member = ledger.topology.members.get("b")
            assert member is None or (member.leaving and member.port == 7600)

    run_virtual(main)
