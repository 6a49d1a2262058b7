"""One trial: a load on a real cluster, faults meanwhile, everything mended, and the verdict on what clients were told."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path
from random import Random
from typing import Final

import anyio

from kvtui.check import History, Kind, Outcome, Recorder, Report, check
from kvtui.core.coordinator import Coordinator
from kvtui.core.ring import slot_of, token_of
from tests.processes.faults.injuries import INJURIES, mount, unmount
from tests.processes.faults.rig import SLOTS, Rig, RigNode, rig

KEYS: Final = 60
CLIENTS: Final = 96
THINK_SECONDS: Final = 0.16
"""What a client waits between two operations, on average."""
BEFORE_SECONDS: Final = 0.3
"""Of undisturbed load, before the first injury and between two."""
INJURY_SECONDS: Final = (0.5, 2.2)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial came to. Times are in seconds."""

    copies: int
    """Of every key (N)."""
    operations: int
    seconds: float
    failed: int
    unknown: int
    slowest: float
    gap: float
    """The longest time in which no operation succeeded, while clients tried."""
    injuries: int
    lost: int
    """Slots that were lost at the end, and said so."""
    served: tuple[str, ...]
    """Keys in lost slots that were answered all the same: must be none."""
    unreadable: tuple[str, ...]
    """Keys in other slots that could not be read with all nodes back: must be none."""
    report: Report

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds


async def trial(path: Path, copies: int, faults: Sequence[str], seconds: float, seed: int = 0) -> Trial:
    """Run one. ``faults`` name injuries, which are done to different nodes at once, again and again for ``seconds``."""
    with ExitStack() as volumes:
        if "full" in faults:
            _give_volumes(path, volumes)
        async with rig(path, copies) as cluster:
            if "full" in faults:
                assert all(node.data.is_symlink() for node in cluster.nodes.values())
            return await _Trial(cluster, Random(seed)).run(faults, seconds)


def _give_volumes(path: Path, volumes: ExitStack) -> None:
    """Nodes whose file systems can be filled: their data directories are links into these."""
    for number in (1, 2, 3):
        volume = path / f"n{number}.volume"
        volume.mkdir(parents=True)
        problem = mount(volume)
        assert not problem, problem
        volumes.callback(unmount, volume)
        (volume / "data").mkdir()
        (path / f"n{number}").symlink_to(volume / "data")


async def under_load(rig: Rig, step: Callable[[], Awaitable[None]]) -> History:
    """What clients were told while ``step`` ran."""
    load = _Trial(rig, Random(0))
    return await load.during(step)


class _Trial:
    def __init__(self, rig: Rig, random: Random) -> None:
        self._rig = rig
        self._random = random
        self._recorder = Recorder(anyio.current_time)
        self._names = [f"key {number}" for number in range(KEYS)]
        self._running = True
        self._injuries = 0

    async def run(self, faults: Sequence[str], seconds: float) -> Trial:
        began = anyio.current_time()
        loaded = await self.during(lambda: self._harm(faults, began + seconds))
        ended = anyio.current_time()
        picture = await self._rig.settle()
        served, unreadable = await self._read_all()
        return Trial(
            picture.replication,
            len(loaded.operations),
            ended - began,
            sum(op.outcome is Outcome.FAILED for op in loaded.operations),
            sum(op.outcome is Outcome.UNKNOWN for op in loaded.operations),
            max((op.end or ended) - op.start for op in loaded.operations),
            _gap(loaded, began, ended),
            self._injuries,
            picture.lost,
            tuple(served),
            tuple(unreadable),
            check(self._recorder.history()),
        )

    async def during(self, step: Callable[[], Awaitable[None]]) -> History:
        """Clients work until ``step`` has ended."""
        async with anyio.create_task_group() as clients:
            for number in range(CLIENTS):
                clients.start_soon(self._client, number)
            await step()
            self._running = False
        return self._recorder.history()

    async def _harm(self, faults: Sequence[str], end: float) -> None:
        order = cycle(self._rig.nodes.values())
        while True:
            await anyio.sleep(BEFORE_SECONDS)
            lasting = min(self._random.uniform(*INJURY_SECONDS), end - anyio.current_time())
            if lasting <= 0:
                return
            async with anyio.create_task_group() as injuries:
                for fault in faults:
                    injuries.start_soon(self._injure, fault, next(order), lasting)
            next(order)
            await self._rig.settle()

    async def _injure(self, fault: str, node: RigNode, seconds: float) -> None:
        self._injuries += 1
        self._recorder.event(f"{node.name} {fault}")
        await INJURIES[fault](node, seconds)

    async def _client(self, number: int) -> None:
        random, count = Random(f"{number} {self._random.random()}"), 0
        while self._running:
            count += 1
            choice, key = random.random(), random.choice(self._names)
            kind = Kind.PUT if choice < 0.5 else Kind.GET if choice < 0.9 else Kind.DELETE
            await self._operate(number, kind, key, f"{number}.{count}")
            await anyio.sleep(random.uniform(0.0, 2 * THINK_SECONDS))

    async def _operate(self, client: int, kind: Kind, key: str, value: str) -> Outcome:
        cluster: Coordinator = self._rig.cluster
        name = key.encode()
        pending = self._recorder.begin(client, kind, key, value if kind is Kind.PUT else None)
        if kind is Kind.GET:
            read = await cluster.get(name)
            text = None if read.value is None else read.value.decode()
            return pending.end(Outcome(read.outcome), text, read.version, read.stale, read.text).outcome
        written = await (cluster.put(name, value.encode()) if kind is Kind.PUT else cluster.delete(name))
        version = written.version if written.version.epoch else None
        return pending.end(Outcome(written.outcome), None, version, note=written.text).outcome

    async def _read_all(self) -> tuple[list[str], list[str]]:
        """Keys of lost slots that were answered, and keys of other slots that were not."""
        lost = {slot for start, stop in self._rig.cluster.topology.lost for slot in range(start, stop)}
        served, unreadable = [], []
        for key in self._names:
            outcome = await self._operate(CLIENTS, Kind.GET, key, "")
            is_lost = slot_of(token_of(key.encode()), SLOTS) in lost
            if is_lost and outcome is not Outcome.FAILED:
                served.append(key)
            elif not is_lost and outcome is not Outcome.OK:
                unreadable.append(key)
        return served, unreadable


def _gap(history: History, began: float, ended: float) -> float:
    """The longest time without a success."""
    ends = sorted(op.end for op in history.operations if op.outcome is Outcome.OK and op.end is not None)
    moments = [began, *ends, ended]
    return max(after - before for before, after in pairwise(moments))
