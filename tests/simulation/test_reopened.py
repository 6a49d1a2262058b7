"""The follower of logs that are opened again, and what it complains of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kvtui.core import metadata_log
from kvtui.core.metadata_log import essence
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Record, Tuned
from kvtui.core.topology import Topology
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled
from tests.simulation.limits import low_limits
from tests.simulation.loop import run_virtual
from tests.simulation.model import Model
from tests.simulation.reopened import Reopened


def complaints(*, copied: bool) -> list[str]:
    """Of a log that is rewritten all the time, and opened again where it was or as a copy."""
    model = Model()

    async def main() -> None:
        async with SimCluster(nodes=0, attached=True, slots=8, make_disk=FaultyDisk) as cluster:
            reopened = Reopened(cluster, model)
            for node in ("n1", "n2"):
                await cluster.join(node)
            await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
            for weight in (2, 1, 3) * 10:
                await cluster.call(lambda coordinator, weight=weight: coordinator.set_weight("n1", weight))  # type: ignore[misc]
            await cluster.until(settled)
            if copied:
                await cluster.take_over(Path("copy"))
            else:
                await cluster.hand_over()
            reopened.look()
            assert cluster.coordinator is reopened._looked_at
            cluster.crash()

    with low_limits(["log"]):
        run_virtual(main)
    return model.wrong


def with_strict_reads(topology: Topology) -> list[Record]:
    return [
        Tuned(topology.quorum, Topology.reads, topology.throttle) if isinstance(record, Tuned) else record
        for record in essence(topology)
    ]


@pytest.mark.parametrize("copied", [False, True])
def test_a_log_that_is_rewritten_says_the_same_when_it_is_opened_again(copied: bool) -> None:
    assert complaints(copied=copied) == []


@pytest.mark.parametrize("copied", [False, True])
def test_a_rewritten_log_that_says_something_else_is_complained_of(
    copied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten: Callable[[Topology], list[Record]] = with_strict_reads
    monkeypatch.setattr(metadata_log, "essence", rewritten)
    assert any("said reads available, and says strict" in text for text in complaints(copied=copied))
