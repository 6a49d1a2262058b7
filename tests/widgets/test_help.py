"""Help: what has the focus first, then all commands."""

from collections.abc import Sequence
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widget import Widget

from kvtui.commands import COMMANDS
from kvtui.config import Look
from kvtui.config.keys import chosen_keys
from kvtui.screens import CheckScreen, Help
from kvtui.screens.check import CheckScreens
from kvtui.screens.focus_help import help_for
from kvtui.screens.help import COMMAND_LIST, LEGEND, WORDS, Asked, Section, help_parts, in_order
from kvtui.workload import CheckView, Phase
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import drawn, running


def text_of(sections: Sequence[Section], width: int = 90) -> str:
    return "".join(part if isinstance(part, str) else part[0] for part in help_parts(sections, width))


@pytest.mark.anyio
async def test_what_has_the_focus_comes_first_with_its_own_keys_then_the_screen() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        bar, dashboard, *beside = help_for(shown.app.screen)
        assert (bar.title, dashboard.title) == ("Command bar", "Dashboard")
        assert {section.title for section in beside} >= {"Nodes", "Activity"}
        assert [key for key, _ in bar.rows] == ["↑", "↓", "Tab", "Shift+Tab", "^R", "Esc"]
        assert ("F1", "Help") in dashboard.rows
        assert ("PgUp", "Scroll the activity back") in dashboard.rows
        assert ("^P", "Palette") in dashboard.rows


@pytest.mark.anyio
async def test_a_widget_that_has_the_focus_explains_itself() -> None:
    class Lamp(Widget, can_focus=True):
        HELP = "# Lamp\nGives\nlight."
        BINDINGS: ClassVar = [Binding("l", "light", "Light it")]

        def action_light(self) -> None: ...

    class Room(App[None]):
        def compose(self) -> ComposeResult:
            yield Lamp(id="near")
            yield Lamp(id="far")

    Lamp.__module__ = "kvtui.lamp"
    app = Room()
    async with app.run_test() as pilot:
        await pilot.pause()
        near, far = help_for(app.screen)
        assert near == Section("Lamp", "Gives light.", (("l", "Light it"),))
        assert far == near, "whose keys are told too: it may have the focus next"


@pytest.mark.anyio
async def test_f1_explains_a_screen_over_the_dashboard_too() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        CheckScreens(shown.app).show(CheckView(Phase.RUNNING, 0.0, 1.0), lambda: None)
        await shown.until(lambda: isinstance(shown.app.screen, CheckScreen))
        await shown.pilot.press("f1")
        await shown.until(lambda: isinstance(shown.app.screen, Help))
        explained = drawn(shown.app.screen.query_one("#explained"))
        assert explained.split()[0] == "Check"
        assert "Stop the check" in explained


@pytest.mark.anyio
async def test_keys_that_a_person_chose_work_and_are_what_help_and_footer_and_bar_say() -> None:
    look = Look(keys=chosen_keys({"help": "f9", "ring_view": "f1", "search_history": "ctrl+g"}))
    async with running(FrozenCluster(frozen.healthy()), look=look) as shown:
        await shown.until(lambda: "F9 explains" in shown.hint)
        assert "F9 Help  F1 Ring view" in shown.text("#footer")
        await shown.type("put a 1")
        await shown.pilot.press("ctrl+g", "p")
        assert shown.line.value == "put a 1"
        await shown.pilot.press("escape", "f9")
        await shown.until(lambda: isinstance(shown.app.screen, Help))
        assert "^G" in drawn(shown.app.screen.query_one("#explained"))
        await shown.pilot.press("f9")
        await shown.until(lambda: shown.app.screen is shown.dashboard)


def test_where_the_ring_is_seen_its_legend_comes_first_and_then_how_to_ask_for_a_word() -> None:
    own = [Section("Command bar"), Section("Dashboard")]
    assert in_order(own, Asked.RING) == [LEGEND, WORDS, *own, COMMAND_LIST]
    assert in_order(own, Asked.SCREEN)[: len(own)] == own, "as over the key browser, which has no ring"
    assert in_order([], Asked.COMMANDS) == [COMMAND_LIST, WORDS, LEGEND]
    assert "type help and the word, such as help slot" in " ".join(text_of([WORDS]).split())


@pytest.mark.anyio
async def test_f1_on_the_dashboard_begins_with_the_signs() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        await shown.pilot.press("f1")
        await shown.until(lambda: isinstance(shown.app.screen, Help))
        assert drawn(shown.app.screen.query_one("#explained")).strip().startswith("On the ring")


def test_every_command_is_explained() -> None:
    told = text_of([COMMAND_LIST], 200)
    for command in COMMANDS:
        assert command.summary in told


@given(
    st.lists(
        st.builds(
            Section,
            st.just("Title"),
            st.text("ab ", max_size=200),
            st.lists(st.tuples(st.text("ab<", min_size=1, max_size=50), st.text("cd ", max_size=90)), max_size=4),
        ),
        max_size=3,
    ),
    st.integers(20, 120),
)
def test_no_line_is_wider_than_there_is_room(sections: list[Section], width: int) -> None:
    assert all(cell_len(line) <= width for line in text_of(sections, width).splitlines())
