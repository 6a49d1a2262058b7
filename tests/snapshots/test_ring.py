"""What the ring looks like in other themes, sizes and glyphs, with many nodes, and with a lookup on its way."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from kvtui.core.ring import Classic, Ring
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.ring import Motion, View
from tests.widgets import frozen


def picture(
    snap_compare: Callable[..., bool],
    size: tuple[int, int],
    snapshot: ClusterSnapshot,
    *,
    theme: str = "kvtui-night",
    key: bytes = b"",
    at: float | None = None,
    selected: str = "",
    view: View | None = None,
) -> bool:
    """Whether the dashboard looks as it did; ``at`` is how many seconds ago the key was looked up, None for long ago."""
    clock = [0.0]
    app = KvtuiApp(frozen.FrozenCluster(snapshot), state=None, motion=Motion.REDUCED if at is None else Motion.FULL)
    ring = app._dashboard._ring_panel
    ring._clock = lambda: clock[0]

    async def settle(pilot: Pilot[None]) -> None:
        app.theme = theme
        await pilot.pause()
        if key:
            app._dashboard.show_location(frozen.located(snapshot, key))
            clock[0] = at or 0.0
        if selected:
            app._dashboard.picture = replace(app._dashboard.picture, selected=selected)
        ring.view = view
        await pilot.pause()
        ring.redraw()
        await pilot.pause()

    return snap_compare(app, terminal_size=size, run_before=settle)


def test_a_failover_by_day(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (120, 36), frozen.one_down(), theme="kvtui-day", key=b"apple")


def test_twelve_nodes_in_high_contrast(snap_compare: Callable[..., bool]) -> None:
    nodes = frozen.healthy([f"n{number}" for number in range(1, 13)])
    assert picture(snap_compare, (120, 36), nodes, theme="kvtui-contrast")


def test_a_lookup_on_its_way_to_the_third_replica(snap_compare: Callable[..., bool]) -> None:
    nodes = frozen.healthy([f"n{number}" for number in range(1, 6)], replication=3)
    assert picture(snap_compare, (120, 36), nodes, key=b"apple", at=1.0)


def classic(nodes: list[str]) -> ClusterSnapshot:
    ring = Ring.empty(Classic(8), 2, frozen.SLOTS).join_all(nodes)
    up = frozen.healthy(nodes)
    return replace(up, policy="classic 8", ranges=frozen.ranges_of(ring), nodes=frozen.nodes_of(ring, up.density))


def test_a_way_over_virtual_nodes_one_of_them_skipped(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (120, 36), classic(["A", "B", "C", "D"]), key=b"key-58")


def test_a_failover_at_100_x_30(snap_compare: Callable[..., bool]) -> None:
    """The inner rim in whole pieces."""
    down = frozen.one_down("n2", [f"n{number}" for number in range(1, 6)])
    assert picture(snap_compare, (100, 30), down)


def test_the_first_node(snap_compare: Callable[..., bool]) -> None:
    """It says what to type next."""
    assert picture(snap_compare, (80, 24), frozen.healthy(["A"], keys=0, replication=1))


def test_a_node_in_focus(snap_compare: Callable[..., bool]) -> None:
    nodes = frozen.healthy([f"n{number}" for number in range(1, 6)])
    assert picture(snap_compare, (120, 36), nodes, selected="n2")


def test_a_hundred_nodes(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (120, 36), frozen.healthy([f"n{number}" for number in range(1, 101)]))


def test_shares_on_a_small_screen_by_day(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (40, 15), frozen.healthy(), theme="kvtui-day", view=View.SHARE)


def test_a_node_joining_on_a_large_screen(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (250, 70), frozen.joining(), key=b"apple")


@pytest.mark.parametrize("glyphs", ["halves", "ascii"])
def test_a_failover_without_quadrants(
    snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch, glyphs: str
) -> None:
    monkeypatch.setenv("KVTUI_GLYPHS", glyphs)
    assert picture(snap_compare, (80, 24), frozen.one_down(), key=b"apple")
