"""What is left of requests when all is calm is noticed: on the coordinator's side, and on the nodes'."""

from collections.abc import Callable

import pytest

from tests.simulation.harness import SimCluster
from tests.simulation.leftovers import leftover
from tests.simulation.loop import run_virtual


def _hint(cluster: SimCluster) -> None:
    cluster.coordinator._ledger.hint("n1", [b"key"])


def _repair(cluster: SimCluster) -> None:
    cluster.coordinator._ledger.repairs[3] += 1


def _fetch(cluster: SimCluster) -> None:
    cluster.coordinator._reads._room.used += 5


def _upload(cluster: SimCluster) -> None:
    server = cluster.process("n2").server
    assert server is not None
    next(iter(server._connections)).peer.uploads._space.used += 7


def _garbage(cluster: SimCluster) -> None:
    server = cluster.process("n2").server
    assert server is not None
    server.store.garbage -= 1_000_000


@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (_hint, "keys are remembered as missing on {'n1'}, who misses nothing"),
        (_repair, "repairs are still said to be under way"),
        (_fetch, "5 bytes of values are still said to be fetched"),
        (_upload, "n2 has 0 bytes of values under way, and counts 7"),
        (_garbage, "n2 says that"),
    ],
)
def test_what_is_left_is_told(leave: Callable[[SimCluster], None], told: str) -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            await cluster.put(b"key", b"value")
            assert leftover(cluster) == ""
            leave(cluster)
            assert leftover(cluster).startswith(told)

    run_virtual(main)
