"""A program that was told to end ends, whatever its event loop, its screen or its terminal does."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, cast

import anyio
import pytest
from textual.app import App

from kvtui import leaving
from kvtui.last_resort import LastResort

PATIENCE = 10.0


class Loop:
    """An event loop that is stuck until ``freed``, or closed."""

    def __init__(self, *, stuck: bool = False, closed: bool = False) -> None:
        self.stuck, self.closed = stuck, closed

    def call_soon_threadsafe(self, callback: Callable[[], object]) -> None:
        if self.closed:
            raise RuntimeError("Event loop is closed")
        if not self.stuck:
            callback()


@pytest.mark.parametrize("loop", [Loop(stuck=True), Loop(closed=True), Loop()], ids=["stuck", "closed", "too slow"])
def test_it_ends_what_does_not_end_and_gives_the_terminal_back_first(loop: Loop) -> None:
    done: list[object] = []
    ended = threading.Event()

    def leave(status: int) -> None:
        done.append(status)
        ended.set()

    def fails() -> None:
        raise OSError("the terminal is gone")

    resort = LastResort(leave, stuck_seconds=0.01, ending_seconds=0.05)
    resort.restores(fails)
    resort.restores(lambda: done.append("restored"))
    for _ in range(3):
        resort.arm(cast(Any, loop), 143)
    assert ended.wait(PATIENCE)
    assert done == ["restored", 143]


def test_it_is_needed_only_where_something_was_abandoned() -> None:
    left: list[int] = []
    resort = LastResort(left.append)
    resort.if_needed(143)
    assert left == []
    resort.abandoned()
    resort.if_needed(143)
    assert left == [143]


class Undying:
    """An app that goes on whatever it is told."""

    _driver = None

    def __init__(self) -> None:
        self.end = asyncio.Event()

    async def run_async(self) -> None:
        while not self.end.is_set():
            try:
                await self.end.wait()
            except asyncio.CancelledError:
                continue


@pytest.mark.anyio
@pytest.mark.parametrize("by_defect", [True, False], ids=["by a defect", "by a signal"])
async def test_a_screen_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch, by_defect: bool) -> None:
    monkeypatch.setattr(leaving, "LEAVING_SECONDS", 0.01)
    app, dying, left = Undying(), asyncio.Event(), list[int]()
    resort = LastResort(left.append)
    if by_defect:
        dying.set()
    with anyio.move_on_after(None if by_defect else 0.01):
        await leaving.until_left(cast(App[Any], app), dying, resort)
    resort.if_needed(1)
    assert left == [1]
    app.end.set()
