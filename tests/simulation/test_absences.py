"""The follower of nodes that are away, and what it complains of."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from kvtui.core import replacement
from kvtui.core.snapshot import NodeState
from kvtui.core.topology import Topology
from tests.simulation.absences import Absences
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual
from tests.simulation.model import Model

GRACE = 2.0


def complaints(away: int) -> list[str]:
    """Of a cluster of four nodes of which some are lost, come back, and are lost again for good."""
    model = Model()

    async def main() -> None:
        async with SimCluster(nodes=4, replication=2, slots=8, grace=GRACE) as cluster:
            Absences(cluster, model)
            names = [f"n{number + 1}" for number in range(away)]
            for last in (False, True):
                for name in names:
                    cluster.kill(name)
                await cluster.until(lambda s: [view.state for view in s.nodes].count(NodeState.DOWN) == away)
                await asyncio.sleep(4 * GRACE if last else GRACE / 2)
                for name in names:
                    await cluster.revive(name)
                await cluster.until(settled)

    run_virtual(main)
    return model.wrong


@pytest.mark.parametrize("away", [1, 2])
def test_who_is_replaced_when_it_may_be_is_not_complained_of(away: int) -> None:
    assert complaints(away) == []


def test_who_is_replaced_too_soon_or_while_half_are_away_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def soon(topology: Topology, usable: Collection[str], away: Mapping[str, float], grace: float) -> str | None:
        names = topology.planned.weights
        return next((name for name in names if name not in usable and away.get(name, 0.0) >= GRACE / 4), None)

    monkeypatch.setattr(replacement, "overdue", soon)
    assert complaints(1)[0].startswith("n1 is replaced after ")
    assert complaints(2)[0] == "n1 is replaced while ['n3', 'n4'] of ['n1', 'n2', 'n3', 'n4'] are there"
