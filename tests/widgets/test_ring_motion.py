"""Motion on the screen: it follows events, is drawn at most ten times a second, and ends by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from kvtui.widgets.ring import Motion, Ring
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import Running, running

pytestmark = pytest.mark.anyio


@dataclass
class HandClock:
    """Stands still until it is put forward. ``drawn`` has its time at every drawing of the ring."""

    now: float = 100.0
    drawn: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def moving(
    cluster: FrozenCluster, motion: Motion = Motion.FULL
) -> AsyncIterator[tuple[Running, Ring, HandClock]]:
    async with running(cluster, motion=motion) as shown:
        ring, clock = shown.dashboard.query_one(Ring), HandClock()
        ring._clock = clock
        show = ring.show

        def counted() -> None:
            clock.drawn.append(clock.now)
            show()

        ring.show = counted  # type: ignore[method-assign]
        yield shown, ring, clock


async def frame(shown: Running, clock: HandClock, seconds: float) -> None:
    """Let the next frame be that much later."""
    clock.now += seconds
    count = len(clock.drawn)
    await shown.until(lambda: len(clock.drawn) > count)


async def test_a_lookup_walks_and_then_no_timer_runs() -> None:
    async with moving(FrozenCluster(frozen.healthy())) as (shown, ring, clock):
        assert ring._next_frame is None
        shown.dashboard.show_location(frozen.located(shown.cluster.now, b"apple"))
        await shown.until(lambda: ring._next_frame is not None)
        assert shown.text("#ring").count("◇") == 1, "in the legend alone"
        while ring._next_frame is not None:
            await frame(shown, clock, 0.1)
            assert clock.now < 110, "it ends by itself"
        assert shown.text("#ring").count("◇") == 4, "on the ring, at its name, in the words, and in the legend"
        count = len(clock.drawn)
        for _ in range(20):
            await shown.pilot.pause()
        assert len(clock.drawn) == count


async def test_while_it_moves_a_burst_of_changes_is_drawn_with_the_next_frame() -> None:
    cluster = FrozenCluster(frozen.healthy())
    async with moving(cluster) as (shown, ring, clock):
        shown.dashboard.show_location(frozen.located(cluster.now, b"apple"))
        await shown.until(lambda: ring._next_frame is not None)
        count = len(clock.drawn)
        for keys in range(50):
            shown.dashboard.show_snapshot(replace(cluster.now, keys=keys))
        assert len(clock.drawn) == count, "not before its time"
        await frame(shown, clock, 0.1)
        assert "49 keys" in shown.text("#ring")


async def test_a_node_that_goes_down_turns_hollow_bit_by_bit() -> None:
    cluster = FrozenCluster(frozen.healthy())
    async with moving(cluster) as (shown, ring, clock):
        assert ring._drawing is not None
        assert ring._drawing._band is not None
        band = ring._drawing._band
        before = dict(band.cells)
        cluster.show(frozen.one_down("B"))
        await shown.until(lambda: ring._next_frame is not None)
        assert band.cells == before, "it begins as it was"
        assert "○ B" in shown.text("#ring"), "its name says so at once"
        changed = []
        while ring._next_frame is not None:
            await frame(shown, clock, 0.2)
            changed.append(sum(band.cells[place] != drawn for place, drawn in before.items()))
        assert changed == sorted(changed)
        assert changed[0] < changed[-1]


@pytest.mark.parametrize("event", ["lookup", "down"])
async def test_with_reduced_motion_the_end_shows_at_once(event: str) -> None:
    cluster = FrozenCluster(frozen.healthy())
    async with moving(cluster, Motion.REDUCED) as (shown, ring, _):
        if event == "lookup":
            shown.dashboard.show_location(frozen.located(cluster.now, b"apple"))
            await shown.until(lambda: shown.text("#ring").count("◇") == 4)
        else:
            assert ring._drawing is not None
            assert ring._drawing._band is not None
            before = dict(ring._drawing._band.cells)
            cluster.show(frozen.one_down("B"))
            await shown.until(lambda: "○ B" in shown.text("#ring"))
            assert ring._drawing._band.cells != before
        assert ring._next_frame is None


async def test_an_event_while_the_ring_is_out_of_sight_is_over_when_it_is_seen_again() -> None:
    async with running(FrozenCluster(frozen.healthy()), (40, 15), motion=Motion.FULL) as shown:
        ring, clock = shown.dashboard.query_one(Ring), HandClock()
        ring._clock = clock
        await shown.pilot.press("f6")
        shown.cluster.show(frozen.one_down("B"))
        await shown.until(lambda: shown.dashboard.picture.snapshot is shown.cluster.now)
        clock.now += 60
        await shown.pilot.press("f2")
        await shown.until(lambda: bool(ring.region.area))
        await shown.pilot.pause()
        assert ring._next_frame is None


async def test_the_environment_reduces_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KVTUI_MOTION")
    assert Ring()._motion is Motion.FULL
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    assert Ring()._motion is Motion.REDUCED
    monkeypatch.setenv("KVTUI_MOTION", "full")
    assert Ring()._motion is Motion.FULL
    assert Ring(motion=Motion.REDUCED)._motion is Motion.REDUCED
