"""The nodes panel: bars, order, keys, the mouse, and a thousand nodes."""

import time
from dataclasses import replace

import pytest
from textual.geometry import Region

from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView, Progress
from kvtui.widgets.node_lines import NodeLines, row_count
from kvtui.widgets.nodes import Nodes
from kvtui.widgets.panel import plain
from kvtui.widgets.picture import Subject
from kvtui.widgets.tints import Line
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running

pytestmark = pytest.mark.anyio


def many(count: int) -> ClusterSnapshot:
    """Nodes with all kinds of trouble."""
    nodes = tuple(
        NodeView(
            f"node{number}", "10.0.0.1", 5001 + number, NodeState.UP if number % 10 else NodeState.DOWN,
            keys=1000 + number * 37 % 500, share=3 / count, quota=3 / count, behind=0 if number % 10 else 3,
            note="" if number % 10 else "connection refused", receiving=None if number % 7 else Progress(3, 9, 2.0, 3),
        )
        for number in range(count)
    )  # fmt: skip
    return replace(frozen.healthy(), nodes=nodes)


async def test_f4_switches_the_bars_and_the_title_says_what_they_show() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        panel = shown.dashboard.query_one(Nodes)
        seen = []
        for _ in range(4):
            seen.append((str(panel.border_title), shown.text("#nodes").splitlines()[0].split()[-2:]))
            await shown.pilot.press("f4")
            await shown.pilot.pause()
        assert seen == [
            ("Nodes · copies", ["7,003", "33.4%"]),
            ("Nodes · bytes", ["KiB", "33.4%"]),
            ("Nodes · operations", ["7,110/s", "33.4%"]),
            ("Nodes · latency p99", ["ms", "33.4%"]),
        ]
        assert str(panel.border_title) == "Nodes · copies"


async def test_the_palette_switches_and_sorts_too() -> None:
    async with running(FrozenCluster(frozen.one_down())) as shown:
        offered = {
            command.title.split(" · ")[0]: command.callback
            for command in shown.app.get_system_commands(shown.dashboard)
        }
        for _ in range(4):
            offered["Sort nodes"]()
        await offered["Node bars"]()
        await shown.pilot.pause()
        assert str(shown.dashboard.query_one(Nodes).border_title) == "Nodes · bytes · worst first"
        assert shown.text("#nodes").startswith("○ B")


async def test_the_keyboard_chooses_nodes_in_the_order_that_is_shown_and_goes_back() -> None:
    async with running(FrozenCluster(frozen.one_down())) as shown:
        await shown.pilot.press("f6")
        assert shown.dashboard.query_one(Nodes).has_focus
        await shown.pilot.press("s", "s", "s", "s", "down")
        assert shown.dashboard.picture.selected == "B"
        await shown.pilot.press("down")
        assert shown.dashboard.picture.selected == "A"
        await shown.pilot.press("up", "up", "enter")
        assert (shown.dashboard.picture.inspected, shown.dashboard.picture.selected) == (Subject.NODE, "B")
        await shown.pilot.press("escape")
        assert shown.app.focused is shown.line
        assert shown.dashboard.picture.inspected is Subject.NODE


async def test_the_chosen_of_a_hundred_nodes_is_scrolled_to() -> None:
    async with running(FrozenCluster(many(100)), (80, 24)) as shown:
        await shown.pilot.press("f6")
        for _ in range(60):
            await shown.pilot.press("down")
        await shown.pilot.pause()
        assert shown.dashboard.picture.selected == "node59"
        assert "node59" in shown.text("#nodes")
        assert "node1 " not in shown.text("#nodes")


async def test_a_click_beside_the_nodes_takes_the_focus_of_the_ring_away() -> None:
    async with running(FrozenCluster(frozen.healthy()), (120, 36)) as shown:
        shown.dashboard.query_one(Nodes).styles.height = 8
        await shown.pilot.click("#nodes", offset=(6, 2))
        await shown.until(lambda: shown.dashboard.picture.selected == "B")
        await shown.pilot.click("#nodes", offset=(6, 6))
        await shown.until(lambda: shown.dashboard.picture.selected == "")


async def test_the_mouse_over_a_node_tells_all_that_bars_show_and_what_was_cut() -> None:
    async with running(FrozenCluster(frozen.one_down())) as shown:
        panel = shown.dashboard.query_one(Nodes)
        await shown.pilot.hover("#nodes", offset=(6, 2))
        await shown.until(lambda: "B down, 127.0.0.1:5002" in str(panel.tooltip))
        for part in ("copies 6,", "bytes ", "operations 0/s", "latency p99 -", "behind 31 slots", "connection refused"):
            assert part in str(panel.tooltip)
        await shown.pilot.hover("#nodes", offset=(6, 1))
        await shown.until(lambda: str(panel.tooltip).startswith("A up, 127.0.0.1:5001"))


def test_a_thousand_nodes_are_drawn_within_twenty_milliseconds() -> None:
    snapshot = many(1000)
    colours = {node.id: 0 for node in snapshot.nodes}
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        found = NodeLines(snapshot, colours, "", 50)
        drawn = [found[row] for row in range(40)]
        taken.append(time.perf_counter() - began)
    assert len(found) == row_count(snapshot) > 1000
    assert plain(drawn[0].line).startswith("○ node0")
    assert min(taken) < 0.020


async def test_of_a_thousand_nodes_only_the_rows_that_are_seen_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    main = NodeLines._main
    monkeypatch.setattr("kvtui.widgets.node_lines._rows", lambda node, durable: [counting])

    def counting(found: NodeLines, node: NodeView) -> Line:
        made.append(node.id)
        return main(found, node)

    async with running(FrozenCluster(many(1000))) as shown:
        made.clear()
        shown.cluster.show(replace(many(1000), epoch=9))
        await shown.until(lambda: shown.dashboard.picture.snapshot.epoch == 9)
        await shown.pilot.pause()
        assert set(made) < {f"node{number}" for number in range(30)}


async def test_only_rows_that_changed_are_drawn_again() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        panel = shown.dashboard.query_one(Nodes)
        refreshed: list[int] = []
        refresh = panel.refresh

        def counted(*regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Nodes:
            refreshed.extend(region.y for region in regions)
            return refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

        panel.refresh = counted  # type: ignore[method-assign]
        nodes = shown.cluster.now.nodes
        shown.cluster.show(
            replace(shown.cluster.now, nodes=(nodes[0], replace(nodes[1], keys=nodes[1].keys + 1), nodes[2]))
        )
        await shown.until(lambda: bool(refreshed))
        assert refreshed == [1]


@pytest.mark.parametrize("width", [80, 50, 38, 30])
def test_columns_stand_below_each_other(width: int) -> None:
    found = NodeLines(frozen.healthy(["a", "bcd", "e"]), {}, "", width)
    lines = [plain(found[row].line) for row in range(3)]
    assert len({len(line) for line in lines}) == 1
    assert len({line.index("%") for line in lines}) == 1


@pytest.mark.parametrize("width", range(8, 40))
def test_no_number_of_a_node_is_cut_where_there_is_little_room(width: int) -> None:
    snapshot = frozen.healthy(["a", "b"], keys=7_994)
    for row in range(2):
        text = "".join(part for part, _ in NodeLines(snapshot, {}, "", width)[row].line)
        assert "%" not in text or len(text) <= width
        assert ("%" in text) is (width >= len("● a up 7,994  50.0%"))
