"""The activity panel: filter, copy, and keeping its place."""

import pytest

from kvtui.core.events import Event, Level
from kvtui.screens import Help
from kvtui.widgets.activity import COPIED_MOST, Activity
from kvtui.widgets.activity_log import KEPT_ENTRIES
from kvtui.widgets.reading import fullest, reading_ways
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import Running, drawn, running

pytestmark = pytest.mark.anyio
DOWN = Event(frozen.NOON + 95, Level.BAD, "B is down: connection refused", ("B",))


def title(shown: Running) -> tuple[str, str]:
    panel = shown.dashboard.query_one(Activity)
    return str(panel.border_title), str(panel.border_subtitle or "")


async def test_the_command_filters_and_the_title_says_so() -> None:
    async with running(FrozenCluster(frozen.healthy(), (*frozen.EVENTS, DOWN))) as shown:
        await shown.type("filter node:B")
        await shown.until(lambda: title(shown)[0] == "Activity · node:B")
        assert "B joined" in shown.activity
        assert "B is down" in shown.activity
        assert "A joined" not in shown.activity
        await shown.type("filter")
        await shown.until(lambda: "A joined" in shown.activity)
        assert title(shown) == ("Activity", "")


async def test_a_slash_in_the_panel_begins_the_command_with_the_present_filter() -> None:
    async with running(FrozenCluster(frozen.healthy(), frozen.EVENTS)) as shown:
        await shown.type("filter joined")
        await shown.until(lambda: "C joins" not in shown.activity)
        shown.dashboard.activity.focus()
        await shown.pilot.press("slash")
        await shown.until(lambda: shown.line.value == "filter joined")
        assert shown.app.focused is shown.line


async def test_l_goes_through_the_levels() -> None:
    async with running(FrozenCluster(frozen.healthy(), (*frozen.EVENTS, DOWN))) as shown:
        shown.dashboard.activity.focus()
        await shown.pilot.press("l")
        assert "joined" not in shown.activity
        assert "B is down" in shown.activity
        await shown.pilot.press("l", "l")
        assert "A joined" in shown.activity


async def test_c_copies_what_is_shown_and_says_how_much() -> None:
    async with running(FrozenCluster(frozen.healthy(), frozen.EVENTS)) as shown:
        await shown.type("filter joined")
        await shown.until(lambda: "C joins" not in shown.activity)
        shown.dashboard.activity.focus()
        await shown.pilot.press("c")
        assert shown.app.clipboard.splitlines() == [
            "12:00:00 · A joined: 127.0.0.1:5001, started here",
            "12:00:04 · B joined: 127.0.0.1:5002, started here",
            "12:00:00 > filter joined",
        ]
        assert title(shown)[1] == "3 entries copied"
        shown.dashboard.activity.add_answer("joined again")
        await shown.until(lambda: title(shown)[1] == "")


async def test_a_copy_is_bounded() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        for number in range(200):
            shown.dashboard.activity.add_answer(f"{number} " + "x" * 1000)
        shown.dashboard.activity.focus()
        await shown.pilot.press("c")
        assert len(shown.app.clipboard) <= COPIED_MOST
        assert shown.app.clipboard.splitlines()[-1].startswith("  199 ")
        assert "of 200 copied" in title(shown)[1]


async def scrolled_back(shown: Running) -> Activity:
    panel = shown.dashboard.activity
    for number in range(100):
        panel.add_answer(f"line {number}")
    await shown.until(lambda: "line 99" in shown.text("#activity"))
    await shown.pilot.press("pageup", "pageup")
    await shown.until(lambda: "line 99" not in shown.text("#activity"))
    return panel


async def test_scrolled_back_it_says_how_many_are_new_until_they_are_seen() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        panel = await scrolled_back(shown)
        panel.add_answer("line 100")
        panel.add_answer("line 101")
        await shown.until(lambda: title(shown)[1] == "2 new below")
        panel.focus()
        await shown.pilot.press("end")
        await shown.until(lambda: "line 101" in shown.text("#activity"))
        await shown.until(lambda: title(shown)[1] == "")
        panel.add_answer("line 102")
        await shown.until(lambda: "line 102" in shown.text("#activity"))


async def test_scrolled_back_it_keeps_its_place_while_the_oldest_go() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        panel = shown.dashboard.activity
        for number in range(KEPT_ENTRIES):
            panel.add_answer(f"line {number}")
        await shown.until(lambda: f"line {KEPT_ENTRIES - 1}" in shown.text("#activity"))
        await shown.pilot.press("pageup", "pageup")
        await shown.until(lambda: f"line {KEPT_ENTRIES - 1}" not in shown.text("#activity"))
        before = shown.text("#activity")
        for number in range(300):
            panel.add_answer(f"new {number}")
            if number % 100 == 50:
                await shown.pilot.pause()
        await shown.until(lambda: title(shown)[1] == "300 new below")
        await shown.pilot.pause()
        assert shown.text("#activity") == before


async def test_a_filter_shows_its_newest_and_nothing_is_new() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        panel = await scrolled_back(shown)
        panel.add_answer("line 100")
        await shown.until(lambda: title(shown)[1] == "1 new below")
        await shown.type("filter 9")
        await shown.until(lambda: "line 99" in shown.text("#activity"))
        assert title(shown) == ("Activity · 9", "")


async def test_an_answer_longer_than_the_panel_is_read_from_its_beginning() -> None:
    """``help`` put dozens of lines into a panel of seven, of which the last were seen."""
    async with running(FrozenCluster(frozen.healthy(), frozen.EVENTS), (80, 24)) as shown:
        await shown.type("stats --all")
        await shown.until(lambda: "> stats --all" in shown.text("#activity").split("\n")[0])
        await shown.until(lambda: "Esc back" in title(shown)[1])
        assert not shown.dashboard.query_one("#nodes").display, "it has the room of the whole column"
        assert "more lines below: PgDn" in title(shown)[1]
        await shown.pilot.press("pagedown", "pagedown")
        await shown.until(lambda: "State: kept by its nodes" in shown.text("#activity"))
        assert title(shown)[1] == "end of the answer · Esc back"
        shown.dashboard.activity.add_event(DOWN)
        await shown.until(lambda: "B is down" in shown.text("#activity"))
        await shown.pilot.press("escape")
        await shown.until(lambda: shown.dashboard.query_one("#nodes").display)
        await shown.until(lambda: "B is down" in shown.text("#activity"))
        assert title(shown)[1] == ""

        await shown.type("stats --all")
        await shown.until(lambda: "Esc back" in title(shown)[1])
        await shown.pilot.resize_terminal(120, 36)
        await shown.until(lambda: all(told in shown.text("#activity") for told in ("> stats", "Epoch: 4")))
        await shown.type("put a 1")
        await shown.until(lambda: "put a 1" in shown.text("#activity"))
        await shown.until(lambda: shown.dashboard.query_one("#nodes").display)
        for _ in range(40):
            shown.dashboard.activity.add_event(DOWN)
        await shown.pilot.pause()
        await shown.pilot.pause()
        assert not shown.dashboard.activity.reading, "what happens afterwards is no part of an answer"
        assert "put a 1" not in shown.text("#activity")


async def test_where_there_is_room_for_one_panel_it_gives_way_to_an_answer_until_escape() -> None:
    async with running(FrozenCluster(frozen.healthy()), (40, 15)) as shown:
        await shown.type("stats --all")
        await shown.until(lambda: "> stats --all" in shown.text("#activity").split("\n")[0])
        assert "more lines" in title(shown)[1]
        await shown.pilot.press("escape")
        assert shown.dashboard.has_class("-show-ring")
        await shown.type("put a 1")
        await shown.until(lambda: "put a 1" in shown.text("#activity"))
        await shown.pilot.press("escape")
        assert shown.dashboard.has_class("-show-ring")


async def test_help_is_a_sheet_with_the_commands_first() -> None:
    async with running(FrozenCluster(frozen.healthy()), (80, 24)) as shown:
        await shown.type("help")
        await shown.until(lambda: isinstance(shown.app.screen, Help))
        await shown.pilot.pause()
        assert drawn(shown.app.screen.query_one("#explained")).split()[0] == "Commands"
        await shown.pilot.press("escape")
        await shown.type("help put")
        await shown.until(lambda: "put <key> <value>" in shown.activity)


def test_what_is_said_of_a_long_answer_has_room() -> None:
    for width in range(16, 60):
        for below in (0, 1, 12, 345):
            told = fullest(reading_ways(below, "PgDn"), width)
            assert len(told) <= width
            assert "Esc" in told
            assert not below or (str(below) in told and "PgDn" in told)
