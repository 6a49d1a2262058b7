"""One small file system for a coordinator and its nodes, and what it says and serves while others fill it."""

import os
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from kvtui.core.cluster import Cluster, ClusterError
from kvtui.core.opening import Settings, open_cluster
from tests.commands.person import Person
from tests.processes.faults.injuries import mount, unmount

pytestmark = [pytest.mark.long, pytest.mark.anyio]
MIB = 1024 * 1024
VOLUME = 300 * MIB
PATIENCE_SECONDS = 30.0


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of ``VOLUME`` bytes."""
    directory = tmp_path / "volume"
    directory.mkdir()
    problem = mount(directory, VOLUME)
    if problem:
        pytest.skip(problem)
    try:
        yield directory
    finally:
        unmount(directory)


def fill(volume: Path, left: int) -> None:
    """Somebody else's file takes all but ``left`` bytes."""
    (volume / "ballast").unlink(missing_ok=True)
    disk = os.statvfs(volume)
    with (volume / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, disk.f_bavail * disk.f_frsize - left)


async def until_full(cluster: Cluster, full: bool) -> None:
    with anyio.fail_after(PATIENCE_SECONDS):
        snapshot = cluster.snapshot()
        while bool(snapshot.log_full) is not full:
            snapshot = await cluster.changed(snapshot)


async def test_a_cluster_on_a_full_disk_serves_what_it_holds_and_goes_on_once_there_is_space(volume: Path) -> None:
    """It stopped by itself below 64 MiB, with nobody asking for anything, and was not to be opened then."""
    settings = Settings(volume / "state", nodes=3, replication=2, slots=64)
    async with open_cluster(settings) as cluster:
        person = Person(cluster)
        await person.types("put apple 1")
        await person.types("put pear 2")
        await person.types("put plum 3")
        fill(volume, 40 * MIB)
        assert await person.types("get apple") == ["apple -> 1"]
        assert "no space for" in (await person.fails("put fig 4"))[-1]
        await person.types("del pear")
        await person.types("setquorum 2")
    async with open_cluster(settings) as cluster:
        person = Person(cluster)
        assert await person.types("get apple") == ["apple -> 1"]
        await person.types("del plum")
        fill(volume, 0)
        assert "no space for" in (await person.fails("put fig 4"))[-1]
        assert "no space for" in (await person.fails("del apple"))[-1]
        assert "can't be logged, so nothing changed" in (await person.fails("setquorum 1"))[-1]
        await until_full(cluster, True)
        assert await person.types("get apple") == ["apple -> 1"]
        assert any(line.startswith("Waiting for space: ") for line in await person.types("stats --all"))
        assert not cluster.snapshot().stopped
        (volume / "ballast").unlink()
        await until_full(cluster, False)
        await person.types("put fig 4")
        await person.types("setquorum 1")
        fill(volume, 0)
    with pytest.raises(ClusterError, match=r"No space left on device|no space for") as refused:
        async with open_cluster(settings):
            pass
    assert "\n" not in str(refused.value)
    (volume / "ballast").unlink()
    async with open_cluster(settings) as cluster:
        person = Person(cluster)
        await person.types("rebalance")
        assert await person.types("get apple") == ["apple -> 1"]
        assert await person.types("get pear") == ["pear -> [not found]"]
        assert await person.types("get fig") == ["fig -> 4"]
