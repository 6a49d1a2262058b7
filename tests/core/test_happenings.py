"""Events on their way to listeners: in order, bounded, and honest about what was missed."""

import asyncio
from collections.abc import AsyncIterator

from kvtui.core.events import Event, Level
from kvtui.core.happenings import PAST, QUEUE, Happenings
from tests.simulation.loop import SimClock, run_virtual


async def take(events: AsyncIterator[Event], count: int) -> list[str]:
    return [(await anext(events)).text for _ in range(count)]


def emit(happenings: Happenings, numbers: range) -> None:
    for number in numbers:
        happenings.emit(Level.INFO, f"event {number}", "A")


def test_a_listener_hears_what_came_before_and_what_comes_after() -> None:
    async def main() -> list[str]:
        happenings = Happenings(SimClock())
        emit(happenings, range(2))
        events = happenings.listen()
        heard = await take(events, 2)
        emit(happenings, range(2, 4))
        return heard + await take(events, 2)

    assert run_virtual(main) == ["event 0", "event 1", "event 2", "event 3"]


def test_an_event_says_when_how_bad_and_which_nodes() -> None:
    async def main() -> tuple[Event, float]:
        clock = SimClock()
        happenings = Happenings(clock)
        happenings.emit(Level.BAD, "A is DOWN", "A")
        return await anext(happenings.listen()), clock.wall()

    event, now = run_virtual(main)
    assert event == Event(now, Level.BAD, "A is DOWN", ("A",))


def test_a_newcomer_is_told_the_last_events_only() -> None:
    async def main() -> list[str]:
        happenings = Happenings(SimClock())
        emit(happenings, range(PAST + 30))
        events = happenings.listen()
        heard = await take(events, PAST)
        happenings.emit(Level.INFO, "now")
        return heard + await take(events, 1)

    assert run_virtual(main) == [f"event {number}" for number in range(30, PAST + 30)] + ["now"]


def test_a_slow_listener_misses_the_oldest_and_is_told_how_many() -> None:
    async def main() -> tuple[Event, list[str]]:
        happenings = Happenings(SimClock())
        happenings.emit(Level.INFO, "first")
        events = happenings.listen()
        await anext(events)
        emit(happenings, range(QUEUE + 7))
        return await anext(events), await take(events, QUEUE)

    notice, heard = run_virtual(main)
    assert (notice.level, notice.text) == (Level.WARNING, "7 events came too fast to be shown")
    assert heard == [f"event {number}" for number in range(7, QUEUE + 7)]


def test_a_listener_that_keeps_up_again_is_told_once() -> None:
    async def main() -> list[str]:
        happenings = Happenings(SimClock())
        happenings.emit(Level.INFO, "first")
        events = happenings.listen()
        await anext(events)
        emit(happenings, range(QUEUE + 1))
        await take(events, QUEUE + 1)
        emit(happenings, range(3))
        return await take(events, 3)

    assert run_virtual(main) == ["event 0", "event 1", "event 2"]


def test_a_slow_listener_holds_up_nobody() -> None:
    async def main() -> list[str]:
        happenings = Happenings(SimClock())
        happenings.emit(Level.INFO, "first")
        slow, quick = happenings.listen(), happenings.listen()
        await anext(slow)
        heard = await take(quick, 1)
        for number in range(3):
            happenings.emit(Level.INFO, f"event {number}")
            heard += await take(quick, 1)
        return heard

    assert run_virtual(main) == ["first", "event 0", "event 1", "event 2"]


def test_a_listener_that_leaves_is_forgotten() -> None:
    async def main() -> int:
        happenings = Happenings(SimClock())
        happenings.emit(Level.INFO, "first")
        events = happenings.listen()
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        emit(happenings, range(5))
        return len(happenings._listeners)

    assert run_virtual(main) == 0
