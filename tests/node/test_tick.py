"""Group commit: who shares one, and who need not wait for anybody."""

import asyncio
from typing import Any

import pytest

from kvtui.core.protocol import Get, Put, Reply, encode_lines
from tests.node.nodes import Bench, on_a_node


def test_the_only_connection_is_answered_with_one_commit_as_soon_as_it_was_heard() -> None:
    async def story(bench: Bench) -> None:
        await bench.client()
        await bench.clock.sleep(1)
        before = bench.store.counter
        (connection,) = bench.server._connections
        connection.data_received(encode_lines([Put("a", "1"), Put("b", "2")]))
        assert bench.store.counter == before + 1
        assert connection.replies == []

    on_a_node(story)


def test_two_connections_share_the_commit_at_the_end_of_the_turn() -> None:
    async def story(bench: Bench) -> None:
        clients = [await bench.client(), await bench.client()]
        await bench.clock.sleep(1)
        before = bench.store.counter
        for connection in bench.server._connections:
            connection.data_received(encode_lines([Put("a", "1")]))
        assert bench.store.counter == before
        for client in clients:
            assert (await client.reply()).status == "ok"
        assert bench.store.counter == before + 1

    on_a_node(story)


def test_replies_that_can_t_be_sent_end_their_connection_alone() -> None:
    """Those that came after it in the turn got none at all, and the next ones of its own were taken for those that were lost."""

    async def story(bench: Bench) -> None:
        clients = [await bench.client() for _ in range(3)]
        await bench.clock.sleep(1)
        for number, connection in enumerate(bench.server._connections):
            connection.data_received(encode_lines([Put("a", "1")]))
            if number == 1:
                connection.replies.append(Reply(status="ok", msg="\udcff"))
        assert (await clients[0].reply()).status == "ok"
        assert (await clients[2].reply()).status == "ok"
        assert await clients[1].rest() == b""
        assert (await clients[0].one(Get("a"))).value == "1"

    on_a_node(story)


def test_a_defect_amid_requests_that_waited_ends_their_connection() -> None:
    """Its later replies would have been taken for those that were never made."""

    async def story(bench: Bench) -> None:
        client, other = await bench.client(), await bench.client()
        await bench.clock.sleep(1)
        connection = next(iter(bench.server._connections))
        nonsense: Any = object()
        connection._waiting.append(nonsense)
        with pytest.raises(KeyError):
            connection._go_on()
        async with asyncio.timeout(1):
            assert await client.rest() == b""
        assert (await other.one(Put("a", "1"))).status == "ok"

    on_a_node(story)
