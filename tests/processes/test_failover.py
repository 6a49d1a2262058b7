"""A node dies or falls silent under load: the others go on within two seconds, and every key has its copies again after a while."""

import signal
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from kvtui.check import Kind, Outcome, Recorder, Verdict, check
from kvtui.core.snapshot import ClusterSnapshot
from tests.processes.faults.rig import Rig, RigNode, rig

pytestmark = pytest.mark.anyio
GAP_SECONDS = 2.0
"""Until then puts and gets go on."""
BEFORE_SECONDS = 0.5
AWAY_SECONDS = 4.0
"""How long the node is away: longer than any gap may be."""
GRACE_SECONDS = 2.0
COPY_SECONDS = 10.0
"""What copying a few hundred keys may take on a busy machine."""
CLIENTS = 8
KEYS = 24
THINK_SECONDS = 0.02
Harm = Callable[[RigNode], Awaitable[None]]


async def kill(node: RigNode) -> None:
    """kill -9: its connections are closed."""
    await node.kill()


async def stop(node: RigNode) -> None:
    """SIGSTOP: its connections stay open, and silent."""
    assert node.process is not None
    node.process.signal(signal.SIGSTOP)


class Load:
    """Clients that put and get in turn, and never wait for a fault to end."""

    def __init__(self, cluster: Rig) -> None:
        self._cluster = cluster.cluster
        self.recorder = Recorder(anyio.current_time)
        self._stopped = False

    async def client(self, number: int) -> None:
        """Until ``stop``."""
        count = 0
        while not self._stopped:
            count += 1
            key = f"key {(number + count * 7) % KEYS}"
            await (self._put(number, key, f"{number}.{count}") if count % 2 else self._get(number, key))
            await anyio.sleep(THINK_SECONDS)

    def stop(self) -> None:
        self._stopped = True

    async def _put(self, number: int, key: str, value: str) -> None:
        pending = self.recorder.begin(number, Kind.PUT, key, value)
        written = await self._cluster.put(key.encode(), value.encode())
        version = written.version if written.version.epoch else None
        pending.end(Outcome(written.outcome), None, version, note=written.text)

    async def _get(self, number: int, key: str) -> None:
        pending = self.recorder.begin(number, Kind.GET, key)
        read = await self._cluster.get(key.encode())
        value = None if read.value is None else read.value.decode()
        pending.end(Outcome(read.outcome), value, read.version, read.stale, read.text)

    def gap(self, kind: Kind, began: float, ended: float) -> float:
        """The longest time, in seconds, in which nothing of that kind succeeded."""
        operations = self.recorder.history().operations
        good = [op.end for op in operations if op.kind is kind and op.outcome is Outcome.OK and op.end is not None]
        return max(after - before for before, after in pairwise([began, *sorted(t for t in good if t < ended), ended]))


@pytest.mark.parametrize("harm", [kill, stop])
async def test_puts_and_gets_go_on_within_two_seconds(harm: Harm, tmp_path: Path) -> None:
    # Of two nodes with two copies each holds every key: no operation gets by without the one that is harmed.
    async with rig(tmp_path, copies=2, nodes=2) as cluster:
        load = Load(cluster)
        began = anyio.current_time()
        async with anyio.create_task_group() as clients:
            for number in range(CLIENTS):
                clients.start_soon(load.client, number)
            await anyio.sleep(BEFORE_SECONDS)
            await harm(cluster.nodes["n1"])
            await anyio.sleep(AWAY_SECONDS)
            load.stop()
        ended = anyio.current_time()
        gaps = {kind: load.gap(kind, began, ended) for kind in (Kind.PUT, Kind.GET)}
        print(f"{harm.__name__}: no put for {gaps[Kind.PUT]:.2f} s, no get for {gaps[Kind.GET]:.2f} s")
        await cluster.settle()
    assert max(gaps.values()) < GAP_SECONDS, gaps
    report = check(load.recorder.history())
    assert report.verdict is Verdict.LINEARIZABLE, "\n".join(report.lines())


def replaced(picture: ClusterSnapshot, name: str) -> bool:
    """Whether every slot has all its copies, clean, on other nodes than that one."""
    whole = all(copies >= picture.replication for copies, _ in picture.clean_copies)
    return whole and picture.moving is None and all(name not in run.clean for run in picture.ranges)


@pytest.mark.parametrize("harm", [kill, stop])
async def test_every_key_has_its_copies_again_after_the_grace(harm: Harm, tmp_path: Path) -> None:
    async with rig(tmp_path, copies=2, nodes=3, grace=GRACE_SECONDS) as cluster:
        keys = [b"key %d" % number for number in range(500)]
        assert (await cluster.cluster.put_many([(key, b"value of " + key) for key in keys])).ok == len(keys)
        began = anyio.current_time()
        await harm(cluster.nodes["n1"])
        with anyio.fail_after(GRACE_SECONDS + COPY_SECONDS):
            picture = cluster.cluster.snapshot()
            while not replaced(picture, "n1"):
                picture = await cluster.cluster.changed(picture)
        print(
            f"{harm.__name__}: all copies again after {anyio.current_time() - began:.2f} s, of which {GRACE_SECONDS:g} s grace"
        )
        for key, read in zip(keys, await cluster.cluster.get_many(keys), strict=True):
            assert read.value == b"value of " + key
