"""A run: records are loaded, clients read and write them and are timed, the records are deleted."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect
from collections.abc import Awaitable, Callable, Iterator
from itertools import accumulate
from random import Random
from typing import Final

import anyio

from kvtui.bench.keys import Draw, Inserted, chooser
from kvtui.bench.tally import Tally
from kvtui.bench.view import BenchView, NodeLoad, Phase
from kvtui.bench.workloads import SCAN_MOST, Asked, Op
from kvtui.core.background import start_soon
from kvtui.core.cluster import Cluster, ClusterError, Outcome
from kvtui.core.snapshot import ClusterSnapshot

TELL_SECONDS: Final = 0.25
FOLD_SECONDS: Final = 1.0
SHORT_SECONDS: Final = 0.5
"""What is left at the end of a run counts as a second of its own from here on."""
GRAIN_SECONDS: Final = 0.0015
"""A timer may be so late; an operation that begins no later than this after its time is on time."""
BATCH_RECORDS: Final = 1_000
BATCH_BYTES: Final = 4 * 1024 * 1024
POOL_BYTES: Final = 64 * 1024
"""Values are cut from so many random bytes, beside their own size."""
TURN: Final = 1_024
"""After so many operations a client lets others run, even where none of them had to wait."""
BACK_OFF_SECONDS: Final = 0.01
"""What a client waits after an operation that went wrong: one that fails at once would be tried in a tight loop."""

Clock = Callable[[], float]


class Bench:
    """One run on one cluster. Its keys begin with ``prefix``, and are deleted at the end unless they are to be kept."""

    def __init__(
        self,
        cluster: Cluster,
        asked: Asked,
        random: Random,
        *,
        tell: Callable[[BenchView], None] = lambda _: None,
        clock: Clock = time.perf_counter,
        cpu: Clock = time.process_time,
    ) -> None:
        """``tell`` is given a new view some times a second. ``clock`` times operations and ``cpu`` what this process computes, both
        in seconds. Raises ClusterError where there are no nodes."""
        if not cluster.snapshot().nodes:
            raise ClusterError("there are no nodes to measure; add some first: addnode A 5001")
        self.prefix = b"bench/%06x/user" % random.getrandbits(24)
        self._cluster = cluster
        self._asked = asked
        self._random = random
        self._tell = tell
        self._clock = clock
        self._cpu = cpu
        self._inserted = Inserted(asked.records)
        self._tally = Tally([op for op, _ in asked.workload.mix], on_time=asked.rate is not None)
        self._pool = random.randbytes(asked.size + POOL_BYTES)
        self._left = asked.operations if asked.operations is not None else 1 << 62
        self._issued = 0
        self._phase = Phase.LOADING
        self._done, self._total = 0, asked.records
        self._sent = 0
        self._began = self._elapsed = self._folded = 0.0
        self._deadline = 0.0
        self._stopped = False
        self._loads: dict[str, list[tuple[float, float, float]]] = {}
        self.picture = cluster.snapshot()
        """The cluster as it was when clients ended."""
        self.left_behind = 0
        """Records that could not be deleted."""
        self.cpu_seconds = 0.0
        """What this process computed while clients ran."""
        self.weakened = ""
        """The guarantee at a moment of the run when it was less than the cluster's settings make possible; empty: never."""

    @property
    def view(self) -> BenchView:
        """As it is now."""
        return BenchView(
            self._asked,
            self._phase,
            self._done,
            self._total,
            self._clock() - self._began if self._phase is Phase.RUNNING else self._elapsed,
            self._tally.ops,
            self._tally.whole,
            self._tally.measured,
            self._tally.seconds,
            self._nodes(),
            self._cluster.snapshot().guarantee,
        )

    @property
    def interval(self) -> int:
        """Microseconds in which each client is expected to ask once; 0 where operations have times of their own."""
        return self._tally.interval

    @property
    def counted(self) -> str:
        """What latencies are counted in, and how exactly."""
        return self._tally.histogram.words

    @property
    def unbegun(self) -> int:
        """Operations that were to begin before clients ended, and never did: all clients were waiting."""
        if self._asked.rate is None or self._asked.operations is not None:
            return 0
        return max(0, int(min(self._elapsed, self._asked.seconds) * self._asked.rate) - self._issued)

    def stop(self) -> None:
        """Let clients begin nothing more; what was measured so far counts."""
        self._stopped = True
        self._deadline = 0.0

    async def run(self) -> BenchView:
        """Run it whole; the last view holds what was measured. Records are deleted even when it is cancelled.

        Raises ClusterError when records can't be loaded.
        """
        try:
            await self._load()
            if not self._stopped:
                await self._measure()
        finally:
            if not self._asked.keep:
                with anyio.CancelScope(shield=True):
                    await self._clean()
        self._enter(Phase.DONE)
        return self.view

    def _enter(self, phase: Phase, total: int = 0) -> None:
        self._phase, self._done, self._total = phase, 0, total
        self._tell(self.view)

    def _key(self, number: int) -> bytes:
        return b"%b%d" % (self.prefix, number)

    def _values(self, random: Random) -> Callable[[], bytes]:
        pool, size, chance = self._pool, self._asked.size, random.random

        def value() -> bytes:
            at = int(chance() * POOL_BYTES)
            return pool[at : at + size]

        return value

    def _batches(self, count: int) -> Iterator[range]:
        """Numbers of records in batches."""
        step = max(1, min(BATCH_RECORDS, BATCH_BYTES // self._asked.size))
        for start in range(0, count, step):
            yield range(start, min(count, start + step))

    async def _load(self) -> None:
        self._enter(Phase.LOADING, self._asked.records)
        value = self._values(Random(self._random.random()))
        told = self._clock()
        for batch in self._batches(self._asked.records):
            if self._stopped:
                return
            self._sent = batch.stop
            written = await self._cluster.put_many([(self._key(number), value()) for number in batch])
            if written.failed or written.unknown:
                lost = written.failed + written.unknown
                raise ClusterError(f"{lost:,} of {len(batch):,} records could not be loaded: {written.text}")
            self._done += len(batch)
            told = self._keep_telling(told)

    async def _clean(self) -> None:
        stored = self._sent if self._sent < self._asked.records else self._inserted.begun
        self._enter(Phase.CLEANING, stored)
        told = self._clock()
        for batch in self._batches(stored):
            deleted = await self._cluster.delete_many([self._key(number) for number in batch])
            if not deleted.ok:
                # Nobody answers: the others would only wait for the same.
                self.left_behind += stored - batch.start
                return
            self.left_behind += len(batch) - deleted.ok
            self._done += len(batch)
            told = self._keep_telling(told)

    def _keep_telling(self, told: float) -> float:
        now = self._clock()
        if now - told < TELL_SECONDS:
            return told
        self._tell(self.view)
        return now

    async def _measure(self) -> None:
        cpu = self._cpu()
        self._began = self._clock()
        self._deadline = self._began + self._asked.seconds_most
        self._enter(Phase.RUNNING)
        async with anyio.create_task_group() as background:
            start_soon(background, self._watch)
            async with anyio.create_task_group() as clients:
                for _ in range(self._asked.clients):
                    start_soon(clients, self._client, Random(self._random.random()))
            background.cancel_scope.cancel()
        self._elapsed = self._clock() - self._began
        self.cpu_seconds = self._cpu() - cpu
        left = self._elapsed - self._folded
        await self._tally.fold(left, short=left < SHORT_SECONDS and bool(self._tally.seconds))
        self._look()
        self.picture = self._cluster.snapshot()

    async def _watch(self) -> None:
        while True:
            await anyio.sleep(TELL_SECONDS)
            now = self._clock() - self._began
            if now - self._folded >= FOLD_SECONDS:
                since, self._folded = now - self._folded, now
                # Not to be torn in two when the clients end.
                with anyio.CancelScope(shield=True):
                    await self._tally.fold(since)
                self._look()
            self._tell(self.view)

    def _look(self) -> None:
        """What the nodes do, and whether the guarantee holds."""
        picture: ClusterSnapshot = self._cluster.snapshot()
        if picture.guarantee_weakened:
            self.weakened = picture.guarantee
        for node in picture.nodes:
            self._loads.setdefault(node.id, []).append((node.operations, node.p50, node.p99))

    def _nodes(self) -> tuple[NodeLoad, ...]:
        """While clients run as they are now, afterwards as they were on the whole."""
        if self._phase in (Phase.LOADING, Phase.RUNNING):
            return tuple(NodeLoad(n.id, n.operations, n.p50, n.p99) for n in self._cluster.snapshot().nodes)
        loads = []
        for node, seen in self._loads.items():
            rates, p50s, p99s = (sorted(figures) for figures in zip(*seen, strict=True))
            half = len(seen) // 2
            loads.append(NodeLoad(node, sum(rates) / len(seen), p50s[half], p99s[half]))
        return tuple(loads)

    async def _client(self, random: Random) -> None:
        """Begin one operation after the other, and note how long each took."""
        clock, draw, tally = self._clock, self._drawn(random), self._tally
        operate = self._operations(random)
        step = 1.0 / self._asked.rate if self._asked.rate is not None else None
        done = 0
        while self._left > 0 and (now := clock()) < self._deadline:
            self._left -= 1
            due = began = now
            if step is not None:
                due = self._began + self._issued * step
                self._issued += 1
                while due > began:
                    if due >= self._deadline:
                        return
                    await asyncio.sleep(min(TELL_SECONDS, due - began))
                    began = clock()
                if began - due <= GRAIN_SECONDS:
                    due = began
            op = draw()
            outcome = await operate[op]()
            now = clock()
            noted = tally.noted[op]
            noted.due[int((now - due) * 1e6)] += 1
            if step is not None:
                noted.begun[int((now - began) * 1e6)] += 1
            if outcome is not Outcome.OK:
                noted.bad[outcome] += 1
                await asyncio.sleep(BACK_OFF_SECONDS)
            done += 1
            if done % TURN == 0:
                await asyncio.sleep(0)

    def _drawn(self, random: Random) -> Callable[[], Op]:
        """Draws what to do next."""
        mix = self._asked.workload.mix
        if len(mix) == 1:
            only = mix[0][0]
            return lambda: only
        ops, chance = [op for op, _ in mix], random.random
        edges = [edge / 100 for edge in accumulate(percent for _, percent in mix)][:-1]
        return lambda: ops[bisect(edges, chance())]

    def _operations(self, random: Random) -> dict[Op, Callable[[], Awaitable[Outcome]]]:
        """What each kind of operation does, for one client."""
        cluster, inserted, prefix = self._cluster, self._inserted, self.prefix
        choose: Draw = chooser(self._asked.keys, self._asked.records, inserted, random)
        value = self._values(random)
        get, put = cluster.get, cluster.put

        async def read() -> Outcome:
            end = await get(b"%b%d" % (prefix, choose()))
            if end.value is None and end.outcome is Outcome.OK:
                self._tally.noted[Op.READ].absent += 1
            return end.outcome

        async def update() -> Outcome:
            return (await put(b"%b%d" % (prefix, choose()), value())).outcome

        async def insert() -> Outcome:
            number = inserted.begin()
            try:
                return (await put(b"%b%d" % (prefix, number), value())).outcome
            finally:
                inserted.end(number)

        async def scan() -> Outcome:
            first, length = choose(), 1 + int(random.random() * SCAN_MOST)
            last = min(inserted.newest, first + length - 1)
            ends = await cluster.get_many([self._key(number) for number in range(first, last + 1)])
            self._tally.noted[Op.SCAN].absent += any(e.value is None and e.outcome is Outcome.OK for e in ends)
            return next((end.outcome for end in ends if end.outcome is not Outcome.OK), Outcome.OK)

        async def modify() -> Outcome:
            key = b"%b%d" % (prefix, choose())
            end = await get(key)
            if end.outcome is not Outcome.OK:
                return end.outcome
            if end.value is None:
                self._tally.noted[Op.MODIFY].absent += 1
            return (await put(key, value())).outcome

        return {Op.READ: read, Op.UPDATE: update, Op.INSERT: insert, Op.SCAN: scan, Op.MODIFY: modify}
