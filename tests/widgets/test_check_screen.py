"""The screen of a check: it opens once, follows the check, closes without ending it, and can stop it."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from kvtui.app import KvtuiApp
from kvtui.screens.check import CheckScreen, CheckScreens
from kvtui.workload import CheckView, Phase
from tests.widgets import frozen

pytestmark = pytest.mark.anyio
VIEW = CheckView(Phase.RUNNING, 1.0, 10.0, ok=5, guarantee="every acknowledged write on 2 nodes; reads never older")


async def shown(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        await pilot.pause()
    raise AssertionError("it never came to that")


async def test_it_follows_the_check_until_it_is_closed_and_does_not_open_again() -> None:
    app = KvtuiApp(frozen.FrozenCluster(frozen.healthy(), ()), state=None)
    async with app.run_test(size=(120, 36)) as pilot:
        screens, stops = CheckScreens(app), []
        screens.show(VIEW, lambda: stops.append(1))
        await shown(pilot, lambda: isinstance(app.screen, CheckScreen))
        screens.show(CheckView(Phase.READING, 2.0, 10.0, ok=77), lambda: None)
        await pilot.pause()
        assert "77 ok" in str(app.screen.query_one("#checked", Static).visual)
        await pilot.press("escape")
        await shown(pilot, lambda: not isinstance(app.screen, CheckScreen))
        screens.show(VIEW, lambda: None)
        await pilot.pause()
        assert not isinstance(app.screen, CheckScreen)
        assert stops == []


async def test_x_stops_the_check() -> None:
    app = KvtuiApp(frozen.FrozenCluster(frozen.healthy(), ()), state=None)
    async with app.run_test(size=(80, 24)) as pilot:
        stops: list[int] = []
        CheckScreens(app).show(VIEW, lambda: stops.append(1))
        await shown(pilot, lambda: isinstance(app.screen, CheckScreen))
        await pilot.press("x")
        await shown(pilot, lambda: not isinstance(app.screen, CheckScreen))
        assert stops == [1]
