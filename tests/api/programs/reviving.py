"""A program whose nodes die under it: a list of what the logger ``kvtui`` was told, and what became of nodes and keys."""

import logging
import os
import signal
import sys
import threading
from typing import Any, cast

import kvtui
from kvtui.core.snapshot import ClusterSnapshot

ENOUGH_SECONDS = 20


class Told(logging.Handler):
    """What was told, for threads to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.more = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self.more:
            self.lines.append(f"{record.levelname} {record.getMessage()}")
            self.more.notify_all()

    def waited_for(self, line: str, since: int = 0) -> None:
        with self.more:
            assert self.more.wait_for(lambda: line in self.lines[since:], ENOUGH_SECONDS), self.lines


async def picture(cluster: kvtui.Cluster) -> ClusterSnapshot:
    return await cluster.refresh()  # as it is now, not as it was looked at last


def pid_of(store: kvtui.SyncStore, node: str) -> int:
    view = store.call(picture).node(node)
    assert view is not None
    assert view.pid is not None
    return view.pid


async def kill_n2(cluster: kvtui.Cluster) -> None:
    await cast(Any, cluster).kill_node("n2")


told = Told()
log = logging.getLogger("kvtui")
log.addHandler(told)
log.setLevel(logging.INFO)
KEYS = {f"key {number}": f"value {number}" for number in range(100)}

with kvtui.connect_sync("lab", nodes=2, replicas=1, uvloop=sys.argv[1] == "uvloop") as store:
    store.put_many(KEYS)
    with kvtui.connect_sync("lab") as other:  # attached: what happens is told once
        store.call(kill_n2)
        victim = pid_of(store, "n1")
        os.kill(victim, signal.SIGKILL)
        told.waited_for("INFO n1 is UP")
        reads = other.get_many(KEYS, check=False)
    assert {key for key, read in reads.items() if read.value is not None}
    assert all(read.value in (None, KEYS[key].encode()) for key, read in reads.items())
    assert all(read.outcome == ("failed" if read.value is None else "ok") for read in reads.values()), reads
    for line in told.lines:
        if line.startswith(("WARNING n", "INFO n")):
            print(line)
    print("values" if any("value " in line or "key " in line for line in told.lines) else "no values")
    since = len(told.lines)
    back = pid_of(store, "n1")
    assert back != victim
    os.kill(back, signal.SIGKILL)
    told.waited_for("WARNING n1 is started again (2 of 6)", since)
print("closed")
