"""Processes that don't end, not even by SIGKILL: waiting for them has an end, and what is left is told."""

import asyncio
import signal
import subprocess
from collections.abc import Awaitable, Callable

import pytest

from kvtui.core.cluster import ClusterError
from kvtui.core.process_ends import STOP_SECONDS, StillRuns, end_by_force, end_in_order
from kvtui.core.seams.launcher import KILLED_SECONDS, NodeProcess
from kvtui.core.seams.process_handle import NumberedProcess, handle_of
from tests.simulation.harness import SimCluster
from tests.simulation.launcher import SimProcess
from tests.simulation.loop import SimClock, run_virtual


def hang_in_the_system(process: SimProcess) -> list[int]:
    """Nothing that it is sent has an effect; what it was sent."""
    sent: list[int] = []

    def signal(number: int) -> bool:
        sent.append(number)
        return True

    process.signal = signal  # type: ignore[method-assign]
    return sent


@pytest.mark.parametrize(
    ("end", "signals", "seconds"),
    [
        (
            lambda process: end_in_order(process, SimClock()),
            [signal.SIGTERM, signal.SIGCONT, signal.SIGKILL],
            STOP_SECONDS + KILLED_SECONDS,
        ),
        (end_by_force, [signal.SIGKILL], KILLED_SECONDS),
    ],
)
def test_a_process_that_hangs_in_the_system_is_waited_for_so_long_at_most(
    end: Callable[[NodeProcess], Awaitable[None]], signals: list[int], seconds: float
) -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            process = cluster.process("n1")
            sent = hang_in_the_system(process)
            began = asyncio.get_running_loop().time()
            with pytest.raises(StillRuns, match=f"^process {process.pid} does not end, even by SIGKILL: it waits for"):
                await end(process)
            assert asyncio.get_running_loop().time() - began == pytest.approx(seconds)
            assert sent == signals
            process.machine.crash()

    run_virtual(main)


def test_a_close_says_which_nodes_are_left_and_has_let_go_of_all_else() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, slots=8) as cluster:
            stuck = [cluster.process(name) for name in ("n1", "n3")]
            for process in stuck:
                hang_in_the_system(process)
            with pytest.raises(ClusterError) as raised:
                await cluster.close()
            first, last = (process.pid for process in stuck)
            assert str(raised.value).startswith(
                f"n1 (process {first}) and n3 (process {last}) did not end, even by SIGKILL: "
            )
            assert not cluster.process("n2").alive
            for process in stuck:
                process.machine.crash()
            cluster.machine.exit()
            await cluster.open()  # nobody holds the directory any more

    run_virtual(main)


def test_a_node_that_leaves_and_does_not_end_is_told_and_tried_again() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            process = cluster.process("n2")
            hang_in_the_system(process)
            said: list[str] = []
            cluster.coordinator._happenings.overheard = said.append
            told = f"process {process.pid} does not end, even by SIGKILL: "
            with pytest.raises(ClusterError, match="^n2 has handed all over, and is forgotten once it ends: " + told):
                await cluster.coordinator.remove_node("n2")
            with pytest.raises(TimeoutError):
                await cluster.until(lambda snapshot: len(snapshot.nodes) == 1)
            assert len([text for text in said if text.startswith(f"n2, which leaves: {told}")]) == 1
            process.machine.crash()
            await cluster.until(lambda snapshot: [view.id for view in snapshot.nodes] == ["n1"])

    run_virtual(main)


def test_nodes_that_this_user_may_not_signal_end_without_their_parent_and_are_named_where_they_do_not() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, slots=8) as cluster:
            foreign = [cluster.process(name) for name in ("n1", "n2", "n3")]
            for process in foreign:
                process.may_be_signalled = False
            for attempt in (cluster.coordinator.kill_node("n1"), cluster.coordinator.pause_node("n1")):
                with pytest.raises(
                    ClusterError, match=f"^n1 .process {foreign[0].pid}. stays as it is: this user may not"
                ):
                    await attempt
            assert foreign[0].alive
            foreign[2].machine.pause()
            with pytest.raises(
                ClusterError, match=f"^n3 .process {foreign[2].pid}. did not end, and this user may not"
            ):
                await cluster.close()
            assert [process.alive for process in foreign] == [False, False, True]
            foreign[2].machine.crash()
            cluster.machine.exit()
            await cluster.open()

    run_virtual(main)


@pytest.mark.parametrize("kind", ["described", "numbered"])
def test_a_signal_that_may_not_be_sent_is_told_and_raises_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    handle = handle_of(child.pid) if kind == "described" else NumberedProcess(child.pid)
    with monkeypatch.context() as patched:
        patched.setattr("os.kill", refused)
        patched.setattr("signal.pidfd_send_signal", refused, raising=False)
        assert handle.signal(signal.SIGTERM) is False
    assert handle.signal(signal.SIGKILL) is True
    child.communicate()
    handle.close()
