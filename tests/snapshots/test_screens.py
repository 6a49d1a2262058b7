"""What the dashboard looks like, at the two sizes that it is made for."""

from collections.abc import Callable

import pytest
from textual.app import App
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from kvtui.core.events import Event, Level
from kvtui.core.snapshot import ClusterSnapshot
from tests.widgets import frozen

SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
PAUSES = 1_000
"""Turns of the screen until all that happened must show."""
JOINED = frozen.EVENTS
DOWN = (*frozen.EVENTS[:2], Event(frozen.NOON + 95, Level.BAD, "B is down: connection refused", ("B",)))


def picture(
    snap_compare: Callable[..., bool],
    size: str,
    snapshot: ClusterSnapshot,
    happened: tuple[Event, ...] = (),
    key: bytes = b"",
) -> bool:
    """Whether the dashboard of a snapshot looks as it did."""
    app = KvtuiApp(frozen.FrozenCluster(snapshot, happened), state=None)

    async def settle(pilot: Pilot[None]) -> None:
        for _ in range(PAUSES):
            if len(app._dashboard.activity.journal.entries) >= len(happened):
                break
            await pilot.pause()
        else:
            raise AssertionError("the events never showed")
        if key:
            app._dashboard.show_location(frozen.located(snapshot, key))
        await pilot.pause()

    assert isinstance(app, App)
    return snap_compare(app, terminal_size=SIZES[size], run_before=settle)


@pytest.mark.parametrize("size", SIZES)
def test_empty(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, frozen.empty())


@pytest.mark.parametrize("size", SIZES)
def test_three_nodes_with_keys(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, frozen.healthy(), JOINED, b"apple")


@pytest.mark.parametrize("size", SIZES)
def test_one_node_down(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, frozen.one_down(), DOWN)


@pytest.mark.parametrize("size", SIZES)
def test_a_node_joining(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, frozen.joining(), JOINED)
