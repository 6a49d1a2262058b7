"""Scenarios of a node as it is spoken to, byte by byte."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kvtui.core.authentication import Role, Secret, place_of
from kvtui.core.protocol import (
    INLINE_BYTES,
    UPLOAD_SECONDS,
    Challenge,
    Del,
    Fetch,
    Get,
    Leave,
    Listed,
    Piece,
    Prove,
    Purge,
    Put,
    PutRun,
)
from kvtui.core.seams.storage import StorageEngine
from kvtui.core.version import Version
from kvtui.node import uploads as uploads_module
from kvtui.node.uploads import Uploads, UploadSpace
from tests.mutants.scenarios.constants import lowered
from tests.node.nodes import Bench
from tests.simulation.engine import FaultyDisk

SECRET = Secret(b"correct horse battery staple")
NONCE = "ab" * 32


@asynccontextmanager
async def _node(
    engine: StorageEngine | None = None, secret: Secret | None = None, seed: int = 0
) -> AsyncIterator[Bench]:
    bench = Bench(engine, secret=secret, seed=seed)
    await bench.server.start()
    yield bench
    assert not bench.failures
    await bench.server.close()


async def an_older_session_of_the_same_epoch_is_heard() -> None:
    async with _node() as bench:
        former = await bench.coordinator()
        current = await bench.coordinator()
        assert (await current.one(Put("k", "new", Version(1, 2)))).status == "ok"
        assert (await former.one(Put("late", "old", Version(1, 1)))).status == "error"
        assert (await current.one(Get("late"))).status == "not_found"


async def who_let_a_node_go_may_still_write_to_it() -> None:
    async with _node() as bench:
        coordinator = await bench.coordinator()
        assert (await coordinator.one(Leave())).status == "ok"
        assert (await coordinator.one(Put("k", "value", Version(1, 1)))).status == "error"


async def a_tombstone_says_that_there_never_was_anything() -> None:
    async with _node() as bench:
        coordinator = await bench.coordinator()
        await coordinator.ask(Put("k", "value", Version(1, 1)), Del("k", Version(1, 2)))
        assert (await coordinator.one(Get("k"))).version == Version(1, 2)


async def all_keys_of_a_run_have_its_first_version() -> None:
    async with _node() as bench:
        coordinator = await bench.coordinator()
        await coordinator.one(PutRun(first=Version(1, 5), keys=["a", "b", "c"], values=["1", None, "3"]))
        versions = [reply.version for reply in await coordinator.ask(Get("a"), Get("b"), Get("c"))]
        assert versions == [Version(1, 5), Version(1, 6), Version(1, 7)]


async def pieces_of_two_values() -> None:
    async with _node() as bench:
        coordinator = await bench.coordinator()
        for seq, letter in enumerate("xy", start=1):
            for offset in (0, INLINE_BYTES):
                piece = Piece(upload=letter, offset=offset, total=2 * INLINE_BYTES, data=letter * INLINE_BYTES)
                assert (await coordinator.one(piece)).status == "ok"
            if seq == 1:
                await coordinator.one(Put("k", version=Version(1, 1), upload=letter))
                begun = await coordinator.one(Fetch("k", Version(1, 1), 0))
                assert begun.value == "x" * INLINE_BYTES
        await coordinator.one(Put("k", version=Version(1, 2), upload="y"))
        assert (await coordinator.one(Fetch("k", Version(1, 1), INLINE_BYTES))).code == "changed"


async def a_run_that_did_not_fit_is_acknowledged() -> None:
    disk = FaultyDisk()
    async with _node(disk.open()) as bench:
        coordinator = await bench.coordinator()
        disk.free = 0
        reply = await coordinator.one(PutRun(first=Version(1, 1), keys=["a", "b"], values=["1", "2"]))
        assert (reply.status, reply.code) == ("error", "full")


async def another_answer_is_corrected() -> None:
    disk = FaultyDisk()
    async with _node(disk.open()) as bench:
        coordinator = await bench.coordinator()
        disk.free = 0
        got, put = await coordinator.ask(Get("other"), Put("k", "value", Version(1, 1)))
        assert (got.status, put.status) == ("not_found", "error")


async def a_session_that_comes_late_is_the_newest() -> None:
    async with _node() as bench:
        await bench.coordinator()
        late = bench.hello()
        current = await bench.coordinator()
        former = await bench.client()
        assert (await former.one(late)).status == "error"
        assert (await current.one(Put("k", "value", Version(1, 1)))).status == "ok"


async def one_epoch_for_two_coordinators() -> None:
    async with _node() as bench:
        one = await bench.coordinator(epoch=2, name="c1")
        other = await bench.client()
        assert (await other.one(bench.hello(epoch=2, name="c2"))).code == "fenced"
        assert (await one.one(Put("k", "value", Version(2, 1)))).status == "ok"


async def a_node_with_keys_joins_unasked() -> None:
    async with _node() as bench:
        client = await bench.client()
        await client.one(Put("k", "value"))
        assert (await client.one(bench.hello())).status == "error"
        assert (await client.one(Get("k"))).value == "value"


async def a_broken_connection_keeps_the_room_of_its_uploads() -> None:
    with lowered(uploads_module, UPLOAD_BYTES=10):
        async with _node() as bench:
            for number in range(3):
                client = await bench.coordinator()
                reply = await client.one(Piece(upload=f"u{number}", offset=0, total=6, data="abc"))
                assert reply.status == "ok", reply.msg
                client.transport.abort()
                await bench.clock.sleep(1.0)


def an_upload_goes_on_anywhere() -> None:
    uploads = Uploads(UploadSpace())
    uploads.add("u", 0, 6, b"ab", 0.0)
    try:
        uploads.add("u", 4, 6, b"ef", 0.0)
        uploads.add("u", 4, 6, b"ef", 0.0)
        taken = uploads.take("u")
    except Exception:
        return
    raise AssertionError(f"a value without its middle was taken: {taken!r}")


def a_slow_upload_is_forgotten_amid_its_pieces() -> None:
    uploads = Uploads(UploadSpace())
    for second in range(5):
        now = second * UPLOAD_SECONDS / 2
        uploads.expire(now)
        uploads.add("u", second, 5, b"x", now)
    assert uploads.take("u") == b"xxxxx"


def a_finished_upload_keeps_its_room() -> None:
    with lowered(uploads_module, UPLOAD_BYTES=10):
        uploads = Uploads(UploadSpace())
        for number in range(3):
            uploads.add(f"u{number}", 0, 6, b"abcdef", 0.0)
            assert uploads.take(f"u{number}") == b"abcdef"


async def the_gate_always_asks_the_same() -> None:
    """A stranger heard one exchange, and says the same after the node's restart."""
    recorded: Prove | None = None
    for life in range(2):
        async with _node(secret=SECRET, seed=life) as bench:
            client = await bench.client()
            place = place_of(bench.server.address)
            reply = await client.one(Challenge(nonce=NONCE, place=place))
            if recorded is None:
                answered = bytes.fromhex(reply.nonce)
                proof = SECRET.proof(Role.COORDINATOR, place, bytes.fromhex(NONCE), answered)
                recorded = Prove(proof=proof.hex())
                assert (await client.one(recorded)).status == "ok"
            else:
                assert (await client.one(recorded)).code == "wrong_secret"


async def a_purge_takes_what_is_not_buried() -> None:
    async with _node() as bench:
        coordinator = await bench.coordinator()
        await coordinator.ask(Del("k", Version(1, 1)), Put("k", "value", Version(1, 2)))
        reply = await coordinator.one(Purge(entries=[Listed("k", Version(1, 2))]))
        assert reply.counts == [0]
        assert (await coordinator.one(Get("k"))).value == "value"
