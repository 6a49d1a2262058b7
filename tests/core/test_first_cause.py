"""Why a node that kvtui starts itself is DOWN: the first cause is told until it is up again, whatever is met at its address."""

import asyncio
import signal

import pytest

from kvtui.core.cluster import ClusterError
from kvtui.core.coordinator import Coordinator
from kvtui.core.events import Level
from kvtui.core.seams.launcher import how_ended
from kvtui.core.snapshot import NodeState
from tests.core.test_membership import FailingLauncher, state_of
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

CAUSE = "could not start n2: no such program"


def note_of(cluster: SimCluster, node: str) -> str:
    view = cluster.coordinator.snapshot().node(node)
    assert view is not None
    return view.note


def test_what_kept_a_node_from_starting_stays_its_trouble() -> None:
    """A moment later it was "connection refused", everywhere."""

    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            processes = cluster.coordinator._membership._processes
            launcher = processes._launcher
            cluster.kill("n2")
            await cluster.until(lambda snapshot: state_of(snapshot, "n2") is NodeState.DOWN)
            processes._launcher = FailingLauncher(cluster, "n2")
            with pytest.raises(ClusterError, match=CAUSE):
                await cluster.revive("n2")
            await asyncio.sleep(30)
            assert note_of(cluster, "n2") == CAUSE
            processes._launcher = launcher
            await cluster.revive("n2")
            await cluster.until(settled)
            assert note_of(cluster, "n2") == ""

    run_virtual(main)


def test_what_ended_a_node_stays_its_trouble_and_is_told_once() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            events = cluster.coordinator.events()
            heard: list[str] = []

            async def listen() -> None:
                async for event in events:
                    if event.level is Level.BAD:
                        heard.append(event.text)

            listening = asyncio.create_task(listen())
            cluster.kill("n2")
            await asyncio.sleep(30)
            assert note_of(cluster, "n2") == "its process was ended by SIGKILL"
            of_node = [text for text in heard if text.startswith("n2")]
            assert [text for text in of_node if "SIGKILL" in text] == [of_node[-1]]
            listening.cancel()

    run_virtual(main)


def test_what_a_person_did_to_a_node_is_its_trouble() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:

            async def after(act: str, coordinator: Coordinator) -> str:
                await getattr(coordinator, act)("n2")
                await asyncio.sleep(10)
                note = note_of(cluster, "n2")
                await coordinator.start_node("n2")
                return note

            for act, note in (
                ("stop_node", "it was stopped"),
                ("kill_node", "it was killed (kill -9)"),
                ("wipe_node", "it was wiped"),
            ):
                assert await cluster.call(lambda coordinator, act=act: after(act, coordinator)) == note  # type: ignore[misc]
                await cluster.until(settled)

    run_virtual(main)


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (-signal.SIGKILL, "", "its process was ended by SIGKILL"),
        (-signal.SIGSEGV, "half a line", "its process was ended by SIGSEGV"),
        (1, "kvtui-node: stopped: no space", "its process ended: kvtui-node: stopped: no space"),
        (0, "something that it said long before", "its process ended with status 0"),
        (3, "", "its process ended with status 3"),
        (-200, "", "its process was ended by signal 200"),
        (
            None,
            "",
            "its process ended, how is not known: the program that started it took its exit status elsewhere",
        ),
    ],
)
def test_an_end_is_told_by_its_signal_or_last_words(status: int | None, said: str, words: str) -> None:
    assert how_ended(status, said) == words
