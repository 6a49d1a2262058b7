"""setquorum, reads, throttle, policy, weight, and what removenode, addnode and accept-loss do when asked to go further."""

import json

import anyio
import pytest

from kvtui.commands import CommandError, parse
from kvtui.core.cluster import LocalNodes
from kvtui.core.snapshot import NodeState
from tests.commands.person import Opened
from tests.live import lone_node
from tests.widgets import frozen

pytestmark = pytest.mark.anyio


async def test_setquorum_says_what_a_write_needs_and_what_that_guarantees(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        assert await person.types("setquorum 2") == [
            "A write needs 2 clean copies",
            "Guarantee: every acknowledged write on 2 nodes; no stale reads; in memory only",
        ]
        first, *_ = await person.types("setquorum 0")
        assert first == "A write needs 1 clean copy, the default for 2 copies"
        (line,) = await person.fails("setquorum 3")
        assert "every key has 2 copies; raise that first with: setreplica" in line


async def test_a_write_that_can_not_reach_its_quorum_fails_in_words(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("setquorum 2")
        await person.types("stop n2")
        assert "failed" in (await person.fails("put apple 1"))[-1]
        await person.types("setquorum 1")
        await person.types("put apple 1")


async def test_throttle_says_how_fast_keys_are_copied_and_stats_repeats_it(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        assert await person.types("throttle 10000") == ["Throttle: at most 10,000 keys copied a second"]
        assert "Throttle: at most 10,000 keys copied a second" in await person.types("stats --all")
        assert await person.types("throttle 0") == ["Throttle: none"]


async def test_available_reads_call_an_old_answer_stale(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple 1")
        await person.types("stop n2")
        await person.types("put apple 2")
        assert (await person.types("reads available"))[0] == "Reads are available"
        await person.types("stop n1")
        assert isinstance(person.cluster, LocalNodes)
        await person.cluster.start_node("n2")
        lines = await person.types("get apple")
        assert len(lines) == 2
        assert lines[1].startswith("stale: n2 answered, which may lack newer writes")
        await person.types("reads strict")
        assert "failed" in (await person.fails("get apple"))[-1]


async def test_a_live_ring_is_placed_anew_and_keeps_its_keys(opened: Opened) -> None:
    async with opened(nodes=3) as person:
        for number in range(20):
            await person.types(f"put key{number} {number}")
        assert (await person.types("policy classic 8"))[0] == "Placement: classic 8"
        assert (await person.types("policy balanced"))[0] == "Placement: balanced"
        assert (await person.types("weight n1 2"))[0] == "Node n1 has weight 2"
        await person.types("rebalance")
        view = (await person.cluster.refresh()).node("n1")
        assert view is not None
        assert view.share == pytest.approx(0.5, abs=0.02)
        for number in range(20):
            assert await person.types(f"get key{number}") == [f"key{number} -> {number}"]
        assert await person.fails("policy balanced 8") == ["vnodes: only the classic ring has virtual nodes"]
        assert "there is no node n9" in (await person.fails("weight n9 2"))[0]


@pytest.mark.parametrize(
    ("line", "now"),
    [
        ("throttle", "throttle <rate>. Now: none"),
        ("reads", "reads strict|available. Now: strict"),
        ("setquorum", "setquorum <W>. Now: a write needs 1 of 2 copies"),
        ("policy", "policy balanced|classic [vnodes]. Now: balanced"),
        ("setreplica", "setreplica <N>. Now: 2 copies of every key"),
        ("weight", "weight <id> <weight>. Now: A 1, B 1 and C 1"),
        ("weight A", "weight <id> <weight>"),
        ("throttle x", "throttle <rate>"),
    ],
)
def test_a_setting_that_is_typed_alone_says_how_it_is_set_and_what_it_is_now(line: str, now: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse(line)
    assert refused.value.said(frozen.healthy()).endswith(f"Usage: {now}")


async def test_a_node_that_is_down_is_removed_only_by_force(opened: Opened) -> None:
    async with opened(nodes=3, replication=2) as person:
        await person.types("put apple 1")
        await person.types("stop n3")
        assert "remove it by force" in (await person.fails("removenode n3 --yes"))[-1]
        assert (await person.types("removenode n3 --force --yes"))[-1] == "Node removed: n3"
        assert await person.types("get apple") == ["apple -> 1"]


async def test_what_only_a_dead_node_holds_is_given_up_by_name_alone(opened: Opened) -> None:
    async with opened(nodes=2, replication=1) as person:
        await person.types("stop n2")
        assert "accept-loss n2" in (await person.fails("removenode n2 --force"))[-1]
        assert (await person.fails("accept-loss n2"))[0].startswith("accept-loss gives up what only n2 holds for good")
        assert "nothing that it holds is lost" in (await person.fails("accept-loss n1 --yes"))[-1]
        assert "Loss accepted" in (await person.types("accept-loss n2 --yes"))[0]
        assert (await person.types("removenode n2 --force"))[-1] == "Node removed: n2"


async def store(port: int, **values: str) -> None:
    """Fill a node of nobody's as the original's clients do: one request a connection."""
    for key, value in values.items():
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(json.dumps({"op": "put", "key": key, "value": value}).encode() + b"\n")
            assert b"ok" in await stream.receive()


async def test_a_node_with_keys_of_its_own_joins_only_when_told_what_becomes_of_them(opened: Opened) -> None:
    async with opened(nodes=1) as person, lone_node(None) as (_, port), lone_node(None) as (_, other):
        await person.types("put apple mine")
        await store(port, apple="theirs", pear="theirs")
        await store(other, plum="theirs")
        assert "import them into the cluster, or to wipe them" in (await person.fails(f"addnode A {port}"))[-1]
        assert await person.fails(f"addnode A {port} --import --wipe") == [
            "a node's own keys are either taken over or deleted: give --import or --wipe, not both"
        ]
        lines = await person.types(f"addnode A {port} --import")
        assert lines[1:3] == ["1 key of its own imported", "1 key left out: the cluster had them already"]
        await person.types(f"addnode B {other} --wipe")
        assert await person.types("get apple") == ["apple -> mine"]
        assert await person.types("get pear") == ["pear -> theirs"]
        assert await person.types("get plum") == ["plum -> [not found]"]


async def test_the_guarantee_is_told_of_the_moment_it_weakens(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple 1")
        events = person.cluster.events()
        await person.types("stop n2")
        with anyio.fail_after(10):
            async for event in events:
                if event.text.startswith("the guarantee is weaker now: every acknowledged write on 1 node only"):
                    break
        await person.types("start n2")
        with anyio.fail_after(10):
            async for event in events:
                if event.text == "every key is on 2 nodes now":
                    break
        view = person.cluster.snapshot().node("n2")
        assert view is not None
        assert view.state is NodeState.UP
