"""A node that has a secret: who does not prove to know it gets nothing, harms nothing, and is told of once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.authentication import Role, Secret, place_of
from kvtui.core.protocol import (
    CONNECTIONS,
    PROOF_BYTES,
    PROOF_SECONDS,
    UNPROVED,
    Challenge,
    Facts,
    Get,
    Hello,
    Prove,
    Put,
    Reply,
    Size,
    decode_reply,
    encode,
    encode_lines,
)
from kvtui.core.seams.chance import SeededRandom
from kvtui.node.connection import LINGER_SECONDS
from kvtui.node.gate import REMEMBERED, Gate, Guard
from kvtui.node.refusals import WINDOW_SECONDS
from kvtui.node.server import SWEEP_SECONDS
from tests.node.nodes import Bench, Client, on_a_node
from tests.simulation.loop import SimClock, run_virtual

SECRET = Secret(b"correct horse battery staple")
OTHER = Secret(b"another one of the same length")
NONCE = "ab" * 32
WANTED = "this node wants a secret: prove it first"


def place(bench: Bench) -> str:
    return place_of(bench.server.address)


async def challenged(bench: Bench, client: Client, nonce: str = NONCE) -> bytes:
    """The node's nonce."""
    reply = await client.one(Challenge(nonce=nonce, place=place(bench)))
    assert reply.status == "ok", reply
    return bytes.fromhex(reply.nonce)


def proof(
    bench: Bench, answered: bytes, nonce: str = NONCE, secret: Secret = SECRET, role: Role = Role.COORDINATOR
) -> str:
    return secret.proof(role, place(bench), bytes.fromhex(nonce), answered).hex()


async def proved(bench: Bench, nonce: str = NONCE) -> Client:
    """A connection that has proved the secret."""
    client = await bench.client()
    reply = await client.one(Prove(proof=proof(bench, await challenged(bench, client, nonce), nonce)))
    assert reply.status == "ok", reply
    return client


async def ended(client: Client, reply: Reply, code: str) -> None:
    """The reply refuses, and nothing follows it but the end."""
    assert (reply.status, reply.code) == ("error", code)
    assert await client.rest() == b""


def test_who_proves_the_secret_is_served_and_learns_that_the_node_knows_it() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        answered = await challenged(bench, client)
        reply = await client.one(Prove(proof=proof(bench, answered), id=7))
        assert reply.id == 7
        assert SECRET.proves(bytes.fromhex(reply.proof), Role.NODE, place(bench), bytes.fromhex(NONCE), answered)
        assert [reply.status for reply in await client.ask(Put(key="a", value="1"), Get(key="a"))] == ["ok", "ok"]
        assert bench.gate is not None
        assert bench.gate.waiting == 0
        assert bench.said == []

    on_a_node(story, secret=SECRET)


@pytest.mark.parametrize("split", [0.0, 1.0])
@pytest.mark.parametrize(
    "request_line",
    [
        b'{"op":"put","key":"a","value":"1"}\n',
        b'{"op":"get","key":"a","id":4}\n',
        b'{"op":"hello"}\n',
        b'{"op":"hello","cluster":"ring","coordinator":"c9","epoch":9,"session":9,"slots":8,"join":true}\n',
        b'{"op":"size"}\n{"op":"size"}\n',
        b'{"op":"prove","proof":""}\n',
        b'{"op":["hello"]}\n',
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xfe\n",
        b"[" * 1000 + b"\n",
    ],
)
def test_every_request_without_the_secret_is_refused_with_a_code(request_line: bytes, split: float) -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        client.send(request_line)
        reply = await client.reply()
        assert reply.msg == WANTED
        await ended(client, reply, "unauthenticated")
        await asyncio.sleep(0)
        assert sum(bench.store.table.live) == 0
        assert bench.store.membership.cluster == ""
        assert bench.said == ["refused 127.0.0.1: a request without the secret"]

    on_a_node(story, secret=SECRET, split=split)


@pytest.mark.parametrize("request_text", [b'{"op":"put","key":"a","value":"1"}', b'{"op":"dump"}', b'{"op":"size"} '])
def test_one_unframed_request_is_refused_with_a_code_too(request_text: bytes) -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        client.send(request_text)
        assert await client.rest() == encode({"status": "error", "code": "unauthenticated", "msg": WANTED})
        assert sum(bench.store.table.live) == 0

    on_a_node(story, secret=SECRET)


def test_after_a_challenge_only_its_proof_is_heard() -> None:
    async def story(bench: Bench) -> None:
        for second in (Size(), Challenge(nonce="cd" * 32, place=place(bench)), Hello()):
            client = await bench.client()
            await challenged(bench, client)
            await ended(client, await client.one(second), "unauthenticated")

    on_a_node(story, secret=SECRET)


def test_a_wrong_secret_is_refused_and_told_once() -> None:
    async def story(bench: Bench) -> None:
        for number in range(20):
            client = await bench.client()
            nonce = f"{number:064x}"
            answered = await challenged(bench, client, nonce)
            wrong = proof(bench, answered, nonce, OTHER) if number else "not even digits"
            await ended(client, await client.one(Prove(proof=wrong)), "wrong_secret")
        assert bench.said == ["refused 127.0.0.1: a wrong secret"]
        await asyncio.sleep(WINDOW_SECONDS)
        assert bench.said[1:] == ["refused 127.0.0.1: a wrong secret, 19 more in 60 s"]

    on_a_node(story, secret=SECRET)


def test_a_recorded_exchange_is_refused_when_it_is_replayed() -> None:
    async def story(bench: Bench) -> None:
        owner = await bench.client()
        answered = await challenged(bench, owner)
        recorded = Prove(proof=proof(bench, answered))
        assert (await owner.one(recorded)).status == "ok"
        thief = await bench.client()
        await ended(thief, await thief.one(Challenge(nonce=NONCE, place=place(bench))), "wrong_secret")
        assert bench.said == ["refused 127.0.0.1: a recorded exchange, replayed"]
        # Nor is the recorded proof one for a fresh challenge, of the same nonce even, once the node forgot the exchange.
        for number in range(REMEMBERED):
            assert bench.gate is not None
            bench.gate.remember(number.to_bytes(32, "big"))
        for nonce in (NONCE, "cd" * 32):
            thief = await bench.client()
            assert await challenged(bench, thief, nonce) != answered
            await ended(thief, await thief.one(recorded), "wrong_secret")

    on_a_node(story, secret=SECRET)


def test_a_proof_of_the_nodes_own_is_none_of_a_coordinators() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        answered = await challenged(bench, client)
        reflected = proof(bench, answered, role=Role.NODE)
        await ended(client, await client.one(Prove(proof=reflected)), "wrong_secret")

    on_a_node(story, secret=SECRET)


def test_an_exchange_meant_for_another_place_is_refused() -> None:
    async def story(bench: Bench) -> None:
        host, port = bench.server.address
        client = await bench.client()
        await ended(client, await client.one(Challenge(nonce=NONCE, place=f"{host}:{port + 1}")), "relayed")
        # A relay that gives the right place in its stead still has a proof for the wrong one.
        client = await bench.client()
        answered = await challenged(bench, client)
        meant = SECRET.proof(Role.COORDINATOR, f"{host}:{port + 1}", bytes.fromhex(NONCE), answered).hex()
        await ended(client, await client.one(Prove(proof=meant)), "wrong_secret")

    on_a_node(story, secret=SECRET)


def test_who_proves_nothing_in_time_is_closed_however_slowly_it_speaks() -> None:
    async def story(bench: Bench) -> None:
        silent, slow = await bench.client(), await bench.client()
        started = bench.clock.monotonic()
        for byte in encode(Challenge(nonce=NONCE, place=place(bench))):
            if slow.closed:
                break
            slow.send(bytes([byte]))
            await asyncio.sleep(0.25)
        await silent.rest()
        await slow.rest()
        assert bench.clock.monotonic() - started < PROOF_SECONDS + 2 * SWEEP_SECONDS + LINGER_SECONDS + 1
        assert bench.gate is not None
        assert (bench.gate.waiting, bench.server.connections) == (0, 0)
        assert bench.said == ["refused 127.0.0.1: a connection that proved nothing in time"]

    on_a_node(story, secret=SECRET)


def test_no_more_is_read_than_a_proof_takes() -> None:
    async def story(bench: Bench) -> None:
        for data in (b"x" * (PROOF_BYTES + 1), b"\n" * (PROOF_BYTES + 1), b" " * 200_000):
            client = await bench.client()
            client.send(data)
            reply = await client.reply()
            assert reply.msg == WANTED
            await ended(client, reply, "unauthenticated")

    on_a_node(story, secret=SECRET)


def test_a_flood_keeps_neither_a_coordinator_that_is_there_nor_one_that_comes() -> None:
    async def story(bench: Bench) -> None:
        worker = await proved(bench)
        flood = [await bench.client() for _ in range(10 * UNPROVED)]
        assert bench.gate is not None
        assert bench.gate.waiting == UNPROVED
        assert bench.server.connections <= UNPROVED + 2
        before = bench.clock.monotonic()
        assert (await worker.one(Put(key="a", value="1"))).status == "ok"
        newcomer = await proved(bench, "cd" * 32)
        assert (await newcomer.one(Get(key="a"))).value == "1"
        assert bench.clock.monotonic() - before < 1.0
        assert sum(not client.closed for client in flood) < UNPROVED
        assert bench.said == ["refused 127.0.0.1: too many connections that proved nothing"]

    on_a_node(story, secret=SECRET)


def test_those_who_wait_take_no_place_of_those_who_are_served() -> None:
    async def story(bench: Bench) -> None:
        served = [await proved(bench, f"{number:064x}") for number in range(CONNECTIONS - 1)]
        for _ in range(UNPROVED - 1):
            await bench.client()
        served.append(await proved(bench))
        assert (await served[-1].one(Size())).status == "ok"
        waiting = await bench.client()
        answered = await challenged(bench, waiting, "ef" * 32)
        reply = await waiting.one(Prove(proof=proof(bench, answered, "ef" * 32)))
        assert reply.status == "ok"
        assert (await waiting.reply()).code == "busy"
        served[0].transport.abort()
        assert await waiting.rest() == b""
        assert (await (await proved(bench, "cd" * 32)).one(Size())).status == "ok"

    on_a_node(story, secret=SECRET)


def test_nothing_shows_the_secret() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        answered = await challenged(bench, client)
        reply = await client.one(Prove(proof=proof(bench, answered)))
        facts = (await client.one(Hello())).facts
        assert isinstance(facts, Facts)
        stranger = await bench.client()
        refused = await stranger.one(Size())
        shown = f"{reply} {facts} {refused} {bench.said} {bench.gate!r} {vars(bench.gate)} {bench.server!r}"
        for form in (SECRET.reveal().decode(), SECRET.reveal().hex()):
            assert form not in shown

    on_a_node(story, secret=SECRET)


def test_a_node_without_a_secret_says_so() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        reply = await client.one(Challenge(nonce=NONCE, place=place(bench)))
        assert (reply.code, reply.msg) == ("no_secret", "this node asks for no proof of a secret")
        assert (await client.one(Size())).status == "ok"

    on_a_node(story)


def test_a_client_that_speaks_tls_to_a_plain_node_is_not_kept_waiting() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        before = bench.clock.monotonic()
        client.send(b"\x16\x03\x01\x02\x00\x01\x00")
        assert b"error" in await client.rest()
        assert bench.clock.monotonic() - before < 1.0

    on_a_node(story)
    on_a_node(story, secret=SECRET)


WORDS = [
    encode(Challenge(nonce=NONCE, place="127.0.0.1:1")),
    encode(Prove(proof="ab" * 32)),
    encode(Hello()),
    b"\n",
    b"{}",
    b'{"op":{},"id":[]}',
    b'{"op":"prove","id":' + b"9" * 300 + b"}",
]


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=40), max_size=12))
def test_no_bytes_without_the_secret_get_through_or_break_anything(pieces: list[bytes]) -> None:
    async def speak() -> None:
        gate = Gate(SECRET, SeededRandom(0), SimClock(), lambda _: None)
        guard = Guard(gate, "10.0.0.1", "127.0.0.1:1")
        for piece in pieces:
            heard = guard.hear(piece)
            assert heard.rest is None
            assert len(encode_lines(heard.replies)) <= 1024
            if heard.refusal is not None:
                assert decode_reply(encode(heard.refusal)).status == "error"
                return
        assert guard.ended().rest is None
        assert guard.late().code == "unauthenticated"

    run_virtual(speak)


def test_no_more_is_read_than_a_proof_takes_however_little_comes_at_once() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        for _ in range(PROOF_BYTES // 100 + 1):
            client.send(b"\n" * 100)
            await asyncio.sleep(0)
        reply = await client.reply()
        assert reply.msg == WANTED
        await ended(client, reply, "unauthenticated")

    on_a_node(story, secret=SECRET)
