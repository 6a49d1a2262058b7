"""Every limit of a connection, with its deadline: one client's fault, answered or closed, and everyone else is served."""

import json

import pytest

from kvtui.core.protocol import (
    BATCH_BYTES,
    BATCH_ENTRIES,
    CONNECTIONS,
    FRAME_BYTES,
    HALF_REQUEST_SECONDS,
    INLINE_BYTES,
    KEY_BYTES,
    NOTE_BYTES,
    SILENT_SECONDS,
    SLOW_READER_SECONDS,
    UPLOAD_BYTES,
    UPLOAD_SECONDS,
    UPLOADS,
    VALUE_BYTES,
    WRITE_BUFFER_BYTES,
    Counts,
    Entry,
    Fetch,
    Get,
    GetMany,
    Hello,
    Note,
    Piece,
    Put,
    PutMany,
    PutRun,
    Request,
    Scan,
    Size,
    encode_lines,
)
from kvtui.core.version import NEVER, Version
from tests.node.nodes import Bench, Client, on_a_node


async def still_serves(bench: Bench) -> None:
    client = await bench.client()
    assert (await client.one(Size(id=1))).status == "ok"
    client.transport.abort()


@pytest.mark.parametrize(
    ("line", "text", "number"),
    [
        (b"{bad", "the request is not JSON", None),
        (b"[1,2]", "Expected `object`, got `array`", None),
        (b'{"op":"zap","id":5}', "unknown op", 5),
        (b'{"op":7,"id":5}', "unknown op", 5),
        # What it says is one line, whatever the op was and however the line goes on.
        (b'{"op":"fly\\nhigh","id":1e999}', "unknown op", None),
        (b'{"op":"fly\\nhigh"} x', "unknown op", None),
        (b'{"id":5}', "unknown op", 5),
        (b'{"op":"put","key":7,"id":5}', "$.key", 5),
        (b'{"op":"put","key":"a","version":[1],"id":5}', "$.version", 5),
        (b'{"op":"put","key":{"b64":"?"},"id":5}', "bad base64", 5),
        (b'{"op":"put","key":"\xff","id":5}', "the request is not UTF-8", 5),
        (b"\xff\xfe\x00", "the request is not UTF-8", None),
        (b'{"op":"size","id":"x"}', "$.id", None),
        pytest.param(
            b'{"op":"size","id":5,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "nested too deeply",
            None,
            id="too deep",
        ),
        (b'{"op":"put","key":"a","version":[1,2],"id":5}', "only a cluster's coordinator gives versions", 5),
        (b'{"op":"digests","start":0,"stop":99999,"id":5}', "slots 0..99999 are not within 0..16384", 5),
        (b'{"op":"digests","start":-1,"stop":0,"id":5}', "slots -1..0 are not within", 5),
        (b'{"op":"scan","start":0,"stop":1,"limit":0,"id":5}', "at least one entry", 5),
        (b'{"op":"put","key":"a","upload":"u","id":5}', "no value is under way as upload 'u'", 5),
        (b'{"op":"note","text":"a","noted":[-1,0],"id":5}', "between 0 and 2^63 - 1", 5),
        (b'{"op":"note","text":"a","noted":[0,18446744073709551616],"id":5}', "between 0 and 2^63 - 1", 5),
        (b'{"op":"size"}{"op":"leave"}', "the request is not JSON", None),
        (b"\x0b", "the request is not JSON", None),
    ],
)
def test_a_bad_request_is_answered_and_the_connection_goes_on(line: bytes, text: str, number: int | None) -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        client.send(b'{"op":"size","id":1}\n' + line + b'\n\n{"op":"put","key":"a","id":2}\n{"op":"size","id":3}\n')
        first, bad, put, size = [await client.reply() for _ in range(4)]
        assert (first.id, put.id, put.status, size.id, size.keys) == (1, 2, "ok", 3, 1)
        assert (bad.status, bad.code, bad.id) == ("error", "bad_request", number)
        assert text in bad.msg

    on_a_node(story)


def test_one_request_is_not_taken_from_two_lines() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        client.send(b'{"op":"size","id":1}\n{"op":\n"leave","id":2}\n{"op":"size","id":3}\n')
        replies = [await client.reply() for _ in range(4)]
        assert [(reply.status, reply.id) for reply in replies] == [
            ("ok", 1),
            ("error", None),
            ("error", None),
            ("ok", 3),
        ]

    on_a_node(story)


def long_key(length: int) -> str:
    return "k" * length


@pytest.mark.parametrize(
    "request_",
    [
        Get(key=long_key(KEY_BYTES + 1)),
        Put(key=long_key(KEY_BYTES + 1)),
        Get(key="é" * (KEY_BYTES // 2 + 1)),
        GetMany(keys=["a"] * (BATCH_ENTRIES + 1)),
        GetMany(keys=[long_key(KEY_BYTES)] * (BATCH_BYTES // KEY_BYTES + 1)),
        Counts(ranges=[(0, 1)] * (BATCH_ENTRIES + 1)),
        PutMany(entries=[Entry("a", NEVER, 0, "")] * (BATCH_ENTRIES + 1)),
        PutMany(entries=[Entry("a", NEVER, BATCH_BYTES // 2, "v" * (BATCH_BYTES // 2))] * 2),
        PutRun(NEVER, ["a"] * (BATCH_ENTRIES + 1), [""] * (BATCH_ENTRIES + 1)),
        PutRun(NEVER, ["a", long_key(KEY_BYTES + 1)], ["", None]),
        PutRun(NEVER, ["a"] * 2, ["v" * (BATCH_BYTES // 2)] * 2),
        Note(text="n" * (NOTE_BYTES + 1)),
        Piece(upload="u", offset=0, total=VALUE_BYTES + 1, data=""),
        Piece(upload="u", offset=0, total=VALUE_BYTES, data="d" * (INLINE_BYTES + 1)),
    ],
    ids=lambda request_: f"{type(request_).__name__}",
)
def test_what_is_above_its_limit_is_refused_and_stores_nothing(request_: Request) -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        reply, size = await client.ask(request_, Size())
        assert (reply.status, reply.code, size.keys) == ("error", "too_large", 0)

    on_a_node(story)


def test_keys_and_values_at_their_limits_are_taken() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        value = "é" * (FRAME_BYTES // 4)
        assert (await client.one(Put(key=long_key(KEY_BYTES), value=value))).status == "ok"
        reply = await client.one(Get(key=long_key(KEY_BYTES)))
        assert (reply.status, reply.size, reply.value) == ("ok", FRAME_BYTES // 2, None)

    on_a_node(story)


def test_an_oversized_line_is_refused_and_its_connection_closed() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        client.send(b'{"op":"size","id":1}\n' + b"x" * (FRAME_BYTES + 1))
        assert (await client.reply()).keys == 0
        reply = await client.reply()
        assert (reply.code, reply.msg) == ("too_large", "a line holds at most 4,194,304 bytes")
        began = bench.clock.monotonic()
        client.send(b'\n{"op":"put","key":"a"}\n')
        assert await client.rest() == b""
        assert bench.clock.monotonic() - began < 5
        assert bench.store.counter == 1
        await still_serves(bench)

    on_a_node(story)


def test_a_request_must_be_whole_by_its_deadline() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.one(Size())
        for number in range(3):
            await bench.clock.sleep(HALF_REQUEST_SECONDS - 2)
            client.send(b'{"op":"si')
            await bench.clock.sleep(HALF_REQUEST_SECONDS - 2)
            client.send(b'ze","id":%d}\n{"op"' % number)
            assert (await client.reply()).id == number
            client.send(b':"size"}\n')
            await client.reply()
        client.send(b'{"op":"si')
        began = bench.clock.monotonic()
        for _ in range(20):
            await bench.clock.sleep(1)
            client.send(b"z")
        reply = await client.reply()
        assert (reply.code, reply.msg.partition(";")[0]) == ("bad_request", "the request was not whole after 10 s")
        await client.rest()
        assert bench.clock.monotonic() - began < HALF_REQUEST_SECONDS + 15
        await still_serves(bench)

    on_a_node(story)


def test_only_who_never_said_hello_is_closed_for_silence() -> None:
    async def story(bench: Bench) -> None:
        silent, talker, greeter = [await bench.client() for _ in range(3)]
        began = bench.clock.monotonic()
        await greeter.one(Hello())
        await bench.clock.sleep(SILENT_SECONDS / 2)
        await talker.one(Size())
        assert await silent.rest() == b""
        assert SILENT_SECONDS - 1 < bench.clock.monotonic() - began < SILENT_SECONDS + 3
        assert not talker.closed
        await talker.rest()
        await bench.clock.sleep(2 * SILENT_SECONDS)
        assert (await greeter.one(Size())).status == "ok"

    on_a_node(story)


def test_a_slow_reader_is_not_buffered_without_end_and_closed_by_its_deadline() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.one(Put(key="a", value="v" * INLINE_BYTES))
        client.transport.pause_reading()
        asked = 4 * WRITE_BUFFER_BYTES // INLINE_BYTES
        began = bench.clock.monotonic()
        client.send(encode_lines([Get(key="a")] * asked))
        await bench.clock.sleep(1)
        (connection,) = bench.server._connections
        assert connection._transport is not None
        assert connection._transport.get_write_buffer_size() < WRITE_BUFFER_BYTES + 2 * 1024 * 1024
        await still_serves(bench)
        while bench.server.connections:
            await bench.clock.sleep(0.5)
        assert bench.clock.monotonic() - began < SLOW_READER_SECONDS + 4

    on_a_node(story)


def test_a_client_that_sends_without_reading_is_not_read_from() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.one(Put(key="a", value="v" * INLINE_BYTES))
        client.transport.pause_reading()
        requests = encode_lines([Get(key="a")] * 200_000)
        client.send(requests)
        await bench.clock.sleep(1)
        assert client.transport.get_write_buffer_size() > len(requests) // 2

    on_a_node(story)


def test_a_reader_that_pauses_gets_every_reply_in_order() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.one(Put(key="a", value="v" * INLINE_BYTES))
        asked = 2 * WRITE_BUFFER_BYTES // INLINE_BYTES
        client.transport.pause_reading()
        client.send(encode_lines([Get(key="a", id=number) for number in range(asked)]))
        await bench.clock.sleep(SLOW_READER_SECONDS / 2)
        client.transport.resume_reading()
        assert [(await client.reply()).id for _ in range(asked)] == list(range(asked))

    on_a_node(story)


def test_a_client_that_never_reads_its_goodbye_is_closed_all_the_same() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.one(Put(key="a", value="v" * INLINE_BYTES))
        client.transport.pause_reading()
        client.send(encode_lines([Get(key="a")] * (WRITE_BUFFER_BYTES // 2 // INLINE_BYTES)))
        client.transport.write_eof()
        await bench.clock.sleep(1)
        assert bench.server.connections == 1
        await bench.clock.sleep(SLOW_READER_SECONDS + 2)
        assert not bench.server.connections

    on_a_node(story)


def test_one_connection_too_many_is_told_and_others_are_served() -> None:
    async def story(bench: Bench) -> None:
        clients = [await bench.client() for _ in range(CONNECTIONS)]
        extra = await bench.client()
        assert json.loads(await extra.rest())["code"] == "busy"
        assert (await clients[-1].one(Size())).status == "ok"
        clients[0].transport.abort()
        await bench.clock.sleep(1)
        await still_serves(bench)

    on_a_node(story)


async def upload(client: Client, name: str, value: str) -> list[str]:
    pieces = [
        Piece(upload=name, offset=at, total=len(value), data=value[at : at + INLINE_BYTES])
        for at in range(0, len(value), INLINE_BYTES)
    ]
    return [reply.status for reply in await client.ask(*pieces)]


def test_a_large_value_goes_in_and_out_in_pieces() -> None:
    value = "".join(chr(97 + number % 26) for number in range(VALUE_BYTES))

    async def story(bench: Bench) -> None:
        client = await bench.client()
        assert set(await upload(client, "u", value)) == {"ok"}
        stored = await client.one(Put(key="a", upload="u"))
        assert stored.version is not None
        got = await client.one(Get(key="a"))
        assert (got.size, got.value, got.version) == (VALUE_BYTES, None, stored.version)
        parts = await client.ask(
            *(Fetch(key="a", version=stored.version, offset=at) for at in range(0, VALUE_BYTES, INLINE_BYTES))
        )
        assert "".join(str(part.value) for part in parts) == value
        assert (await client.one(Put(key="a", upload="u"))).code == "bad_request"
        await client.one(Put(key="a", value="new"))
        assert (await client.one(Fetch(key="a", version=stored.version, offset=0))).code == "changed"
        page = await client.one(Scan(start=0, stop=16384))
        assert page.entries is not None
        assert page.entries[0].value == "new"

    on_a_node(story)


def test_uploads_of_one_connection_and_of_the_node_are_limited_and_freed() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        for number in range(UPLOADS):
            assert (await client.one(Piece(upload=f"u{number}", offset=0, total=9, data="x"))).status == "ok"
        assert (await client.one(Piece(upload="more", offset=0, total=9, data="x"))).code == "busy"
        wrong = await client.one(Piece(upload="u0", offset=5, total=9, data="x"))
        assert (wrong.code, wrong.msg) == ("bad_request", "upload 'u0' goes on at 1 of 9, not at 5 of 9")
        assert (await client.one(Piece(upload="more", offset=0, total=9, data="x"))).status == "ok"
        assert (await client.one(Put(key="a", upload="more"))).msg == "upload 'more' has 1 of its 9 bytes"
        client.transport.abort()
        await bench.clock.sleep(1)
        holders = [await bench.client() for _ in range(UPLOAD_BYTES // VALUE_BYTES)]
        for holder in holders:
            assert (await holder.one(Piece(upload="u", offset=0, total=VALUE_BYTES, data="x"))).status == "ok"
        late = await bench.client()
        refused = Piece(upload="u", offset=0, total=1, data="x")
        assert (await late.one(refused)).code == "busy"
        await bench.clock.sleep(UPLOAD_SECONDS + 2)
        assert (await late.one(refused)).status == "ok"
        assert (await holders[0].one(Piece(upload="u", offset=1, total=VALUE_BYTES, data="x"))).code == "bad_request"

    on_a_node(story)


def test_a_superseded_sessions_uploads_are_freed() -> None:
    async def story(bench: Bench) -> None:
        def pieces(count: int) -> list[Request]:
            return [Piece(upload=f"u{number}", offset=0, total=VALUE_BYTES, data="x") for number in range(count)]

        earlier = await bench.coordinator()
        assert {reply.status for reply in await earlier.ask(*pieces(UPLOADS))} == {"ok"}
        left = UPLOAD_BYTES // VALUE_BYTES - UPLOADS
        later = await bench.coordinator()
        assert {reply.status for reply in await later.ask(*pieces(left))} == {"ok"}
        assert (await earlier.one(Size())).code == "superseded"
        latest = await bench.coordinator()
        assert {reply.status for reply in await latest.ask(*pieces(UPLOADS))} == {"ok"}

    on_a_node(story)


def test_a_batch_may_name_uploads() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        large = "x" * (INLINE_BYTES + 1)
        await upload(client, "u", large)
        entries = [Entry("a", Version(1, 1), len(large), None, "u"), Entry("b", Version(1, 2), 1, "y")]
        assert (await client.one(PutMany(entries=entries))).status == "ok"
        got = await client.one(GetMany(keys=["a", "b", "c"]))
        assert got.entries == [
            Entry("a", Version(1, 1), len(large)),
            Entry("b", Version(1, 2), 1, "y"),
            Entry("c", NEVER, -1),
        ]

    on_a_node(story)


def test_pages_end_early_at_the_limit_of_a_batch() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        size = 10_000
        for number in range(60):
            await client.one(Put(key=f"key{number}", value="v" * size))
        seen: list[str] = []
        after = None
        while True:
            page = await client.one(Scan(start=0, stop=16384, after=after))
            assert page.entries is not None
            assert sum(entry.size for entry in page.entries) <= BATCH_BYTES
            seen += [str(entry.key) for entry in page.entries]
            after = page.cursor
            if after is None:
                break
        assert sorted(seen) == sorted(f"key{number}" for number in range(60))
        many = await client.one(GetMany(keys=[f"key{number}" for number in range(60)]))
        assert many.entries is not None
        assert [entry.value is not None for entry in many.entries] == [
            number < BATCH_BYTES // size for number in range(60)
        ]

    on_a_node(story)
