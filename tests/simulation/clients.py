"""What clients of a cluster do, and what they are told: every operation is recorded as it began and ended."""

import asyncio
from typing import Final

from kvtui.check import Kind, Recorder
from kvtui.check import Outcome as Told
from kvtui.core.cluster import Outcome
from kvtui.core.protocol import INLINE_BYTES
from tests.simulation.harness import SimCluster
from tests.simulation.plan import Step

LAST_CLIENT: Final = 99
"""Who writes and reads when all faults are over."""


class Clients:
    """All clients of one cluster. ``slowest`` is the longest that an operation on one key took, in seconds."""

    def __init__(self, cluster: SimCluster, recorder: Recorder, keys: tuple[bytes, ...]) -> None:
        self._cluster = cluster
        self._recorder = recorder
        self._keys = keys
        self.slowest = 0.0

    async def take(self, client: int, steps: tuple[Step, ...]) -> None:
        """Take a client's steps, one after the other."""
        for count, step in enumerate(steps):
            await asyncio.sleep(step.pause)
            if step.more:
                await self._operate_on_many(client, count, step)
                continue
            value = f"{client}.{count}"
            await self.operate(
                client, step.kind, self._keys[step.key], value if step.kind is Kind.PUT else None, step.large
            )

    async def operate(self, client: int, kind: Kind, key: bytes, value: str | None, large: bool = False) -> Told:
        """One operation on one key, and how it ended."""
        began = asyncio.get_running_loop().time()
        pending = self._recorder.begin(client, kind, key.decode(), value)
        if kind is Kind.GET:
            read = await self._cluster.get(key)
            text = None if read.value is None else as_written(read.value)
            pending.end(Told(read.outcome), text, read.version, read.stale, read.text)
            outcome = Told(read.outcome)
        else:
            stored = (value or "").encode() + b" " * (INLINE_BYTES if large else 0)
            written = await (self._cluster.put(key, stored) if kind is Kind.PUT else self._cluster.delete(key))
            version = written.version if written.version.epoch else None
            pending.end(Told(written.outcome), None, version, note=written.text)
            outcome = Told(written.outcome)
        self.slowest = max(self.slowest, asyncio.get_running_loop().time() - began)
        return outcome

    async def _operate_on_many(self, client: int, count: int, step: Step) -> None:
        """Each key of a batch is an operation of its own, which began and ended with the others."""
        keys = [self._keys[(step.key + place) % len(self._keys)] for place in range(step.more + 1)]
        values = [f"{client}.{count}.{place}" if step.kind is Kind.PUT else None for place in range(len(keys))]
        pending = [
            self._recorder.begin(client, step.kind, key.decode(), value)
            for key, value in zip(keys, values, strict=True)
        ]
        if step.kind is Kind.GET:
            for each, read in zip(pending, await self._cluster.get_many(keys), strict=True):
                text = None if read.value is None else as_written(read.value)
                each.end(Told(read.outcome), text, read.version, read.stale, read.text)
            return
        if step.kind is Kind.PUT:
            items = [(key, (value or "").encode()) for key, value in zip(keys, values, strict=True)]
            written = await self._cluster.put_many(items)
        else:
            written = await self._cluster.delete_many(keys)
        for each, key in zip(pending, keys, strict=True):
            each.end(Told(written.others.get(key, Outcome.OK)), note=written.text)


def as_written(stored: bytes) -> str:
    """What was written, if it is whole."""
    text = stored.decode().rstrip()
    whole = len(stored) in (len(text), len(text) + INLINE_BYTES)
    return text if whole else f"{text}, cut"
