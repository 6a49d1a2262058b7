"""Directories that earlier versions left, as they are in ``tests/data``: they open, and hold what was acknowledged."""

import asyncio
import shutil
from pathlib import Path

import pytest

from kvtui.core.cluster import Outcome, OwnData
from kvtui.core.opening import Settings, open_cluster, real_seams
from kvtui.core.recovery import recover
from kvtui.core.seams.launcher import NodeSpec
from kvtui.core.seams.processes import ProcessLauncher

DATA = Path(__file__).parent.parent / "data"
FORMATS = sorted(DATA.glob("format_*"))
HELD = {b"key %d" % number: b"value %d" % number for number in range(12)}
HELD |= {b"key 3": b"newer", b"bytes \xff": b"\x00\xff not text", b"large": b"0123456789" * 6600, b"empty": b""}
SECONDS = 60.0

pytestmark = pytest.mark.anyio

formats = pytest.mark.parametrize("written", FORMATS, ids=[path.name for path in FORMATS])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_there_are_directories_of_every_format() -> None:
    assert [path.name for path in FORMATS] == ["format_1"]


async def check(state: Path, held: dict[bytes, bytes], nodes: set[str]) -> None:
    """All that was acknowledged is there, nothing that was deleted, and it goes on from there."""
    async with asyncio.timeout(SECONDS), open_cluster(Settings(state)) as cluster:
        await cluster.rebalance()
        assert {view.id for view in cluster.snapshot().nodes} == nodes
        assert cluster.topology.planned.replication == 2
        reads = await cluster.get_many(list(held))
        assert [read.outcome for read in reads] == [Outcome.OK] * len(held)
        assert dict(zip(held, (read.value for read in reads), strict=True)) == held
        assert (await cluster.get(b"gone")).value is None
        assert {item.key async for page in cluster.scan(b"", values=False) for item in page} == set(held)
        assert (await cluster.put(b"now", b"and here")).outcome is Outcome.OK
    async with asyncio.timeout(SECONDS), open_cluster(Settings(state)) as cluster:
        assert (await cluster.get(b"now")).value == b"and here"
        assert (await cluster.get(b"large")).value == held[b"large"]


@formats
async def test_a_directory_that_was_closed_in_order_opens(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written / "closed", tmp_path / "state")
    await check(tmp_path / "state", HELD, {"n1", "n2"})


@formats
async def test_a_directory_whose_processes_were_all_killed_amid_a_move_opens(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written / "killed", tmp_path / "state")
    await check(tmp_path / "state", HELD | {b"during": b"the move"}, {"n1", "n2", "n3", "n4"})


@formats
async def test_the_notes_of_its_nodes_rebuild_a_table(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written / "closed", tmp_path / "state")
    shutil.rmtree(tmp_path / "state" / "metadata")
    async with asyncio.timeout(SECONDS):
        rebuilt = await recover(tmp_path / "state", [], (), real_seams())
    assert (rebuilt.present, rebuilt.lost) == (("n1", "n2"), 0)
    await check(tmp_path / "state", HELD, {"n1", "n2"})


@formats
async def test_a_node_that_stood_alone_starts_and_joins_with_its_keys(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written / "alone", tmp_path / "alone")
    node = await ProcessLauncher().start(NodeSpec("B", "127.0.0.1", 0, tmp_path / "alone"))
    try:
        async with asyncio.timeout(SECONDS), open_cluster(Settings(tmp_path / "state", nodes=1)) as cluster:
            await cluster.add_node("B", *node.address, own_data=OwnData.IMPORT)
            assert (await cluster.get(b"a")).value == b"1"
            assert (await cluster.get(b"b")).value is None
    finally:
        node.signal(9)
        await node.wait()
