"""The key browser over a cluster that stands still, and ways to wait for what it shows."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from kvtui.screens.key_browser.key_table import KeyTable
from kvtui.screens.key_browser.value_panel import ValuePanel
from kvtui.screens.keys import KeyBrowser
from kvtui.widgets.footer import Footer
from kvtui.widgets.panel import plain
from tests.screens.key_browser.stores import KeyCluster
from tests.widgets.running import PATIENCE


class Browser:
    """The app with the browser open, its pilot, and what is on the screen as text."""

    def __init__(self, app: KvtuiApp, pilot: Pilot[None]) -> None:
        assert isinstance(app._cluster, KeyCluster)
        self.app, self.cluster, self.pilot = app, app._cluster, pilot
        assert isinstance(app.screen, KeyBrowser)
        self.screen = app.screen

    @property
    def table(self) -> KeyTable:
        return self.screen.query_one(KeyTable)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the table."""
        return [[str(cell) for cell in self.table.get_row_at(at)] for at in range(self.table.row_count)]

    @property
    def keys(self) -> list[str]:
        return [row[0] for row in self.rows]

    @property
    def status(self) -> str:
        return str(self.screen.query_one("#status").render())

    @property
    def notice(self) -> str:
        notice = self.screen.query_one("#notice")
        return str(notice.render()) if notice.display else ""

    @property
    def value(self) -> str:
        """The value panel's text; empty where it is not to be seen."""
        panel = self.screen.query_one(ValuePanel)
        if not panel.region.area:
            return ""
        return f"{panel.query_one('#facts').render()}\n{panel.query_one('#value-text').render()}"

    @property
    def offered(self) -> str:
        """What the footer offers."""
        return " ".join(key.words for key in self.screen.query_one(Footer).keys)

    @property
    def footer(self) -> str:
        """The footer's line."""
        return plain(self.screen.query_one(Footer)._lines[0])

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the app go on until something holds."""
        with anyio.fail_after(PATIENCE):
            while not holds():
                await self.pilot.pause()

    async def ended(self) -> None:
        """Let the search come to its end, or to where it waits."""
        await self.until(lambda: "follow" in self.status or self.status.startswith("no "))
        await self.until(lambda: self.table.row_count == len(self.screen._found.rows))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def view(self, key: str) -> None:
        """Open a key's value."""
        await self.until(lambda: key in self.keys)
        self.table.focus()
        self.table.move_cursor(row=self.keys.index(key))
        await self.press("enter")
        await self.until(lambda: self.value.startswith("value "))


@asynccontextmanager
async def browsing(cluster: KeyCluster, size: tuple[int, int] = (120, 36), prefix: str = "") -> AsyncIterator[Browser]:
    app = KvtuiApp(cluster, state=None)
    async with app.run_test(size=size) as pilot:
        yield await opened(app, pilot, prefix)


async def opened(app: KvtuiApp, pilot: Pilot[None], prefix: str) -> Browser:
    """The browser, once it is to be seen."""
    app.action_browse(prefix)
    with anyio.fail_after(PATIENCE):
        while not (isinstance(app.screen, KeyBrowser) and any(footer.keys for footer in app.screen.query(Footer))):
            await pilot.pause()
    return Browser(app, pilot)
