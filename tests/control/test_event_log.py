"""What is told to the logger ``kvtui``: each event once, in a line of its own, whatever its handlers do."""

import asyncio
import logging

import pytest

from kvtui.control.event_log import OF_A_PROGRAM, OF_KVTUI, TEXT_MOST, log_events
from kvtui.core.events import Level
from kvtui.core.happenings import QUEUE, Happenings
from kvtui.core.seams.clock import LoopClock

pytestmark = pytest.mark.anyio


async def test_what_is_bad_warns_a_program_and_all_else_informs_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kvtui")
    happenings = Happenings(LoopClock())
    wanted = True
    telling = asyncio.ensure_future(log_events(happenings.listen(), OF_A_PROGRAM, lambda: wanted))
    for level in Level:
        happenings.emit(level, f"{level} of n1")
    happenings.emit(Level.BAD, "n1: said\nTraceback \x1b[2J" + "x" * 2 * TEXT_MOST)
    await asyncio.sleep(0)
    told = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert told[:4] == [
        ("kvtui", "INFO", "info of n1"),
        ("kvtui", "INFO", "good of n1"),
        ("kvtui", "WARNING", "warning of n1"),
        ("kvtui", "WARNING", "bad of n1"),
    ]
    assert told[4][2].startswith("n1: said\\nTraceback \\x1b[2Jxxx")
    assert len(told[4][2]) == TEXT_MOST
    wanted = False
    happenings.emit(Level.BAD, "of another process")
    await asyncio.sleep(0)
    assert len(caplog.records) == 5
    telling.cancel()


async def test_kvtuis_own_log_tells_what_is_bad_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    happenings = Happenings(LoopClock())
    telling = asyncio.ensure_future(log_events(happenings.listen(), OF_KVTUI))
    happenings.emit(Level.BAD, "n1 is DOWN")
    await asyncio.sleep(0)
    telling.cancel()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_a_handler_that_raises_costs_its_own_line_and_a_flood_is_bounded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Raising(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("the program's handler")

    caplog.set_level(logging.INFO, "kvtui")
    raising, log = Raising(), logging.getLogger("kvtui")
    log.addHandler(raising)
    try:
        happenings = Happenings(LoopClock())
        telling = asyncio.ensure_future(log_events(happenings.listen(), OF_A_PROGRAM))
        await asyncio.sleep(0)
        happenings.emit(Level.BAD, "n1 is DOWN")
        await asyncio.sleep(0)
    finally:
        log.removeHandler(raising)
    caplog.clear()
    for number in range(3 * QUEUE):
        happenings.emit(Level.INFO, f"event {number}")
    await asyncio.sleep(0)
    assert len(caplog.records) == QUEUE + 1
    assert caplog.messages[0] == f"{2 * QUEUE} events came too fast to be shown"
    telling.cancel()
