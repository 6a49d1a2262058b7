"""The screen of a check: it opens once, follows the check, closes without ending it, and can stop it."""

from collections.abc import Callable

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from kvtui.screens.check import CheckScreen, CheckScreens
from kvtui.widgets.checked import checked_lines
from kvtui.widgets.panel import plain
from kvtui.workload import CheckView, Phase
from tests.snapshots.test_check_screen import RUNNING, VIOLATED
from tests.widgets import frozen
from tests.widgets.running import Running, drawn, running

pytestmark = pytest.mark.anyio
VIEW = CheckView(Phase.RUNNING, 1.0, 10.0, ok=5, guarantee="every acknowledged write on 2 nodes; no stale reads")


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
        assert "77 ok" in drawn(app.screen.query_one("#checked"))
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


def ring_seen(shown: Running) -> str:
    """The part of the screen where the ring is."""
    ring = shown.dashboard.query_one("#ring").region
    return "\n".join(line[ring.x : ring.right] for line in shown.seen[ring.y : ring.bottom])


async def test_the_ring_stays_in_sight_and_goes_on_beside_a_check() -> None:
    """The check covered the ring, so that nobody saw what its faults did."""
    for size in ((80, 24), (160, 50)):
        async with running(frozen.FrozenCluster(frozen.healthy()), size) as shown:
            before = ring_seen(shown)
            assert "10,332 keys" in before
            CheckScreens(shown.app).show(VIEW, lambda: None)
            await shown.until(lambda: isinstance(shown.app.screen, CheckScreen))
            await shown.pilot.pause()
            assert ring_seen(shown) == before, size
            frame = shown.app.screen.query_one(".sheet").region
            assert frame.x >= shown.dashboard.query_one("#ring").region.right
            shown.cluster.show(frozen.one_down())
            await shown.until(lambda: "○" in ring_seen(shown))
            await shown.pilot.press("f1")
            await shown.pilot.pause()
            assert ("○" in ring_seen(shown)) == (size[0] >= 104), "help over it stands there too"


@pytest.mark.parametrize("view", [RUNNING, VIOLATED])
def test_no_line_of_a_check_is_wider_than_there_is_room(view: CheckView) -> None:
    for width in (16, 36, 40, 60, 100):
        lines = [plain(line) for line in checked_lines(view, width)]
        assert all(cell_len(line) <= width for line in lines), (width, max(lines, key=cell_len))
        assert "kill n1" in "\n".join(lines)
