"""The last thing that a real node acknowledged is cut off its log, with node and kvtui killed: that is noticed."""

import os
import signal
import time
from pathlib import Path

import pytest

from kvtui.core.supervisor import COUNTER_SECONDS
from tests.processes.test_control import TIMEOUT, running, script
from tests.processes.test_hand_overs import without_nodes
from tests.processes.test_kvtui_killed import node_processes

pytestmark = pytest.mark.long


def log_bytes(store: Path) -> int:
    return sum(path.stat().st_size for path in store.glob("*.log"))


def until_logged(state: Path, before: int) -> None:
    """Wait until kvtui has written to its log once more: nothing but how far the node got is left to be logged."""
    deadline = time.monotonic() + 4 * COUNTER_SECONDS
    while log_bytes(state / "metadata") == before:
        assert time.monotonic() < deadline, "it was never logged how far the node got"
        time.sleep(0.05)


@pytest.mark.parametrize("cut", [1, 3])
def test_an_acknowledged_write_whose_record_is_cut_off_is_not_gone_in_silence(tmp_path: Path, cut: int) -> None:
    """The record is the last one, and the only one that is missing: the value before it was served as if it were the newest."""
    state = tmp_path / "state"
    with running("shell", "--state", str(state), "--nodes", "1") as kvtui:
        kvtui.says("put k old", "[n1] PUT")
        before = log_bytes(state / "metadata")
        until_logged(state, before)
        before = log_bytes(state / "metadata")
        kvtui.says("put k new", "[n1] PUT")
        until_logged(state, before)
        (node,) = node_processes(state)
        # Neither hears of the other's end: a node that does ends in order.
        kvtui.process.send_signal(signal.SIGSTOP)
        os.kill(node, signal.SIGKILL)
        kvtui.process.kill()
        kvtui.process.communicate(timeout=TIMEOUT)
        without_nodes(state)
    newest = max((state / "nodes" / "n1").glob("*.log"), key=lambda path: path.stat().st_mtime)
    os.truncate(newest, newest.stat().st_size - cut)
    done = script(state, "get k")
    assert done.returncode != 0
    assert "old" not in done.stdout
    assert "no clean copy" in done.stderr
