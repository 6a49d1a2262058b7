"""A directory opened twice in one program, as by a notebook's cell that is run again, and one that is taken away meanwhile."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import kvtui

pytestmark = pytest.mark.anyio


async def test_a_second_store_of_one_program_is_told_and_all_can_be_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kvtui")
    first = await kvtui.connect(tmp_path / "lab", nodes=0)
    assert caplog.messages == []
    second = await kvtui.connect(tmp_path / "lab")
    third = await asyncio.to_thread(kvtui.connect_sync, tmp_path / "lab")
    rule = "its ring is held until every store of it is closed (kvtui.open_stores() has them)"
    told = f"{tmp_path}/lab is open in this program already, and the new store is attached to it there: {rule}"
    assert caplog.messages == [told, told]
    assert kvtui.open_stores() == [third, second, first]
    caplog.clear()
    await second.close()
    assert caplog.messages == [f"a store is closed, and {tmp_path}/lab is open in this program still: {rule}"]
    await asyncio.to_thread(third.close)
    await first.close()
    assert len(caplog.messages) == 2
    assert kvtui.open_stores() == []


def test_stores_that_ended_with_their_loop_are_not_open() -> None:
    asyncio.run(kvtui.connect(memory=True, nodes=0)._opened())
    assert kvtui.open_stores() == []


def delete(state: Path) -> None:
    shutil.rmtree(state)


def move(state: Path) -> None:
    state.rename(state.with_name("moved"))


def replace(state: Path) -> None:
    move(state)
    state.mkdir()


@pytest.mark.parametrize(
    ("change", "words"),
    [(delete, "deleted, or moved away"), (move, "deleted, or moved away"), (replace, "replaced by another one")],
)
async def test_a_directory_taken_away_from_an_open_store_is_refused_at_once_and_nothing_made(
    tmp_path: Path, change: Callable[[Path], None], words: str
) -> None:
    state = tmp_path / "lab"
    first = await kvtui.connect(state, nodes=0)
    change(state)
    async with asyncio.timeout(10):
        with pytest.raises(kvtui.ClusterError) as met:
            await kvtui.connect(state, nodes=0)
    assert str(met.value) == (
        f"this program has {state} open already, and that directory was {words} meanwhile: close that store first"
    )
    assert not state.exists() or list(state.iterdir()) == []
    await first.close()
    async with kvtui.connect(state, nodes=0):
        assert (state / "metadata").exists()


async def test_a_link_that_leads_elsewhere_by_now_is_another_directory(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir(mode=0o700)
    link = tmp_path / "link"
    link.symlink_to("one")
    async with kvtui.connect(link, nodes=0):
        link.unlink()
        link.symlink_to("two")
        async with kvtui.connect(link, nodes=0) as second:
            assert second.cluster.snapshot().attached == ""
    assert (tmp_path / "two" / "metadata").exists()


async def test_a_loop_that_holds_a_directory_is_not_waited_for_in_that_loop(tmp_path: Path) -> None:
    async with kvtui.connect(tmp_path / "lab", nodes=0):
        async with asyncio.timeout(10):
            with pytest.raises(
                kvtui.ClusterError, match=r"is open in the event loop that runs here, .* use await kvtui"
            ):
                kvtui.connect_sync(tmp_path / "lab")
            beside = await asyncio.to_thread(kvtui.connect_sync, tmp_path / "lab")
            await asyncio.to_thread(beside.close)
