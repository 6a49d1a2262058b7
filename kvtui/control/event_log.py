"""What happens in a cluster, told to the logger ``kvtui``: once, by the process that holds the coordinator.

Its handlers are not its own: the dashboard, the shell and the service have it write a file; in a program that kvtui is embedded in
they are the program's, or there are none.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Final

from kvtui.core.events import Event, Level
from kvtui.notation import escape

LOGGER: Final = "kvtui"
TEXT_MOST: Final = 1000
"""Characters of one event."""
OF_KVTUI: Final = {
    Level.INFO: logging.INFO,
    Level.GOOD: logging.INFO,
    Level.WARNING: logging.WARNING,
    Level.BAD: logging.ERROR,
}
OF_A_PROGRAM: Final = {**OF_KVTUI, Level.BAD: logging.WARNING}
"""The store goes on, or says of each operation what became of it: an error is what the program makes of that."""


async def log_events(
    events: AsyncIterator[Event], levels: Mapping[Level, int], wanted: Callable[[], bool] = lambda: True
) -> None:
    """Tell what happens, while it is ``wanted``: of several processes on one ring one does. Nothing that handlers raise ends it."""
    log = logging.getLogger(LOGGER)
    async for event in events:
        if wanted() and log.isEnabledFor(levels[event.level]):
            with suppress(Exception):
                log.log(levels[event.level], "%s", escape(event.text[:TEXT_MOST])[:TEXT_MOST])
