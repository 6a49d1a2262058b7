"""100,000 keys survive, on real nodes, what a cluster goes through, while a writer keeps writing."""

import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from kvtui.core.cluster import Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.snapshot import NodeState
from tests.live import pid_of, said, until_state

pytestmark = pytest.mark.long

KEYS = 100_000
DEADLINE_SECONDS = 300


class Writer:
    """Puts new keys, and new values of a few old ones, one after the other, and remembers what was acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: dict[bytes, bytes] = {}
        self.doubtful: set[bytes] = set()
        self._number = 0
        self._stopped = False

    async def write(self, cluster: Coordinator) -> None:
        """Until ``stop``."""
        self._stopped = False
        while not self._stopped:
            self._number += 1
            key, value = b"w%d" % (self._number % 5_000), b"written %d" % self._number
            written = await cluster.put(key, value)
            if written.outcome is Outcome.OK:
                self.acknowledged[key] = value
                self.doubtful.discard(key)
            elif written.outcome is Outcome.UNKNOWN:
                self.doubtful.add(key)

    def stop(self) -> None:
        self._stopped = True


def value_of(number: int) -> str:
    return f'value {number} of the load, with a "quote" and a ü'


def load_file(path: Path) -> None:
    with path.open("w") as file:
        for number in range(KEYS):
            file.write(json.dumps({"key": f"k{number}", "value": value_of(number)}) + "\n")


async def command(cluster: Coordinator, text: str) -> None:
    """Run a command as the shell does; the test fails with what it said if it fails."""
    succeeded, lines = await said(cluster, text)
    assert succeeded, lines


async def verify(cluster: Coordinator, writer: Writer) -> None:
    """Every key equals what was written, by get and by scan."""
    for low in range(0, KEYS, 5_000):
        numbers = range(low, low + 5_000)
        reads = await cluster.get_many([b"k%d" % number for number in numbers])
        wrong = [n for n, read in zip(numbers, reads, strict=True) if read.value != value_of(n).encode()]
        assert not wrong, f"{len(wrong)} keys differ, the first: k{wrong[0]}: {reads[wrong[0] - low]}"
    sure = [key for key in writer.acknowledged if key not in writer.doubtful]
    assert len(sure) > 100
    for key, read in zip(sure, await cluster.get_many(sure), strict=True):
        assert read.value == writer.acknowledged[key], key
    seen: set[bytes] = set()
    async for page in cluster.scan(values=False):
        seen.update(item.key for item in page)
    assert {b"k%d" % number for number in range(KEYS)} <= seen


async def while_writing(cluster: Coordinator, writer: Writer, step: Callable[[], Awaitable[object]]) -> None:
    """Carry out ``step`` between two acknowledged writes at least."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.write, cluster)
        await step()
        writer.stop()


async def add_a_fourth(cluster: Coordinator) -> None:
    await cluster.add_node("n4", "127.0.0.1", 0)
    await cluster.rebalance()
    view = cluster.snapshot().node("n4")
    assert view is not None
    assert view.receiving is None
    assert view.share > 0.2


async def remove_the_first(cluster: Coordinator) -> None:
    await command(cluster, "removenode n1")
    assert cluster.snapshot().node("n1") is None


async def kill_the_second(cluster: Coordinator) -> None:
    os.kill(pid_of(cluster, "n2"), signal.SIGKILL)
    await until_state(cluster, "n2", NodeState.DOWN)
    await command(cluster, "start n2")
    await cluster.rebalance()
    assert cluster.snapshot().behind == 0


async def story(state: Path, file: Path, replication: int) -> None:
    writer = Writer()
    settings = Settings(state=state, nodes=3, replication=replication)
    with anyio.fail_after(DEADLINE_SECONDS):
        async with open_cluster(settings) as cluster:
            await command(cluster, f"load {file}")
            await while_writing(cluster, writer, lambda: add_a_fourth(cluster))
            await while_writing(cluster, writer, lambda: remove_the_first(cluster))
            await while_writing(cluster, writer, lambda: kill_the_second(cluster))
            await verify(cluster, writer)
        async with open_cluster(settings) as cluster:
            assert {view.id for view in cluster.snapshot().nodes} == {"n2", "n3", "n4"}
            await verify(cluster, writer)


@pytest.mark.parametrize("replication", [1, 2])
def test_100_000_keys_survive_a_join_a_leave_a_kill_and_a_reopening(tmp_path: Path, replication: int) -> None:
    load_file(tmp_path / "load.jsonl")
    anyio.run(story, tmp_path / "state", tmp_path / "load.jsonl", replication)
