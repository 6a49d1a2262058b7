"""A node under virtual time, and clients that speak to it byte by byte."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kvtui.core.authentication import Secret
from kvtui.core.node_access import NodeAccess
from kvtui.core.protocol import Hello, Reply, Request, decode_reply, encode_lines
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.seams.storage import StorageEngine
from kvtui.node.gate import Gate
from kvtui.node.server import NodeServer
from kvtui.node.store import OPENING_ENTRIES, Store
from tests.simulation.loop import SimClock, run_virtual
from tests.simulation.machine import Machine
from tests.simulation.transport import SimNetwork

CLUSTER = "ring"


class Client(asyncio.Protocol):
    """One connection, which reads only as fast as its test says."""

    def __init__(self) -> None:
        self.received = b""
        self.closed = False
        self._wakers: list[asyncio.Future[None]] = []
        self._ids = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._wake()

    def send(self, data: bytes) -> None:
        self.transport.write(data)

    async def ask(self, *requests: Request) -> list[Reply]:
        """The replies to requests that leave in one write."""
        self.send(encode_lines(requests))
        return [await self.reply() for _ in requests]

    async def one(self, request: Request) -> Reply:
        (reply,) = await self.ask(request)
        return reply

    async def reply(self) -> Reply:
        """The next reply that ends with a newline. Raises EOFError when the connection ends first."""
        while b"\n" not in self.received:
            if self.closed:
                raise EOFError(self.received)
            await self._change()
        line, _, self.received = self.received.partition(b"\n")
        return decode_reply(line)

    async def rest(self) -> bytes:
        """All that comes until the node closes the connection."""
        while not self.closed:
            await self._change()
        rest, self.received = self.received, b""
        return rest

    async def _change(self) -> None:
        waker = asyncio.get_running_loop().create_future()
        self._wakers.append(waker)
        await waker

    def _wake(self) -> None:
        wakers, self._wakers = self._wakers, []
        for waker in wakers:
            if not waker.done():
                waker.set_result(None)


class Bench:
    """A node and its network. ``slots`` is what its coordinators say."""

    def __init__(
        self,
        engine: StorageEngine | None = None,
        *,
        seed: int = 0,
        split: float = 0.0,
        slots: int = 8,
        secret: Secret | None = None,
        at_opening: int = OPENING_ENTRIES,
    ) -> None:
        self.engine = engine if engine is not None else MemoryEngine()
        self.store = Store(self.engine, SeededRandom(seed), at_opening=at_opening)
        self.slots = slots
        self.failures: list[Exception] = []
        self.clock = SimClock()
        self._network = SimNetwork(seed, split=split)
        self._machine = Machine("node")
        self.said: list[str] = []
        """What the node told its operator."""
        self.gate = None if secret is None else Gate(secret, SeededRandom(seed + 1), self.clock, self.said.append)
        self.server = NodeServer(
            self.store,
            self._network.transport(self._machine),
            self.clock,
            failed=self.failures.append,
            gate=self.gate,
            told=self.said.append,
        )
        self._clients = self._network.transport(Machine("clients"))
        self._chance = SeededRandom(seed + 2)
        self._sessions = 0

    async def client(self) -> Client:
        """A new connection."""
        client = Client()
        await self.connect(lambda: client)
        return client

    async def connect(self, make: Callable[[], asyncio.Protocol]) -> None:
        """A new connection of another kind."""
        await self._clients.connect(*self.server.address, make)

    def access(self, secret: Secret | None) -> NodeAccess:
        """The way to the node that a coordinator with that secret takes."""
        return NodeAccess(self._clients, secret, self._chance, self.clock)

    async def coordinator(self, *, epoch: int = 1, name: str = "c1", cluster: str = CLUSTER) -> Client:
        """A new connection whose hello was accepted."""
        client = await self.client()
        reply = await client.one(self.hello(epoch=epoch, name=name, cluster=cluster))
        assert reply.status == "ok", reply
        return client

    def hello(self, *, epoch: int = 1, name: str = "c1", cluster: str = CLUSTER, join: bool = True) -> Hello:
        """The hello of a new session."""
        self._sessions += 1
        return Hello(
            cluster=cluster, coordinator=name, epoch=epoch, session=self._sessions, slots=self.slots, join=join
        )


def on_a_node(story: Callable[[Bench], Awaitable[None]], engine: StorageEngine | None = None, **settings: Any) -> Bench:
    """Tell ``story`` to a started node under virtual time."""

    async def told() -> Bench:
        bench = Bench(engine, **settings)
        await bench.server.start()
        await story(bench)
        if not bench.failures:
            await bench.server.close()
        return bench

    return run_virtual(told, seed=settings.get("seed", 0))
