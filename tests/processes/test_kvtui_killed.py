"""``kill -9`` of kvtui itself: its nodes end with it, and the next kvtui finds everything."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from kvtui.core.opening import Settings, open_cluster

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux wakes a stopped process when its parent ends")


def node_processes(state: Path) -> list[int]:
    """Nodes whose data directories lie in ``state``."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "kvtui.node" in line and str(state) in line]


@pytest.mark.parametrize("paused", [False, pytest.param(True, marks=ON_LINUX)], ids=["", "one of them paused"])
def test_nodes_end_with_a_killed_kvtui_and_their_data_is_there_again(tmp_path: Path, paused: bool) -> None:
    state = tmp_path / "state"
    shell = subprocess.Popen(
        [sys.executable, "-m", "kvtui", "shell", "--state", str(state), "--nodes", "2", "--replicas", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write("put apple 123\nget apple\n")
        shell.stdin.flush()
        while (line := shell.stdout.readline()) and line != "apple -> 123\n":
            pass
        assert line
        nodes = node_processes(state)
        assert len(nodes) == 2
        if paused:
            shell.stdin.write("pause n1\n")
            shell.stdin.flush()
            assert shell.stdout.readline().startswith("Node paused: n1")
    finally:
        os.kill(shell.pid, signal.SIGKILL)
        shell.communicate(timeout=30)

    async def reopened() -> None:
        # Opening waits until the last processes let go of their directories, and starts new ones.
        with anyio.fail_after(60):
            async with open_cluster(Settings(state=state)) as cluster:
                assert (await cluster.get(b"apple")).value == b"123"
                assert not set(nodes) & set(node_processes(state))

    anyio.run(reopened)
    assert node_processes(state) == []
