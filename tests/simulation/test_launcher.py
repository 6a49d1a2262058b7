"""Nodes on simulated machines: the real node's code, started, signalled and started again."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kvtui.core.protocol import Del, Facts, Get, Heartbeat, Put, Reply, Request, decode_reply, encode
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.launcher import Launcher, LaunchFailed, NodeSpec
from kvtui.core.seams.transport import Unreachable
from kvtui.core.version import Version
from tests.simulation.disks import SimDisks
from tests.simulation.launcher import SimLauncher
from tests.simulation.loop import SimClock, run_virtual
from tests.simulation.machine import Machine
from tests.simulation.transport import SimNetwork

SPEC = NodeSpec("n1", "127.0.0.1", 7101, Path("nodes/n1"))
IN_MEMORY = NodeSpec("n1", "127.0.0.1", 7101, None)


class Bench(asyncio.Protocol):
    """A launcher, and a client with one stream to a node."""

    def __init__(self) -> None:
        self.network = SimNetwork()
        self.disks = SimDisks()
        self.launcher = SimLauncher(self.network, self.disks, SimClock(), SeededRandom(0))
        self.client = self.network.transport(Machine("client"))
        self.lost = False
        self._transport: asyncio.Transport | None = None
        self._received = b""

    async def ask(self, request: Request, seconds: float = 5) -> Reply:
        """One request, one reply. Raises TimeoutError, Unreachable, ConnectionError."""
        if self._transport is None:
            await self.client.connect(SPEC.host, SPEC.port, lambda: self)
        assert self._transport is not None
        self._received = b""
        self._transport.write(encode(request) + b"\n")
        async with asyncio.timeout(seconds):
            while not self._received.endswith(b"\n"):
                if self.lost:
                    raise ConnectionError
                await asyncio.sleep(0.001)
        return decode_reply(self._received)

    async def facts(self) -> Facts:
        facts = (await self.ask(Heartbeat())).facts
        assert facts is not None
        return facts

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self.lost = transport, False

    def data_received(self, data: bytes) -> None:
        self._received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self.lost = None, True


def on_bench(test: Callable[[Bench], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(Bench())

    run_virtual(main)


def test_a_node_starts_serves_and_ends_in_order() -> None:
    async def test(bench: Bench) -> None:
        launcher: Launcher = bench.launcher
        process = await launcher.start(SPEC)
        assert (process.address, process.alive) == (("127.0.0.1", 7101), True)
        assert (await bench.ask(Put(key="a", value="1"))).status == "ok"
        assert (await bench.ask(Get(key="a"))).value == "1"
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert (process.alive, bench.lost) == (False, False)
        await asyncio.sleep(0.01)
        assert bench.lost
        with pytest.raises(Unreachable, match="refused"):
            await bench.ask(Get(key="a"))
        process.signal(signal.SIGKILL)
        assert await process.wait() == 0

    on_bench(test)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_node_s_data_outlives_it(end: int) -> None:
    async def test(bench: Bench) -> None:
        process = await bench.launcher.start(SPEC)
        await bench.ask(Put(key="a", value="1"))
        before = await bench.facts()
        process.signal(end)
        assert await process.wait() == (-9 if end == signal.SIGKILL else 0)
        await asyncio.sleep(0.1)
        again = await bench.launcher.start(SPEC)
        assert again.pid != process.pid
        assert (await bench.ask(Get(key="a"))).version == Version(0, 1)
        assert (await bench.facts()).data_id == before.data_id

    on_bench(test)


def test_discarded_data_is_gone() -> None:
    async def test(bench: Bench) -> None:
        process = await bench.launcher.start(SPEC)
        await bench.ask(Put(key="a", value="1"))
        before = await bench.facts()
        process.signal(signal.SIGKILL)
        bench.launcher.discard(SPEC)
        await asyncio.sleep(0.1)
        await bench.launcher.start(SPEC)
        assert (await bench.ask(Get(key="a"))).status == "not_found"
        assert (await bench.facts()).data_id != before.data_id

    on_bench(test)


def test_a_node_in_memory_is_empty_in_its_next_life() -> None:
    async def test(bench: Bench) -> None:
        process = await bench.launcher.start(IN_MEMORY)
        await bench.ask(Put(key="a", value="1"))
        assert not (await bench.facts()).durable
        process.signal(signal.SIGKILL)
        await asyncio.sleep(0.1)
        await bench.launcher.start(IN_MEMORY)
        assert (await bench.ask(Get(key="a"))).status == "not_found"

    on_bench(test)


def test_a_killed_node_answers_nothing_more() -> None:
    async def test(bench: Bench) -> None:
        process = await bench.launcher.start(SPEC)
        await bench.ask(Put(key="a", value="1"))
        bench.network.slow("n1", 0.1)
        asking = asyncio.create_task(bench.ask(Del(key="a")))
        await asyncio.sleep(0.05)
        process.signal(signal.SIGKILL)
        with pytest.raises(ConnectionError):
            await asking
        assert bench.disks.writes["n1"] == 2

    on_bench(test)


def test_a_stopped_node_answers_when_it_continues() -> None:
    async def test(bench: Bench) -> None:
        process = await bench.launcher.start(SPEC)
        await bench.ask(Heartbeat())
        process.signal(signal.SIGSTOP)
        assert process.alive
        asking = asyncio.create_task(bench.ask(Put(key="a", value="1"), seconds=30))
        await asyncio.sleep(20)
        assert not asking.done()
        process.signal(signal.SIGCONT)
        assert (await asking).status == "ok"

    on_bench(test)


def test_a_stopped_node_ends_once_it_continues_or_is_killed() -> None:
    async def test(bench: Bench) -> None:
        process = await bench.launcher.start(SPEC)
        process.signal(signal.SIGSTOP)
        process.signal(signal.SIGTERM)
        await asyncio.sleep(10)
        assert process.alive
        process.signal(signal.SIGCONT)
        assert await process.wait() == 0
        second = await bench.launcher.start(SPEC)
        second.signal(signal.SIGSTOP)
        second.signal(signal.SIGKILL)
        assert await second.wait() == -9

    on_bench(test)


def test_a_crash_within_a_write_ends_the_node_without_an_answer() -> None:
    async def test(bench: Bench) -> None:
        process = await bench.launcher.start(SPEC)
        await bench.ask(Put(key="a", value="1"))
        bench.disks.crash_at("n1", 1, written=True)
        with pytest.raises(ConnectionError):
            await bench.ask(Put(key="a", value="2"))
        assert await process.wait() == -9
        await bench.launcher.start(SPEC)
        assert (await bench.ask(Get(key="a"))).value == "2"

    on_bench(test)


def test_a_node_that_cannot_start_says_why() -> None:
    async def test(bench: Bench) -> None:
        first = await bench.launcher.start(SPEC)
        with pytest.raises(LaunchFailed, match=rf"nodes/n1 is in use by kvtui-node .*, process {first.pid}"):
            await bench.launcher.start(NodeSpec("n2", "127.0.0.1", 7102, SPEC.data))
        with pytest.raises(LaunchFailed, match="Address already in use"):
            await bench.launcher.start(NodeSpec("n2", "127.0.0.1", 7101, Path("nodes/n2")))
        await bench.launcher.start(NodeSpec("n2", "127.0.0.1", 7102, Path("nodes/n2")))
        bench.disks.crash_at("n3", 1, written=False)
        with pytest.raises(LaunchFailed, match="node n3 ended before it accepted"):
            await bench.launcher.start(NodeSpec("n3", "127.0.0.1", 0, Path("nodes/n3")))

    on_bench(test)


def test_nodes_end_in_order_with_their_parent() -> None:
    async def test(bench: Bench) -> None:
        alone = await bench.launcher.start(SPEC)
        bench.launcher.parent = Machine("coordinator")
        child = await bench.launcher.start(NodeSpec("n2", "127.0.0.1", 0, None))
        bench.launcher.parent.crash()
        assert await child.wait() == 0
        assert alone.alive

    on_bench(test)
