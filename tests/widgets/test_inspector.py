"""The inspector: all of a node or a key, as it changes."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from kvtui.commands import Fact, Level
from kvtui.core.cluster import Location
from kvtui.core.version import Version
from kvtui.widgets.inspector import Inspector, fact_lines, inspector_lines
from kvtui.widgets.panel import plain
from kvtui.widgets.picture import Picture, Subject
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import Running, running

pytestmark = pytest.mark.anyio
PLACES = {"inspector", "stats", "nodes", "activity", "ring"}


def inspected(shown: Running) -> str:
    return "\n".join(plain(line) for line in shown.dashboard.query_one(Inspector)._lines)


def visible(shown: Running) -> set[str]:
    return {name for name in PLACES if shown.dashboard.query_one(f"#{name}").region.area}


async def test_the_command_opens_it_on_a_node_and_esc_closes_it() -> None:
    async with running(FrozenCluster(frozen.one_down())) as shown:
        assert "inspector" not in visible(shown)
        await shown.type("inspect B")
        await shown.until(lambda: "118 keys missing here" in inspected(shown))
        assert visible(shown) == {"ring", "nodes", "inspector", "activity"}
        assert str(shown.dashboard.query_one(Inspector).border_title) == "Node B"
        assert shown.dashboard.picture.selected == "B"
        assert shown.app.focused is shown.line
        await shown.pilot.press("escape")
        assert visible(shown) == {"ring", "nodes", "stats", "activity"}
        assert shown.dashboard.picture.selected == "B"
        await shown.pilot.press("escape")
        assert shown.dashboard.picture.selected == ""


async def test_esc_clears_a_line_before_it_closes_anything() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("inspect B")
        await shown.until(lambda: "inspector" in visible(shown))
        await shown.type("put a", enter=False)
        await shown.pilot.press("escape")
        assert shown.line.value == ""
        assert "inspector" in visible(shown)


async def test_it_follows_the_node_and_the_choice_of_another() -> None:
    async with running(FrozenCluster(frozen.one_down())) as shown:
        await shown.type("inspect B")
        await shown.until(lambda: "DOWN since" in inspected(shown))
        shown.cluster.show(frozen.healthy())
        await shown.until(lambda: "UP since" in inspected(shown))
        await shown.pilot.press("f6", "down")
        await shown.until(lambda: str(shown.dashboard.query_one(Inspector).border_title) == "Node C")
        assert "127.0.0.1:5003" in inspected(shown)


async def test_a_node_that_is_gone_is_inspected_no_more() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("inspect C")
        await shown.until(lambda: "inspector" in visible(shown))
        shown.cluster.show(frozen.healthy(["A", "B"]))
        await shown.until(lambda: shown.dashboard.picture.inspected is Subject.NOTHING)
        await shown.pilot.pause()
        assert "inspector" not in visible(shown)


async def test_where_shows_the_key_with_its_replicas_and_goes_on_with_the_next_put_of_one() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("where apple")
        await shown.until(lambda: "token" in inspected(shown))
        assert str(shown.dashboard.query_one(Inspector).border_title) == "Key apple"
        for part in ("0x517a430dcf1f8a00", "81 of 256", "B: version 1.7, clean", "C: version 1.7, clean"):
            assert part in inspected(shown)
        await shown.type("put pear 1")
        await shown.until(lambda: "pear" in inspected(shown))


async def test_no_way_leads_back_to_an_inspector_that_was_closed() -> None:
    """After an answer, Escape showed it again, empty."""
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("where apple")
        await shown.until(lambda: "token" in inspected(shown))
        await shown.type("throttle 5")
        await shown.until(lambda: "throttle 5" in shown.activity)
        await shown.pilot.press("escape")
        await shown.until(lambda: shown.dashboard.picture.inspected is Subject.NOTHING)
        await shown.pilot.resize_terminal(40, 15)
        await shown.pilot.pause()
        await shown.pilot.press("escape")
        await shown.pilot.pause()
        assert "inspector" not in visible(shown)


async def test_a_put_opens_nothing() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("put apple 1")
        await shown.until(lambda: shown.dashboard.picture.located is not None)
        assert "inspector" not in visible(shown)


class Written(FrozenCluster):
    """Its keys have another version each time that they are looked at."""

    times = 0

    async def locate(self, key: bytes) -> Location:
        self.times += 1
        found = await super().locate(key)
        return replace(
            found, replicas=tuple(replace(copy, version=Version(1, 6 + self.times)) for copy in found.replicas)
        )


async def test_a_replica_that_fell_behind_since_the_look_up_is_told_and_what_it_holds_now() -> None:
    """The versions of the look-up stayed for ever."""
    async with running(Written(frozen.healthy())) as shown:
        await shown.type("where apple")
        await shown.until(lambda: "B: version 1.7, clean" in inspected(shown))
        ranges = tuple(
            replace(part, clean=("C",)) if "B" in part.replicas else part for part in shown.cluster.now.ranges
        )
        shown.cluster.show(replace(shown.cluster.now, ranges=ranges))
        await shown.until(lambda: "B: version 1.8, behind" in inspected(shown))
        assert "C: version 1.8, clean" in inspected(shown)


async def test_an_unknown_node_is_a_line_and_opens_nothing() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("inspect Z")
        await shown.until(lambda: "there is no node Z; there are: A, B, C" in shown.activity)
        assert "inspector" not in visible(shown)


async def test_the_keyboard_scrolls_it_and_q_closes_it() -> None:
    async with running(FrozenCluster(frozen.healthy()), (80, 24)) as shown:
        await shown.type("inspect B")
        await shown.until(lambda: "inspector" in visible(shown))
        panel = shown.dashboard.query_one(Inspector)
        await shown.pilot.press("f6", "f6")
        assert panel.has_focus
        await shown.pilot.press("end")
        await shown.until(lambda: "99.61 to 100.00 %" in shown.text("#inspector"))
        await shown.pilot.press("q")
        await shown.pilot.pause()
        assert "inspector" not in visible(shown)
        assert shown.app.focused is shown.line


async def test_a_small_screen_shows_it_alone_and_goes_round_to_it() -> None:
    async with running(FrozenCluster(frozen.healthy()), (40, 15)) as shown:
        await shown.type("inspect B")
        await shown.until(lambda: visible(shown) == {"inspector"})
        seen: list[str] = []
        for _ in range(5):
            await shown.pilot.press("f6")
            await shown.pilot.pause()
            seen.extend(visible(shown))
        assert seen == ["activity", "ring", "nodes", "stats", "inspector"]
        await shown.pilot.press("escape")
        await shown.pilot.pause()
        assert visible(shown) == {"nodes"}


@pytest.mark.parametrize("width", [110, 50, 38, 24])
def test_its_lines_fit(width: int) -> None:
    for snapshot, node in ((frozen.one_down(), "B"), (frozen.joining(), "C")):
        picture = replace(Picture().with_snapshot(snapshot), selected=node, inspected=Subject.NODE)
        lines = [plain(line) for line in inspector_lines(picture, width)]
        assert max(map(cell_len, lines)) <= width
        words = " ".join(" ".join(lines).split())
        assert "all copies" in words
        for name in ("state", "address", "share", "behind", "hints", "data id", "ranges"):
            assert name in words


def test_what_needs_attention_is_in_colour() -> None:
    lines = fact_lines([Fact("state", "DOWN", Level.BAD), Fact("", "lost"), Fact("hints", "3", Level.WARNING)], 40)
    assert [line[-1] for line in lines] == [("DOWN", "bad"), ("lost", "text"), ("3", "warning")]
