"""``kvtui.connect`` where another process has the cluster open already: one ring, several programs."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

import kvtui
from tests.api.conftest import Ran

pytestmark = pytest.mark.anyio


async def test_two_stores_share_one_ring(tmp_path: Path) -> None:
    async with kvtui.connect(tmp_path / "lab", nodes=2, replicas=2) as first, kvtui.connect(tmp_path / "lab") as second:
        await first.put_many({f"key {number}": "first" for number in range(2_500)})
        written = await second.put("key 0", "second")
        read = await first.get("key 0")
        assert (read.value, read.version) == (b"second", written.version)
        found = {item.key: item.value async for item in second.scan("key")}
        assert len(found) == 2_500
        assert found[b"key 0"] == b"second"
        assert (await second.get_many(["key 1", "nobody"]))["key 1"].value == b"first"
        assert (await second.delete_many(["key 1", "nobody"])).existed == 1
        assert (await second.put("", "x", check=False)).text == "the key is empty"
        assert len(second.cluster.snapshot().nodes) == 2


async def test_a_scan_that_is_dropped_midway_leaves_the_connection_free(tmp_path: Path) -> None:
    async with kvtui.connect(tmp_path / "lab", nodes=1) as first, kvtui.connect(tmp_path / "lab") as second:
        await first.put_many({f"key {number}": "x" * 1_000 for number in range(5_000)})
        for _ in range(20):
            items = second.scan("key")
            await anext(items)
            await items.aclose()
        assert (await second.get("key 1")).value == b"x" * 1_000
        assert len([item async for item in second.scan("key", values=False)]) == 5_000


async def test_many_at_once_through_another_process_end_well(tmp_path: Path) -> None:
    async with kvtui.connect(tmp_path / "lab", nodes=1), kvtui.connect(tmp_path / "lab") as second:
        await asyncio.gather(*(second.put(f"key {number}", "value") for number in range(5_000)))
        assert len([item async for item in second.scan("key")]) == 5_000


async def test_a_program_without_a_loop_attaches_and_leaves_the_ring_as_it_is(tmp_path: Path) -> None:
    async with kvtui.connect(tmp_path / "lab", nodes=2, replicas=2) as store:
        await store.put_many({f"key {number}": "x" for number in range(2_500)})
        code = """
import kvtui
with kvtui.connect_sync("lab") as store:
    items = store.scan("key")
    next(items)
    del items
    print(len(list(store.scan("key"))), len(store.snapshot().nodes), store.put("other", "y").outcome)
"""
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        said, complaint = await other.communicate()
        assert (other.returncode, said.decode(), complaint.decode()) == (0, "2500 2 ok\n", "")
        assert (await store.get("other")).value == b"y"


async def test_whose_holder_ended_fails_and_says_so_until_it_takes_the_ring_up(tmp_path: Path) -> None:
    first = await kvtui.connect(tmp_path / "lab", nodes=1)
    async with kvtui.connect(tmp_path / "lab") as second:
        await second.put("apple", "1")
        await first.close()
        with pytest.raises(
            kvtui.OperationFailed, match=r"^put failed: the coordinator in a Python program \(process \d+\) ended"
        ):
            await second.put("apple", "2")
        with pytest.raises(kvtui.ClusterError, match=r"ended"):
            _ = [item async for item in second.scan()]
        assert isinstance(second.cluster, kvtui.Shared)
        await second.cluster.take_up()
        assert (await second.get("apple")).value == b"1"
        await second.put("apple", "3")


def test_the_end_of_the_holder_is_logged_and_not_printed(ran: Ran) -> None:
    done = ran("""
import asyncio, logging, kvtui

async def main():
    first = await kvtui.connect("lab", nodes=1)
    async with kvtui.connect("lab") as second:
        await first.close()
        await second.put("apple", "1", check=False)

asyncio.run(main())
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("takeup", [False, True])
async def test_serve_says_who_holds_the_directory_and_what_to_do(tmp_path: Path, takeup: bool) -> None:
    async with kvtui.connect(tmp_path / "lab", nodes=0, takeup=takeup):
        command = [sys.executable, "-m", "kvtui", "serve", "--state", str(tmp_path / "lab")]
        pipe = asyncio.subprocess.PIPE
        serve = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        said, complaint = await serve.communicate()
    if takeup:
        who = f"(process {os.getpid()}), which takes the ring up by itself"
        end = "end every program that connected with takeup=True, start this, and then them, which attach to it"
    else:
        who, end = f"(process {os.getpid()})", "end that one first"
    assert (serve.returncode, said.decode(), complaint.decode()) == (
        2,
        "",
        f"kvtui: the state directory {tmp_path}/lab is in use by a Python program {who}: kvtui --state {tmp_path}/lab attaches"
        f" to it; to serve here, {end}\n",
    )
