"""Who is compared: the name, the client, the event loop, the server, and the cases that make sense for it."""

from dataclasses import dataclass
from typing import Final, Literal

Client = Literal["kvtui", "redis-py", "coredis", "redis-cluster", "redis-benchmark"]
Loop = Literal["asyncio", "uvloop", "C"]

_ALL: Final = ("put-1", "get-1", "put-64", "get-64", "put-256", "get-256", "put-many")
_SOME: Final = ("put-1", "get-1", "put-64", "get-64", "put-many")
_DURABLE: Final = ("put-1", "put-64", "get-64", "put-many")


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of the table. ``hidden``: packages that its processes don't see, as if they were not installed."""

    name: str
    client: Client
    loop: Loop
    says: str
    cases: tuple[str, ...]
    copies: int = 1
    durable: bool = False
    hidden: tuple[str, ...] = ()


def _kvtui() -> list[Contender]:
    found = []
    for durable in (False, True):
        for copies in (1, 2):
            for loop in ("asyncio", "uvloop"):
                name = f"kvtui-{loop}-{copies}" + ("-durable" if durable else "")
                says = f"kvtui, {loop}, {'durable' if durable else 'memory'}, N={copies}"
                cases = _DURABLE if durable else _ALL
                if (copies, durable, loop) == (1, False, "uvloop"):
                    cases = (*cases, "memory")
                hidden = ("uvloop",) if loop == "asyncio" else ()
                found.append(Contender(name, "kvtui", loop, says, cases, copies, durable, hidden))
    return found


def _redis_py() -> list[Contender]:
    found = []
    for durable in (False, True):
        server = "valkey, appendfsync always" if durable else "valkey"
        ending = "-always" if durable else ""
        cases = (*(_DURABLE if durable else _ALL), "mset")
        for loop in ("asyncio", "uvloop"):
            for hiredis in (False, True):
                name = f"redis-py{'-hiredis' if hiredis else ''}-{loop}{ending}"
                says = f"redis-py{' + hiredis' if hiredis else ''}, {loop}, {server}"
                own = (*cases, "memory") if name == "redis-py-uvloop" else cases
                hidden = () if hiredis else ("hiredis",)
                found.append(Contender(name, "redis-py", loop, says, own, durable=durable, hidden=hidden))
    return found


def _others() -> list[Contender]:
    return [
        Contender("coredis-asyncio", "coredis", "asyncio", "coredis, asyncio, valkey", _ALL),
        Contender("coredis-uvloop", "coredis", "uvloop", "coredis, uvloop, valkey", _ALL),
        Contender(
            "coredis-uvloop-always",
            "coredis",
            "uvloop",
            "coredis, uvloop, valkey, appendfsync always",
            _DURABLE,
            durable=True,
        ),
        Contender(
            "redis-cluster-asyncio",
            "redis-cluster",
            "asyncio",
            "redis-py RedisCluster, asyncio, three valkeys",
            _SOME,
            hidden=("hiredis",),
        ),
        Contender(
            "redis-cluster-hiredis-uvloop",
            "redis-cluster",
            "uvloop",
            "redis-py RedisCluster + hiredis, uvloop, three valkeys",
            _SOME,
        ),
        Contender("redis-benchmark", "redis-benchmark", "C", "redis-benchmark -c 50 (C), valkey", ("put-64", "get-64")),
    ]


CONTENDERS: Final = {contender.name: contender for contender in (*_kvtui(), *_redis_py(), *_others())}
