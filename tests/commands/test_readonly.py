"""``--readonly``: what changes data, members or settings is refused before anything happens; the rest works."""

from dataclasses import dataclass

import pytest

from kvtui.commands import COMMANDS, Context, Level, Line, parse, run
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running

READING = {
    "show",
    "get",
    "keys",
    "browse",
    "inspect",
    "filter",
    "where",
    "stats",
    "save",
    "history",
    "plan",
    "takeup",
    "help",
    "exit",
}
CHANGING = {
    "addnode A 5001", "removenode A", "stop A", "start A", "put a 1", "del a", "setreplica 2", "rebalance", "setquorum 1",
    "throttle 5", "reads strict", "policy classic", "weight A 2", "load keys.csv", "accept-loss --yes", "kill A", "pause A",
    "resume A", "slow A 5", "cut A", "heal", "wipe A --yes", "check 1", "bench", "explain put a 1", "explain del a",
    "compact", "fill 10", "clear --yes",
}  # fmt: skip


@dataclass
class Untouchable(FrozenCluster):
    """A cluster that nobody may ask anything."""

    def __getattribute__(self, name: str) -> object:
        assert name.startswith("__"), f"the cluster was asked for {name}"
        return super().__getattribute__(name)


def test_every_command_says_whether_it_changes_anything() -> None:
    """A new command belongs in one of the two lists above."""
    assert {command.name for command in COMMANDS if command.changes is False} == READING
    assert {command.name for command in COMMANDS if command.changes} == {line.split()[0] for line in CHANGING}


@pytest.mark.anyio
@pytest.mark.parametrize("line", sorted(CHANGING))
async def test_what_changes_something_is_refused_in_one_line_before_the_cluster_is_asked(line: str) -> None:
    said: list[Line] = []
    invocation = parse(line)
    assert invocation is not None
    assert not await run(invocation, Context(Untouchable(frozen.healthy()), said.append, readonly=True))
    (refused,) = said
    assert refused.level is Level.BAD
    assert refused.text.startswith(f"{line.split()[0]}: refused")
    assert "--readonly" in refused.text


def test_a_request_that_is_explained_changes_what_it_changes() -> None:
    changing = {
        line: invocation.changes for line in ("explain put get 1", "explain get put") if (invocation := parse(line))
    }
    assert changing == {"explain put get 1": True, "explain get put": False}


@pytest.mark.anyio
@pytest.mark.parametrize("line", ["show", "get a", "keys", "where a", "stats", "help"])
async def test_what_reads_works(line: str) -> None:
    said: list[Line] = []
    invocation = parse(line)
    assert invocation is not None
    assert await run(invocation, Context(FrozenCluster(frozen.healthy()), said.append, readonly=True))
    assert said


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 15)])
async def test_the_header_says_it_and_keeps_saying_whether_the_data_is_safe(size: tuple[int, int]) -> None:
    async with running(FrozenCluster(frozen.healthy()), size, readonly=True) as shown:
        assert "read-only" in shown.text("#header")
        assert "on 2 nodes" in shown.text("#header")
        assert len(shown.text("#header").rstrip()) <= size[0]


@pytest.mark.anyio
async def test_the_bar_refuses_in_place_without_asking_first_and_loses_nothing() -> None:
    async with running(FrozenCluster(frozen.healthy()), readonly=True) as shown:
        await shown.type("removenode A")
        await shown.until(lambda: "removenode: refused" in shown.hint)
        assert shown.line.value == "removenode A"
        assert shown.app.screen is shown.dashboard
        await shown.pilot.press("escape")
        await shown.type("get a")
        await shown.until(lambda: "get a not found" in shown.activity)
        assert shown.cluster.asked == []
