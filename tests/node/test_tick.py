"""Group commit: who shares one, and who need not wait for anybody."""

from kvtui.core.protocol import Put, encode_lines
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
