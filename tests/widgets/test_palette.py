"""The palette finds what keys do: each key that can be seen has an entry, found by its name, its key and what it does."""

import pytest
from textual.app import SystemCommand
from textual.fuzzy import Matcher

from kvtui.screens.dashboard import Dashboard
from kvtui.screens.palette import KeyActions, RegistryCommands, Words, rank
from kvtui.widgets.footer import shown_keys
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running

pytestmark = pytest.mark.anyio


def best(query: str, offers: list[SystemCommand]) -> str:
    """The first that is found."""
    matcher = Matcher(query)
    return max(offers, key=lambda offer: rank(matcher, query, offer.title, offer.help or "")).title


async def test_every_visible_key_has_an_entry_in_the_palette() -> None:
    """The ring's view, the panels and the bench had keys alone; no entry was found by the name of its key."""
    async with running(FrozenCluster(frozen.healthy()), readonly=True) as shown:
        offers = list(KeyActions(shown.dashboard).offers())
        for key in shown_keys(shown.app.screen, palette=False):
            assert best(key.written, offers).endswith(f" · {key.written}"), key
            assert best(key.words, offers).startswith(key.words), key
        for asked, found in {
            "ctrl+q": "Quit", "svg": "Save as SVG", "picture": "Save as SVG", "legend": "Legend", "signs": "Help",
            "sort": "Sort nodes", "filter": "Filter", "theme": "Theme", "light": "Theme", "leave": "Quit", "shares": "Ring",
        }.items():  # fmt: skip
            assert best(asked, offers).startswith(found), asked
        act = next(offer.callback for offer in offers if offer.title.startswith("Panel"))
        await act()
        await shown.until(lambda: shown.app.focused is shown.dashboard.query_one("#nodes"))

        commands = {offer.title.split()[0]: offer.help or "" for offer in RegistryCommands(shown.dashboard).offers()}
        assert "--readonly" in commands["put"]
        assert "--readonly" not in commands["get"]

        words = list(Words(shown.dashboard).offers())
        assert best("virtual node", words) == "help virtual node"
        next(offer.callback for offer in words if offer.title == "help slot")()
        await shown.until(lambda: "slot:" in shown.activity)

        await shown.pilot.press("f3")
        await shown.until(lambda: not isinstance(shown.app.screen, Dashboard))
        browser = shown.app.screen
        offers = list(KeyActions(browser).offers())
        titles = {offer.title for offer in offers}
        for key in shown_keys(browser, palette=False):
            assert any(title.endswith(f" · {key.written}") for title in titles), key
        assert not list(RegistryCommands(browser).offers()), "there is no command bar to put them into"
