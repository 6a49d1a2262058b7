"""The connection of a campaign, as a node treats it."""

import asyncio
import socket
import struct

from tests.fuzz.channel import Channel


def test_an_end_is_said_to_a_node_that_has_reset_the_connection_and_was_not_seen_yet_to() -> None:
    async def converse() -> bool:
        with socket.create_server(("127.0.0.1", 0)) as server:
            _, channel = await asyncio.get_running_loop().create_connection(Channel, *server.getsockname())
            node, _ = server.accept()
            node.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            node.close()
            channel.send_eof()
            await channel.until(lambda: False)
            return channel.closed

    assert asyncio.run(converse())
