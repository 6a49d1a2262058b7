"""What the panels look like: every measure of the bars, a hundred nodes sorted, the inspector, a filter."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from kvtui.commands import ActivityFilter
from kvtui.core.events import Event, Level
from kvtui.core.snapshot import ClusterSnapshot, NodeState, Progress
from kvtui.widgets.measures import Measure
from kvtui.widgets.themes import DAY
from tests.snapshots.test_screens import DOWN, JOINED, PAUSES, SIZES
from tests.widgets import frozen

SMALL = {"40x15": (40, 15)}
Act = Callable[[KvtuiApp, Pilot[None]], Awaitable[None]]


def a_hundred() -> ClusterSnapshot:
    """A hundred nodes, some of them in trouble."""
    up = frozen.healthy([f"n{number}" for number in range(1, 101)], keys=100_000, replication=3)
    nodes = list(up.nodes)
    nodes[7] = replace(nodes[7], state=NodeState.DOWN, behind=3, hints=12, note="connection refused", pid=None)
    nodes[55] = replace(nodes[55], state=NodeState.SUSPECT)
    nodes[60] = replace(nodes[60], receiving=Progress(3, 9, 1.2, 5), share=nodes[60].quota / 3)
    return replace(
        up, nodes=tuple(nodes), behind=3, hints=12, under_replicated=3, clean_copies=((2, 3), (3, frozen.SLOTS - 3))
    )


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the app go on until something holds."""
    for _ in range(PAUSES):
        if holds():
            return
        await pilot.pause()
    raise AssertionError("it never came to that")


def picture(
    snap_compare: Callable[..., bool],
    size: tuple[int, int],
    snapshot: ClusterSnapshot,
    act: Act,
    happened: tuple[Event, ...] = JOINED,
) -> bool:
    """Whether the dashboard looks as it did once somebody did something."""
    app = KvtuiApp(frozen.FrozenCluster(snapshot, happened), state=None)

    async def settle(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(app._dashboard.activity.journal.entries) >= len(happened))
        await act(app, pilot)
        await pilot.pause()
        await pilot.pause()

    return snap_compare(app, terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("measure", list(Measure)[1:])
def test_bars(snap_compare: Callable[..., bool], size: str, measure: Measure) -> None:
    async def act(app: KvtuiApp, pilot: Pilot[None]) -> None:
        await pilot.press(*["f4"] * list(Measure).index(measure))

    assert picture(snap_compare, SIZES[size], frozen.healthy(), act)


@pytest.mark.parametrize("size", SIZES | SMALL)
def test_a_hundred_nodes_the_worst_first(snap_compare: Callable[..., bool], size: str) -> None:
    async def act(app: KvtuiApp, pilot: Pilot[None]) -> None:
        if size in SMALL:
            await pilot.press("f4")
        for _ in range(4):
            app._dashboard.action_node_order()

    assert picture(snap_compare, (SIZES | SMALL)[size], a_hundred(), act, ())


@pytest.mark.parametrize("size", SIZES | SMALL)
def test_inspector_of_a_node_that_is_down(snap_compare: Callable[..., bool], size: str) -> None:
    async def act(app: KvtuiApp, _pilot: Pilot[None]) -> None:
        app._dashboard.inspect_node("B")

    assert picture(snap_compare, (SIZES | SMALL)[size], frozen.one_down(), act, DOWN)


@pytest.mark.parametrize("size", SIZES)
def test_inspector_of_a_key(snap_compare: Callable[..., bool], size: str) -> None:
    async def act(app: KvtuiApp, _pilot: Pilot[None]) -> None:
        app._dashboard.inspect_key(frozen.located(app._cluster.snapshot(), b"apple"))

    assert picture(snap_compare, SIZES[size], frozen.one_down(), act, DOWN)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])
def test_two_of_five_nodes_are_away(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    async def act(app: KvtuiApp, pilot: Pilot[None]) -> None:
        await pilot.pause()

    assert picture(snap_compare, size, frozen.two_down(), act)


def test_inspector_on_a_light_theme_with_the_keyboard_in_the_nodes(snap_compare: Callable[..., bool]) -> None:
    async def act(app: KvtuiApp, pilot: Pilot[None]) -> None:
        app.theme = DAY.name
        await pilot.press("f6", "down", "enter")

    assert picture(snap_compare, SIZES["120x36"], frozen.joining(), act)


def test_a_filter_scrolled_back(snap_compare: Callable[..., bool]) -> None:
    async def act(app: KvtuiApp, pilot: Pilot[None]) -> None:
        activity = app._dashboard.activity
        for number in range(40):
            activity.add_event(Event(frozen.NOON + number, Level.WARNING, f"B lags: {number} keys", ("B",)))
        activity.show_only(ActivityFilter(nodes=("B",), level=Level.WARNING))
        await until(pilot, lambda: activity.scroll_offset.y > 0 and activity.scroll_offset.y == activity.max_scroll_y)
        await pilot.press("pageup")
        await until(pilot, lambda: activity.scroll_offset.y < activity.max_scroll_y)
        for number in range(3):
            activity.add_event(Event(frozen.NOON + 60 + number, Level.BAD, "B is down again", ("B",)))
        await until(pilot, lambda: activity.border_subtitle == "3 new below")

    assert picture(snap_compare, SIZES["120x36"], frozen.healthy(), act)


def test_numbers_on_a_small_screen(snap_compare: Callable[..., bool]) -> None:
    async def act(_app: KvtuiApp, pilot: Pilot[None]) -> None:
        await pilot.press("f6", "f6")

    assert picture(snap_compare, SMALL["40x15"], frozen.one_down(), act)
