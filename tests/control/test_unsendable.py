"""What can't be put on the wire: who sends it is told at once, and nobody beside it notices. Where writing fails, all are told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kvtui.control.attached import Attached
from kvtui.control.channel import Channel, ConnectionEnded, Unsendable
from kvtui.control.greeting import attach
from kvtui.control.holder import Holder
from kvtui.control.outgoing import Outgoing, Unsent
from kvtui.control.remote import RemoteCluster
from kvtui.control.wire import PIECE_BYTES, PROTOCOL, STREAMS, Get, Hello, Ping, Put, Welcome, encode
from kvtui.core.cluster import ClusterError, Outcome, Read
from kvtui.core.opening import Settings
from kvtui.core.seams.clock import LoopClock
from kvtui.core.version import NEVER
from tests.control.lab import PORT, STATE, Desk, Lab, SimSockets
from tests.control.test_streams import Pipe, run, ticks
from tests.simulation.loop import run_virtual
from tests.simulation.machine import Machine

SOON = 1.0


class Foreign(bytes):
    """Bytes of a class that no encoder knows."""


class Broken(Pipe):
    """A transport that takes no more; uvloop's raises then."""

    aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        raise RuntimeError("unable to perform operation; the handler is closed: secret")

    def abort(self) -> None:
        self.aborted = True

    def is_reading(self) -> bool:
        return True


def attached(story: Callable[[RemoteCluster, Desk], Awaitable[None]]) -> None:
    """Run a story with what is behind the session of a guest, where nothing that is given was looked at yet."""

    async def main() -> None:
        lab = Lab(nodes=2)
        holder, guest = await lab.desk("holder"), await lab.desk("guest")
        behind: Any = guest.session._behind
        await story(behind, guest)
        assert (await guest.session.put(b"after", b"v")).outcome is Outcome.OK
        await guest.leave()
        await holder.leave()

    run_virtual(main)


def test_a_message_that_can_t_be_encoded_is_refused_and_those_beside_it_are_sent() -> None:
    """The whole tick was gone, and everybody who had asked in it waited for ever."""

    async def story(pipe: Pipe, out: Outgoing) -> None:
        out.send(Get(1, b"k"))
        for size in (1, PIECE_BYTES + 1):
            with pytest.raises(Unsent, match=r"^something in it can't be encoded \(TypeError\)$"):
                out.send(Put(2, b"k", Foreign(b"secret")), size)
        out.send(Get(3, b"k"))
        await ticks()
        assert pipe.messages() == [Get(1, b"k"), Get(3, b"k")]
        assert out.waiting == 0

    run(story)


def test_an_operation_that_can_t_be_sent_has_failed_at_once_and_its_neighbours_are_served() -> None:
    async def story(cluster: RemoteCluster, guest: Desk) -> None:
        async with asyncio.timeout(SOON):
            before, bad, after = await asyncio.gather(
                guest.session.put(b"before", b"v"), cluster.put(Foreign(b"secret"), b"v"), guest.session.put(b"a", b"v")
            )
            assert (before.outcome, after.outcome) == (Outcome.OK, Outcome.OK)
            assert bad.outcome is Outcome.FAILED
            assert (
                bad.text == "the request can't be sent to the coordinator: something in it can't be encoded (TypeError)"
            )
            assert (await cluster.get(Foreign(b"secret"))).outcome is Outcome.FAILED
            assert (await cluster.delete(Foreign(b"secret"))).outcome is Outcome.FAILED
            assert (await cluster.put_many([(b"k", b"v"), (b"l", Foreign(b"v"))])).failed == 2
            assert (await cluster.delete_many([Foreign(b"k")])).failed == 1
            assert (await cluster.get_many([b"k", Foreign(b"k")]))[0].outcome is Outcome.FAILED
            with pytest.raises(Unsendable, match=r"^locate can't be asked of the coordinator: something in it"):
                await cluster.locate(Foreign(b"k"))
        assert not cluster._channel._waiting

    attached(story)


def test_a_scan_that_can_t_be_asked_for_takes_no_place() -> None:
    """Each of them kept one of the places of scans and listenings."""

    async def story(cluster: RemoteCluster, guest: Desk) -> None:
        for _ in range(STREAMS + 1):
            with pytest.raises(Unsendable):
                _ = [page async for page in cluster.scan(Foreign(b"secret"))]
        assert [page async for page in guest.session.scan(b"none")] == []

    attached(story)


def test_an_answer_that_can_t_be_sent_is_an_error_to_who_asked_and_to_nobody_else() -> None:
    async def main() -> None:
        lab = Lab(nodes=1)
        holder = await lab.desk("holder")
        whole: Any = holder.session

        class Strange:
            """A cluster with a defect: it gives values of a kind that has no place on the wire."""

            def __getattr__(self, name: str) -> Any:
                return getattr(whole, name)

            async def get(self, key: bytes) -> Read:
                return Read(Outcome.OK, Foreign(b"v" * int(key)), NEVER)

            async def locate(self, key: bytes) -> object:
                return {Foreign(b"secret"): key}

        strange: Any = Strange()
        serving = Holder(strange, lab.clock, "a strange one")
        door = await lab.network.transport(Machine("strange")).listen("127.0.0.1", PORT + 1, serving.make)

        class Elsewhere(SimSockets):
            async def connect(self, state: Any, make: Callable[[], asyncio.Protocol]) -> None:
                await lab.network.transport(Machine("guest")).connect("127.0.0.1", PORT + 1, make)

        ends: list[str] = []
        guest = await attach(Settings(STATE), Elsewhere(holder.transport), lab.clock, ends.append)
        async with asyncio.timeout(SOON):
            good, small, large = await asyncio.gather(guest.put(b"k", b"v"), guest.get(b"1"), guest.get(b"1000000"))
            assert good.outcome is Outcome.OK
            for read in (small, large):
                assert read.outcome is Outcome.FAILED
                assert read.text == "the answer can't be sent: something in it can't be encoded (TypeError)"
            with pytest.raises(ClusterError, match=r"^a defect of kvtui stopped it \(TypeError\); please report it$"):
                await guest.locate(b"k")
        assert ends == []
        guest.close()
        door.close()
        await serving.close()
        await holder.leave()

    run_virtual(main)


def test_where_writing_fails_the_connection_ends_and_all_who_asked_are_told() -> None:
    loop_errors: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: loop_errors.append(context))
        channel, pipe = Channel(LoopClock(), "a program"), Pipe()
        pipe.abort = lambda: None  # type: ignore[method-assign]
        channel.connection_made(pipe)
        channel.data_received(encode(Welcome(PROTOCOL, "the holder")) + b"\n")
        asked = asyncio.ensure_future(channel.ask(lambda number: Get(number, b"k"), 0))
        await ticks()
        assert channel._out is not None
        channel._out._transport = Broken()
        later = asyncio.ensure_future(channel.ask(lambda number: Get(number, b"k"), 0))
        for waiting in (asked, later):
            with pytest.raises(
                ConnectionEnded,
                match=r"^the connection to the holder was given up: writing to it failed \(RuntimeError\)$",
            ):
                await asyncio.wait_for(waiting, SOON)
        with pytest.raises(ClusterError):
            await channel.greeted
        assert not channel.open

    run_virtual(main)
    assert loop_errors == []


def test_where_writing_answers_fails_the_attached_one_is_let_go_and_what_runs_for_it_ends() -> None:
    loop_errors: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: loop_errors.append(context))
        lab = Lab(nodes=1)
        holder = await lab.desk("holder")
        gone: list[Attached] = []
        connection, pipe = Attached(holder.session, lab.clock, "the holder", "", gone.append), Broken()
        greeting = Pipe()
        connection.connection_made(greeting)
        connection.data_received(encode(Hello(PROTOCOL, "a program")) + b"\n")
        await ticks()
        assert connection._out is not None
        connection._transport = connection._out._transport = pipe
        connection.data_received(encode(Get(1, b"k")) + b"\n" + encode(Ping()) + b"\n")
        await ticks()
        assert gone == [connection]
        assert pipe.aborted
        await asyncio.wait_for(connection.ended(), SOON)
        await holder.leave()

    run_virtual(main)
    assert loop_errors == []


def test_a_program_that_breaks_as_it_is_told_how_far_a_scan_came_ends_the_scan_alone() -> None:
    """It ended the connection, with everybody's operations on it in doubt."""

    def breaks(_: float) -> None:
        raise KeyError("secret")

    async def story(_: RemoteCluster, guest: Desk) -> None:
        await guest.session.put(b"k", b"v")
        under_way = asyncio.ensure_future(guest.session.put(b"beside", b"v"))
        with pytest.raises(KeyError):
            _pages = [page async for page in guest.session.scan(passed=breaks)]
        assert (await under_way).outcome is Outcome.OK
        assert guest.session.holder != ""
        assert (await guest.session.get(b"k")).value == b"v"

    attached(story)
