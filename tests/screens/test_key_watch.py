"""The inspector's key follows the cluster: it shows what its replicas hold now, and asks them only when that may have changed."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from kvtui.commands import key_facts
from kvtui.core.cluster import Heard, Location, ReplicaCopy
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.core.version import Version
from kvtui.screens import key_watch
from kvtui.screens.key_watch import KeyWatch
from kvtui.widgets.picture import Picture, Subject
from tests.widgets import frozen

pytestmark = pytest.mark.anyio

KEY = b"apple"


@dataclass
class Board:
    """The part of a dashboard that the watch needs."""

    picture: Picture

    def show_held(self, location: Location) -> None:
        self.picture = replace(self.picture, held=location)


class Asked(frozen.FrozenCluster):
    """Tells a newer version each time that it is asked."""

    times = 0

    async def locate(self, key: bytes) -> Location:
        self.times += 1
        found = frozen.located(self.now, key)
        return replace(found, replicas=tuple(replace(c, version=Version(1, 7 + self.times)) for c in found.replicas))


def inspected(snapshot: ClusterSnapshot, **changes: object) -> Picture:
    location = replace(frozen.located(snapshot, KEY), **changes)  # type: ignore[arg-type]
    return replace(Picture().with_snapshot(snapshot), located=location, inspected=Subject.KEY)


def with_node(snapshot: ClusterSnapshot, node: str, **changes: object) -> ClusterSnapshot:
    nodes = tuple(replace(view, **changes) if view.id == node else view for view in snapshot.nodes)  # type: ignore[arg-type]
    return replace(snapshot, nodes=nodes)


async def asked_after(*pictures: Picture, settle: int = 5) -> tuple[Asked, Board]:
    """How often replicas were asked when those pictures came one after the other."""
    cluster, board = Asked(pictures[0].snapshot), Board(pictures[0])
    watch = KeyWatch(cluster, board)  # type: ignore[arg-type]
    running = asyncio.create_task(watch.run())
    for picture in pictures:
        board.picture = replace(picture, held=board.picture.held)
        watch.look(board.picture)
        for _ in range(settle):
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    return cluster, board


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_what_changes_elsewhere_or_not_at_all_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_watch, "AGAIN_SECONDS", 0)
    calm = frozen.healthy()
    replicas = [copy.node for copy in frozen.located(calm, KEY).replicas]
    other = next(node.id for node in calm.nodes if node.id not in replicas)
    cluster, _ = await asked_after(
        inspected(calm), inspected(calm), inspected(with_node(calm, other, counter=9)), inspected(replace(calm, keys=3))
    )
    assert cluster.times == 0


async def test_a_node_that_comes_back_a_put_and_a_move_make_it_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_watch, "AGAIN_SECONDS", 0)
    calm = frozen.healthy()
    first = frozen.located(calm, KEY).replicas[0].node
    start = inspected(calm)
    changes = (
        with_node(calm, first, state=NodeState.DOWN),
        calm,
        with_node(calm, first, counter=99),
        replace(calm, ranges=tuple(replace(part, clean=part.replicas[1:]) for part in calm.ranges)),
    )
    cluster, board = await asked_after(start, *(start.with_snapshot(changed) for changed in changes))
    assert cluster.times == len(changes)
    assert board.picture.held is not None
    assert board.picture.known is board.picture.held
    words = [fact.text for fact in key_facts(calm, board.picture.held)]
    assert f"{first}: version 1.{7 + cluster.times}, clean" in words


async def test_many_changes_at_once_are_asked_about_once_until_some_time_has_passed() -> None:
    calm = frozen.healthy()
    first = frozen.located(calm, KEY).replicas[0].node
    start = inspected(calm)
    changes = [start.with_snapshot(with_node(calm, first, counter=number)) for number in range(50)]
    cluster, _ = await asked_after(start, *changes)
    assert cluster.times == 1


async def test_a_replica_that_an_explained_get_did_not_ask_is_asked_for_the_panel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_watch, "AGAIN_SECONDS", 0)
    calm = frozen.healthy()
    first, second = frozen.located(calm, KEY).replicas
    partial = (first, ReplicaCopy(second.node, None, heard=Heard.NOT_ASKED, why="one clean answer was enough"))
    cluster, _ = await asked_after(inspected(calm, replicas=partial))
    assert cluster.times == 1


async def test_nothing_is_asked_while_no_key_is_inspected() -> None:
    calm = frozen.healthy()
    first = frozen.located(calm, KEY).replicas[0].node
    closed = replace(inspected(calm), inspected=Subject.NOTHING)
    cluster, _ = await asked_after(closed, closed.with_snapshot(with_node(calm, first, counter=99)))
    assert cluster.times == 0


async def test_what_a_node_told_that_is_down_since_is_not_shown_as_if_it_held() -> None:
    calm = frozen.healthy()
    first = frozen.located(calm, KEY).replicas[0].node
    location = frozen.located(calm, KEY)
    down = [fact.text for fact in key_facts(with_node(calm, first, state=NodeState.DOWN), location)]
    assert f"{first}: not asked (it is down), clean" in down
