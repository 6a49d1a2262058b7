"""What the key browser looks like, at the sizes that matter."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from kvtui.app import KvtuiApp
from kvtui.core.cluster import Outcome, Written
from kvtui.core.version import NEVER
from kvtui.screens import Confirm
from kvtui.screens.help import Help
from kvtui.screens.key_browser.editor import Editor
from kvtui.screens.key_browser.found import Phase
from kvtui.widgets.themes import DAY
from tests.screens.key_browser.browsing import Browser, opened
from tests.screens.key_browser.stores import KeyCluster, shop

OPENS: dict[str, type[Screen[Any]]] = {"e": Editor, "n": Editor, "d": Confirm, "f1": Help}
"""Keys, and the screens that they open."""
SIZES = {"40x15": (40, 15), "80x24": (80, 24), "120x36": (120, 36)}


def picture(
    snap_compare: Callable[..., bool],
    size: tuple[int, int],
    prefix: str,
    keys: Sequence[str] = (),
    cluster: KeyCluster | None = None,
    theme: str = "",
) -> bool:
    """Whether the browser looks as it did, once a person searched for ``prefix`` and pressed ``keys``."""
    app = KvtuiApp(cluster or shop(), state=None)

    async def show(pilot: Pilot[None]) -> None:
        if theme:
            app.theme = theme
        browser = await opened(app, pilot, prefix)
        await browser.until(lambda: browser.screen._found.phase is not Phase.SEARCHING)
        await browser.until(lambda: browser.table.row_count == len(browser.screen._found.rows))
        for key in keys:
            await browser.press(key)
            await settled(browser, OPENS.get(key))

    return snap_compare(app, terminal_size=size, run_before=show)


async def settled(browser: Browser, opens: type[Screen[Any]] | None) -> None:
    """Let what a key began come to its end, on the screen that it opens."""
    if opens is not None:
        await browser.until(lambda: isinstance(browser.app.screen, opens) and browser.app.focused is not None)
    await browser.until(lambda: not browser.table.border_subtitle)
    await browser.until(lambda: not browser.screen._due)
    await browser.pilot.pause()


@pytest.mark.parametrize("size", SIZES)
def test_results(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, SIZES[size], "user:", ["down", "down"])


def test_more_results_than_are_held(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (120, 36), "", ["down"], shop(2_100))


@pytest.mark.parametrize("size", SIZES)
def test_a_json_value(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, SIZES[size], "order:", ["down", "enter"])


def test_a_json_value_by_day(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (120, 36), "order:", ["down", "enter"], theme=DAY.name)


def test_a_large_screen(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (250, 70), "", ["down", "enter"])


@pytest.mark.parametrize("size", SIZES)
def test_a_binary_value_that_is_cut(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, SIZES[size], "photo", ["down", "enter"])


@pytest.mark.parametrize("size", ["40x15", "80x24"])
def test_editing(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, SIZES[size], "page", ["down", "e", "x"])


def test_a_put_that_failed(snap_compare: Callable[..., bool]) -> None:
    cluster = shop()
    cluster.written = Written(Outcome.FAILED, NEVER, text="2 clean copies are needed, 1 can be reached")
    assert picture(snap_compare, (80, 24), "page", ["down", "e", "x", "ctrl+s"], cluster)


def test_a_new_key(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (80, 24), "page", ["down", "n", "x"])


@pytest.mark.parametrize("size", ["40x15", "80x24"])
def test_the_delete_question(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, SIZES[size], "page", ["down", "d"])


def test_no_results(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (80, 24), "nothing")


@pytest.mark.parametrize("size", ["40x15", "80x24"])
def test_an_error(snap_compare: Callable[..., bool], size: str) -> None:
    cluster = shop()
    cluster.unreadable = "B can't be reached and no other node has a clean copy"
    assert picture(snap_compare, SIZES[size], "user:", cluster=cluster)


def test_help(snap_compare: Callable[..., bool]) -> None:
    assert picture(snap_compare, (80, 24), "page", ["down", "f1"])
