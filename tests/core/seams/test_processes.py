"""Nodes as processes of this machine."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kvtui.core.seams.child_output import KEPT_BYTES, LastWords
from kvtui.core.seams.launcher import Discarded, LaunchFailed, NodeProcess, NodeSpec
from kvtui.core.seams.processes import ProcessLauncher

LIMIT_SECONDS = 60


def launched(
    story: Callable[[ProcessLauncher, list[NodeProcess]], Awaitable[None]], launcher: ProcessLauncher | None = None
) -> None:
    """Tell a story of nodes, which die with it."""

    async def told() -> None:
        nodes: list[NodeProcess] = []
        async with asyncio.timeout(LIMIT_SECONDS):
            try:
                await story(launcher or ProcessLauncher(), nodes)
            finally:
                for node in nodes:
                    node.signal(signal.SIGKILL)
                    await node.wait()

    asyncio.run(told())


def spec(data: Path | None = None, port: int = 0) -> NodeSpec:
    return NodeSpec("n1", "127.0.0.1", port, data)


def connects(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError:
        return False
    return True


def test_a_started_node_accepts_and_ends_on_a_signal(tmp_path: Path) -> None:
    async def story(launcher: ProcessLauncher, nodes: list[NodeProcess]) -> None:
        node = await launcher.start(spec(tmp_path / "n1"))
        nodes.append(node)
        assert node.alive
        assert connects(node.address)
        assert os.getsid(node.pid) == node.pid
        assert node.ended == ""
        node.signal(signal.SIGTERM)
        assert await node.wait() == 0
        assert node.ended == "its process ended with status 0"
        assert not node.alive
        node.signal(signal.SIGTERM)
        assert not connects(node.address)
        assert launcher.discard(spec(tmp_path / "n1")) == Discarded()
        assert launcher.discard(spec(tmp_path / "n1")) == Discarded()
        assert launcher.discard(spec()) == Discarded()
        assert not (tmp_path / "n1").exists()

    launched(story)


def test_a_killed_node_says_so() -> None:
    async def story(launcher: ProcessLauncher, nodes: list[NodeProcess]) -> None:
        node = await launcher.start(spec())
        nodes.append(node)
        node.signal(signal.SIGKILL)
        assert await node.wait() == -signal.SIGKILL

    launched(story)


def test_a_launch_that_fails_passes_on_the_nodes_own_line(tmp_path: Path) -> None:
    async def story(launcher: ProcessLauncher, nodes: list[NodeProcess]) -> None:
        first = await launcher.start(spec(tmp_path))
        nodes.append(first)
        with pytest.raises(LaunchFailed, match=f"is in use by kvtui-node, process {first.pid}"):
            await launcher.start(spec(tmp_path))
        with pytest.raises(LaunchFailed, match="address already in use"):
            await launcher.start(spec(port=first.address[1]))

    launched(story)


def test_a_launch_has_a_deadline_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async def story(launcher: ProcessLauncher, nodes: list[NodeProcess]) -> None:
        with pytest.raises(LaunchFailed, match=r"node n1 did not start within 0.001 s"):
            await launcher.start(spec(tmp_path))
        nodes.append(await ProcessLauncher().start(spec(tmp_path)))

    launched(story, ProcessLauncher(start_seconds=0.001))


PARENT = """
    import asyncio, sys
    from pathlib import Path
    from kvtui.core.seams.launcher import NodeSpec
    from kvtui.core.seams.processes import ProcessLauncher

    async def main():
        nodes = [await ProcessLauncher().start(NodeSpec(name, "127.0.0.1", 0, None)) for name in ("n1", "n2")]
        print(*(node.pid for node in nodes), flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
"""


def test_nodes_end_when_their_parent_is_killed_with_kill_9() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
    )
    assert parent.stdout is not None
    try:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        ends = [os.pidfd_open(pid) for pid in pids]
    finally:
        parent.kill()
        parent.communicate()

    async def wait_for_ends() -> None:
        loop = asyncio.get_running_loop()
        for descriptor in ends:
            ended = asyncio.Event()
            loop.add_reader(descriptor, ended.set)
            async with asyncio.timeout(LIMIT_SECONDS):
                await ended.wait()
            loop.remove_reader(descriptor)
            os.close(descriptor)

    assert len(ends) == 2
    asyncio.run(wait_for_ends())


def test_no_writable_place_is_needed_to_start_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a read-only root there is no temporary directory: each start ended in a crash."""

    def none() -> str:
        raise FileNotFoundError(2, "no usable temporary directory")

    monkeypatch.setattr("tempfile.gettempdir", none)
    monkeypatch.setattr("tempfile._get_default_tempdir", none)
    monkeypatch.setattr("tempfile.tempdir", None)

    async def story(launcher: ProcessLauncher, nodes: list[NodeProcess]) -> None:
        nodes.append(await launcher.start(spec(tmp_path / "n1")))
        assert connects(nodes[0].address)

    launched(story)


TALKER = """
    import os, sys
    for number in range(100_000):
        try:
            os.write(2, b"line %d\\n" % number)
        except BlockingIOError:
            pass
    print("done", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "while nobody listens"])
def test_who_says_much_is_held_up_by_nobody_and_its_end_is_kept(heard: bool) -> None:
    async def story() -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            said = LastWords()
            process = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(TALKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said.writing.number,
            )
            said.writing.close()
            assert process.stdout is not None
            if heard:
                assert await asyncio.to_thread(process.stdout.readline) == b"done\n"
            else:
                assert process.stdout.readline() == b"done\n"
            process.communicate()
            line = await said.line()
            assert line.startswith("line ")
            assert len(said._tail) <= KEPT_BYTES
            said.close()

    asyncio.run(story())
