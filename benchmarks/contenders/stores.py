"""Each client as its user would use it, behind one set of names."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contenders import valkey
from contenders.cases import BATCH
from contenders.roster import Contender

Items = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Store:
    """How a contender puts and gets. ``stored`` and ``found`` judge what put and get came to."""

    put: Callable[[bytes, bytes], Awaitable[Any]]
    stored: Callable[[Any], bool]
    get: Callable[[bytes], Awaitable[Any]]
    found: Callable[[Any], bool]
    many: Callable[[Items], Awaitable[bool]]
    mset: Callable[[Items], Awaitable[bool]] | None = None


@asynccontextmanager
async def opened(contender: Contender, directory: Path, tasks: int) -> AsyncIterator[Store]:
    """Its servers and its client, with connections for so many tasks, until the block ends."""
    match contender.client:
        case "kvtui":
            opening = _kvtui(contender, directory)
        case "redis-py":
            opening = _redis_py(contender, directory, tasks)
        case "coredis":
            opening = _coredis(contender, directory, tasks)
        case "redis-cluster":
            opening = _redis_cluster(directory, tasks)
        case "redis-benchmark":
            raise ValueError("redis-benchmark is no Python client")
    async with opening as store:
        yield store


async def fill(store: Store, items: Items) -> None:
    """Store all of them the fastest way there is. Raises RuntimeError where one can't be."""
    fastest = store.mset or store.many
    for start in range(0, len(items), BATCH):
        if not await fastest(items[start : start + BATCH]):
            raise RuntimeError("the keys could not be stored before the measurement")


@asynccontextmanager
async def _kvtui(contender: Contender, directory: Path) -> AsyncIterator[Store]:
    from kvtui.core.cluster import Outcome, Read, Written
    from kvtui.core.opening import Settings, open_cluster

    ok = Outcome.OK

    def stored(written: Written) -> bool:
        return written.outcome is ok

    def found(read: Read) -> bool:
        return read.value is not None

    state = directory / "kvtui" if contender.durable else None
    async with open_cluster(Settings(state, name="peers", nodes=3, replication=contender.copies)) as cluster:

        async def many(items: Items) -> bool:
            return (await cluster.put_many(items)).ok == len(items)

        yield Store(cluster.put, stored, cluster.get, found, many)


@asynccontextmanager
async def _redis_py(contender: Contender, directory: Path, tasks: int) -> AsyncIterator[Store]:
    from redis.asyncio import ConnectionPool, Redis

    with valkey.serving(directory / "valkey", always=contender.durable) as port:
        pool = ConnectionPool(host="127.0.0.1", port=port, max_connections=tasks)
        async with Redis.from_pool(pool) as client:

            async def many(items: Items) -> bool:
                async with client.pipeline(transaction=False) as pipeline:
                    for key, value in items:
                        pipeline.set(key, value)
                    return all(await pipeline.execute())

            async def mset(items: Items) -> bool:
                return bool(await client.mset(dict(items)))

            yield Store(client.set, bool, client.get, _present, many, mset)


@asynccontextmanager
async def _coredis(contender: Contender, directory: Path, tasks: int) -> AsyncIterator[Store]:
    from coredis import Redis

    with valkey.serving(directory / "valkey", always=contender.durable) as port:
        async with Redis(host="127.0.0.1", port=port, max_connections=tasks) as client:

            async def many(items: Items) -> bool:
                async with client.pipeline(transaction=False) as pipeline:
                    answers = [pipeline.set(key, value) for key, value in items]
                return all([await answer for answer in answers])

            async def mset(items: Items) -> bool:
                return bool(await client.mset(dict(items)))

            yield Store(client.set, bool, client.get, _present, many, mset)


@asynccontextmanager
async def _redis_cluster(directory: Path, tasks: int) -> AsyncIterator[Store]:
    from redis.asyncio import RedisCluster

    with valkey.serving_cluster(directory / "valkey") as ports:
        async with RedisCluster(host="127.0.0.1", port=ports[0], max_connections=tasks) as client:

            async def many(items: Items) -> bool:
                async with client.pipeline() as pipeline:
                    for key, value in items:
                        pipeline.set(key, value)
                    return all(await pipeline.execute())

            yield Store(client.set, bool, client.get, _present, many)


def _present(value: object) -> bool:
    return value is not None
