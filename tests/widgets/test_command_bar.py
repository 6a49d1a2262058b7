import asyncio
from pathlib import Path
from typing import NoReturn

import pytest
from textual.events import AppBlur, AppFocus, Key

from kvtui.commands import parse, refusal
from kvtui.screens import Confirm, Help
from kvtui.screens.errands import COMMANDS_AT_ONCE
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running

pytestmark = pytest.mark.anyio


async def test_a_command_is_echoed_answered_and_shown_on_the_ring() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("put apple 123")
        await shown.until(lambda: "put apple = 123 → " in shown.activity)
        assert shown.cluster.stored == {b"apple": b"123"}
        assert "> put apple 123" in shown.activity
        await shown.until(lambda: "apple → 0x" in shown.text("#ring"))
        await shown.type("get apple")
        await shown.until(lambda: "get apple = 123 ← " in shown.activity)
        assert shown.line.value == ""


async def test_a_wrong_line_says_why_in_place_and_is_not_lost() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("put apple")
        assert "value" in shown.hint
        assert "put <key> <value>" in shown.hint
        assert shown.line.value == "put apple"
        await shown.pilot.press("end")
        assert "put <key> <value>" in shown.hint, "it can be read until typing begins"
        await shown.type(" 1")
        await shown.until(lambda: b"apple" in shown.cluster.stored)


async def test_typing_after_a_refusal_begins_a_new_line() -> None:
    """``stats`` typed after a refused ``y`` gave ``ystats``."""
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.pilot.press("y", "enter")
        assert shown.line.selected_text == "y"
        assert "is not a command" in shown.hint
        await shown.pilot.press(*"stats")
        assert shown.line.value == "stats"
        assert "is not a command" not in shown.hint
        for key, edited in (
            ("left", "zput apple"),
            ("home", "zput apple"),
            ("end", "put applez"),
            ("tab", "put applez"),
        ):
            await shown.pilot.press("escape")
            await shown.type("put apple")
            assert shown.line.selected_text == "put apple"
            await shown.pilot.press(key)
            assert "put <key> <value>" in shown.hint
            await shown.pilot.press("z")
            assert shown.line.value == edited
        await shown.pilot.press("escape")
        await shown.type("removenode A")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        await shown.pilot.press("n")
        await shown.until(lambda: shown.line.selected_text == "removenode A")
        assert "not done" in shown.hint
        await shown.pilot.press(*"stats")
        assert shown.line.value == "stats"


async def test_keys_that_arrive_together_keep_their_order() -> None:
    """Characters overtook the editing keys and the Enter before them."""
    async with running(FrozenCluster(frozen.healthy())) as shown:
        keys = [*"put", "space", *"xx", "backspace", "backspace", *"a", "space", *"1", "enter"]
        keys += [*"put", "space", *"b", "space", *"2", "enter", *"ge"]
        names = {"space": " ", "backspace": "\x7f", "enter": "\r"}
        for key in keys:
            shown.app.post_message(Key(key, names.get(key, key)))
        await shown.until(lambda: set(shown.cluster.stored) == {b"a", b"b"})
        await shown.until(lambda: shown.line.value == "ge")


async def test_of_several_pasted_lines_the_rest_is_not_dropped_silently() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("put a 1\nput b 2\n", enter=False)
        assert shown.line.value == "put a 1"
        assert "of 2 pasted lines the first is here" in shown.hint


async def test_the_usage_of_the_command_being_typed_stands_beside_it() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.pilot.press("p", "u", "t", "space")
        assert shown.line.value == "put "
        assert "put <key> <value>" in shown.hint


async def test_tab_completes_commands_nodes_and_recent_keys() -> None:
    async with running(FrozenCluster(frozen.healthy(["A", "Bee", "C"]))) as shown:
        await shown.type("removen", enter=False)
        await shown.pilot.press("tab")
        assert shown.line.value == "removenode "
        await shown.type("Be", enter=False)
        await shown.pilot.press("tab")
        assert shown.line.value == "removenode Bee"
        await shown.pilot.press("escape")
        assert shown.line.value == ""
        await shown.type("put banana yellow")
        await shown.until(lambda: b"banana" in shown.cluster.stored)
        await shown.type("get ba", enter=False)
        await shown.pilot.press("tab")
        assert shown.line.value == "get banana"


async def test_tab_opens_a_menu_where_several_are_possible_and_enter_takes_one() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("removenode ", enter=False)
        await shown.pilot.press("tab")
        assert shown.line.value == "removenode "
        assert shown.text("#menu").split() == ["A", "B", "C"]
        assert "removenode <id>" in shown.hint, "the usage stays beside it"
        await shown.pilot.press("tab", "down", "up", "shift+tab", "down", "enter")
        assert shown.line.value == "removenode B"
        assert not shown.dashboard.query_one("#menu").display
        assert shown.cluster.asked == [], "taken, not run"


async def test_escape_closes_the_menu_and_keeps_the_line() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("st", enter=False)
        await shown.pilot.press("tab", "tab", "escape")
        assert not shown.dashboard.query_one("#menu").display
        assert shown.line.value == "st"


async def test_typing_on_narrows_the_menu_until_nothing_fits() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("re", enter=False)
        await shown.pilot.press("tab")
        assert [row.split()[0] for row in shown.text("#menu").splitlines()] == [
            "removenode", "rebalance", "reads", "resume",
        ]  # fmt: skip
        await shown.pilot.press("s")
        assert [row.split()[0] for row in shown.text("#menu").splitlines()] == ["resume"]
        await shown.pilot.press("x")
        assert not shown.dashboard.query_one("#menu").display
        assert shown.line.value == "resx"


async def test_a_click_takes_a_candidate() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("removenode ", enter=False)
        await shown.pilot.press("tab")
        await shown.pilot.click("#menu", offset=(1, 2))
        await shown.until(lambda: shown.line.value == "removenode C")
        assert shown.app.focused is shown.line


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (120, 36), (250, 70), (30, 6)])
@pytest.mark.parametrize("line", ["", "re", "put a", "removenode "])
async def test_the_menu_never_covers_the_bar_and_stays_on_the_screen(size: tuple[int, int], line: str) -> None:
    async with running(FrozenCluster(frozen.healthy([f"n{number}" for number in range(30)])), size) as shown:
        await shown.type(line, enter=False)
        await shown.pilot.press("tab")
        menu = shown.dashboard.query_one("#menu")
        if line == "put a":
            assert not menu.display
            return
        assert menu.display
        assert menu.region.bottom == shown.bar.region.y
        assert menu.region.y >= 0
        assert shown.dashboard.region.contains_region(menu.region)
        chosen = shown.line.choices.chosen.word if shown.line.choices else ""
        assert chosen in shown.text("#menu")


async def test_another_size_closes_the_menu() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("re", enter=False)
        await shown.pilot.press("tab")
        await shown.pilot.resize_terminal(40, 15)
        await shown.until(lambda: not shown.dashboard.query_one("#menu").display)
        assert shown.line.value == "re"


async def test_the_menu_closes_when_the_keyboard_goes_elsewhere_but_not_when_the_window_loses_it() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("re", enter=False)
        await shown.pilot.press("tab")
        shown.app.post_message(AppBlur())
        await shown.until(lambda: not shown.app.app_focus)
        shown.app.post_message(AppFocus())
        await shown.until(lambda: shown.line.has_focus)
        assert shown.dashboard.query_one("#menu").display
        shown.dashboard.set_focus(None)
        await shown.until(lambda: not shown.dashboard.query_one("#menu").display)


async def test_ctrl_r_searches_the_lines_typed_before(tmp_path: Path) -> None:
    async with running(FrozenCluster(frozen.healthy()), state=tmp_path) as shown:
        for line in ("put apple 1", "get apple", "put banana 2", "get banana"):
            await shown.type(line)
        await shown.type("begun", enter=False)
        await shown.pilot.press("ctrl+r")
        assert shown.line.value == "begun"
        await shown.pilot.press("p", "u", "t")
        assert shown.line.value == "put banana 2"
        assert "search put" in str(shown.dashboard.query_one("#prompt").render())
        await shown.pilot.press("ctrl+r")
        assert shown.line.value == "put apple 1"
        await shown.pilot.press("ctrl+r")
        assert shown.line.value == "put apple 1"
        assert "no other line" in shown.hint
        await shown.pilot.press("escape")
        assert shown.line.value == "begun"
        assert shown.line.search is None
        await shown.pilot.press("ctrl+r", "a", "p", "p", "enter")
        assert shown.line.value == "get apple"
        assert str(shown.dashboard.query_one("#prompt").render()) == "> "
        assert shown.activity.count("> get apple") == 1, "taken, not run"
        await shown.pilot.press("enter")
        await shown.until(lambda: shown.activity.count("> get apple") == 2)


async def test_keys_that_arrive_together_while_searching_keep_their_order(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("put a 1\nget b\n")
    async with running(FrozenCluster(frozen.healthy()), state=tmp_path) as shown:
        for key, character in [("ctrl+r", "\x12"), *((char, char) for char in "put"), ("enter", "\r"), ("enter", "\r")]:
            shown.app.post_message(Key(key, character))
        await shown.until(lambda: set(shown.cluster.stored) == {b"a"})


async def test_a_search_that_finds_nothing_says_so_and_an_edit_takes_what_is_found(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("put a 1\nget b\n")
    async with running(FrozenCluster(frozen.healthy()), state=tmp_path) as shown:
        await shown.pilot.press("ctrl+r", "x")
        assert "no line has that" in shown.hint
        await shown.pilot.press("backspace", "p", "home", "z")
        assert shown.line.value == "zput a 1"


async def test_up_and_down_recall_lines_and_keep_the_one_being_typed(tmp_path: Path) -> None:
    async with running(FrozenCluster(frozen.healthy()), state=tmp_path) as shown:
        await shown.type("put a 1")
        await shown.type("put b 2")
        await shown.type("ge", enter=False)
        await shown.pilot.press("up", "up")
        assert shown.line.value == "put a 1"
        await shown.pilot.press("up", "down")
        assert shown.line.value == "put b 2"
        await shown.pilot.press("down")
        assert shown.line.value == "ge"


async def test_lines_typed_are_remembered_the_next_time(tmp_path: Path) -> None:
    async with running(FrozenCluster(frozen.healthy()), state=tmp_path) as shown:
        await shown.type("put a 1")
        await shown.until(lambda: b"a" in shown.cluster.stored)
    async with running(FrozenCluster(frozen.healthy()), state=tmp_path) as shown:
        await shown.pilot.press("up")
        assert shown.line.value == "put a 1"


async def test_a_destructive_command_asks_first() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("removenode A")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        await shown.pilot.press("n")
        await shown.until(lambda: "not done" in shown.activity)
        assert shown.cluster.asked == []
        await shown.type("removenode A")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        await shown.pilot.press("y")
        await shown.until(lambda: shown.cluster.asked == ["remove A"])


async def test_enter_alone_does_not_say_yes_to_a_destructive_command() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("removenode A")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        await shown.pilot.press("enter")
        await shown.until(lambda: "not done" in shown.activity)
        assert shown.cluster.asked == []


async def test_a_destructive_command_with_yes_is_not_asked_about() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("removenode --yes A")
        await shown.until(lambda: shown.cluster.asked == ["remove A"])


async def test_a_refusal_of_the_cluster_is_a_line_in_words() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("removenode Z --yes")
        await shown.until(lambda: "there is no node Z" in shown.activity)


async def test_typing_goes_on_while_commands_wait() -> None:
    cluster = FrozenCluster(frozen.healthy(), gate=asyncio.Event())
    async with running(cluster) as shown:
        assert cluster.gate is not None
        await shown.type("put a 1")
        await shown.type("put b 2")
        await shown.type("get nothing")
        await shown.until(lambda: "get nothing not found" in shown.activity)
        assert cluster.stored == {}
        cluster.gate.set()
        await shown.until(lambda: set(cluster.stored) == {b"a", b"b"})


async def test_more_commands_than_the_limit_are_refused_until_one_ends() -> None:
    cluster = FrozenCluster(frozen.healthy(), gate=asyncio.Event())
    async with running(cluster) as shown:
        assert cluster.gate is not None
        for number in range(COMMANDS_AT_ONCE):
            await shown.type(f"put k{number} 1")
        await shown.type("put late 1")
        assert "under way" in shown.hint
        assert shown.line.value == "put late 1"
        cluster.gate.set()
        await shown.until(lambda: len(cluster.stored) == COMMANDS_AT_ONCE)
        await shown.pilot.press("enter")
        await shown.until(lambda: b"late" in cluster.stored)


async def test_a_defect_in_a_command_is_a_line_without_keys_or_values() -> None:
    class Broken(FrozenCluster):
        async def locate(self, key: bytes) -> NoReturn:
            raise KeyError(key)

    async with running(Broken(frozen.healthy())) as shown:
        await shown.type("where secretkey")
        await shown.until(lambda: "defect" in shown.activity)
        assert "KeyError" in shown.activity
        assert shown.activity.count("secretkey") == 1, "the echo of what was typed"


async def test_exit_leaves() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.type("exit")
        await shown.until(lambda: not shown.app.is_running or shown.app._exit)
        assert shown.app.return_code == 0


async def test_help_lists_every_command_and_closes_again() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.pilot.press("f1")
        await shown.until(lambda: isinstance(shown.app.screen, Help))
        await shown.pilot.press("escape")
        assert shown.app.screen is shown.dashboard
        assert shown.app.focused is shown.line


async def test_the_palette_puts_a_command_into_the_bar() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.pilot.press("ctrl+p")
        await shown.until(lambda: shown.app.screen is not shown.dashboard)
        await shown.type("setrep", enter=False)
        await shown.until(lambda: bool(shown.app.screen.query("OptionList Option, CommandList")))
        await shown.pilot.pause(0.2)
        await shown.pilot.press("enter")
        await shown.until(lambda: shown.line.value == "setreplica ")


@pytest.mark.parametrize("width", [40, 80, 104, 120, 160])
async def test_an_error_is_said_whole_at_any_width(width: int) -> None:
    async with running(FrozenCluster(frozen.healthy()), (width, 24), readonly=True) as shown:
        await shown.type("explain put a b")
        await shown.until(lambda: "refused" in shown.text("#hint"))
        told = refusal(parse("explain put a b").command)  # type: ignore[union-attr]
        await shown.until(lambda: " ".join(shown.text("#hint").split()) == told)
        assert shown.text("#command").startswith("explain put a b")
