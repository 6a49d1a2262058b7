"""addnode: what listens at an address is attached if it is an empty kvtui node, and refused in one clear line otherwise."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster
from tests.live import lone_node, said

Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def stranger(respond: Respond) -> AsyncIterator[int]:
    """Something else that listens; its port."""
    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def refused(cluster: Coordinator, port: int, word: str) -> None:
    succeeded, lines = await said(cluster, f"addnode A {port}")
    assert not succeeded
    assert len(lines) == 1, lines
    assert word in lines[0], lines
    assert cluster.snapshot().nodes == ()


def with_cluster(state: Path | None, story: Callable[[Coordinator], Awaitable[None]]) -> None:
    async def told() -> None:
        with anyio.fail_after(60):
            async with open_cluster(Settings(state=state)) as cluster:
                await story(cluster)

    anyio.run(told)


def test_an_empty_node_is_attached_and_released_empty_again(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        async with lone_node(tmp_path / "lone") as (host, port):
            assert (await said(cluster, f"addnode A {host}:{port}"))[0]
            view = cluster.snapshot().node("A")
            assert view is not None
            assert not view.started_here
            assert (await said(cluster, "put apple 123"))[0]
            succeeded, lines = await said(cluster, "stop A")
            assert not succeeded
            assert "not started by kvtui" in lines[0]
            assert (await said(cluster, "addnode B 0"))[0]
            assert (await said(cluster, "removenode A"))[0]
            assert (await cluster.get(b"apple")).value == b"123"
            assert (await said(cluster, f"addnode C {host}:{port}"))[0]

    with_cluster(tmp_path / "state", story)


def test_a_node_of_the_original_is_refused(tmp_path: Path) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # As its node does: one read, one reply without a newline, and the end.
        request = json.loads(await reader.read(1024))
        assert request["op"] == "hello"
        writer.write(b'{"status":"error","msg":"unknown op"}')
        writer.close()

    async def story(cluster: Coordinator) -> None:
        async with stranger(respond) as port:
            await refused(cluster, port, "original C++")

    with_cluster(None, story)


def test_a_server_of_another_kind_is_refused(tmp_path: Path) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def story(cluster: Coordinator) -> None:
        async with stranger(respond) as port:
            await refused(cluster, port, "no kvtui node")

    with_cluster(None, story)


def test_what_never_answers_is_refused_in_two_seconds(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent, anyio.fail_after(5):
            await refused(cluster, silent.getsockname()[1], "silent")

    with_cluster(None, story)


def test_a_node_with_data_or_of_another_cluster_is_refused(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        async with lone_node(None) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b'{"op":"put","key":"mine","value":"1"}\n')
            await reader.readline()
            writer.close()
            await refused(cluster, port, "holds 1 key")
        async with lone_node(None) as (host, port), open_cluster(Settings(state=None)) as other:
            await other.add_node("theirs", host, port)
            await refused(cluster, port, "another cluster")

    with_cluster(None, story)


def test_an_id_or_address_that_is_taken_is_refused(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        async with lone_node(None) as (_, port):
            assert (await said(cluster, f"addnode A {port}"))[0]
            for text, word in (
                ("addnode A 0", "already"),
                (f"addnode B {port}", "already"),
                ("addnode ../x 0", "node id"),
                ("addnode B 10.0.0.1:5001", "loopback"),
                ("removenode Z", "no node Z"),
            ):
                succeeded, lines = await said(cluster, text)
                assert not succeeded
                assert any(word in line for line in lines), lines
            assert [view.id for view in cluster.snapshot().nodes] == ["A"]

    with_cluster(None, story)


def test_a_node_that_comes_back_at_another_address_goes_on_there_with_the_only_copy(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        async with lone_node(tmp_path / "b") as (_, port):
            assert (await said(cluster, f"addnode B {port}"))[0]
            assert (await said(cluster, "put apple 1"))[0]
        async with lone_node(tmp_path / "b") as (_, other):
            for text in (f"addnode C {other}", f"addnode C {other} --import", f"addnode C {other} --wipe --yes"):
                succeeded, lines = await said(cluster, text)
                assert not succeeded
                assert lines[-1].endswith(f"it goes on there with: addnode B 127.0.0.1:{other}")
            succeeded, lines = await said(cluster, f"addnode B {other}")
            assert succeeded, lines
            assert f"B is at 127.0.0.1:{other} from here on, no longer at 127.0.0.1:{port}" in lines[0]
            assert (await cluster.get(b"apple")).value == b"1"

    with_cluster(tmp_path / "state", story)
