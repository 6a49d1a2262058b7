"""Under ``kvtui serve``, and in a program, a node that died by itself is started again: later each time, not for ever."""

import asyncio
from itertools import pairwise

import pytest

from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.revival import (
    FIRST_SECONDS,
    GOOD_SECONDS,
    LOOK_SECONDS,
    MOST_SECONDS,
    STARTS_MOST,
    Lives,
    Verdict,
    judge,
)
from kvtui.core.snapshot import NodeState
from tests.core.test_membership import KEYS, FailingLauncher, check_all, put_all, state_of
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

LONG = 3 * STARTS_MOST * MOST_SECONDS


def verdicts(times: list[tuple[float, bool]]) -> list[tuple[float, Verdict]]:
    """What looks at those times come to, where a node was running or not: those that come to something."""
    lives = Lives()
    told: list[tuple[float, Verdict]] = []
    for now, running in times:
        lives, verdict = judge(lives, running, now)
        if verdict is not Verdict.NOTHING:
            told.append((now, verdict))
    return told


def every_half_second(seconds: float, running: bool = False, first: float = 0.0) -> list[tuple[float, bool]]:
    return [(first + LOOK_SECONDS * look, running) for look in range(int(seconds / LOOK_SECONDS))]


def test_each_start_waits_longer_and_after_the_last_it_is_left_to_a_person_once() -> None:
    told = verdicts(every_half_second(LONG))
    assert [verdict for _, verdict in told] == [Verdict.START] * STARTS_MOST + [Verdict.GIVE_UP]
    times = [0.0, *(now for now, _ in told)]
    waits = [after - before for before, after in pairwise(times)]
    assert waits[:3] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert waits == sorted(waits)
    assert waits[-1] == MOST_SECONDS


def test_a_node_that_runs_is_left_alone() -> None:
    assert verdicts(every_half_second(LONG, running=True)) == []


def test_a_short_life_counts_and_a_good_one_makes_all_good() -> None:
    lives = Lives(starts=STARTS_MOST, since=0.0, running=True)
    short, _ = judge(lives, False, GOOD_SECONDS - 1)
    assert short.starts == STARTS_MOST
    good, _ = judge(lives, False, GOOD_SECONDS)
    assert good.starts == 0
    assert judge(lives, True, GOOD_SECONDS)[0].starts == 0


def test_a_node_that_died_by_itself_is_started_again_and_holds_what_it_held() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, slots=8, revive=True) as cluster:
            await put_all(cluster)
            before = cluster.process("n2").pid
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            await cluster.until(settled, 10.0)
            assert cluster.process("n2").pid != before
            await check_all(cluster)

    run_virtual(main)


@pytest.mark.parametrize("copies", [1, 2])
def test_a_node_in_memory_that_is_started_again_gets_its_copies_and_what_had_no_other_is_told_as_lost(
    copies: int,
) -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=copies, slots=8, memory=True, revive=True) as cluster:
            await put_all(cluster)
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.UP, 10.0)
            if copies == 2:
                await cluster.until(settled, 10.0)
                await check_all(cluster)
                return
            await cluster.until(lambda snapshot: snapshot.lost > 0)
            reads = [await cluster.get(key) for key in KEYS]
            # None of them is said not to be there.
            told = {(read.outcome, read.value is not None) for read in reads}
            assert told == {(Outcome.OK, True), (Outcome.FAILED, False)}

    run_virtual(main)


@pytest.mark.parametrize("act", ["stop_node", "kill_node", "wipe_node"])
def test_what_a_person_ended_stays_ended_until_a_person_starts_it(act: str) -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, revive=True) as cluster:
            await put_all(cluster)
            await cluster.call(lambda coordinator: getattr(coordinator, act)("n2"))
            await asyncio.sleep(LONG)
            assert not cluster.process("n2").alive
            await cluster.revive("n2")
            await cluster.until(settled)
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            await cluster.until(settled, 10.0)
            await check_all(cluster)

    run_virtual(main)


def test_without_the_setting_a_killed_node_is_the_lesson() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            cluster.kill("n2")
            await asyncio.sleep(LONG)
            assert not cluster.process("n2").alive

    run_virtual(main)


def test_one_that_ends_at_each_start_is_given_up_in_words_and_can_be_started_by_a_person() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, slots=8, revive=True) as cluster:
            await put_all(cluster)
            processes = cluster.coordinator._membership._processes
            launcher = processes._launcher
            processes._launcher = FailingLauncher(cluster, "n2")
            cluster.kill("n2")
            await asyncio.sleep(LONG)
            view = cluster.coordinator.snapshot().node("n2")
            assert view is not None
            assert view.note == (
                f"could not start n2: no such program; started {STARTS_MOST} times in vain, it is left so: start n2"
            )
            processes._launcher = launcher
            await asyncio.sleep(LONG)
            assert not cluster.process("n2").alive
            await cluster.revive("n2")
            await cluster.until(settled)
            await check_all(cluster)
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            await cluster.until(settled, 10.0)

    run_virtual(main)


def test_a_node_that_is_stopped_while_it_is_being_started_again_stays_stopped() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, revive=True) as cluster:
            await put_all(cluster)
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            while "n2" not in cluster.coordinator._membership._starting:
                await asyncio.sleep(0.01)
            with pytest.raises(ClusterError, match="n2 is not running"):
                await cluster.call(lambda coordinator: coordinator.stop_node("n2"))
            await asyncio.sleep(LONG)
            assert not cluster.process("n2").alive

    run_virtual(main)


def test_a_cluster_that_closes_while_it_starts_a_node_again_leaves_none_behind() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, slots=8, revive=True) as cluster:
            cluster.kill("n2")
            while "n2" not in cluster.coordinator._membership._starting:
                await asyncio.sleep(0.01)
            await cluster.close()
            await asyncio.sleep(10)
            assert not any(process.alive for process in cluster.launcher.processes.values())

    run_virtual(main)
