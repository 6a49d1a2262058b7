"""The screen of a bench: it opens, follows, closes without ending the bench, opens again, and can stop it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kvtui.bench.view import Phase
from kvtui.core.cluster import WrittenMany
from kvtui.screens.bench import BenchScreen, BenchScreens
from kvtui.widgets.bench import BenchHeadline, BenchLatency, BenchTerms, BenchThroughput
from tests.bench import runs
from tests.widgets.frozen import FrozenCluster, healthy
from tests.widgets.running import Running, running

pytestmark = pytest.mark.anyio


def on(shown: Running) -> bool:
    """Whether the screen of a bench is there, with all its panels."""
    return isinstance(shown.app.screen, BenchScreen) and bool(shown.app.screen.query("#footer"))


def panel(shown: Running, kind: type[BenchHeadline | BenchLatency | BenchTerms | BenchThroughput]) -> str:
    widget = shown.app.screen.query_one(kind)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


async def test_it_follows_the_bench_closes_without_ending_it_and_opens_again() -> None:
    async with running(FrozenCluster(healthy())) as shown:
        stops: list[int] = []
        screens = BenchScreens(shown.app, lambda: shown.dashboard.picture)
        assert not screens.open()
        screens.show(runs.LOADING, lambda: stops.append(1))
        await shown.until(lambda: on(shown) and "4,000 of 10,000" in panel(shown, BenchHeadline))
        screens.show(runs.RUNNING, lambda: stops.append(1))
        await shown.until(lambda: "168,020" in panel(shown, BenchLatency))
        assert "335,431 ok" in panel(shown, BenchThroughput)
        await shown.pilot.press("escape")
        await shown.until(lambda: not on(shown))
        screens.show(runs.ENDED, lambda: None)
        screens.show(runs.done(), lambda: None)
        await shown.pilot.pause()
        assert not on(shown)
        assert stops == []
        assert screens.open()
        await shown.until(lambda: on(shown) and "better" in panel(shown, BenchTerms))


async def test_the_next_bench_is_shown_on_the_same_screen() -> None:
    async with running(FrozenCluster(healthy())) as shown:
        screens = BenchScreens(shown.app, lambda: shown.dashboard.picture)
        screens.show(runs.done(), lambda: None)
        await shown.until(lambda: on(shown))
        stops: list[int] = []
        screens.show(runs.LOADING, lambda: stops.append(2))
        await shown.until(lambda: "4,000 of 10,000" in panel(shown, BenchHeadline))
        await shown.pilot.press("x")
        await shown.until(lambda: stops == [2])
        await shown.pilot.press("q")
        await shown.until(lambda: shown.app.screen is shown.dashboard)


async def test_x_stops_the_bench_while_there_is_something_to_stop() -> None:
    async with running(FrozenCluster(healthy()), (80, 24)) as shown:
        stops: list[int] = []
        screens = BenchScreens(shown.app, lambda: shown.dashboard.picture)
        screens.show(runs.RUNNING, lambda: stops.append(1))
        await shown.until(lambda: on(shown))
        assert "x Stop" in shown_footer(shown)
        await shown.pilot.press("x")
        await shown.until(lambda: stops == [1])
        screens.show(replace(runs.RUNNING, phase=Phase.CLEANING), lambda: None)
        await shown.until(lambda: "x Stop" not in shown_footer(shown))
        await shown.pilot.press("x")
        await shown.pilot.pause()
        assert stops == [1]


def shown_footer(shown: Running) -> str:
    footer = shown.app.screen.query_one("#footer")
    return footer.render_line(0).text


async def test_f5_opens_the_last_bench_or_begins_to_type_one() -> None:
    async with running(FrozenCluster(healthy())) as shown:
        await shown.pilot.press("f5")
        await shown.until(lambda: shown.line.value == "bench ")
        await shown.pilot.press("escape")
        await shown.type("bench c records=5 clients=1 ops=40")
        await shown.until(lambda: on(shown) and "done in" in panel(shown, BenchHeadline))
        await shown.pilot.press("f5")
        await shown.until(lambda: not on(shown))
        assert "Workload C (100 % read)" in shown.activity
        assert not shown.cluster.stored
        await shown.pilot.press("f5")
        await shown.until(lambda: on(shown) and "done in" in panel(shown, BenchHeadline))


async def test_a_screen_that_nothing_changes_on_is_still() -> None:
    async with running(FrozenCluster(healthy())) as shown:
        screens = BenchScreens(shown.app, lambda: shown.dashboard.picture)
        screens.show(runs.done(), lambda: None)
        await shown.until(lambda: on(shown))
        await shown.pilot.pause()
        drawn = 0
        for widget in shown.app.screen.query("BenchPanel"):
            original = widget.render_line

            def counting(y: int, original: object = original) -> object:
                nonlocal drawn
                drawn += 1
                return original(y)  # type: ignore[operator]

            widget.render_line = counting  # type: ignore[method-assign,assignment]
        screens.show(replace(runs.done()), lambda: None)
        await asyncio.sleep(0)
        await shown.pilot.pause()
        assert drawn == 0


async def test_leaving_ends_a_bench_which_first_deletes_its_records(caplog: pytest.LogCaptureFixture) -> None:
    left = asyncio.Event()

    class Slow(FrozenCluster):
        async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
            await left.wait()
            return await super().delete_many(keys)

    cluster = Slow(healthy())
    async with running(cluster) as shown:
        await shown.type("bench seconds=600 records=2500 clients=1")
        await shown.until(lambda: on(shown) and "of 600 s" in panel(shown, BenchHeadline))
        await shown.pilot.press("ctrl+q")
    assert cluster.stored
    left.set()
    await shown.app.commands_ended()
    assert not cluster.stored
    assert "defect" not in caplog.text
