"""Streams that are slowed or cut on purpose: order, delay, the silence of a partition, and limits."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kvtui.core.impaired_transport import HELD_BYTES, WHOLE, ImpairedTransport, Impairment
from kvtui.core.seams.clock import LoopClock
from kvtui.core.seams.transport import CONNECT_SECONDS, Unreachable
from tests.simulation.loop import run_virtual
from tests.simulation.test_transport import PORT, Pair, Recorder

CUT = Impairment(cut=True)
SOON = 0.1
"""Seconds in which everything arrives that nothing holds up."""


class Impaired:
    """A client that reaches its server through an impaired transport."""

    def __init__(self) -> None:
        self.pair = Pair()
        self.impairment = WHOLE
        self.client = self.pair.client
        self.transport = ImpairedTransport(self.pair.a, LoopClock(), lambda _host, _port: self.impairment)

    async def connect(self) -> None:
        await self.transport.connect("127.0.0.1", PORT, lambda: self.client)
        await asyncio.sleep(SOON)

    def become(self, impairment: Impairment) -> None:
        self.impairment = impairment
        self.transport.look_again()

    @property
    def server(self) -> Recorder:
        return self.pair.server


def virtually(story: Callable[[Impaired], Awaitable[None]], connected: bool = True) -> None:
    async def main() -> None:
        impaired = Impaired()
        await impaired.pair.listen()
        if connected:
            await impaired.connect()
        await story(impaired)

    run_virtual(main)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_bytes_pass_both_ways_while_nothing_is_wrong() -> None:
    async def story(impaired: Impaired) -> None:
        impaired.client.transport.write(b"question")
        await asyncio.sleep(SOON)
        impaired.server.transport.write(b"answer")
        await asyncio.sleep(SOON)
        assert (impaired.server.data, impaired.client.data) == (b"question", b"answer")

    virtually(story)


def test_a_slow_stream_delays_each_way_and_keeps_the_order_even_when_it_recovers() -> None:
    async def story(impaired: Impaired) -> None:
        impaired.become(Impairment(seconds=2.0))
        impaired.client.transport.write(b"1")
        await asyncio.sleep(1.0)
        impaired.client.transport.write(b"2")
        assert impaired.server.data == b""
        await asyncio.sleep(1.0 + SOON)
        assert impaired.server.data == b"1"
        impaired.become(WHOLE)
        impaired.client.transport.write(b"3")
        impaired.server.transport.write(b"answer")
        await asyncio.sleep(SOON)
        assert (impaired.server.data, impaired.client.data) == (b"123", b"answer")

    virtually(story)


def test_a_cut_stream_is_silent_and_goes_on_when_it_is_healed() -> None:
    async def story(impaired: Impaired) -> None:
        impaired.become(CUT)
        impaired.client.transport.write(b"1")
        impaired.server.transport.write(b"a")
        await asyncio.sleep(100.0)
        assert (impaired.server.data, impaired.client.data, impaired.client.calls) == (b"", b"", ["made"])
        assert impaired.client.transport.get_write_buffer_size() == 1
        impaired.become(WHOLE)
        await asyncio.sleep(SOON)
        assert (impaired.server.data, impaired.client.data) == (b"1", b"a")

    virtually(story)


def test_not_even_the_end_of_a_stream_comes_through_a_partition() -> None:
    async def story(impaired: Impaired) -> None:
        impaired.become(CUT)
        impaired.server.transport.abort()
        await asyncio.sleep(100.0)
        assert impaired.client.calls == ["made"]
        impaired.become(WHOLE)
        await asyncio.sleep(SOON)
        assert impaired.client.calls[-1] == "lost"

    virtually(story)


def test_nothing_is_kept_of_a_stream_that_ended_behind_a_partition_and_was_given_up() -> None:
    async def story(impaired: Impaired) -> None:
        impaired.become(CUT)
        impaired.server.transport.abort()
        await asyncio.sleep(SOON)
        impaired.client.transport.abort()
        impaired.become(WHOLE)
        await asyncio.sleep(SOON)
        assert not impaired.transport._streams
        assert impaired.client.transport.is_closing()

    virtually(story)


def test_a_cut_address_does_not_answer_and_is_given_up_after_as_long_as_any_other() -> None:
    async def story(impaired: Impaired) -> None:
        impaired.impairment = CUT
        began = now()
        with pytest.raises(Unreachable, match="did not answer within"):
            await impaired.connect()
        assert now() - began == pytest.approx(CONNECT_SECONDS)
        assert impaired.pair.accepted == []

    virtually(story, connected=False)


def test_a_stream_that_is_opened_while_slow_is_slow() -> None:
    async def story(impaired: Impaired) -> None:
        impaired.impairment = Impairment(seconds=1.0)
        began = now()
        await impaired.connect()
        assert now() - began >= 2.0
        impaired.client.transport.write(b"1")
        await asyncio.sleep(1.0 - SOON)
        assert impaired.server.data == b""
        await asyncio.sleep(2 * SOON)
        assert impaired.server.data == b"1"

    virtually(story, connected=False)


def test_what_a_partition_holds_back_is_bounded() -> None:
    async def story(impaired: Impaired) -> None:
        impaired.become(CUT)
        chunk = bytes(HELD_BYTES // 4)
        for _ in range(4):
            impaired.client.transport.write(chunk)
        assert not impaired.client.transport.is_closing()
        impaired.client.transport.write(b"1")
        assert impaired.client.transport.is_closing()
        assert impaired.client.transport.get_write_buffer_size() == 0

    virtually(story)


@pytest.mark.parametrize(
    ("impairment", "words"),
    [
        (WHOLE, ""),
        (CUT, "cut off"),
        (Impairment(0.2), "slowed by 200 ms"),
        (Impairment(0.0125, True), "cut off, slowed by 12.5 ms"),
    ],
)
def test_an_impairment_in_words(impairment: Impairment, words: str) -> None:
    assert impairment.words == words
