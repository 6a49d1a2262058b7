"""What a bench looks like while it runs, when it is done, and when something went wrong."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from kvtui.bench.view import BenchView
from kvtui.screens.bench import BenchScreens
from tests.bench import runs
from tests.widgets import frozen

SIZES = {"40x15": (40, 15), "80x24": (80, 24), "120x36": (120, 36), "250x70": (250, 70)}
VIEWS = {"loading": runs.LOADING, "running": runs.RUNNING, "done": runs.done(), "bad": runs.bad()}


def picture(snap_compare: Callable[..., bool], size: str, view: BenchView) -> bool:
    """Whether a bench looks as it did."""
    app = KvtuiApp(frozen.FrozenCluster(frozen.healthy(), ()), state=None)

    async def show(pilot: Pilot[None]) -> None:
        BenchScreens(app, lambda: app._dashboard.picture).show(view, lambda: None)
        await pilot.pause()
        await pilot.pause()

    return snap_compare(app, terminal_size=SIZES[size], run_before=show)


@pytest.mark.parametrize("size", SIZES)
def test_a_bench_under_way(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, runs.RUNNING)


@pytest.mark.parametrize("view", ["loading", "done", "bad"])
@pytest.mark.parametrize("size", ["80x24", "120x36"])
def test_a_bench_before_and_afterwards(snap_compare: Callable[..., bool], size: str, view: str) -> None:
    assert picture(snap_compare, size, VIEWS[view])


def test_a_bench_in_letters_without_colour(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVTUI_GLYPHS", "ascii")
    monkeypatch.setenv("NO_COLOR", "1")
    assert picture(snap_compare, "120x36", runs.done())
