import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from textual.timer import Timer

from kvtui.app import KvtuiApp
from kvtui.core.events import Event, Level
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.activity_log import KEPT_ENTRIES, LONGEST_ENTRY
from kvtui.widgets.picture import Subject
from kvtui.widgets.ring import Ring, View
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running

pytestmark = pytest.mark.anyio


async def test_every_panel_follows_the_cluster() -> None:
    async with running(FrozenCluster(frozen.empty())) as shown:
        assert "addnode A 5001" in shown.text("#ring")
        shown.cluster.show(frozen.healthy())
        await shown.until(lambda: "10,332 keys" in shown.text("#ring"))
        assert ":5003" in shown.text("#nodes")
        assert "copies 20,664" in shown.text("#stats")
        assert "every acknowledged write on 2 nodes; no stale reads" in shown.text("#header")
        shown.cluster.show(frozen.one_down())
        await shown.until(lambda: "2 of 3 nodes up" in shown.text("#header"))
        assert "○ B" in shown.text("#ring")
        assert "down" in shown.text("#nodes")


async def test_a_burst_of_changes_is_drawn_at_most_ten_times_a_second() -> None:
    cluster = FrozenCluster(frozen.healthy(keys=1))
    async with running(cluster) as shown:
        drawn: list[int] = []
        ring = shown.dashboard.query_one(Ring)
        show = ring.show

        def counted() -> None:
            drawn.append(ring.picture.snapshot.keys)
            show()

        ring.show = counted  # type: ignore[method-assign]
        clock = asyncio.get_running_loop()
        start = clock.time()
        for keys in range(2, 402):
            cluster.show(frozen.healthy(keys=keys) if keys % 100 == 1 else _recounted(cluster, keys))
            await asyncio.sleep(0)
        await shown.until(lambda: bool(drawn) and drawn[-1] == 401)
        assert len(drawn) <= (clock.time() - start) * 10 + 2


def _recounted(cluster: FrozenCluster, keys: int) -> ClusterSnapshot:
    return replace(cluster.now, keys=keys)


async def test_idle_is_still_no_timer_runs() -> None:
    async with running(FrozenCluster(frozen.healthy(), frozen.EVENTS)) as shown:
        await shown.type("put a 1")
        await shown.until(lambda: b"a" in shown.cluster.stored)
        gc.collect()
        timers = [found for found in gc.get_objects() if isinstance(found, Timer)]
        going = [
            timer for timer in timers if timer._task is not None and not timer._task.done() and timer._active.is_set()
        ]
        assert going == []


async def test_events_come_with_their_time_and_stay_in_order() -> None:
    async with running(FrozenCluster(frozen.healthy(), frozen.EVENTS)) as shown:
        lines = [line for line in shown.activity.splitlines() if line.startswith("12:")]
        assert [line[:12] for line in lines] == ["12:00:00 · A", "12:00:04 · B", "12:00:31 · C"]


async def test_the_activity_is_bounded_in_entries_and_in_length() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        activity = shown.dashboard.activity
        for number in range(3 * KEPT_ENTRIES):
            activity.add_answer(f"line {number}")
        activity.add_answer("v" * 1_000_000)
        await shown.until(lambda: "1,000,000 characters" in shown.activity)
        assert len(activity.journal.entries) == KEPT_ENTRIES
        assert len(shown.activity) < 100 * KEPT_ENTRIES
        assert shown.activity.count("v") <= LONGEST_ENTRY + 10


async def test_a_hostile_value_can_not_drive_the_terminal() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        shown.dashboard.activity.add_event(Event(frozen.NOON, Level.INFO, "bad \x1b[2J\u202e name"))
        await shown.until(lambda: "bad" in shown.activity)
        assert "\x1b" not in shown.activity
        assert "\u202e" not in shown.activity


async def test_the_activity_stays_where_a_person_scrolled_to() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        activity = shown.dashboard.activity
        for number in range(100):
            activity.add_answer(f"line {number}")
        await shown.until(lambda: "line 99" in shown.text("#activity"))
        await shown.pilot.press("pageup", "pageup")
        await shown.until(lambda: "line 99" not in shown.text("#activity"))
        before = shown.text("#activity")
        activity.add_answer("line 100")
        await shown.until(lambda: "line 100" in shown.activity)
        await shown.pilot.pause()
        assert shown.text("#activity") == before


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (120, 36)])
@pytest.mark.parametrize("where", ["name", "arc"])
async def test_a_click_on_the_ring_is_one_on_the_node_there(size: tuple[int, int], where: str) -> None:
    async with running(FrozenCluster(frozen.healthy()), size) as shown:
        ring = shown.dashboard.query_one(Ring)
        await shown.until(lambda: "● B" in shown.text("#ring"))
        rows = shown.text("#ring").split("\n")
        y = next(y for y, row in enumerate(rows) if "● B" in row)
        x = rows[y].index("● B") + 2 - (0 if where == "name" else 5)
        border = 0 if ring.region == ring.content_region else 1
        await shown.pilot.click("#ring", offset=(x + border, y + border))
        await shown.until(lambda: shown.dashboard.picture.selected == "B")
        await shown.pilot.click("#ring", offset=(ring.size.width // 2, ring.size.height // 2))
        await shown.pilot.pause()
        assert shown.dashboard.picture.selected == "B"


async def test_a_click_on_a_node_puts_it_in_focus_and_the_bar_keeps_the_keyboard() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.pilot.click("#nodes", offset=(6, 2))
        await shown.until(lambda: shown.dashboard.picture.selected == "B")
        assert "focus" in str(shown.dashboard.query_one(Ring).border_title)
        assert shown.app.focused is shown.line
        await shown.pilot.click("#nodes", offset=(6, 2))
        await shown.until(lambda: shown.dashboard.picture.inspected is Subject.NODE)
        await shown.pilot.click("#nodes", offset=(6, 2))
        await shown.until(lambda: shown.dashboard.picture.selected == "")
        assert shown.dashboard.picture.inspected is Subject.NOTHING
        assert shown.app.focused is shown.line


async def test_f2_goes_round_the_views() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        ring = shown.dashboard.query_one(Ring)
        seen = []
        for _ in range(3):
            await shown.pilot.press("f2")
            await shown.pilot.pause()
            seen.append(str(ring.border_title))
        assert seen == [f"Ring · {View.FOCUS} on A", f"Ring · {View.SHARE}", f"Ring · {View.ARCS}"]


async def test_f12_saves_the_screen_and_says_where(tmp_path: Path) -> None:
    async with running(FrozenCluster(frozen.healthy()), pictures=tmp_path) as shown:
        await shown.pilot.press("f12")
        await shown.until(lambda: "screen saved as" in shown.activity)
        (saved,) = tmp_path.iterdir()
        assert saved.read_text().startswith("<svg")
        assert saved.name in shown.said


@pytest.mark.parametrize("opened", ["f1", "f3"])
async def test_f12_says_where_it_saved_on_the_screen_that_is_seen(tmp_path: Path, opened: str) -> None:
    async with running(FrozenCluster(frozen.healthy()), pictures=tmp_path) as shown:
        await shown.pilot.press(opened)
        await shown.until(lambda: shown.app.screen is not shown.dashboard)
        assert not shown.app._notifications
        await shown.pilot.press("f12")
        await shown.until(lambda: bool(list(tmp_path.glob("*.svg"))))
        (told,) = shown.app._notifications
        assert told.message.startswith("screen saved as ")
        assert str(tmp_path) in told.message
        await shown.pilot.press("escape")
        await shown.until(lambda: shown.app.screen is shown.dashboard and not shown.app._notifications)
        assert "screen saved as" in shown.activity


async def test_f12_says_when_it_can_not_save(tmp_path: Path) -> None:
    async with running(FrozenCluster(frozen.healthy()), pictures=tmp_path / "missing") as shown:
        await shown.pilot.press("f12")
        await shown.until(lambda: "not saved: No such file or directory" in shown.said)


@pytest.mark.parametrize(
    ("size", "panels"),
    [
        ((40, 15), {"ring"}),
        ((80, 24), {"ring", "nodes", "activity"}),
        ((120, 36), {"ring", "nodes", "stats", "activity"}),
        ((250, 70), {"ring", "nodes", "stats", "activity"}),
        ((200, 15), {"ring"}),
        ((20, 6), {"ring"}),
    ],
)
async def test_a_size_shows_the_panels_that_it_has_room_for(size: tuple[int, int], panels: set[str]) -> None:
    async with running(FrozenCluster(frozen.healthy()), size) as shown:
        visible = {
            name for name in ("ring", "nodes", "stats", "activity") if shown.dashboard.query_one(f"#{name}").region.area
        }
        assert visible == panels
        assert shown.line.region.width >= 10


async def test_a_small_screen_turns_to_the_answer_and_goes_round_its_panels() -> None:
    async with running(FrozenCluster(frozen.healthy()), (40, 15)) as shown:
        await shown.type("put a 1")
        await shown.until(lambda: "put a = 1" in shown.text("#activity"))
        assert shown.dashboard.query_one("#activity").region.area
        await shown.pilot.press("f6")
        assert shown.dashboard.query_one("#ring").region.area
        assert not shown.dashboard.query_one("#activity").region.area


async def test_on_a_small_screen_the_keyboard_reaches_the_panel_that_is_shown() -> None:
    async with running(FrozenCluster(frozen.healthy()), (40, 15)) as shown:
        await shown.pilot.press("f6")
        await shown.until(lambda: shown.app.focused is shown.dashboard.query_one("#nodes"))
        await shown.pilot.press("down", "down")
        await shown.until(lambda: shown.dashboard.picture.selected == "B")
        await shown.pilot.press("f6")
        await shown.until(lambda: shown.app.focused is shown.line)
        await shown.pilot.press("f6")
        await shown.until(lambda: shown.app.focused is shown.dashboard.activity)
        await shown.pilot.press("f6")
        await shown.until(lambda: shown.app.focused is shown.line)
        await shown.pilot.press("f6", "f2")
        await shown.until(lambda: shown.app.focused is shown.line)


async def test_resizing_to_any_size_and_back_shows_the_same() -> None:
    async with running(FrozenCluster(frozen.healthy(), frozen.EVENTS)) as shown:
        before = shown.text("#ring")
        for size in ((80, 24), (40, 15), (1, 1), (250, 70), (10, 3), (120, 36)):
            await shown.pilot.resize_terminal(*size)
            await shown.pilot.pause()
        await shown.until(lambda: shown.text("#ring") == before)
        assert "12:00:31 · C joins" in shown.activity


async def test_a_cluster_that_can_not_be_watched_any_more_is_a_line() -> None:
    class Broken(FrozenCluster):
        async def changed(self, seen: ClusterSnapshot) -> NoReturn:
            raise RuntimeError("secret value")

        async def events(self) -> AsyncIterator[Event]:
            raise RuntimeError("secret value")
            yield

    async with running(Broken(frozen.healthy())) as shown:
        await shown.until(lambda: "no longer renewed" in shown.activity and "no longer shown" in shown.activity)
        assert "secret" not in shown.activity
        assert "RuntimeError" in shown.activity


class Telling(Exception):
    """As Textual's own, which show what they are about."""

    def __rich__(self) -> str:
        return str(self)


@pytest.mark.parametrize("kind", [KeyError, Telling])
async def test_a_defect_is_one_line_with_places_in_the_log_and_no_variable(
    caplog: pytest.LogCaptureFixture, kind: type[Exception]
) -> None:
    app = KvtuiApp(FrozenCluster(frozen.healthy()), state=None)

    def crash() -> None:
        value = "topsecret"
        raise kind(value)

    async def run_and_crash() -> None:
        async with app.run_test() as pilot:
            app.call_later(crash)
            await pilot.pause()
            await pilot.pause()

    with pytest.raises(kind):
        await run_and_crash()
    assert app._exception is not None
    assert app.return_code == 1
    assert app.defect.startswith(f"the dashboard ended by a defect of kvtui ({kind.__name__} at test_dashboard.py:")
    assert "\n" not in app.defect
    assert f"{kind.__name__} at test_dashboard.py:" in caplog.text
    assert " crash <" in caplog.text
    assert "topsecret" not in app.defect + caplog.text
    assert app._exit_renderables == []


async def test_text_can_be_selected_and_copied() -> None:
    async with running(FrozenCluster(frozen.healthy(), frozen.EVENTS)) as shown:
        await shown.pilot.mouse_down("#activity", offset=(13, 1))
        await shown.pilot.hover("#activity", offset=(21, 1))
        await shown.pilot.mouse_up("#activity", offset=(21, 1))
        assert shown.dashboard.get_selected_text() is not None
        assert "A joined" in (shown.dashboard.get_selected_text() or "")


async def test_light_colours_reach_the_hand_drawn_panels() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        dark = shown.dashboard.query_one("#ring").render_line(3)
        shown.app.theme = "kvtui-day"
        await shown.until(lambda: shown.dashboard.query_one("#ring").render_line(3) != dark)
        assert shown.dashboard.query_one(Ring).tints.dark is False
