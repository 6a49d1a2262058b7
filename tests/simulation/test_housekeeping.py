"""What a coordinator and its nodes do by themselves may fail: they serve on, and say so."""

import asyncio
from pathlib import Path

import pytest

from kvtui.core import revival
from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.recovery import recover
from kvtui.core.revival import MOST_SECONDS, STARTS_MOST
from kvtui.core.seams.launcher import Discarded, LaunchFailed, NodeProcess, NodeSpec
from kvtui.core.seams.storage import EngineFailed, let_go
from kvtui.core.snapshot import NodeState
from tests.simulation.engine import FaultyDisk, FaultyEngine
from tests.simulation.harness import ORPHANS_SECONDS, STATE, SimCluster, settled
from tests.simulation.launcher import SimLauncher
from tests.simulation.loop import run_virtual
from tests.simulation.machine import Machine
from tests.simulation.test_full_log import is_down, log_of

KEY, VALUE = b"key", b"value"
LONG = 3 * STARTS_MOST * MOST_SECONDS


class StuckDisk(FaultyDisk):
    """Engines on it can't be closed in order, as on a disk where nothing can be written any more."""

    def open(self) -> FaultyEngine:
        engine = super().open()

        def close() -> None:
            raise EngineFailed(f"can't close {self.path}: no space left on device")

        engine.close = close  # type: ignore[method-assign]
        return engine


def stuck_for_the_log(path: Path) -> FaultyDisk:
    return StuckDisk(path) if path == STATE / "metadata" else FaultyDisk(path)


class NothingLeft:
    """A system that has neither descriptors nor processes to give."""

    def __init__(self, launcher: SimLauncher) -> None:
        self._launcher = launcher
        self.asked = 0

    async def start(self, spec: NodeSpec) -> NodeProcess:
        self.asked += 1
        raise LaunchFailed(f"can't start node {spec.node}: Too many open files")

    def refusal(self) -> str:
        return ""

    def stored(self, directory: Path) -> list[str]:
        return self._launcher.stored(directory)

    def discard(self, spec: NodeSpec) -> Discarded:
        return self._launcher.discard(spec)


async def serves(cluster: SimCluster, value: bytes = VALUE) -> None:
    assert (await cluster.put(KEY, value)).outcome is Outcome.OK
    assert (await cluster.get(KEY)).value == value


def test_a_log_that_can_not_be_closed_in_order_ends_in_order_all_the_same() -> None:
    """It came up as a defect at the end of ``serve``, and the directory's nodes were not told apart from those of a crash."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=stuck_for_the_log) as cluster:
            await serves(cluster)
            coordinator = cluster.coordinator
            await cluster.close()
            (last,) = [event.text for event in coordinator._happenings._past if "not closed in order" in event.text]
            assert "no space left on device" in last
            await cluster.open()
            await cluster.until(settled)
            assert (await cluster.get(KEY)).value == VALUE

    run_virtual(main)


def test_a_refused_opening_says_what_it_was_refused_for_not_that_closing_failed_as_well() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=stuck_for_the_log) as cluster:
            await serves(cluster)
            await cluster.close()
            log_of(cluster).free = 0
            with pytest.raises(ClusterError, match="the state directory state can't be written: no space for"):
                await cluster.open()
            seams = cluster.seams_of(Machine("rebuilder"), None)
            with pytest.raises(ClusterError, match="holds the log of cluster"):
                await recover(STATE, [], [], seams)
            assert let_go(StuckDisk(Path("disk")).open()) == "can't close disk: no space left on device"
            log_of(cluster).free = None

    run_virtual(main)


def test_a_system_that_starts_no_process_costs_the_node_and_nothing_else() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8, revive=True) as cluster:
            await serves(cluster)
            coordinator = cluster.coordinator
            processes = coordinator._membership._processes
            launcher = NothingLeft(cluster.launcher)
            processes._launcher = launcher
            cluster.kill("n2")
            await asyncio.sleep(10.0)
            assert launcher.asked
            assert "Too many open files" in next(view.note for view in coordinator.snapshot().nodes if view.id == "n2")
            await serves(cluster, b"another")
            with pytest.raises(ClusterError, match="Too many open files"):
                await cluster.join("n4")
            processes._launcher = cluster.launcher
            await cluster.until(settled, LONG)
            await serves(cluster)

    run_virtual(main)


def test_a_node_that_can_not_start_for_want_of_space_is_started_once_there_is_some() -> None:
    """It was given up after six starts, within some two minutes, however long the disk stayed full."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, revive=True, make_disk=FaultyDisk) as cluster:
            await serves(cluster)
            data = cluster.disks.disk(cluster.data_of("n2"))
            assert isinstance(data, FaultyDisk)
            log_of(cluster).free, data.unreadable = 0, "no space left on device"
            cluster.kill("n2")
            await cluster.until(is_down("n2"))
            await asyncio.sleep(2 * LONG)
            view = cluster.coordinator.snapshot().node("n2")
            assert view is not None
            assert (view.state, "in vain" in view.note) == (NodeState.DOWN, False)
            log_of(cluster).free, data.unreadable = None, ""
            await cluster.until(settled, MOST_SECONDS + 5.0)
            await serves(cluster)

    run_virtual(main)


def test_a_node_whose_own_check_finds_a_failed_disk_ends_and_the_others_serve() -> None:
    """A node's background ends it only as promise 9 says: with its engine."""

    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=8, make_disk=FaultyDisk) as cluster:
            await serves(cluster)
            await cluster.until(settled)
            data = cluster.disks.disk(cluster.data_of("n2"))
            assert isinstance(data, FaultyDisk)
            data.syncs_until_failure = 0
            assert (await cluster.put(KEY, b"another")).outcome is Outcome.OK
            await cluster.until(is_down("n2"))
            assert (await cluster.get(KEY)).value == b"another"
            await asyncio.sleep(ORPHANS_SECONDS)
            assert not cluster.process("n2").alive
            data.syncs_until_failure = None
            await cluster.revive("n2")
            await cluster.until(settled)

    run_virtual(main)


def test_the_constants_of_giving_up_are_those_that_the_wait_above_is_longer_than() -> None:
    assert sum(min(MOST_SECONDS, revival.FIRST_SECONDS * 2**start) for start in range(STARTS_MOST)) < LONG
