"""Operations and latencies of one node, as a link counts them."""

import asyncio

import pytest

from kvtui.core.link import Link
from kvtui.core.protocol import (
    Del,
    Entry,
    Facts,
    Get,
    GetMany,
    Heartbeat,
    Put,
    PutMany,
    Reply,
    Request,
    Scan,
    encode_lines,
)
from kvtui.core.traffic import Traffic, keys_of
from kvtui.core.version import Version

pytestmark = pytest.mark.anyio
ENTRY = Entry("a", Version(1, 1), 1, "v")


@pytest.mark.parametrize(
    ("request_", "keys"),
    [
        (Put(key="a", value="1"), 1),
        (Get(key="a"), 1),
        (Del(key="a"), 1),
        (PutMany(entries=[ENTRY] * 7), 7),
        (GetMany(keys=["a", "b"]), 2),
        (Heartbeat(), 0),
        (Scan(start=0, stop=4), 0),
    ],
)
def test_an_operation_counts_for_its_keys(request_: Request, keys: int) -> None:
    assert keys_of(request_) == keys


def test_a_rate_is_of_the_time_since_the_last_sample() -> None:
    traffic = Traffic()
    traffic.add(30)
    traffic.sample(2.0)
    assert traffic.rate == 15.0
    traffic.sample(1.0)
    assert traffic.rate == 0.0


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None: ...


class Watch:
    """A clock that stands where it is put."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: object) -> "Watch":
        return self

    def cancel(self) -> None: ...

    async def sleep(self, delay: float) -> None: ...


async def test_a_link_counts_what_is_answered_and_times_single_keys() -> None:
    clock, traffic = Watch(), Traffic()
    link = Link(clock, lambda _link, _reason: None, traffic)
    link.connection_made(Wire())
    for request in (Put(key="a", value="1"), Heartbeat(), PutMany(entries=[ENTRY] * 5), Get(key="a")):
        link.send(request, lambda _reply: None)
    clock.now += 0.008
    answers = [Reply(status="ok"), Reply(status="ok", facts=Facts()), Reply(status="ok"), Reply(status="not_found")]
    link.data_received(encode_lines(answers[:3]))
    traffic.sample(1.0)
    assert traffic.rate == 6.0
    assert traffic.percentiles.longest == pytest.approx(8.0)
    clock.now += 0.012
    link.data_received(encode_lines(answers[3:]))
    traffic.sample(1.0)
    assert traffic.rate == 1.0
    assert traffic.percentiles.longest == pytest.approx(20.0)


async def test_what_a_lost_link_never_answered_does_not_count() -> None:
    clock, traffic = Watch(), Traffic()
    link = Link(clock, lambda _link, _reason: None, traffic)
    link.connection_made(Wire())
    link.send(Get(key="a"), lambda _reply: None)
    link.connection_lost(None)
    traffic.sample(1.0)
    assert (traffic.rate, traffic.percentiles.longest) == (0.0, 0.0)
