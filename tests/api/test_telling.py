"""What a store, and what it returns, says of itself where a program, a notebook or a crash report shows it."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

import kvtui
from kvtui.api.leaving import _runs
from kvtui.core.version import Version
from tests.api.conftest import Ran

pytestmark = pytest.mark.anyio

VALUE = b"a value of which nobody is to know"


async def test_stores_say_where_they_are_whether_they_are_open_and_who_holds_the_ring(tmp_path: Path) -> None:
    connecting = kvtui.connect(tmp_path / "lab", nodes=0)
    assert repr(connecting) == f"<kvtui.connect(...) in {tmp_path}/lab, not open>"
    first = await connecting
    assert repr(connecting) == f"<kvtui.connect(...) in {tmp_path}/lab, open>"
    assert repr(first) == f"<kvtui.Store in {tmp_path}/lab, held by this program, open>"
    assert repr(first.cluster) == f"<kvtui.Cluster in {tmp_path}/lab, held by this program>"
    second = await asyncio.to_thread(kvtui.connect_sync, tmp_path / "lab")
    holder = f"attached to a Python program (process {os.getpid()})"
    assert repr(second) == f"<kvtui.SyncStore in {tmp_path}/lab, {holder}, open>"
    await first.close()
    assert repr(first) == f"<kvtui.Store in {tmp_path}/lab, closed>"
    told: list[str] = []
    elsewhere = threading.Thread(target=lambda: told.append(repr(second)))
    elsewhere.start()
    elsewhere.join()
    assert told == [f"<kvtui.SyncStore in {tmp_path}/lab, {holder}, which is gone, open>"]
    await asyncio.to_thread(second.close)
    assert repr(second) == f"<kvtui.SyncStore in {tmp_path}/lab, closed>"


def test_a_store_shows_itself_in_a_process_that_was_forked_off(ran: Ran) -> None:
    done = ran("""
import os, kvtui
with kvtui.connect_sync(memory=True, nodes=0) as store:
    child = os.fork()
    os.write(1, f"{store} {store._store}\\n".encode())
    if child:
        os.waitpid(child, 0)
    else:
        os._exit(0)
print(store)
""")
    assert (done.returncode, done.stderr) == (0, "")
    told = [line.partition(" ")[2] for line in done.stdout.splitlines()]
    assert sorted(told) == [
        "in memory, closed>",
        "in memory, held by this program, open> <kvtui.Store in memory, held by this program, open>",
        "in memory, of the process that this one was forked from, open>"
        " <kvtui.Store in memory, of the process that this one was forked from, open>",
    ]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (kvtui.Read(kvtui.Outcome.OK, VALUE, Version(1, 2)), "<Read ok: 34 bytes, version 1.2>"),
        (kvtui.Read(kvtui.Outcome.FAILED, None, Version(0, 0), text="no"), "<Read failed: no value, version 0.0: no>"),
        (kvtui.Item(b"key", VALUE, Version(1, 2), 35), "<Item b'key': 35 bytes, version 1.2>"),
        (
            kvtui.WrittenMany(1, 2, 3, "why", {b"key": kvtui.Outcome.FAILED}),
            "<WrittenMany: 1 ok, 2 failed, 3 unknown, 0 existed: why>",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_results_show_no_value(result: object, said: str) -> None:
    assert repr(result) == said
    for told in (repr([result]), repr({"k": result}), pretty_repr(result), f"{result}"):
        assert "nobody" not in told


def test_a_process_that_may_not_be_signalled_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert _runs(1)
    assert not _runs(None)
