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
    [((20, 6), "stats"), ((20, 10), "removenode A"), ((100, 30), "explain get apple"), ((160, 50), "plan add D")],
    ids=["answer-20x6", "question-20x10", "explain-100x30", "plan-160x50"],
)
def test_what_was_typed(snap_compare: Callable[..., bool], size: tuple[int, int], typed: str) -> None:
    app = KvtuiApp(TellingCluster(frozen.healthy(), ()), state=None)

    async def enter(pilot: Pilot[None]) -> None:
        await pilot.pause()
        app.post_message(Paste(typed))
        await pilot.pause()
        await pilot.press("enter")
        for _ in range(5):
            await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=enter)
