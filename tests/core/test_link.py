"""One pipelined connection: what leaves when, and what becomes of those who wait."""

import asyncio

import pytest

from kvtui.core.link import IN_FLIGHT_BYTES, TICK_BYTES, Link, LinkFull, LinkLost, Unencodable
from kvtui.core.protocol import IN_FLIGHT, Get, Put, PutRun, Reply, encode_lines
from kvtui.core.seams.clock import LoopClock
from kvtui.core.version import Version
from tests.simulation.loop import run_virtual


class Wire(asyncio.Transport):
    """Keeps what is written, one item a write; ``stuck`` bytes seem to wait for the peer."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.stuck = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.stuck

    def abort(self) -> None: ...


async def over() -> None:
    """The tick is over for the link as well: which of two callbacks of one tick comes first is chance."""
    for _ in range(2):
        await asyncio.sleep(0)


def linked() -> tuple[Link, Wire]:
    link, wire = Link(LoopClock(), lambda _link, _reason: None), Wire()
    link.connection_made(wire)
    return link, wire


async def crowded() -> tuple[Link, Wire]:
    """A link whose last write carried more than one request."""
    link, wire = linked()
    for _ in range(3):
        link.ask(Get("a"))
    await over()
    assert [write.count(b"\n") for write in wire.writes] == [1, 2]
    wire.writes.clear()
    link.data_received(encode_lines([Reply(status="not_found")] * 3))
    return link, wire


def test_requests_of_one_tick_leave_in_one_write() -> None:
    async def main() -> None:
        link, wire = await crowded()
        for key in "abc":
            link.ask(Get(key))
        assert wire.writes == []
        await over()
        assert [write.count(b"\n") for write in wire.writes] == [3]
        link.close("done")

    run_virtual(main)


def test_the_request_of_a_client_that_is_alone_leaves_at_once() -> None:
    async def main() -> None:
        link, wire = linked()
        for _ in range(3):
            link.ask(Get("a"))
            assert [write.count(b"\n") for write in wire.writes] == [1]
            wire.writes.clear()
            link.data_received(encode_lines([Reply(status="ok", value="1")]))
        # Others came: from here on they travel together.
        link.ask(Get("a"))
        link.ask(Get("b"))
        link.ask(Get("c"))
        await over()
        assert [write.count(b"\n") for write in wire.writes] == [1, 2]
        link.close("done")

    run_virtual(main)


def test_a_batch_does_not_wait_for_the_end_of_the_tick_and_nothing_overtakes() -> None:
    async def main() -> None:
        link, wire = await crowded()
        link.ask(Get("a"))
        link.ask(PutRun(Version(1, 1), ["b", "c"], ["1", "2"]))
        assert [write.count(b"\n") for write in wire.writes] == [2]
        assert wire.writes[0].index(b'"get"') < wire.writes[0].index(b'"put_run"')
        await over()
        assert len(wire.writes) == 1
        link.close("done")

    run_virtual(main)


def test_what_waits_for_the_end_of_a_tick_is_bounded() -> None:
    async def main() -> None:
        link, wire = await crowded()
        sent = 0
        while not wire.writes:
            link.send(Put("a", "v" * 50_000), lambda _reply: None, 50_000)
            sent += 50_000
        assert TICK_BYTES < sent <= TICK_BYTES + 50_000
        link.close("done")

    run_virtual(main)


def test_a_link_whose_bytes_don_t_leave_takes_no_more() -> None:
    async def main() -> None:
        link, wire = linked()
        wire.stuck = IN_FLIGHT_BYTES + 1
        with pytest.raises(LinkFull, match="0 requests wait for the node"):
            link.ask(Get("a"))
        wire.stuck = 0
        link.ask(Get("a"))
        link.close("done")

    run_virtual(main)


def test_a_link_with_too_many_unanswered_requests_takes_no_more() -> None:
    async def main() -> None:
        link, _ = linked()
        answered: list[Reply | None] = []
        for _ in range(IN_FLIGHT):
            link.send(Get("a"), answered.append)
        with pytest.raises(LinkFull, match=f"{IN_FLIGHT} requests wait for the node"):
            link.send(Get("a"), answered.append)
        link.data_received(encode_lines([Reply(status="ok", value="v")]))
        link.send(Get("a"), answered.append)
        assert len(answered) == 1
        link.close("done")
        assert answered[1:] == [None] * IN_FLIGHT

    run_virtual(main)


def test_who_gave_up_waiting_disturbs_nobody() -> None:
    async def main() -> None:
        link, _ = linked()
        first, second, third = (link.ask(Get(key)) for key in "abc")
        first.cancel()
        link.data_received(encode_lines([Reply(status="ok", value="1"), Reply(status="ok", value="2")]))
        assert (await second).value == "2"
        third.cancel()
        link.close("done")
        assert link.reason == "done"

    run_virtual(main)


class Foreign(str):
    """Text of a class that no encoder knows."""


def test_a_request_that_can_t_be_encoded_is_refused_and_those_beside_it_are_sent() -> None:
    """The whole tick was gone, and the node was given up for its silence."""

    async def main() -> None:
        link, wire = await crowded()
        told: list[Reply | None] = []
        link.send(Get("a"), told.append)
        for request in (
            Get(Foreign("secret")),
            Put("k", "secret \udcff"),
            PutRun(Version(1, 1), ["b", Foreign("c")], []),
        ):
            with pytest.raises(
                Unencodable, match=r"^something in the request can't be encoded \((Type|UnicodeEncode)Error\)$"
            ):
                link.send(request, told.append)
        link.send(Get("b"), told.append)
        await over()
        assert wire.writes == [encode_lines([Get("a"), Get("b")])]
        link.data_received(encode_lines([Reply(status="ok", value="1"), Reply(status="ok", value="2")]))
        assert [reply and reply.value for reply in told] == ["1", "2"]
        link.close("done")

    run_virtual(main)


@pytest.mark.parametrize("at_once", [True, False])
def test_where_writing_fails_the_link_ends_and_all_who_wait_are_told(at_once: bool) -> None:
    """As uvloop's transports do once they are closed."""

    class Closed(Wire):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            raise RuntimeError("the handler is closed")

    async def main() -> None:
        ends: list[str] = []
        link = Link(LoopClock(), lambda _link, reason: ends.append(reason))
        link.connection_made(Closed())
        link._alone = at_once
        told: list[Reply | None] = []
        link.send(Get("a"), told.append)
        await over()
        assert told == [None]
        assert ends == ["writing to it failed (RuntimeError)"]
        with pytest.raises(LinkLost, match="writing to it failed"):
            link.ask(Get("b"))

    run_virtual(main)


def test_one_who_breaks_as_a_link_ends_keeps_it_from_nobody_else() -> None:
    """Whoever came after it waited for ever."""

    def breaks(_: object) -> None:
        raise KeyError("secret")

    async def main() -> None:
        link = Link(LoopClock(), lambda _link, reason: breaks(reason))
        link.connection_made(Wire())
        told: list[Reply | None] = []
        link.send(Get("a"), breaks)
        link.send(Get("b"), told.append)
        asked = link.ask(Get("c"))
        link.close("done")
        assert told == [None]
        with pytest.raises(LinkLost, match="done"):
            await asked

    run_virtual(main)


def test_a_lost_link_tells_all_who_wait() -> None:
    async def main() -> None:
        link, _ = linked()
        told: list[Reply | None] = []
        future = link.ask(Get("a"))
        link.send(Get("b"), told.append)
        link.connection_lost(None)
        with pytest.raises(LinkLost, match="the node closed the connection"):
            await future
        assert told == [None]
        with pytest.raises(LinkLost, match="the node closed the connection"):
            link.ask(Get("c"))

    run_virtual(main)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "it does not speak this protocol (not JSON"),
        (b'{"status":"\xff"}\n', "it does not speak this protocol (not UTF-8)"),
        (b'{"status":"ok","more":' + b"[" * 100_000 + b"\n", "it does not speak this protocol (nested too deeply)"),
        (b'{"status":5}\n', "it does not speak this protocol (Expected"),
    ],
    ids=["not JSON", "not UTF-8", "too deep", "misfit"],
)
def test_what_is_no_reply_ends_the_link_in_words(line: bytes, reason: str) -> None:
    async def main() -> None:
        link, _ = linked()
        asked = link.ask(Get("a"))
        link.data_received(line)
        with pytest.raises(LinkLost) as lost:
            await asked
        assert str(lost.value).startswith(reason)

    run_virtual(main)


class Watch(LoopClock):
    """A clock that can jump, as it does for a process that was stopped."""

    jump = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.jump


def test_a_node_is_not_blamed_for_a_time_in_which_nobody_listened() -> None:
    """A program that began 70,000 puts at once was busy for seconds, and gave its nodes up before it read their answers."""

    async def main() -> None:
        clock, lost = Watch(), list[str]()
        link = Link(clock, lambda _link, reason: lost.append(reason))
        link.connection_made(Wire())
        future = link.ask(Get("a"))
        clock.jump = 10.0
        await asyncio.sleep(1.0)
        assert lost == []
        link.data_received(encode_lines([Reply(status="ok", value="1")]))
        assert (await future).value == "1"
        link.ask(Get("a"))
        await asyncio.sleep(2.0)
        assert lost == ["silent for 1.5 s"]

    run_virtual(main)
