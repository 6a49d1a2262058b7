"""What a holder does with those who do not keep to the protocol or its limits: one clear line, and everybody else is served on."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from kvtui.control import attached
from kvtui.control.attached import Attached
from kvtui.control.channel import Channel, TurnedAway
from kvtui.control.wire import (
    ATTACHED,
    EVENTS,
    HELLO_SECONDS,
    IN_FLIGHT,
    PROTOCOL,
    SLOW_READER_SECONDS,
    STREAMS,
    Ask,
    Cancel,
    Farewell,
    Get,
    Hello,
    Listen,
    More,
    Put,
    Reply,
    Scan,
    Welcome,
    Wrote,
    decode_welcome,
    encode,
    encode_lines,
    replies,
)
from kvtui.core.cluster import ClusterError, Outcome
from tests.control.lab import PORT, Desk, Lab
from tests.simulation.loop import run_virtual
from tests.simulation.machine import Machine

MIB = 1024 * 1024

Story = Callable[[Lab, Desk], Awaitable[None]]


class Stranger(asyncio.Protocol):
    """A connection whose bytes a test writes itself."""

    def __init__(self) -> None:
        self.received = b""
        self.closed = asyncio.Event()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def send(self, *messages: msgspec.Struct) -> None:
        self.transport.write(encode_lines(messages))

    @property
    def welcome(self) -> Welcome:
        return decode_welcome(self.received.partition(b"\n")[0])

    @property
    def replies(self) -> list[Reply]:
        return replies.decode_lines(self.received.partition(b"\n")[2].rpartition(b"\n")[0])

    async def let_go(self) -> str:
        """Wait for the end; what was said last."""
        async with asyncio.timeout(60):
            await self.closed.wait()
        last = self.replies[-1]
        assert isinstance(last, Farewell)
        return last.reason


async def stranger(lab: Lab, *, greets: bool = True, name: str = "stranger") -> Stranger:
    made: list[Stranger] = []

    def make() -> Stranger:
        made.append(Stranger())
        return made[0]

    await lab.network.transport(Machine(name)).connect("127.0.0.1", PORT, make)
    if greets:
        made[0].send(Hello(PROTOCOL, "a stranger"))
        await asyncio.sleep(1)
        assert made[0].welcome.refusal == ""
    return made[0]


def held(story: Story, *, nodes: int = 1) -> None:
    """Run a story with a holder; afterwards somebody else is served as ever."""

    async def main() -> None:
        lab = Lab(nodes=nodes)
        holder = await lab.desk("holder")
        await story(lab, holder)
        guest = await lab.desk("guest")
        assert (await guest.session.put(b"k", b"v")).outcome is Outcome.OK
        await guest.leave()
        await holder.leave()

    run_virtual(main)


def test_another_version_is_refused_in_one_clear_line() -> None:
    async def story(lab: Lab, _: Desk) -> None:
        other = await stranger(lab, greets=False)
        other.transport.write(b'{"kvtui":"attach","protocol":99,"who":"a later kvtui","more":[1]}\n')
        await other.closed.wait()
        assert other.welcome.refusal == (
            f"kvtui holder (process 6) is of another version (protocol {PROTOCOL}, not 99): use the same kvtui for both"
        )

    held(story)


def test_a_holder_of_another_version_is_told_in_one_clear_line() -> None:
    async def main() -> None:
        lab = Lab()
        channel = Channel(lab.clock, "me")
        stream = _Silent()
        channel.connection_made(stream)
        channel.data_received(b'{"kvtui":"holder","protocol":99,"who":"kvtui serve (process 7)","more":1}\n[]\n')
        with pytest.raises(TurnedAway) as refused:
            await channel.greeted
        assert str(refused.value) == (
            f"kvtui serve (process 7) is of another version (protocol 99, not {PROTOCOL}): use the same kvtui for both"
        )
        assert not channel.open

    run_virtual(main)


class _Silent(asyncio.Transport):
    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def abort(self) -> None: ...


DEEP = b'{"kvtui":' + b"[" * 50_000 + b"\n"


@pytest.mark.parametrize(
    "line", [b"GET / HTTP/1.1\r\n", b"{}\n", b'{"kvtui":"attach"}\n', b"\xff\xfe\n", pytest.param(DEEP, id="too deep")]
)
def test_who_does_not_greet_as_a_kvtui_is_turned_away(line: bytes) -> None:
    async def story(lab: Lab, _: Desk) -> None:
        other = await stranger(lab, greets=False)
        other.transport.write(line)
        await other.closed.wait()
        assert other.welcome.refusal == "that is not how a kvtui attaches"

    held(story)


def test_who_does_not_greet_in_time_is_turned_away() -> None:
    async def story(lab: Lab, _: Desk) -> None:
        began = asyncio.get_running_loop().time()
        other = await stranger(lab, greets=False)
        await other.closed.wait()
        assert asyncio.get_running_loop().time() - began < HELLO_SECONDS + 1
        assert other.welcome.refusal == f"nothing came within {HELLO_SECONDS:g} s"

    held(story)


def test_no_more_than_the_limit_attach_and_the_next_is_told() -> None:
    async def story(lab: Lab, _: Desk) -> None:
        others = [await stranger(lab, name=f"stranger{number}") for number in range(ATTACHED)]
        with pytest.raises(ClusterError, match=f"{ATTACHED} are attached to kvtui holder"):
            await lab.desk("guest")
        for other in others:
            other.transport.close()
        await asyncio.sleep(1)

    held(story)


def test_more_requests_in_flight_than_the_limit_end_the_connection() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        await holder.session.pause_node("n1")
        other = await stranger(lab)
        other.send(*(Get(number, b"k") for number in range(IN_FLIGHT + STREAMS + 1)))
        assert await other.let_go() == f"it has more than {IN_FLIGHT + STREAMS:,} requests in flight"
        await holder.session.resume_node("n1")
        await asyncio.sleep(5)

    held(story)


def test_an_attached_process_waits_rather_than_ask_too_much() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        guest = await lab.desk("guest")
        puts = [asyncio.ensure_future(guest.session.put(b"%d" % number, b"v")) for number in range(2 * IN_FLIGHT)]
        assert {written.outcome for written in await asyncio.gather(*puts)} == {Outcome.OK}
        await guest.leave()

    held(story)


def test_an_id_that_is_in_use_ends_the_connection() -> None:
    async def story(lab: Lab, _: Desk) -> None:
        other = await stranger(lab)
        other.send(Get(1, b"k"), Get(1, b"l"))
        assert await other.let_go() == "it used an id twice"

    held(story)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Ask(1, "close", msgspec.Raw(b"[]")), "it asked for 'close', which there is not"),
        (Ask(1, "locate", msgspec.Raw(b"[1]")), "it asked for locate with other arguments"),
        (Ask(1, "locate", msgspec.Raw(b'["",""]')), "it asked for locate with other arguments"),
    ],
)
def test_what_is_no_call_ends_the_connection(message: Ask, reason: str) -> None:
    async def story(lab: Lab, _: Desk) -> None:
        other = await stranger(lab)
        other.send(message)
        assert await other.let_go() == reason

    held(story)


def test_nobody_asks_for_more_parts_than_the_limit() -> None:
    async def story(lab: Lab, _: Desk) -> None:
        other = await stranger(lab)
        other.send(Listen(1), More(1, EVENTS + 1))
        assert await other.let_go() == f"it wants {EVENTS + 1:,} more parts at once"

    held(story)


def test_what_came_for_nobody_is_left() -> None:
    async def story(lab: Lab, _: Desk) -> None:
        other = await stranger(lab)
        other.send(Cancel(7), More(7, 1), Put(1, b"k", b"v"))
        await asyncio.sleep(1)
        assert isinstance(other.replies[-1], Wrote)
        other.transport.close()

    held(story)


def test_a_process_has_a_limit_of_scans() -> None:
    async def story(lab: Lab, _: Desk) -> None:
        guest = await lab.desk("guest")
        listeners = [guest.session._behind.events() for _ in range(STREAMS)]
        begun = [asyncio.ensure_future(anext(one)) for one in listeners]
        await asyncio.sleep(1)
        with pytest.raises(ClusterError, match=f"{STREAMS} scans"):
            async for _page in guest.session.scan():
                pass
        for one in begun:
            one.cancel()
        await guest.leave()

    held(story)


def _visitors(lab: Lab) -> list[Attached]:
    ends = [end for connection in lab.network.connections for end in connection.ends]
    return [protocol for end in ends if isinstance(protocol := end.get_protocol(), Attached)]


def test_large_values_under_way_hold_back_their_sender_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "IN_FLIGHT_BYTES", MIB)

    async def story(lab: Lab, holder: Desk) -> None:
        guest, other = await lab.desk("guest"), await lab.desk("other")
        await holder.session.pause_node("n1")
        value = bytes(250_000)
        puts = [asyncio.ensure_future(guest.session.put(b"%d" % number, value)) for number in range(20)]
        most = 0
        for _ in range(20):
            await asyncio.sleep(0.05)
            most = max([most, *(visitor._held for visitor in _visitors(lab))])
        assert MIB < most < 2 * MIB
        assert other.session.snapshot().nodes
        await holder.session.resume_node("n1")
        ends = {written.outcome for written in await asyncio.gather(*puts)}
        assert ends <= {Outcome.OK, Outcome.FAILED, Outcome.UNKNOWN}
        assert all(visitor._held == 0 for visitor in _visitors(lab))
        await guest.leave()
        await other.leave()
        await asyncio.sleep(5)

    held(story)


@pytest.mark.parametrize("long", [False, True])
def test_of_what_was_begun_nothing_is_said_while_an_answer_is_on_its_way_in_pieces(long: bool) -> None:
    """The last words overtake it: what it answers would be taken for something that was never begun."""

    async def story(lab: Lab, holder: Desk) -> None:
        await holder.session.put(b"k", bytes(8 * MIB if long else 1))
        other = await stranger(lab)
        other.transport.pause_reading()
        other.send(Get(1, b"k"))
        await asyncio.sleep(5)
        (visitor,) = _visitors(lab)
        assert visitor._out is not None
        assert visitor._out.in_pieces is long
        visitor.end("enough")
        other.transport.resume_reading()
        await other.let_go()
        last = other.replies[-1]
        assert isinstance(last, Farewell)
        assert last.begun == (None if long else ())

    held(story)


def test_who_does_not_read_its_answers_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "WAITING_BYTES", MIB)

    async def story(lab: Lab, holder: Desk) -> None:
        await holder.session.put(b"k", bytes(1_000_000))
        other = await stranger(lab)
        other.transport.pause_reading()
        for number in range(5):
            other.send(Get(number, b"k"))
        await asyncio.sleep(5)
        (visitor,) = _visitors(lab)
        assert visitor._out is not None
        assert visitor._out.waiting > MIB
        await asyncio.sleep(SLOW_READER_SECONDS + 1)
        assert visitor._transport is None
        assert visitor._out.waiting == 0
        other.transport.abort()

    held(story)


def test_who_reads_many_long_answers_slowly_is_served_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was let go after ten seconds, however much it had read meanwhile."""
    monkeypatch.setattr(attached, "WAITING_BYTES", MIB)

    async def story(lab: Lab, holder: Desk) -> None:
        await holder.session.put(b"k", bytes(1_000_000))
        other = await stranger(lab)
        other.transport.pause_reading()
        for number in range(20):
            other.send(Get(number, b"k"))
        for _ in range(4):
            await asyncio.sleep(SLOW_READER_SECONDS - 2)
            read = len(other.received)
            other.transport.resume_reading()
            while len(other.received) == read:
                await asyncio.sleep(0.001)
            other.transport.pause_reading()
        (visitor,) = _visitors(lab)
        assert visitor._transport is not None
        assert visitor._out is not None
        assert visitor._out.waiting > MIB
        other.transport.abort()

    held(story)


def test_a_cancelled_request_frees_what_it_held() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        await holder.session.pause_node("n1")
        other = await stranger(lab)
        other.send(Put(1, b"k", bytes(1000)), Scan(2, b"", True))
        await asyncio.sleep(0.1)
        (visitor,) = _visitors(lab)
        assert (visitor._held, len(visitor._running)) == (1000, 2)
        other.send(Cancel(1), Cancel(2))
        await asyncio.sleep(0.1)
        assert (visitor._held, visitor._running, visitor._credit) == (0, {}, {})
        other.transport.close()
        await holder.session.resume_node("n1")
        await asyncio.sleep(5)

    held(story)


def test_the_welcome_is_readable_to_every_version() -> None:
    assert encode(Welcome(PROTOCOL, "kvtui shell (process 1)")) == (
        b'{"kvtui":"holder","protocol":%d,"who":"kvtui shell (process 1)","refusal":""}' % PROTOCOL
    )
    assert encode(Hello(PROTOCOL, "me")) == b'{"kvtui":"attach","protocol":%d,"who":"me"}' % PROTOCOL
