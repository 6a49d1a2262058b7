"""What the sizes look like for which panels, frames and sheets take other places."""

from collections.abc import Callable

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from tests.widgets import frozen
from tests.widgets.test_explain_and_plan_screens import TellingCluster


@pytest.mark.parametrize(
    ("size", "typed"),
    [((20, 10), "removenode A"), ((100, 30), "explain get apple"), ((160, 50), "plan add D")],
    ids=["question-20x10", "explain-100x30", "plan-160x50"],
)
def test_a_question_and_sheets(snap_compare: Callable[..., bool], size: tuple[int, int], typed: str) -> None:
    app = KvtuiApp(TellingCluster(frozen.healthy(), ()), state=None)

    async def enter(pilot: Pilot[None]) -> None:
        await pilot.pause()
        app.post_message(Paste(typed))
        await pilot.pause()
        await pilot.press("enter")
        for _ in range(5):
            await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=enter)


def test_an_answer_where_there_is_room_for_three_lines(snap_compare: Callable[..., bool]) -> None:
    app = KvtuiApp(frozen.FrozenCluster(frozen.healthy(), ()), state=None)

    async def answer(pilot: Pilot[None]) -> None:
        await pilot.pause()
        app._dashboard.activity.add_command("stats")
        for line in ("Nodes: 3", "Total Keys: 20664", "Avg Keys per Node: 6888", "Distinct Keys: 10332"):
            app._dashboard.activity.add_answer(line)
        app._dashboard.answer_seen()
        for _ in range(5):
            await pilot.pause()

    assert snap_compare(app, terminal_size=(20, 6), run_before=answer)
