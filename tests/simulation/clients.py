"""What clients of a cluster do, and what they are told: every operation is recorded as it began and ended."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, cast

from kvtui.check import Kind, Pending, Recorder
from kvtui.check import Outcome as Told
from kvtui.core import writes
from kvtui.core.cluster import ClusterError, Item, Outcome, Read
from kvtui.core.ring import token_of
from tests.simulation.attached import AttachedClient
from tests.simulation.happened import Event
from tests.simulation.harness import CoordinatorGone, SimCluster
from tests.simulation.plan import Step
from tests.simulation.values import PIECES, name_of, stored

DEADLINE_SECONDS: Final = 5.0
"""An operation ends by then, as README promises it: the product is not asked."""
LAST_CLIENT: Final = 99
"""Who writes and reads when all faults are over."""
LARGE_TRIPS: Final = 4
"""Times that each piece of a large value may be waited for."""


Door = SimCluster | AttachedClient
"""What a client asks."""


class Clients:
    """All clients of one cluster, and what they found wrong at once. ``overtime`` is the most that an operation on one key took, in
    seconds above its deadline."""

    def __init__(
        self, cluster: SimCluster, recorder: Recorder, keys: tuple[bytes, ...], further: tuple[bytes, ...] = ()
    ) -> None:
        """``further`` keys are only used many at a time."""
        self._cluster = cluster
        self._recorder = recorder
        self._keys = keys
        self._further = further
        self.overtime = -DEADLINE_SECONDS
        self._large: set[bytes] = set()
        """Keys that had a value that travels in pieces."""
        self.wrong: list[str] = []
        self.unscanned = ""
        """Why the last scan that failed did."""
        self._doors: dict[int, Door] = {}
        """By which way a client asks."""

    async def take(self, client: int, steps: tuple[Step, ...]) -> None:
        """Take a client's steps, one after the other."""
        attached = self._cluster.attached_client(f"attached{client}")
        for count, step in enumerate(steps):
            await asyncio.sleep(step.pause)
            self._doors[client] = attached if step.attached else self._cluster
            if step.severed is not None:
                asyncio.get_running_loop().call_later(step.severed, self._sever, attached)
            if step.patience is None:
                await self._take(client, count, step)
                continue
            # What is given up has no end: it may have been done, or may be done later.
            with suppress(TimeoutError):
                async with asyncio.timeout(step.patience):
                    await self._take(client, count, step)
                    continue
            self._cluster.happened[Event.GIVEN_UP] += 1

    async def _take(self, client: int, count: int, step: Step) -> None:
        name = f"{client}.{count}"
        if step.scan:
            await self.scan(client)
        elif step.more or step.wide:
            await self._operate_on_many(client, name, step)
        else:
            value = name if step.kind is Kind.PUT else None
            await self.operate(client, step.kind, self._keys[step.key], value, step.large)

    async def operate(self, client: int, kind: Kind, key: bytes, value: str | None, large: bool = False) -> Told:
        """One operation on one key, and how it ended."""
        began = asyncio.get_running_loop().time()
        door = self._door(client)
        pending = self._recorder.begin(client, kind, key.decode(), value)
        if kind is Kind.GET:
            read = await door.get(key)
            _end_read(pending, read)
            outcome = Told(read.outcome)
        else:
            if large:
                self._large.add(key)
            writing = door.delete(key) if value is None else door.put(key, stored(value, large))
            written = await writing
            version = written.version if written.version.epoch else None
            pending.end(Told(written.outcome), None, version, note=written.text)
            outcome = Told(written.outcome)
        if door is self._cluster:
            # The clock of a value in pieces begins anew with each: as it is read, and as it is sent or written back to those that
            # lack it; and it waits for other such values.
            trips = 1 + LARGE_TRIPS * max(PIECES) if key in self._large else 1
            took = asyncio.get_running_loop().time() - began
            self.overtime = max(self.overtime, took - DEADLINE_SECONDS * trips)
        else:
            self._cluster.happened[Event.ATTACHED] += 1
        return outcome

    def attach(self, client: int) -> None:
        """That client asks from a process of its own from here on."""
        self._doors[client] = self._cluster.attached_client(f"attached{client}")

    def _sever(self, attached: AttachedClient) -> None:
        self._cluster.happened[Event.SEVERED] += attached.sever() > 0

    def _door(self, client: int) -> Door:
        return self._doors.get(client, self._cluster)

    async def read_many(self, client: int, keys: Sequence[bytes]) -> list[Read]:
        """Read keys together; each is a get of its own, which began and ended with the others."""
        pending = [self._recorder.begin(client, Kind.GET, key.decode()) for key in keys]
        reads = await self._door(client).get_many(keys)
        for each, read in zip(pending, reads, strict=True):
            _end_read(each, read)
        return reads

    async def _operate_on_many(self, client: int, name: str, step: Step) -> None:
        """Each key of a batch is an operation of its own, which began and ended with the others. One may come twice: of what is
        put, the later value counts."""
        keys = _some(self._keys, step.key, step.more + 1) + _some(self._further, 7 * step.key + client, step.wide)
        if step.kind is Kind.GET:
            await self.read_many(client, [keys[-1], *keys] if step.twice else keys)
            return
        values = [f"{name}.{place}" if step.kind is Kind.PUT else None for place in range(len(keys))]
        pending = [
            self._recorder.begin(client, step.kind, key.decode(), value)
            for key, value in zip(keys, values, strict=True)
        ]
        if step.kind is Kind.PUT:
            # Of a large batch the first value travels in pieces.
            self._large.update(keys[: step.large])
            items = [
                (key, stored(value or "", step.large and not place))
                for place, (key, value) in enumerate(zip(keys, values, strict=True))
            ]
            # Nobody may ever see it.
            overruled = [(keys[-1], f"{name}, overruled".encode())] if step.twice else []
            written = await self._door(client).put_many([*overruled, *items])
        else:
            written = await self._door(client).delete_many([keys[-1], *keys] if step.twice else keys)
        versions = written.versions
        for each, key in zip(pending, keys, strict=True):
            each.end(Told(written.others.get(key, Outcome.OK)), None, versions.get(key), note=written.text)
        ends = {written.others.get(key, Outcome.OK) for key in keys}
        happened = self._cluster.happened
        happened[Event.TORN_BATCH] += len(ends) > 1
        most = writes.BATCHES_AT_ONCE * cast(int, vars(writes)["BATCH_ENTRIES"])
        happened[Event.MANY_REQUESTS] += len(keys) > most and self._door(client) is self._cluster

    async def scan(self, client: int) -> dict[bytes, Item] | None:
        """Read everything: each key is a get of its own, that of one which was not found of nothing, once the scan is at its end.
        None: it failed, and said so."""
        pending = {key: self._recorder.begin(client, Kind.GET, key.decode()) for key in (*self._keys, *self._further)}
        found: dict[bytes, Item] = {}
        last = -1

        def take(page: list[Item]) -> None:
            nonlocal last
            for item in page:
                token = token_of(item.key)
                if token <= last:
                    self.wrong.append(f"a scan gave {item.key!r} twice, or out of order")
                last = token
                found[item.key] = item
                text = None if item.value is None else name_of(item.value)
                if text is None or item.size != len(item.value or b""):
                    self.wrong.append(f"a scan gave {item.key!r} without its value, or with another length")
                if item.key not in pending:
                    self.wrong.append(f"a scan gave {item.key!r}, which nobody ever put")
                elif pending[item.key].ended is None:
                    pending[item.key].end(Told.OK, text, item.version, note="scan")

        try:
            await self._door(client).scan(take)
        except (ClusterError, CoordinatorGone) as error:
            self.unscanned = str(error)
            for each in pending.values():
                if each.ended is None:
                    each.end(Told.FAILED, note=str(error))
            self._cluster.happened[Event.SCAN_FAILED] += 1
            return None
        for each in pending.values():
            if each.ended is None:
                each.end(Told.OK, None, note="scan")
        self._cluster.happened[Event.SCAN] += 1
        return found


def _end_read(pending: Pending, read: Read) -> None:
    text = None if read.value is None else name_of(read.value)
    pending.end(Told(read.outcome), text, read.version, read.stale, read.text)


def _some(keys: tuple[bytes, ...], first: int, count: int) -> list[bytes]:
    """So many of the keys, from one on and round."""
    return [keys[(first + place) % len(keys)] for place in range(min(count, len(keys)))]
