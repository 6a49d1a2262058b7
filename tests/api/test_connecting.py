"""``kvtui.connect``: real nodes, opened and closed as programs do it."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
import uvloop

import kvtui
from tests.api.conftest import Ran


def alive(process: int | None) -> bool:
    """Whether the process runs; one that ended and that nobody waited for does not."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    ).stdout
    return bool(listed.strip()) and not listed.startswith("Z")


def processes(store: kvtui.Store) -> list[int]:
    return [view.pid for view in store.cluster.snapshot().nodes if view.pid is not None]


async def used() -> list[int]:
    """A store opened, used and closed; the processes of its nodes."""
    async with kvtui.connect(memory=True, nodes=2, replicas=2) as store:
        await store.put("apple", "1")
        assert (await store.get("apple")).value == b"1"
        assert len(processes(store)) == 2
        return processes(store)


def by_asyncio() -> list[int]:
    return asyncio.run(used())


def by_anyio() -> list[int]:
    return anyio.run(used)


def by_uvloop() -> list[int]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(used())


@pytest.mark.parametrize("run", [by_asyncio, by_anyio, by_uvloop])
def test_a_store_opens_and_its_nodes_end_with_it(run: Callable[[], list[int]]) -> None:
    before = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
    nodes = run()
    assert not any(alive(node) for node in nodes)
    assert [signal.getsignal(number) for number in sorted(signal.valid_signals())] == before


@pytest.mark.anyio
async def test_a_new_cluster_has_three_nodes_and_two_copies_and_stays_as_it_was_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    async with kvtui.connect(state) as store:
        await store.put("apple", "1")
        snapshot = store.cluster.snapshot()
        assert (len(snapshot.nodes), snapshot.replication) == (3, 2)
    assert "nothing" not in caplog.text
    async with kvtui.connect(str(state), nodes=1, replicas=1, grace=60) as store:
        assert (await store.get("apple")).value == b"1"
        snapshot = store.cluster.snapshot()
        assert (len(snapshot.nodes), snapshot.replication) == (3, 2)
        told = (
            "nodes, replicas change nothing: this cluster exists already, with 3 nodes, 2 copies of each key, balanced"
        )
        assert told in caplog.messages
        caplog.clear()
        async with kvtui.connect(state, nodes=3, policy="classic"):
            assert caplog.messages[0] == told.replace("nodes, replicas change", "policy changes")
            assert "is open in this program already" in caplog.messages[1]


@pytest.mark.anyio
async def test_it_is_opened_in_one_task_and_closed_in_another() -> None:
    """As fixtures of tests and cells of notebooks do it."""
    stack = AsyncExitStack()
    store = await asyncio.create_task(stack.enter_async_context(kvtui.connect(memory=True, nodes=1)))
    await asyncio.create_task(store.put("apple", "1"))
    nodes = processes(store)
    await asyncio.create_task(stack.aclose())
    assert not any(alive(node) for node in nodes)


@pytest.mark.anyio
async def test_awaited_it_stays_open_until_it_is_closed() -> None:
    store = await kvtui.connect(memory=True, nodes=1)
    nodes = processes(store)
    await store.put("apple", "1")
    await store.close()
    await store.close()
    assert not any(alive(node) for node in nodes)
    with pytest.raises(kvtui.ClusterError, match="the store is closed"):
        await store.get("apple")


@pytest.mark.anyio
async def test_who_waits_as_it_closes_is_told() -> None:
    store = await kvtui.connect(memory=True, nodes=1, replicas=1)
    puts = [asyncio.create_task(store.put(f"key {number}", "value")) for number in range(5_000)]
    while not puts[0].done():
        await asyncio.sleep(0)
    await store.close()
    ends = await asyncio.gather(*puts, return_exceptions=True)
    assert all(isinstance(end, kvtui.Written | kvtui.KvtuiError) for end in ends)
    assert any(isinstance(end, kvtui.KvtuiError) for end in ends)


@pytest.mark.anyio
async def test_what_the_block_raises_comes_out_as_it_was_and_the_nodes_end() -> None:
    nodes: list[int] = []

    async def raising() -> None:
        async with kvtui.connect(memory=True, nodes=1) as store:
            nodes.extend(processes(store))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await raising()
    assert nodes
    assert not any(alive(node) for node in nodes)


@pytest.mark.anyio
async def test_cancelled_while_it_opens_it_leaves_nothing_behind(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), kvtui.connect(state, nodes=1):
            await asyncio.Event().wait()
    async with kvtui.connect(state, nodes=1) as store:
        await store.put("apple", "1")


@pytest.mark.anyio
async def test_a_directory_that_can_t_be_opened_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(kvtui.ClusterError, match=r"^the state directory \S+/file/x can't be opened: [^\n]+$"):
        async with kvtui.connect(tmp_path / "file" / "x"):
            pass


def test_without_an_asyncio_loop_it_says_what_it_needs() -> None:
    opening = kvtui.connect(memory=True).__aenter__()
    with pytest.raises(kvtui.ClusterError, match="kvtui runs under asyncio"):
        opening.send(None)


@pytest.mark.anyio
async def test_the_secret_of_the_environment_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVTUI_SECRET", "a secret of many letters")
    for _ in range(2):
        async with kvtui.connect(memory=True, nodes=1) as store:
            await store.put("apple", "1")
    assert os.environ["KVTUI_SECRET"] == "a secret of many letters"


def test_nothing_is_printed_whatever_happens_to_nodes(ran: Ran) -> None:
    done = ran("""
import asyncio, kvtui

async def main():
    async with kvtui.connect(memory=True, nodes=2, replicas=2) as store:
        await store.put("apple", "1")
        await store.cluster.kill_node("n1")
        await store.put("apple", "2")
        await store.get("apple")

asyncio.run(main())
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_killed_program_takes_its_nodes_with_it(tmp_path: Path, ran: Ran) -> None:
    done = ran("""
import asyncio, os, signal, kvtui

async def main():
    store = await kvtui.connect("state", nodes=2, replicas=2)
    await store.put("apple", "1")
    print(*(view.pid for view in store.cluster.snapshot().nodes), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
""")
    assert done.returncode == -signal.SIGKILL
    nodes = [int(text) for text in done.stdout.split()]
    assert len(nodes) == 2

    async def reopened() -> None:
        # Opening waits until the last processes let go of their directories.
        async with kvtui.connect(tmp_path / "state") as store:
            assert (await store.get("apple")).value == b"1"

    asyncio.run(reopened())
    assert not any(alive(node) for node in nodes)


def test_ctrl_c_ends_it_in_order(ran: Ran) -> None:
    done = ran("""
import asyncio, os, signal, kvtui

async def main():
    async with kvtui.connect("state", nodes=1) as store:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            await store.put("last", "words")

try:
    asyncio.run(main())
except KeyboardInterrupt:
    with kvtui.connect_sync("state") as store:
        print(store.get("last").decode())
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "words\n", "")


def test_a_current_directory_that_was_deleted_is_in_nobody_s_way(tmp_path: Path) -> None:
    program = tmp_path / "program.py"  # with ``-c``, Python 3.13.0 itself can't import asyncio in such a directory
    program.write_text(f"""
import os
os.mkdir("gone")
os.chdir("gone")
os.rmdir(os.getcwd())
import kvtui
for given in ({{"memory": True}}, {{"state": {str(tmp_path / "lab")!r}}}, {{"state": "lab"}}):
    try:
        with kvtui.connect_sync(nodes=1, **given) as store:
            print(store.put("apple", "1").outcome)
    except kvtui.ArgumentError as error:
        print(error)
""")
    command = [sys.executable, "-W", "error", str(program)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    said = (
        "state='lab' is not possible: lab lies below the current directory, which was deleted: go to another one, or begin"
        " the path with /"
    )
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, ["ok", "ok", said], "")


def test_a_refused_argument_can_be_pickled_as_all_errors_can() -> None:
    with pytest.raises(kvtui.ArgumentError) as refused:
        kvtui.connect(nodes=65)
    again = pickle.loads(pickle.dumps(refused.value))
    assert (type(again), str(again)) == (kvtui.ArgumentError, "nodes=65 is not possible: use 0 to 64")
