"""Every command, on a real coordinator with real nodes: what it prints, and whether it succeeded."""

import socket

import pytest

from kvtui.commands import Command, Context, Invocation, Level, Line, keys, parse, run
from kvtui.commands.keys import LISTED_KEYS
from tests.commands.person import Opened

pytestmark = pytest.mark.anyio


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, as the system gives them."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


async def test_the_originals_session_comes_out_line_for_line(opened: Opened) -> None:
    a, b = free_ports(2)
    async with opened() as person:
        assert await person.types(f"addnode A {a}") == [
            f"Node added: A (127.0.0.1:{a})",
            "Rebalancing after adding node A...",
        ]
        assert await person.types(f"addnode B {b}") == [
            f"Node added: B (127.0.0.1:{b})",
            "Rebalancing after adding node B...",
        ]
        assert await person.types("setreplica 2") == ["[Coordinator] Replica set to 2"]
        first, *lines = await person.types("put apple 123")
        assert first in ("Replicas for key apple: A B", "Replicas for key apple: B A")
        assert sorted(lines) == [f'[{node}] PUT apple = 123 -> {{"status":"ok"}}' for node in "AB"]
        assert [line[1] for line in lines] == first.split()[-2:]
        assert await person.types("get apple") == ["apple -> 123"]
        assert await person.types("show") == [
            "Active Nodes:",
            f"  A (127.0.0.1:{a}, keys=1)",
            f"  B (127.0.0.1:{b}, keys=1)",
        ]
        assert await person.types("stats") == [
            "",
            "[System Stats]",
            "Nodes: 2",
            "Total Keys: 2",
            "Avg Keys per Node: 1",
            "Distinct Keys: 1",
            "(Total Keys counts every copy, Distinct Keys each key once)",
        ]


async def test_reads_and_deletes_in_the_originals_words(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        assert await person.types("get nope") == ["nope -> [not found]"]
        await person.types("put apple red and green")
        assert await person.types("get apple") == ["apple -> red and green"]
        lines = await person.types("del apple")
        assert sorted(lines) == [f'[n{number}] DEL apple -> {{"status":"ok"}}' for number in (1, 2)]
        assert await person.types("get apple") == ["apple -> [not found]"]
        await person.types("del apple")


async def test_a_value_in_quotes_is_the_value_without_them(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        await person.types('put one "hello world"')
        await person.types("put two hello world")
        one = await person.cluster.get(b"one")
        two = await person.cluster.get(b"two")
        assert one.value == two.value == b"hello world"


async def test_without_nodes_writes_and_reads_fail_in_words(opened: Opened) -> None:
    async with opened() as person:
        (line,) = await person.fails("put apple 123")
        assert line.startswith("put apple: failed: ")
        assert "123" not in line
        (line,) = await person.fails("get apple")
        assert line.startswith("get apple: failed: ")
        assert await person.types("stats") == [
            "",
            "[System Stats]",
            "Nodes: 0",
            "Total Keys: 0",
            "Avg Keys per Node: 0",
            "Distinct Keys: 0",
        ]
        assert await person.types("show") == ["Active Nodes:"]


async def test_a_node_that_is_down_is_shown_so_and_writes_say_which_replica_was_silent(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple 1")
        assert await person.types("stop n2") == ["Node stopped: n2"]
        lines = await person.types("show")
        assert lines[1].endswith("keys=1)")
        assert lines[2].startswith("  n2 (127.0.0.1:")
        assert lines[2].endswith(", status=DOWN): it was stopped")
        lines = await person.types("put apple 2")
        assert '[n1] PUT apple = 2 -> {"status":"ok"}' in lines
        (silent,) = [line for line in lines if line.startswith("[n2]")]
        assert "ok" not in silent
        assert await person.types("get apple") == ["apple -> 2"]
        assert await person.types("start n2") == ["Node started: n2"]


async def test_a_node_leaves_once_its_keys_have_moved(opened: Opened) -> None:
    async with opened(nodes=2) as person:
        for number in range(20):
            await person.types(f"put key{number} {number}")
        assert await person.types("removenode n1") == ["Rebalancing after removing node n1...", "Node removed: n1"]
        for number in range(20):
            assert await person.types(f"get key{number}") == [f"key{number} -> {number}"]


@pytest.mark.parametrize("text", ["removenode C", "stop C", "start C"])
async def test_a_node_that_does_not_exist_is_named_in_the_one_line(opened: Opened, text: str) -> None:
    async with opened() as person:
        (line,) = await person.fails(text)
        assert "C" in line


async def test_a_node_id_is_taken_once(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        (line,) = await person.fails("addnode n1 0")
        assert "n1" in line


async def test_fewer_nodes_than_copies_wanted_is_said(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        assert await person.types("setreplica 3") == [
            "[Coordinator] Replica set to 3",
            "Every key has 1 copy; add nodes to reach 3",
        ]


async def test_rebalance_in_the_originals_words(opened: Opened) -> None:
    async with opened(nodes=2) as person:
        lines = await person.types("rebalance")
        assert lines[0] == "[Coordinator] Starting rebalance..."
        assert lines[-1] == "[Coordinator] Rebalance complete."


async def test_keys_lists_some_and_says_how_many_more(opened: Opened) -> None:
    async with opened(nodes=2) as person:
        assert await person.types("keys") == ["No keys"]
        items = [(f"user:{number}".encode(), b"x") for number in range(LISTED_KEYS + 5)]
        await person.cluster.put_many([*items, (b"other", b"y")])
        names = {key.decode() for key, _ in items}
        lines = await person.types("keys user:")
        assert len(lines) == LISTED_KEYS + 1
        assert set(lines[:-1]) < names
        assert lines[-1] == "… and 5 more (keys --all lists every key)"
        assert set(await person.types("keys --all")) == names | {"other"}
        assert await person.types("keys oth") == ["other"]
        assert await person.types("keys none") == ["No keys begin with none"]


async def test_keys_stops_counting_where_counting_would_take_long(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "COUNTED_KEYS", 3)
    async with opened(nodes=1) as person:
        await person.cluster.put_many([(f"{number}".encode(), b"") for number in range(LISTED_KEYS + 4)])
        assert (await person.types("keys"))[-1] == "… and over 3 more (keys --all lists every key)"


async def test_browse_says_where_it_works_and_hands_the_prefix_to_a_screen(opened: Opened) -> None:
    async with opened() as person:
        assert await person.fails("browse user:") == ["browse needs the dashboard; here, list keys with: keys"]
        shown: list[str] = []
        context = Context(person.cluster, person.lines.append, browse=shown.append)
        for line in ("browse user:", "browse"):
            invocation = parse(line)
            assert invocation is not None
            assert await run(invocation, context)
        assert shown == ["user:", ""]


async def test_where_tells_the_version_on_each_replica_and_shows_the_place(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple 1")
        lines = await person.types("where apple")
        assert lines[0] == "Key apple"
        assert sum(": version 1." in line for line in lines) == 2
        (location,) = person.locations
        assert location.key == b"apple"


async def test_all_stats_tell_copies_and_distinct_keys_apart(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple 1")
        lines = await person.types("stats --all")
        assert {"Total Keys: 2", "Distinct Keys: 1", "Nodes up: 2 of 2"} <= set(lines)


async def test_nothing_lost_is_nothing_to_accept(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        assert await person.types("accept-loss") == ["Nothing is lost"]


async def test_a_loss_is_accepted_only_by_saying_so_twice(opened: Opened) -> None:
    async with opened(nodes=2) as person:
        await person.cluster.put_many([(f"key{number}".encode(), b"") for number in range(50)])
        await person.types("stop n2")
        await person.types("start n2")  # a node in memory comes back without what only it had
        (line,) = await person.fails("accept-loss")
        assert line.startswith("accept-loss gives up the newest writes of ")
        assert line.endswith("say accept-loss --yes")
        (line,) = await person.types("accept-loss --yes")
        assert line.startswith("Loss accepted: ")


async def test_help_lists_every_command_and_explains_one(opened: Opened) -> None:
    async with opened() as person:
        lines = await person.types("help")
        assert any(line.startswith("put <key> <value>  ") for line in lines)
        assert any(line.startswith("accept-loss") for line in lines)
        lines = await person.types("help put")
        assert lines[0] == "put <key> <value>   Store a key-value pair"
        assert await person.types("help quit") == await person.types("help exit")


async def test_exit_leaves(opened: Opened) -> None:
    async with opened() as person:
        await person.types("exit")
        assert person.left


class Bare:
    """A cluster without any capability; nothing of it is used."""


@pytest.mark.parametrize("text", ["stop A", "start A", "accept-loss"])
async def test_what_a_cluster_cannot_do_is_said(text: str) -> None:
    invocation, lines = parse(text), list[Line]()
    assert invocation is not None
    assert not await run(invocation, Context(Bare(), lines.append))  # type: ignore[arg-type]
    assert [line.text for line in lines] == [f"{text.split()[0]}: this cluster can't do that"]


async def test_help_leaves_out_what_the_cluster_cannot_do() -> None:
    invocation, lines = parse("help"), list[Line]()
    assert invocation is not None
    assert await run(invocation, Context(Bare(), lines.append))  # type: ignore[arg-type]
    names = {line.text.split()[0] for line in lines}
    assert "put" in names
    assert not {"stop", "start", "accept-loss"} & names


async def test_a_defect_ends_in_one_line_without_its_message() -> None:
    async def broken(_invocation: Invocation, _context: Context) -> bool:
        raise ValueError("hunter2")

    lines = list[Line]()
    command = Command("break", (), "", "", broken, changes=False)
    assert not await run(Invocation(command), Context(Bare(), lines.append))  # type: ignore[arg-type]
    (line,) = lines
    assert line.level is Level.BAD
    assert "ValueError at test_handlers.py:" in line.text
    assert "hunter2" not in line.text
