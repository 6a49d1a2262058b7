"""Doing a case: so many tasks, for so long, and what it cost."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from contenders.cases import BATCH, Case, batches
from contenders.processes import descendants, processor_seconds
from contenders.stores import Items, Store

WARM_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Measured:
    """One case of one round. Seconds: of the clock, of the client's processor time, of its servers'."""

    case: str
    operations: int
    seconds: float
    client_seconds: float
    server_seconds: float


async def measured(store: Store, case: Case, keys: Items, seconds: float) -> Measured:
    """The case for so many seconds, after a little of it that does not count."""
    await worked(store, case, keys, WARM_SECONDS)
    gc.collect()
    servers = descendants()
    server, client, begun = processor_seconds(servers), time.process_time(), time.perf_counter()
    done = await worked(store, case, keys, seconds)
    took, client = time.perf_counter() - begun, time.process_time() - client
    return Measured(case.name, done, took, client, processor_seconds(servers) - server)


async def worked(store: Store, case: Case, keys: Items, seconds: float) -> int:
    """Operations that its tasks finish within so many seconds. Raises RuntimeError where one fails."""
    end = time.perf_counter() + seconds
    if case.kind in ("many", "mset"):
        many = store.many if case.kind == "many" else store.mset
        assert many is not None
        return await _batches(many, keys, end)
    shared = cycle(keys)
    client = _puts if case.kind == "put" else _gets
    return sum(await asyncio.gather(*(client(store, shared, end) for _ in range(case.tasks))))


async def _puts(store: Store, keys: Iterator[tuple[bytes, bytes]], end: float) -> int:
    put, stored, now, done = store.put, store.stored, time.perf_counter, 0
    while now() < end:
        key, value = next(keys)
        if not stored(await put(key, value)):
            raise RuntimeError("a put failed")
        done += 1
    return done


async def _gets(store: Store, keys: Iterator[tuple[bytes, bytes]], end: float) -> int:
    get, found, now, done = store.get, store.found, time.perf_counter, 0
    while now() < end:
        key, _ = next(keys)
        if not found(await get(key)):
            raise RuntimeError("a get found nothing")
        done += 1
    return done


async def _batches(many: Callable[[Items], Awaitable[bool]], keys: Items, end: float) -> int:
    done = 0
    for batch in batches(keys):
        if time.perf_counter() >= end:
            break
        if not await many(batch):
            raise RuntimeError("a batch failed")
        done += BATCH
    return done
