"""The screen is left in bounded time, whatever state it is in: behind it, nodes and a coordinator wait to be closed in order."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import anyio
from textual.app import App

from kvtui.driver import TerminalDriver
from kvtui.last_resort import LastResort

LEAVING_SECONDS: Final = 3.0
"""How long a screen that is to end may take."""

_log = logging.getLogger(__name__)


async def until_left(app: App[Any], dying: asyncio.Event, last_resort: LastResort | None = None) -> None:
    """Run the app until it ends. Where it was to end, by a defect (``dying``) or by cancellation, and does not, it is abandoned,
    and ``last_resort`` is told: what is left of the app would keep the process from ending."""

    def give_back() -> None:
        if isinstance(app._driver, TerminalDriver):
            app._driver.give_back()

    if last_resort is not None:
        last_resort.restores(give_back)
    running = asyncio.ensure_future(app.run_async())
    death = asyncio.ensure_future(dying.wait())
    try:
        await asyncio.wait({running, death}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        death.cancel()
        with anyio.CancelScope(shield=True):
            if not running.done():
                if not dying.is_set():
                    running.cancel()
                await asyncio.wait({running}, timeout=LEAVING_SECONDS)
        if not running.done() and last_resort is not None:
            _log.error("the screen does not end; it was left as it is")
            last_resort.abandoned()
    if running.done() and not running.cancelled():
        running.result()
