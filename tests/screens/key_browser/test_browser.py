"""The key browser as a person uses it: search, view, edit, store, delete, and what can go wrong."""

import asyncio
import gc
from typing import NoReturn

import pytest
from textual.events import Paste
from textual.timer import Timer
from textual.widgets import TextArea

from kvtui.core.cluster import Outcome, Written
from kvtui.core.version import NEVER, Version
from kvtui.screens import Confirm, Dashboard
from kvtui.screens.help import Help
from kvtui.screens.key_browser.editor import Editor
from kvtui.screens.key_browser.found import ROWS_MOST
from kvtui.screens.keys import KeyBrowser
from tests.screens.key_browser.browsing import Browser, browsing
from tests.screens.key_browser.stores import KeyCluster, shop
from tests.widgets import frozen
from tests.widgets.running import drawn, running

pytestmark = pytest.mark.anyio


async def test_f3_and_the_command_open_it_and_escape_goes_back() -> None:
    async with running(shop(3)) as shown:
        for way in ("f3", "command"):
            if way == "f3":
                await shown.pilot.press("f3")
            else:
                await shown.type("browse order:")
            await shown.until(lambda: isinstance(shown.app.screen, KeyBrowser))
            browser = Browser(shown.app, shown.pilot)
            await browser.ended()
            assert len(browser.keys) == (8 if way == "f3" else 2)
            await shown.pilot.press("escape")
            await shown.until(lambda: isinstance(shown.app.screen, Dashboard))


async def test_a_row_tells_key_size_version_and_replicas() -> None:
    async with browsing(shop(3), prefix="order:1842") as browser:
        await browser.ended()
        size = len(browser.cluster.stored[b"order:1842"])
        replicas = " ".join(copy.node for copy in (await browser.cluster.locate(b"order:1842")).replicas)
        assert browser.rows == [["order:1842", f"{size} B", str(browser.cluster.versions[b"order:1842"]), replicas]]
        assert browser.status == "1 key, in ring order; no more follow"


async def test_matches_show_while_the_search_goes_on_and_it_says_how_far_it_is() -> None:
    cluster = shop(1000)
    cluster.held = asyncio.Event()
    async with browsing(cluster, prefix="user:") as browser:
        await browser.until(lambda: len(browser.keys) > 50)
        await browser.until(lambda: "so far" in browser.status)
        assert "of the ring passed" in browser.status
        assert len(browser.keys) < 150
        cluster.held.set()
        await browser.ended()
        assert len(browser.keys) == 1000


async def test_another_prefix_ends_the_search_under_way() -> None:
    cluster = shop(1000)
    cluster.held = asyncio.Event()
    async with browsing(cluster) as browser:
        await browser.until(lambda: len(browser.keys) > 50)
        browser.app.post_message(Paste("order:"))
        await browser.until(lambda: cluster.given_up == [b""])
        cluster.held.set()
        await browser.ended()
        assert set(browser.keys) == {"order:1842", "order:2001"}
        assert cluster.scans == [b"", b"order:"]


async def test_typing_fast_searches_once() -> None:
    async with browsing(shop(10)) as browser:
        await browser.ended()
        for char in "ord":
            browser.app.simulate_key(char)
        await browser.until(lambda: browser.cluster.scans[-1] == b"ord")
        await browser.ended()
        assert browser.cluster.scans == [b"", b"ord"]


async def test_closing_ends_the_search_under_way() -> None:
    cluster = shop(1000)
    cluster.held = asyncio.Event()
    async with browsing(cluster) as browser:
        await browser.until(lambda: len(browser.keys) > 50)
        await browser.press("escape")
        await browser.until(lambda: cluster.given_up == [b""])


async def test_rows_are_bounded_and_the_next_follow_when_asked_for() -> None:
    async with browsing(shop(ROWS_MOST + 200), prefix="user:") as browser:
        await browser.ended()
        first = browser.keys
        assert len(first) == ROWS_MOST
        assert "more may follow" in browser.status
        await browser.press("down")
        assert "More" in browser.offered
        await browser.press("m")
        await browser.until(lambda: "rows 2,001 to 2,200, in ring order; no more follow" in browser.status)
        await browser.until(lambda: len(browser.keys) == 200)
        assert not set(first) & set(browser.keys)
        await browser.until(lambda: "More" not in browser.offered)
        await browser.press("r")
        await browser.until(lambda: browser.keys[:10] == first[:10])


async def test_going_down_from_the_last_row_asks_for_more() -> None:
    async with browsing(shop(ROWS_MOST + 5), prefix="user:") as browser:
        await browser.ended()
        browser.table.focus()
        browser.table.move_cursor(row=ROWS_MOST - 1)
        await browser.press("down")
        await browser.until(lambda: "rows 2,001 to 2,005" in browser.status)
        assert browser.table.cursor_row == 0


async def test_no_match_and_no_keys_are_said() -> None:
    async with browsing(shop(3), prefix="nothing") as browser:
        await browser.ended()
        assert browser.status == "no key begins with nothing"
    async with browsing(KeyCluster(frozen.healthy())) as browser:
        await browser.ended()
        assert browser.status == "no keys yet"


async def test_a_search_that_fails_is_one_line_and_can_be_made_again() -> None:
    cluster = shop(3)
    cluster.unreadable = "B can't be reached and no other node has a clean copy"
    async with browsing(cluster) as browser:
        await browser.until(lambda: "can't be reached" in browser.status)
        assert browser.status == f"can't read the whole ring: {cluster.unreadable}"
        cluster.unreadable = ""
        await browser.press("down", "r")
        await browser.until(lambda: len(browser.keys) == 8)


async def test_a_defect_of_the_search_is_one_line_without_what_it_was_about() -> None:
    class Broken(KeyCluster):
        def scan(self, *_: object, **__: object) -> NoReturn:
            raise RuntimeError("secret key")

    async with browsing(Broken(frozen.healthy())) as browser:
        await browser.until(lambda: "a defect of kvtui (RuntimeError" in browser.status)
        assert "secret" not in browser.status


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (120, 36), (250, 70)])
async def test_a_value_is_shown_with_its_replicas_and_their_versions(size: tuple[int, int]) -> None:
    async with browsing(shop(3), size) as browser:
        await browser.view("order:1842")
        assert '"name": "Ada Lovelace"' in browser.value
        assert browser.value.count(f"version {browser.cluster.versions[b'order:1842']}") == 2
        assert bool(browser.table.region.area) is (size[0] >= 104)
        await browser.press("escape")
        assert browser.app.focused is browser.table
        assert browser.app.screen is browser.screen


async def test_a_click_shows_a_value() -> None:
    async with browsing(shop(3)) as browser:
        await browser.ended()
        await browser.pilot.click("#keys", offset=(5, 4))
        await browser.until(lambda: browser.value.startswith("value "))
        inspected = browser.screen._value.inspected
        assert inspected is not None
        assert inspected.key.decode() == browser.keys[2]


async def test_a_hostile_key_and_value_can_not_drive_the_terminal() -> None:
    cluster = KeyCluster(frozen.healthy())
    cluster.store(b"k\x1b[2J[bold]\xff", b"v\x1b[2J[red]")
    async with browsing(cluster) as browser:
        await browser.view(r'"k\x1b[2J[bold]\xff"')
        assert r'"v\x1b[2J[red]"' in browser.value
        svg = browser.app.export_screenshot()
        assert "\x1b" not in svg


async def test_a_value_that_can_not_be_read_is_said_beside_what_replicas_hold() -> None:
    async with browsing(shop(3)) as browser:
        await browser.ended()
        browser.cluster.unreadable = "no answer within 2 s"
        browser.table.focus()
        await browser.press("enter")
        await browser.until(lambda: "can't be read: no answer within 2 s" in browser.value)
        assert "replicas" in browser.value


async def edited(browser: Browser, key: str, text: str) -> Editor:
    """The editor of a key with a text typed into it."""
    await browser.until(lambda: key in browser.keys)
    browser.table.focus()
    browser.table.move_cursor(row=browser.keys.index(key))
    await browser.press("e")
    await browser.until(lambda: isinstance(browser.app.screen, Editor))
    editor = browser.app.screen
    assert isinstance(editor, Editor)
    area = editor.query_one(TextArea)
    await browser.until(lambda: area.has_focus)
    area.text = text
    return editor


async def test_an_edited_value_is_put_and_its_row_tells_the_new_version() -> None:
    async with browsing(shop(3)) as browser:
        await edited(browser, "page:home", "two\nlines")
        await browser.press("ctrl+s")
        await browser.until(lambda: browser.app.screen is browser.screen)
        assert browser.cluster.stored[b"page:home"] == b"two\nlines"
        version = browser.cluster.versions[b"page:home"]
        await browser.until(lambda: browser.notice == f"stored page:home, version {version}")
        await browser.until(lambda: ["page:home", "9 B", str(version)] in [row[:3] for row in browser.rows])


async def test_a_value_that_is_shown_is_renewed_after_it_was_put() -> None:
    async with browsing(shop(3)) as browser:
        await browser.view("page:home")
        await browser.press("e")
        await browser.until(lambda: isinstance(browser.app.screen, Editor))
        browser.app.screen.query_one(TextArea).text = "something else"
        await browser.press("ctrl+s")
        await browser.until(lambda: "something else" in browser.value)


@pytest.mark.parametrize("answer", ["y", "n"])
async def test_a_key_that_changed_meanwhile_is_overwritten_only_after_a_yes(answer: str) -> None:
    async with browsing(shop(3)) as browser:
        editor = await edited(browser, "page:home", "mine")
        browser.cluster.store(b"page:home", b"of another")
        await browser.press("ctrl+s")
        await browser.until(lambda: isinstance(browser.app.screen, Confirm))
        assert browser.app.focused is not None
        assert browser.app.focused.id == "no"
        await browser.press(answer)
        if answer == "y":
            await browser.until(lambda: browser.app.screen is browser.screen)
            assert browser.cluster.stored[b"page:home"] == b"mine"
        else:
            await browser.until(lambda: browser.app.screen is editor)
            assert browser.cluster.stored[b"page:home"] == b"of another"
            assert editor.query_one(TextArea).text == "mine"


async def test_a_put_that_did_not_succeed_leaves_the_text_in_the_editor_and_says_how_it_ended() -> None:
    async with browsing(shop(3)) as browser:
        editor = await edited(browser, "page:home", "mine")
        for written, told in (
            (
                Written(Outcome.FAILED, NEVER, text="2 clean copies are needed"),
                "failed, page:home was not stored: 2 clean",
            ),
            (
                Written(Outcome.UNKNOWN, Version(4, 9), text="A did not answer"),
                "outcome unknown, page:home may or may not",
            ),
        ):
            browser.cluster.written = written
            await browser.press("ctrl+s")

            def is_told(told: str = told) -> bool:
                return str(editor.query_one("#editor-notice").render()).startswith(told)

            await browser.until(is_told)
        assert editor.query_one(TextArea).text == "mine"


async def test_what_was_typed_is_not_lost_without_a_question() -> None:
    async with browsing(shop(3)) as browser:
        editor = await edited(browser, "page:home", "mine")
        await browser.press("escape")
        await browser.until(lambda: isinstance(browser.app.screen, Confirm))
        await browser.press("enter")
        await browser.until(lambda: browser.app.screen is editor)
        await browser.press("escape")
        await browser.until(lambda: isinstance(browser.app.screen, Confirm))
        await browser.press("y")
        await browser.until(lambda: browser.app.screen is browser.screen)
        assert browser.cluster.stored[b"page:home"].startswith(b"<h1>")


@pytest.mark.parametrize(("key", "why"), [("photo:7", "it is binary"), ("log:today", "it has 1,680,000 bytes")])
async def test_a_value_that_can_not_be_edited_says_why(key: str, why: str) -> None:
    async with browsing(shop(3)) as browser:
        await browser.view(key)
        await browser.press("e")
        await browser.until(lambda: why in browser.notice)
        assert browser.app.screen is browser.screen


async def test_a_new_key_is_named_stored_and_listed() -> None:
    async with browsing(shop(3), prefix="order:") as browser:
        await browser.ended()
        browser.table.focus()
        await browser.press("n")
        await browser.until(lambda: isinstance(browser.app.screen, Editor))
        await browser.press(*"77", "enter", *"abc", "ctrl+s")
        await browser.until(lambda: browser.app.screen is browser.screen)
        assert browser.cluster.stored[b"order:77"] == b"abc"
        await browser.until(lambda: "order:77" in browser.keys)


async def test_a_key_without_a_name_is_not_stored() -> None:
    async with browsing(shop(3)) as browser:
        await browser.ended()
        browser.table.focus()
        await browser.press("n")
        await browser.until(lambda: isinstance(browser.app.screen, Editor))
        await browser.press("ctrl+s")
        assert "name it first" in str(browser.app.screen.query_one("#editor-notice").render())
        await browser.press("escape")
        await browser.until(lambda: browser.app.screen is browser.screen)
        assert b"" not in browser.cluster.stored


async def test_a_delete_asks_and_no_is_the_default() -> None:
    async with browsing(shop(3)) as browser:
        await browser.view("page:home")
        await browser.press("d")
        await browser.until(lambda: isinstance(browser.app.screen, Confirm))
        await browser.press("enter")
        await browser.until(lambda: browser.notice == "page:home: not deleted")
        assert b"page:home" in browser.cluster.stored
        await browser.press("delete")
        await browser.until(lambda: isinstance(browser.app.screen, Confirm))
        await browser.press("y")
        await browser.until(lambda: browser.notice == "deleted page:home")
        await browser.until(lambda: "page:home" not in browser.keys and len(browser.keys) == 7)
        assert b"page:home" not in browser.cluster.stored
        await browser.until(lambda: browser.app.focused is browser.table)


async def test_a_delete_of_unknown_outcome_keeps_the_row_and_says_so() -> None:
    async with browsing(shop(3)) as browser:
        await browser.view("page:home")
        browser.cluster.written = Written(Outcome.UNKNOWN, Version(4, 9), text="A did not answer")
        await browser.press("d")
        await browser.until(lambda: isinstance(browser.app.screen, Confirm))
        await browser.press("y")
        await browser.until(lambda: browser.notice.startswith("outcome unknown, page:home may or may not be deleted"))
        assert "page:home" in browser.keys


async def test_f1_explains_the_browser_and_its_keys() -> None:
    async with browsing(shop(3)) as browser:
        await browser.press("f1")
        await browser.until(lambda: isinstance(browser.app.screen, Help))
        await browser.pilot.pause()
        told = " ".join(drawn(browser.app.screen.query_one("#explained")).split())
        assert "delete the key, after asking" in told
        assert "ring order" in told
        await browser.press("escape")
        await browser.until(lambda: browser.app.screen is browser.screen)


async def test_idle_is_still_no_timer_runs() -> None:
    async with browsing(shop(300)) as browser:
        await browser.view("order:1842")
        await browser.ended()
        gc.collect()
        timers = [found for found in gc.get_objects() if isinstance(found, Timer)]
        going = [
            timer for timer in timers if timer._task is not None and not timer._task.done() and timer._active.is_set()
        ]
        assert going == []


async def test_any_size_and_back_shows_the_same() -> None:
    async with browsing(shop(300)) as browser:
        await browser.ended()
        browser.table.focus()
        browser.table.move_cursor(row=150)
        rows = browser.rows
        for size in ((80, 24), (40, 15), (1, 1), (250, 70), (10, 3), (120, 36)):
            await browser.pilot.resize_terminal(*size)
            await browser.pilot.pause()
        await browser.until(lambda: browser.rows == rows)
        assert browser.table.cursor_row == 150


async def test_who_may_only_read_is_offered_nothing_that_changes_a_key() -> None:
    cluster = shop(3)
    async with running(cluster, readonly=True) as shown:
        await shown.pilot.press("f3")
        await shown.until(lambda: isinstance(shown.app.screen, KeyBrowser))
        browser = Browser(shown.app, shown.pilot)
        await browser.view("page:home")
        before = dict(cluster.stored)
        for key in ("e", "n", "d"):
            await browser.press(key)
            assert browser.app.screen is browser.screen
        assert cluster.stored == before


@pytest.mark.parametrize("width", [40, 60, 80, 120])
async def test_the_footer_says_the_way_back_and_cuts_no_key(width: int) -> None:
    async with browsing(shop(3), (width, 15)) as browser:
        await browser.ended()
        await browser.press("down")
        await browser.until(lambda: browser.footer.startswith(" Enter View  e Edit"))
        assert browser.footer.endswith("Esc Back  F1 Help")
        assert len(browser.footer) <= width
