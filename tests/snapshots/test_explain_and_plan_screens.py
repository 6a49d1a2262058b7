"""What the sheets of explain and plan look like."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from kvtui.core.change import AddNode, Change, RemoveNode
from kvtui.core.explanation import Explanation
from kvtui.screens import ExplainScreen, PlanScreen
from kvtui.screens.sheet import Sheet
from kvtui.widgets.picture import Picture
from tests.snapshots.test_screens import SIZES
from tests.widgets import frozen, told

FOUR = ("A", "B", "C", "D")


def picture(
    snap_compare: Callable[..., bool],
    size: str,
    make: Callable[[Picture], Sheet],
    nodes: tuple[str, ...] = FOUR[:3],
) -> bool:
    """Whether a sheet over the dashboard looks as it did."""
    app = KvtuiApp(frozen.FrozenCluster(frozen.healthy(nodes), ()), state=None)

    async def show(pilot: Pilot[None]) -> None:
        await pilot.pause()
        app.push_screen(make(app._dashboard.picture))
        await pilot.pause()

    return snap_compare(app, terminal_size=SIZES[size], run_before=show)


@pytest.mark.parametrize(
    ("explanation", "size"),
    [(told.PUT, "120x36"), (told.REPAIRED, "120x36"), (told.UNKNOWN, "80x24")],
    ids=["put-120x36", "repaired-120x36", "unknown-80x24"],
)
def test_explain(snap_compare: Callable[..., bool], size: str, explanation: Explanation) -> None:
    assert picture(snap_compare, size, lambda shown: ExplainScreen(explanation, shown), FOUR)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("change", "down"), [(AddNode("D"), ""), (RemoveNode("B"), "B")], ids=["add", "remove"])
def test_plan(snap_compare: Callable[..., bool], size: str, change: Change, down: str) -> None:
    assert picture(snap_compare, size, lambda shown: PlanScreen(told.plan(change, down), shown))
