"""Whom a node obeys: clusters, epochs and sessions."""

import pytest
from msgspec.structs import replace

from kvtui.core.protocol import (
    Clear,
    Del,
    Digests,
    Drop,
    Entry,
    Get,
    Heartbeat,
    Hello,
    Leave,
    Left,
    Listed,
    Note,
    Piece,
    Purge,
    Put,
    PutMany,
    PutRun,
    Request,
    Size,
    encode,
)
from kvtui.core.version import NEVER, Version
from tests.node.nodes import Bench, on_a_node
from tests.simulation.engine import FaultyDisk

WRITES: list[Request] = [
    Put(key="a", value="2", version=Version(1, 9)),
    Del(key="a", version=Version(1, 9)),
    PutMany(entries=[Entry("a", Version(1, 9), 1, "2")]),
    PutRun(Version(1, 9), ["a"], ["2"]),
    Piece(upload="u", offset=0, total=1, data="x"),
    Drop(entries=[Listed("a", Version(1, 1))]),
    Purge(entries=[Listed("a", Version(1, 1))]),
    Clear(start=0, stop=8),
    Note(text="mine"),
    Leave(),
]


def names(request: Request) -> str:
    return type(request).__name__


def test_a_node_joins_and_says_so_ever_after() -> None:
    disk = FaultyDisk()

    async def join(bench: Bench) -> None:
        client = await bench.client()
        before = (await client.one(Hello())).facts
        assert before is not None
        assert (before.cluster, before.epoch, before.product) == ("", 0, "kvtui")
        facts = (await client.one(bench.hello(epoch=3))).facts
        assert facts is not None
        assert (facts.cluster, facts.coordinator, facts.epoch, facts.session) == ("ring", "c1", 3, 1)
        assert facts.data_id == before.data_id
        assert facts.counter > before.counter

    async def again(bench: Bench) -> None:
        client = await bench.client()
        facts = (await client.one(Hello())).facts
        assert facts is not None
        assert (facts.cluster, facts.coordinator, facts.epoch, facts.session) == ("ring", "c1", 3, 0)
        assert (await client.one(bench.hello(epoch=2))).code == "fenced"
        assert (await client.one(bench.hello(epoch=3, join=False))).status == "ok"
        assert (await client.one(Digests(start=0, stop=8))).digests == [0] * 8

    on_a_node(join, disk.open())
    on_a_node(again, disk.open())


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        (Hello(cluster="other", coordinator="c1", epoch=9, session=9, slots=8, join=True), "foreign"),
        (Hello(cluster="ring", coordinator="c1", epoch=4, session=9, slots=8), "fenced"),
        (Hello(cluster="ring", coordinator="c2", epoch=5, session=9, slots=8), "fenced"),
        (Hello(cluster="ring", coordinator="c1", epoch=5, session=1, slots=8), "superseded"),
        (Hello(cluster="ring", coordinator="c1", epoch=5, session=9, slots=16), "bad_request"),
        (Hello(cluster="ring", coordinator="c1", epoch=0, session=9, slots=8), "bad_request"),
        (Hello(cluster="ring", coordinator="c1", epoch=2**63, session=9, slots=8), "bad_request"),
        (Hello(cluster="ring", coordinator="c1", epoch=5, session=0, slots=8), "bad_request"),
        (Hello(cluster="ring", coordinator="", epoch=5, session=9, slots=8), "bad_request"),
        (Hello(cluster="ring", coordinator="c1", epoch=5, session=9, slots=12), "bad_request"),
    ],
)
def test_a_hello_that_must_be_refused_is_and_changes_nothing(hello: Hello, code: str) -> None:
    async def story(bench: Bench) -> None:
        coordinator = await bench.coordinator(epoch=5)
        before = (await coordinator.one(Heartbeat())).facts
        stranger = await bench.client()
        reply = await stranger.one(hello)
        assert (reply.status, reply.code) == ("error", code)
        assert reply.facts == before == (await coordinator.one(Heartbeat())).facts
        assert (await stranger.one(Put(key="a"))).code == "foreign"

    on_a_node(story)


def test_an_epoch_is_granted_only_once_it_is_synced() -> None:
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        await bench.coordinator(epoch=1)
        disk.syncs_until_failure = 0
        client = await bench.client()
        client.send(encode(bench.hello(epoch=2, name="c2")) + b"\n")
        assert await client.rest() == b""
        assert bench.server.failure is not None

    on_a_node(story, disk.open())
    disk.crash()
    disk.syncs_until_failure = None

    async def after(bench: Bench) -> None:
        client = await bench.client()
        facts = (await client.one(Hello())).facts
        assert facts is not None
        assert (facts.epoch, facts.coordinator) == (1, "c1")

    on_a_node(after, disk.open())


@pytest.mark.parametrize("request_", [*WRITES, Get(key="a"), Heartbeat(), Size()], ids=names)
@pytest.mark.parametrize("by_epoch", [False, True])
def test_requests_of_an_earlier_session_are_refused_pieces_and_reads_included(
    request_: Request, by_epoch: bool
) -> None:
    async def story(bench: Bench) -> None:
        earlier = await bench.coordinator()
        await earlier.one(Put(key="a", value="1", version=Version(1, 1)))
        await earlier.one(Piece(upload="u", offset=0, total=2, data="x"))
        later = await bench.coordinator(epoch=2, name="c2") if by_epoch else await bench.coordinator()
        digest = (await later.one(Digests(start=0, stop=8))).digests
        assert (await earlier.one(request_)).code == ("fenced" if by_epoch else "superseded")
        assert (await later.one(Digests(start=0, stop=8))).digests == digest
        got = await later.one(Get(key="a"))
        assert (got.value, got.version) == ("1", Version(1, 1))
        assert (await later.one(Put(key="b", upload="u", version=Version(2, 2)))).code == "bad_request"

    on_a_node(story)


@pytest.mark.parametrize("request_", WRITES, ids=names)
def test_a_members_data_is_written_by_its_coordinator_alone(request_: Request) -> None:
    async def story(bench: Bench) -> None:
        coordinator = await bench.coordinator()
        await coordinator.one(Put(key="a", value="1", version=Version(1, 1)))
        stranger = await bench.client()
        reply = await stranger.one(request_)
        assert (reply.code, "cluster ring" in reply.msg) == ("foreign", True)
        got = await stranger.one(Get(key="a"))
        assert (got.value, got.version) == ("1", Version(1, 1))

    on_a_node(story)


@pytest.mark.parametrize(
    "request_",
    [
        Put(key="a", value="1"),
        Del(key="a"),
        Put(key="a", version=NEVER),
        Put(key="a", version=Version(-1, 5)),
        Put(key="a", version=Version(1, 2**63)),
        PutMany(entries=[Entry("b", Version(1, 5), 1, "x"), Entry("a", NEVER, 1, "x")]),
        PutMany(entries=[Entry("b", Version(1, 5), 1, "x"), Entry("a", Version(1, 1), 2, "x")]),
        PutMany(entries=[Entry("b", Version(1, 5), 1, "x"), Entry("a", Version(1, 1), -1, "x")]),
        PutMany(entries=[Entry("b", Version(1, 5), 1, "x"), Entry("a", Version(1, 1), 2)]),
        PutRun(NEVER, ["b", "a"], ["x", "y"]),
        PutRun(Version(1, -1), ["b", "a"], ["x", "y"]),
        PutRun(Version(1, 2**63 - 2), ["b", "a"], ["x", "y"]),
        PutRun(Version(1, 5), ["b", "a"], ["x"]),
        PutRun(Version(1, 5), ["b"], ["x", None]),
    ],
    ids=repr,
)
def test_a_coordinators_write_needs_its_version_and_stores_all_or_nothing(request_: Request) -> None:
    async def story(bench: Bench) -> None:
        coordinator = await bench.coordinator()
        reply, size = await coordinator.ask(request_, Size())
        assert (reply.code, size.keys) == ("bad_request", 0)

    on_a_node(story)


def test_a_standalone_node_that_holds_keys_does_not_join() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        await client.ask(Put(key="a", value="1"), Put(key="b", value="1"))
        reply = await client.one(bench.hello())
        assert (reply.code, reply.msg) == (
            "foreign",
            "this node holds 2 keys of its own; only an empty one can join cluster ring",
        )
        await client.ask(Del(key="a"), Del(key="b"))
        assert (await client.one(bench.hello(join=False))).code == "foreign"
        facts = (await client.one(bench.hello())).facts
        assert facts is not None
        assert (facts.keys, facts.tombstones, facts.cluster) == (0, 0, "ring")
        assert (await client.one(Get(key="a"))).version == NEVER

    on_a_node(story)


def test_leaving_forgets_all_and_begins_a_new_life() -> None:
    disk = FaultyDisk()
    lives: list[str] = []

    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        await client.ask(Put(key="a", value="1", version=Version(1, 1)), Note(text="who holds what"))
        before = (await client.one(Heartbeat())).facts
        after = (await client.one(Leave())).facts
        assert before is not None
        assert after is not None
        lives.extend([before.data_id, after.data_id])
        assert (after.cluster, after.keys, after.counter, after.epoch) == ("", 0, 1, 0)
        assert (await client.one(Put(key="a", value="1", version=Version(1, 2)))).code == "foreign"
        other = await bench.client()
        assert (await other.one(Note())).note == ""
        assert (await other.one(Put(key="b"))).status == "ok"

    async def again(bench: Bench) -> None:
        client = await bench.client()
        facts = (await client.one(Hello())).facts
        assert facts is not None
        assert (facts.data_id, facts.cluster, facts.keys) == (lives[1], "", 1)

    on_a_node(story, disk.open())
    on_a_node(again, disk.open())
    assert lives[0] != lives[1]


def test_a_node_that_left_remembers_whose_it_was_whomever_it_joins() -> None:
    disk = FaultyDisk()
    expected: list[Left] = []

    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        before = (await client.one(Heartbeat())).facts
        after = (await client.one(Leave(noted=Version(1, 9)))).facts
        assert before is not None
        assert after is not None
        assert before.left is None
        expected.append(Left(before.cluster, before.data_id, before.coordinator, Version(1, 9)))
        assert after.left == expected[0]
        alone = (await (await bench.client()).one(Leave(noted=Version(5, 5)))).facts
        assert alone is not None
        assert alone.left == expected[0]

    async def again(bench: Bench) -> None:
        client = await bench.client()
        facts = (await client.one(Hello())).facts
        assert facts is not None
        assert facts.left == expected[0]
        joined = (await client.one(bench.hello())).facts
        assert joined is not None
        assert (joined.cluster, joined.left) == ("ring", expected[0])

    on_a_node(story, disk.open())
    on_a_node(again, disk.open())


def test_how_far_a_log_had_got_when_a_node_left_is_a_version() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        assert (await client.one(Leave(noted=Version(1, 2**63)))).code == "bad_request"
        facts = (await client.one(Heartbeat())).facts
        assert facts is not None
        assert facts.cluster == "ring"

    on_a_node(story)


def test_a_note_is_kept_and_replaced() -> None:
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        assert (await client.one(Note())).note == ""
        await client.ask(Note(text="first"), Note(text="second ✓", noted=Version(3, 9)))
        assert (await client.one(Note())).note == "second ✓"

    async def again(bench: Bench) -> None:
        last = await (await bench.client()).one(Note())
        assert (last.note, last.version) == ("second ✓", Version(3, 9))

    on_a_node(story, disk.open())
    on_a_node(again, disk.open())


def test_a_standalone_nodes_versions_rise_over_restarts_even_when_nothing_of_them_is_left() -> None:
    disk = FaultyDisk()
    seen: list[Version] = []

    async def story(bench: Bench) -> None:
        client = await bench.client()
        replies = await client.ask(Put(key="a"), Del(key="a"), Put(key="b"), Put(key="a"))
        versions = [reply.version for reply in replies if reply.version is not None]
        seen.extend(versions)
        listed = [Listed("a", versions[3]), Listed("b", versions[2])]
        assert (await client.one(Drop(entries=listed))).counts == [2]

    for _ in range(3):
        on_a_node(story, disk.open())
        disk.crash()
    assert seen == sorted(set(seen))
    assert len(seen) == 12
    assert {version.epoch for version in seen} == {0}


@pytest.mark.parametrize(("protocol", "kvtui"), [(99, "a newer"), (0, "an older")])
def test_a_coordinator_of_another_protocol_is_refused_before_anything_is_kept(protocol: int, kvtui: str) -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        hello = replace(bench.hello(epoch=4), protocol=protocol)
        reply = await client.one(hello)
        assert (reply.status, reply.code) == ("error", "other_protocol")
        assert reply.msg == (
            f"the coordinator is of {kvtui} kvtui (protocol {protocol}; this node speaks 1): use the same kvtui for both"
        )
        assert reply.facts is not None
        assert (reply.facts.cluster, reply.facts.epoch, reply.facts.protocol) == ("", 0, 1)
        # Who it is, it says to everybody: so each side can tell.
        assert (await client.one(Hello(protocol=protocol))).status == "ok"
        assert (await client.one(bench.hello(epoch=4))).status == "ok"

    on_a_node(story)


def test_a_request_may_say_more_than_is_understood() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        client.send(b'{"op":"hello","rack":"r1","cluster":""}\n{"op":"put","key":"a","value":"1","ttl":5}\n')
        assert [(await client.reply()).status for _ in range(2)] == ["ok", "ok"]

    on_a_node(story)
