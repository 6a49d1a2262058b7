"""The C++ original loses data or lies in ten ways; each test says "the original does this; kvtui does not"."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from kvtui.core.cluster import Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.seams.launcher import LaunchFailed, NodeSpec
from kvtui.core.seams.processes import ProcessLauncher
from kvtui.core.snapshot import NodeState
from tests.live import lone_node, pid_of, said, until_state

DEADLINE_SECONDS = 60


def on_a_ring(state: Path, story: Callable[[Coordinator], Awaitable[None]], nodes: int = 3, copies: int = 1) -> None:
    """Tell a story on a new ring of real nodes."""

    async def told() -> None:
        with anyio.fail_after(DEADLINE_SECONDS):
            async with open_cluster(Settings(state=state, nodes=nodes, replication=copies)) as cluster:
                await story(cluster)

    anyio.run(told)


def one_shot(address: tuple[str, int], request: bytes) -> bytes:
    """Send as the original does, without a newline, and read until the node closes."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
        return answer


def test_original_bug_1_nodes_started_in_one_directory_shared_one_log(tmp_path: Path) -> None:
    async def story() -> None:
        async with lone_node(tmp_path / "data"):
            with pytest.raises(LaunchFailed, match="in use"):
                await ProcessLauncher().start(NodeSpec("second", "127.0.0.1", 0, tmp_path / "data"))

    anyio.run(story)


def test_original_bug_2_rebalance_let_a_stale_copy_overwrite_newer_data(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        keys = [b"k%d" % number for number in range(60)]
        await cluster.put_many([(key, b"old") for key in keys])
        await cluster.stop_node("n2")
        await cluster.put_many([(key, b"new") for key in keys[:30]])
        for key in keys[30:]:
            assert (await cluster.delete(key)).outcome is Outcome.OK
        await cluster.start_node("n2")
        await cluster.rebalance()
        # Only the node that was away answers now: what it holds must be what the others had.
        for other in ("n1", "n3"):
            await cluster.stop_node(other)
            reads = dict(zip(keys, await cluster.get_many(keys), strict=True))
            assert all(read.value == b"new" for key, read in reads.items() if key in keys[:30] and read.text == "")
            assert all(read.value is None for key, read in reads.items() if key in keys[30:])
            await cluster.start_node(other)
            await cluster.rebalance()

    on_a_ring(tmp_path, story, copies=2)


def test_original_bug_3_removenode_forgot_the_data_and_addnode_moved_nothing(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        items = [(b"k%d" % number, b"v%d" % number) for number in range(500)]
        await cluster.put_many(items)
        await said(cluster, "addnode D 0")
        await cluster.rebalance()
        moved = cluster.snapshot().node("D")
        assert moved is not None
        assert 80 < moved.keys < 180
        succeeded, lines = await said(cluster, "removenode n1")
        assert succeeded, lines
        reads = await cluster.get_many([key for key, _ in items])
        assert [read.value for read in reads] == [value for _, value in items]

    on_a_ring(tmp_path, story, copies=1)


def test_original_bug_4_put_hid_that_every_replica_failed_and_stats_threw(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        await cluster.put(b"apple", b"1")
        await cluster.stop_node("n1")
        succeeded, lines = await said(cluster, "put apple 2")
        assert not succeeded
        assert any("n1" in line for line in lines), lines
        succeeded, lines = await said(cluster, "stats")
        assert succeeded
        assert "Nodes: 1" in lines
        succeeded, lines = await said(cluster, "show")
        assert succeeded
        assert any(line.endswith(", status=DOWN): it was stopped") for line in lines), lines

    on_a_ring(tmp_path, story, nodes=1)


def test_original_bug_5_stats_could_not_tell_copies_from_keys(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        await cluster.put(b"apple", b"123")
        _, lines = await said(cluster, "stats")
        assert "Total Keys: 2" in lines
        _, lines = await said(cluster, "stats --all")
        assert "Distinct Keys: 1" in lines
        assert (await cluster.refresh()).keys == 1

    on_a_ring(tmp_path, story, nodes=2, copies=2)


def test_original_bug_6_long_requests_were_cut_and_spaces_broke_the_log(tmp_path: Path) -> None:
    value = 'a value with spaces,\na line break and "quotes" ' + "x" * 100_000

    async def story() -> None:
        async with lone_node(tmp_path / "data") as address:
            request = json.dumps({"op": "put", "key": "long key", "value": value}).encode()
            assert json.loads(one_shot(address, request)) == {"status": "ok"}
        async with lone_node(tmp_path / "data") as address:
            answer = json.loads(one_shot(address, b'{"op":"get","key":"long key"}'))
            assert answer == {"status": "ok", "value": value}

    anyio.run(story)


def test_original_bug_7_a_crash_lost_what_was_acknowledged(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        for number in range(200):
            assert (await cluster.put(b"k%d" % number, b"v%d" % number)).outcome is Outcome.OK
        os.kill(pid_of(cluster, "n1"), signal.SIGKILL)
        await until_state(cluster, "n1", NodeState.DOWN)
        await cluster.start_node("n1")
        reads = await cluster.get_many([b"k%d" % number for number in range(200)])
        assert [read.value for read in reads] == [b"v%d" % number for number in range(200)]

    on_a_ring(tmp_path, story, nodes=1)


def test_original_bug_8_a_hung_node_blocked_the_coordinator_for_ever(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        keys = [b"k%d" % number for number in range(30)]
        await cluster.put_many([(key, b"before") for key in keys])
        pid = pid_of(cluster, "n2")
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        for key in keys:
            assert (await cluster.put(key, b"after")).outcome is Outcome.OK
            assert (await cluster.get(key)).value == b"after"
        assert time.monotonic() - began < 4
        os.kill(pid, signal.SIGCONT)
        await until_state(cluster, "n2", NodeState.UP)
        await cluster.rebalance()
        assert cluster.snapshot().behind == 0

    on_a_ring(tmp_path, story, copies=2)


def test_original_bug_8_bad_json_ended_the_node(tmp_path: Path) -> None:
    async def story() -> None:
        async with lone_node(tmp_path / "data") as address:
            for bad in (b"{", b"null\n", b'{"op":"put"}', b"\xff\xfe\n", b"[" * 5_000 + b"\n"):
                with socket.create_connection(address, timeout=10) as connection:
                    connection.sendall(bad)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(65_536)
            assert json.loads(one_shot(address, b'{"op":"size"}')) == {"status": "ok", "keys": 0}

    anyio.run(story)


def test_original_bug_9_three_random_points_a_node_made_some_nodes_twice_as_full(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        shares = [view.share for view in cluster.snapshot().nodes]
        assert max(shares) / (sum(shares) / len(shares)) < 1.001

    on_a_ring(tmp_path, story)


def test_original_bug_10_nodes_listened_on_every_interface_without_authentication(tmp_path: Path) -> None:
    node = subprocess.run(
        [sys.executable, "-m", "kvtui.node", "0", "--host", "0.0.0.0", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert node.returncode == 2
    assert "0.0.0.0" in node.stderr
    assert len(node.stderr.strip().splitlines()) == 1
