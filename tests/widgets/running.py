"""The app over a frozen cluster, and ways to wait for what it shows."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import anyio
from rich.console import Console
from textual.events import Paste
from textual.pilot import Pilot
from textual.widget import Widget

from kvtui.app import KvtuiApp
from kvtui.config import Look
from kvtui.screens import Dashboard
from kvtui.widgets.activity import Activity
from kvtui.widgets.command_bar import CommandBar
from kvtui.widgets.command_line import CommandLine
from kvtui.widgets.panel import plain
from kvtui.widgets.ring import Motion
from tests.widgets.frozen import FrozenCluster

PATIENCE = 10.0
"""Seconds until something that never comes is given up."""


class Running:
    """The app, its pilot, and what is on the screen as text."""

    def __init__(self, app: KvtuiApp, cluster: FrozenCluster, pilot: Pilot[None]) -> None:
        self.app, self.cluster, self.pilot = app, cluster, pilot

    @property
    def dashboard(self) -> Dashboard:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, Dashboard)
        return screen

    @property
    def line(self) -> CommandLine:
        return self.dashboard.query_one(CommandLine)

    @property
    def bar(self) -> CommandBar:
        return self.dashboard.query_one(CommandBar)

    @property
    def hint(self) -> str:
        return str(self.dashboard.query_one("#hint").render())

    @property
    def activity(self) -> str:
        return "\n".join(plain(line) for line in self.dashboard.query_one(Activity).journal.lines)

    @property
    def said(self) -> str:
        """The activity's entries, a line each, however they are wrapped."""
        return "\n".join(entry.line for entry in self.dashboard.query_one(Activity).journal.shown)

    def text(self, selector: str) -> str:
        """A panel as it is drawn."""
        return drawn(self.dashboard.query_one(selector))

    @property
    def seen(self) -> list[str]:
        """The whole screen as it is seen, a line each: a screen that lies over others, and what of them is in sight."""
        screens = self.app._background_screens
        update = self.app.screen._compositor.render_update(full=True, screen_stack=screens)
        console = Console(width=self.app.size.width, height=self.app.size.height, file=StringIO(), record=True)
        console.print(update)
        return console.export_text().splitlines()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the app go on until something holds."""
        with anyio.fail_after(PATIENCE):
            while not holds():
                await self.pilot.pause()

    async def type(self, text: str, *, enter: bool = True) -> None:
        """Put text where the keyboard is, all at once, as a terminal does with what is pasted."""
        self.app.post_message(Paste(text))
        await self.pilot.pause()
        if enter:
            await self.pilot.press("enter")


def drawn(widget: Widget) -> str:
    """A widget that draws lines, in full."""
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


@asynccontextmanager
async def running(
    cluster: FrozenCluster,
    size: tuple[int, int] = (120, 36),
    state: Path | None = None,
    pictures: Path | None = None,
    motion: Motion | None = None,
    look: Look | None = None,
    readonly: bool = False,
) -> AsyncIterator[Running]:
    app = KvtuiApp(cluster, state=state, pictures=pictures, motion=motion, look=look, readonly=readonly)
    async with app.run_test(size=size) as pilot:
        shown = Running(app, cluster, pilot)
        events = len(cluster.happened)
        await shown.until(lambda: len(shown.dashboard.activity.journal.entries) >= events)
        await pilot.pause()
        yield shown
