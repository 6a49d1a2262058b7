"""A register workload on keys of its own, its history recorded and checked: is what clients are told true, here and now?"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

import anyio
import anyio.to_thread

from kvtui.check import History, Kind, Operation, Recorder, Report, Staleness, check
from kvtui.check import Outcome as Told
from kvtui.check.staleness import staleness, together
from kvtui.core.background import start_soon
from kvtui.core.cluster import Cluster, ClusterError, Faults, LocalNodes
from kvtui.workload.live_faults import Harmed, LiveFaults
from kvtui.workload.view import CheckView, Phase

SECONDS_MOST: Final = 600
CLIENTS: Final = 8
KEYS: Final = 16
THINK_SECONDS: Final = 0.04
"""What a client waits between two operations, on average: all of them together do some 200 a second."""
TELL_SECONDS: Final = 0.25
READ_TRIES: Final = 20
READ_SECONDS: Final = 0.5
"""A key that can't be read at the end is tried again so often, so far apart."""
COPIES_LEAST: Final = 2
"""Copies of every key without which no faults are injected."""


async def in_a_thread(history: History) -> Report:
    """The checker's verdict, while the screen goes on."""
    return await anyio.to_thread.run_sync(check, history)


class LiveCheck:
    """One check. Its keys begin with ``prefix`` and are deleted at the end."""

    def __init__(
        self,
        cluster: Cluster,
        seconds: float,
        random: Random,
        *,
        faults: bool = False,
        tell: Callable[[CheckView], None] = lambda _: None,
        decide: Callable[[History], Awaitable[Report]] = in_a_thread,
    ) -> None:
        """``faults`` harms nodes meanwhile and heals all at the end. ``tell`` is given a new view now and then.

        Raises ClusterError where faults would do more than test: with fewer than two copies of every key, or on nodes that kvtui
        did not start.
        """
        self.recorder = Recorder(anyio.current_time)
        self.prefix = f"kvtui-check/{random.getrandbits(32):08x}/"
        self._cluster = cluster
        self._seconds = seconds
        self._random = random
        self._tell = tell
        self._decide = decide
        self._counts = dict.fromkeys(Told, 0)
        self._ends: deque[float] = deque()
        self._slowest = 0.0
        self._stale_keys: set[str] = set()
        self._staleness = Staleness()
        self._stale_seen = self._stale = 0
        self._faults: list[tuple[float, str]] = []
        self._unreadable = 0
        self._report: Report | None = None
        self._phase = Phase.RUNNING
        self._began = 0.0
        self._nemesis = LiveFaults(_harmed(cluster), random, self._fault) if faults else None

    @property
    def view(self) -> CheckView:
        """As it is now."""
        now = anyio.current_time()
        while self._ends and self._ends[0] < now - 1.0:
            self._ends.popleft()
        if self._stale != self._stale_seen:
            self._stale_seen, self._staleness = self._stale, self._worst_staleness()
        return CheckView(
            self._phase,
            now - self._began,
            self._seconds,
            ok=self._counts[Told.OK],
            failed=self._counts[Told.FAILED],
            unknown=self._counts[Told.UNKNOWN],
            rate=float(len(self._ends)),
            slowest=self._slowest,
            staleness=self._staleness,
            faults=tuple(self._faults),
            guarantee=self._cluster.snapshot().guarantee,
            unreadable=self._unreadable,
            report=self._report,
        )

    async def run(self) -> CheckView:
        """Run it whole; the last view holds the report. What was harmed is healed even when it is cancelled."""
        self._began = anyio.current_time()
        try:
            try:
                await self._load()
            finally:
                with anyio.CancelScope(shield=True):
                    await self._heal()
            await self._read_all()
            self._enter(Phase.CHECKING)
            self._report = await self._decide(self.recorder.history())
        finally:
            with anyio.CancelScope(shield=True):
                await self._tidy_up()
        self._enter(Phase.DONE)
        return self.view

    async def _load(self) -> None:
        async with anyio.create_task_group() as background:
            start_soon(background, self._keep_telling)
            if self._nemesis is not None:
                start_soon(background, self._nemesis.run)
            async with anyio.create_task_group() as clients:
                for number in range(CLIENTS):
                    start_soon(clients, self._client, number)
            background.cancel_scope.cancel()

    async def _keep_telling(self) -> None:
        while True:
            self._tell(self.view)
            await anyio.sleep(TELL_SECONDS)

    async def _client(self, number: int) -> None:
        random, count = Random(self._random.random()), 0
        deadline = self._began + self._seconds
        while anyio.current_time() < deadline:
            key, choice = f"{self.prefix}{random.randrange(KEYS)}", random.random()
            kind = Kind.PUT if choice < 0.45 else Kind.GET if choice < 0.9 else Kind.DELETE
            count += 1
            await self._operate(number, kind, key, f"{number}.{count}" if kind is Kind.PUT else None)
            await anyio.sleep(random.uniform(0, 2 * THINK_SECONDS))

    async def _operate(self, client: int, kind: Kind, key: str, value: str | None) -> Told:
        began, name = anyio.current_time(), key.encode()
        pending = self.recorder.begin(client, kind, key, value)
        if kind is Kind.GET:
            read = await self._cluster.get(name)
            outcome = Told(read.outcome)
            text = None if read.value is None else read.value.decode(errors="replace")
            pending.end(outcome, text, read.version, read.stale, read.text)
            if read.stale:
                self._stale += 1
                self._stale_keys.add(key)
        else:
            put = self._cluster.put(name, (value or "").encode()) if kind is Kind.PUT else self._cluster.delete(name)
            written = await put
            outcome = Told(written.outcome)
            pending.end(outcome, None, written.version if written.version.epoch else None, note=written.text)
        now = anyio.current_time()
        self._counts[outcome] += 1
        self._ends.append(now)
        self._slowest = max(self._slowest, now - began)
        return outcome

    def _worst_staleness(self) -> Staleness:
        by_key: dict[str, list[Operation]] = {key: [] for key in self._stale_keys}
        for operation in self.recorder.history().operations:
            if operation.key in by_key:
                by_key[operation.key].append(operation)
        worst = Staleness()
        for operations in by_key.values():
            worst = together(worst, staleness(operations))
        return worst

    def _fault(self, text: str) -> None:
        self._faults.append((anyio.current_time() - self._began, text))
        self.recorder.event(text)

    async def _heal(self) -> None:
        if self._nemesis is not None:
            self._enter(Phase.HEALING)
            await self._nemesis.heal()

    async def _read_all(self) -> None:
        self._enter(Phase.READING)
        for number in range(KEYS):
            key = f"{self.prefix}{number}"
            for _ in range(READ_TRIES):
                if await self._operate(CLIENTS, Kind.GET, key, None) is Told.OK:
                    break
                await anyio.sleep(READ_SECONDS)
            else:
                self._unreadable += 1

    async def _tidy_up(self) -> None:
        for number in range(KEYS):
            # One that stays behind is no verdict on anybody's data.
            await self._cluster.delete(f"{self.prefix}{number}".encode())

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._tell(self.view)


def _harmed(cluster: Cluster) -> Harmed:
    """Raises ClusterError where nothing may be harmed."""
    picture = cluster.snapshot()
    if not isinstance(cluster, Faults) or not isinstance(cluster, LocalNodes):
        raise ClusterError("this cluster's nodes can't be harmed from here: check without --faults")
    if picture.copies_each < COPIES_LEAST:
        raise ClusterError(
            "with 1 copy of every key a fault makes keys unreachable: setreplica 2 first (and at least two nodes), or check without"
            " --faults"
        )
    if sum(view.started_here for view in picture.nodes) == 0:
        raise ClusterError("no node was started by kvtui, and others are not harmed: check without --faults")
    return cluster
