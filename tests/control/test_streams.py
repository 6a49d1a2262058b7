"""Messages become bytes and bytes messages: one write a tick, pieces of what is long, and no more memory than the limits say."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from kvtui.control.incoming import Incoming
from kvtui.control.outgoing import AHEAD_BYTES, Outgoing, TooLong
from kvtui.control.wire import (
    FRAME_BYTES,
    MESSAGE_BYTES,
    PIECE_BYTES,
    Get,
    Misfit,
    Piece,
    Put,
    Request,
    encode,
    requests,
)


class Pipe(asyncio.Transport):
    """Holds what is written until it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.failures: list[str] = []
        """What is told of writing that failed."""
        self.held = 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def get_write_buffer_size(self) -> int:
        return self.held

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def messages(self) -> list[Request]:
        return requests.decode_lines(b"".join(self.written))


def run(story: Callable[[Pipe, Outgoing], Awaitable[None]]) -> None:
    async def main() -> None:
        pipe = Pipe()
        failures: list[str] = []
        await story(pipe, Outgoing(pipe, failures.append))
        assert failures == pipe.failures

    asyncio.run(main())


async def ticks(number: int = 3) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def test_what_is_sent_within_one_tick_leaves_in_one_write() -> None:
    async def story(pipe: Pipe, out: Outgoing) -> None:
        for number in range(100):
            out.send(Get(number, b"k"))
        assert pipe.written == []
        await ticks()
        assert len(pipe.written) == 1
        assert pipe.messages() == [Get(number, b"k") for number in range(100)]
        out.send(Get(100, b"k"))
        await ticks()
        assert len(pipe.written) == 2

    run(story)


def test_a_long_message_goes_in_pieces_and_short_ones_pass_between_them() -> None:
    async def story(pipe: Pipe, out: Outgoing) -> None:
        value = bytes(3 * PIECE_BYTES)
        out.send(Put(1, b"k", value), len(value))
        await ticks(1)
        out.send(Get(2, b"k"))
        await ticks(20)
        messages = pipe.messages()
        kinds = [type(message) for message in messages]
        assert kinds.count(Get) == 1
        assert kinds[-1] is Piece
        assert kinds.index(Get) < len(kinds) - 2
        assert max(map(len, b"".join(pipe.written).split(b"\n"))) <= FRAME_BYTES
        incoming: Incoming[Request] = Incoming(requests)
        (whole,) = [
            found for piece in messages if isinstance(piece, Piece) and (found := incoming.add_piece(piece)) is not None
        ]
        assert whole == Put(1, b"k", value)
        assert not out.in_pieces
        assert out.waiting == 0

    run(story)


def test_long_messages_go_one_after_the_other() -> None:
    async def story(pipe: Pipe, out: Outgoing) -> None:
        values = [bytes([number]) * (PIECE_BYTES + 1) for number in range(3)]
        for number, value in enumerate(values):
            out.send(Put(number, b"k", value), len(value))
        await out.sent()
        incoming: Incoming[Request] = Incoming(requests)
        found = [incoming.add_piece(piece) for piece in pipe.messages() if isinstance(piece, Piece)]
        assert [one for one in found if one is not None] == [
            Put(number, b"k", value) for number, value in enumerate(values)
        ]

    run(story)


def test_no_piece_is_written_while_the_transport_holds_enough() -> None:
    async def story(pipe: Pipe, out: Outgoing) -> None:
        assert pipe.high == AHEAD_BYTES
        out.pause()
        value = bytes(2 * PIECE_BYTES)
        out.send(Put(1, b"k", value), len(value))
        out.send(Get(2, b"k"))
        await ticks(10)
        assert pipe.messages() == [Get(2, b"k")]
        assert out.waiting > len(value)
        out.resume()
        await out.sent()
        assert out.waiting == 0

    run(story)


def test_who_waits_for_room_goes_on_when_there_is_some_or_the_connection_is_over() -> None:
    async def story(pipe: Pipe, out: Outgoing) -> None:
        pipe.held = 100
        waiting = [asyncio.ensure_future(out.room(99)) for _ in range(3)]
        await ticks()
        waiting[0].cancel()
        await ticks()
        assert [one.done() for one in waiting] == [True, False, False]
        pipe.held = 99
        out.resume()
        await ticks()
        assert all(one.done() for one in waiting)
        pipe.held = 100
        again = asyncio.ensure_future(out.room(99))
        await ticks()
        out.close()
        await again

    run(story)


def test_a_message_above_the_limit_is_refused_and_nothing_of_it_is_sent() -> None:
    async def story(pipe: Pipe, out: Outgoing) -> None:
        with pytest.raises(TooLong, match=f"at most {MESSAGE_BYTES:,}"):
            out.send(Put(1, b"k", bytes(MESSAGE_BYTES)), MESSAGE_BYTES)
        await ticks()
        assert pipe.written == []

    run(story)


def test_lines_come_in_any_cut() -> None:
    data = b"".join(encode(Get(number, b"key")) + b"\n" for number in range(5))
    for size in (1, 7, 1000):
        incoming: Incoming[Request] = Incoming(requests)
        found = [message for at in range(0, len(data), size) for message in incoming.feed(data[at : at + size])]
        assert found == [Get(number, b"key") for number in range(5)]


def test_a_first_line_may_come_in_parts_with_more_behind_it() -> None:
    incoming: Incoming[Request] = Incoming(requests)
    assert incoming.first_line(b"hel") is None
    assert incoming.first_line(b"lo\nrest") == (b"hello", b"rest")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x" * (FRAME_BYTES + 1), "line of more than"),
        (b"GET / HTTP/1.1\r\n", "does not speak"),
        (b'["put",1]\n', "does not speak"),
        (b'["put",1,"!!",""]\n', "does not speak"),
        (b'["nothing",1]\n', "does not speak"),
        (b"\xff\n", "does not speak this protocol .not UTF-8"),
        (b'["put",1,"' + b"\xff" * 8 + b'",""]\n', "does not speak this protocol .not UTF-8"),
        pytest.param(
            b'["ask",1,"locate",' + b"[" * 100_000 + b"\n",
            "does not speak this protocol .nested too deeply",
            id="too deep",
        ),
    ],
)
def test_what_is_no_message_is_told_without_its_content(data: bytes, words: str) -> None:
    with pytest.raises(Misfit, match=words) as misfit:
        Incoming(requests).feed(data)
    assert "!!" not in str(misfit.value)


def test_an_endless_first_line_is_a_misfit() -> None:
    incoming: Incoming[Request] = Incoming(requests)
    with pytest.raises(Misfit, match="line of more than"):
        incoming.first_line(b"x" * (FRAME_BYTES + 1))


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([Piece(b"", True)], "piece of 0"),
        ([Piece(b"small", False)], "piece of 5"),
        ([Piece(bytes(PIECE_BYTES), False)] * (MESSAGE_BYTES // PIECE_BYTES + 1), "message of more than"),
        ([Piece(b"[]", True)], "does not speak"),
        ([Piece(b"[" * 100_000, True)], "does not speak"),
        ([Piece(encode(Piece(b"x", True)), True)], "piece within pieces"),
    ],
    ids=["empty", "small", "endless", "no message", "too deep", "within pieces"],
)
def test_pieces_that_are_none_are_refused(pieces: list[Piece], words: str) -> None:
    incoming: Incoming[Request] = Incoming(requests)
    for piece in pieces[:-1]:
        incoming.add_piece(piece)
    with pytest.raises(Misfit, match=words):
        incoming.add_piece(pieces[-1])


def test_the_largest_key_and_value_fit_into_a_message() -> None:
    from kvtui.core.protocol import KEY_BYTES, VALUE_BYTES

    assert len(msgspec.json.encode(Put(2**53, bytes(KEY_BYTES), bytes(VALUE_BYTES)))) <= MESSAGE_BYTES
