"""What a coordinator beside the open one did to nodes: found when they obey the open one, and cleared, or what it proves."""

from pathlib import Path

import msgspec
import pytest

from kvtui.core.protocol import Counts, Entry, PutMany
from kvtui.core.strays import none_of_its_own
from kvtui.core.version import Version
from tests.core.clusters import after, placed_as, settled
from tests.simulation.harness import COORDINATOR, SimCluster
from tests.simulation.harness import settled as all_well
from tests.simulation.loop import run_virtual

COPY = Path("copy")


async def attached(cluster: SimCluster, nodes: int) -> None:
    for number in range(1, nodes + 1):
        await cluster.join(f"n{number}")
    await cluster.call(lambda coordinator: coordinator.rebalance())


def test_slots_of_which_a_node_is_to_hold_nothing_are_those_that_nothing_says_it_holds() -> None:
    topology = settled("ABC", 2)
    held = topology.runs(lambda place: "A" in place.replicas)
    slots = {slot for start, stop in held for slot in range(start, stop)}
    others = {slot for start, stop in none_of_its_own(topology, "A") for slot in range(start, stop)}
    assert others == set(range(len(topology.places))) - slots
    place = topology.places[0]._replace(replicas=("B",), clean=("B",), receiving=("A",), target=("A",), garbage=("C",))
    moving = after(placed_as(topology, place))
    assert [len(none_of_its_own(moving, node)) for node in "ABC"] == [0, 0, 0]


@pytest.mark.parametrize("entry", [Entry("", Version(1, 1000), 1, "x"), Entry("", Version(1, 1000), -1)])
def test_what_a_node_was_given_beside_the_log_is_cleared_once_it_obeys(entry: Entry) -> None:
    """A sleeper's last move had sent a write to its newcomer: the copy of the log, which is older, does not know of it."""

    async def main() -> None:
        async with SimCluster(nodes=0, attached=True, replication=1, slots=8) as cluster:
            await attached(cluster, 2)
            ledger = cluster.coordinator._ledger
            slot, key = next(
                (ledger.slot(key), key)
                for key in (b"key %d" % number for number in range(100))
                if ledger.topology.places[ledger.slot(key)].replicas == ("n1",)
            )
            cluster.copy_log(COPY)
            await ledger.nodes["n2"].ask(PutMany(entries=[msgspec.structs.replace(entry, key=key.decode())]))
            await cluster.take_over(COPY)
            await cluster.until(all_well)
            for tombstones in (False, True):
                request = Counts(ranges=[(slot, slot + 1)], tombstones=tombstones)
                assert (await cluster.coordinator._ledger.nodes["n2"].ask(request)).counts == [0]
            assert not any(place.garbage for place in cluster.coordinator.topology.distinct)

    run_virtual(main)


def test_a_node_with_other_data_that_obeyed_an_unknown_coordinator_proves_a_log_old_that_relies_on_it() -> None:
    """It was wiped and filled again since: what it noted then was not looked at, and it was taken for a newly wiped one."""

    async def main() -> None:
        async with SimCluster(nodes=0, attached=True, replication=2, slots=8) as cluster:
            await attached(cluster, 2)
            cluster.copy_log(COPY)
            cluster.kill("n1")
            cluster.wipe("n1")
            await cluster.revive("n1")
            await cluster.until(all_well)
            cluster.network.partition(COORDINATOR, "n2")
            await cluster.take_over(COPY)
            snapshot = await cluster.until(lambda snapshot: bool(snapshot.stopped))
            assert "does not know all that happened to the cluster" in snapshot.stopped

    run_virtual(main)


def test_a_node_with_other_data_on_which_nothing_relies_waits_for_what_the_others_say() -> None:
    """Here they say that the log is old: the node may be who serves the slot by the newer one, and would have been cleared."""

    async def main() -> None:
        async with SimCluster(nodes=0, attached=True, replication=1, slots=1) as cluster:
            await attached(cluster, 2)
            (serving,) = cluster.coordinator.topology.places[0].replicas
            other = "n2" if serving == "n1" else "n1"
            cluster.copy_log(COPY)
            cluster.kill(other)
            cluster.wipe(other)
            await cluster.revive(other)
            await cluster.until(all_well)
            cluster.network.partition(COORDINATOR, serving)
            await cluster.take_over(COPY)
            await cluster.until(
                lambda snapshot: any("it is used once all others obey" in view.note for view in snapshot.nodes)
            )
            assert not cluster.coordinator.snapshot().stopped
            cluster.network.heal()
            snapshot = await cluster.until(lambda snapshot: bool(snapshot.stopped))
            assert f"{serving} has noted more" in snapshot.stopped

    run_virtual(main)
