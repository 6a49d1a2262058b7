"""The sheets of explain and plan: opened by their commands, closed by Escape, read by keyboard alone."""

from dataclasses import dataclass

import pytest

from kvtui.core.change import Change
from kvtui.core.explanation import Explanation
from kvtui.core.plan import Plan
from kvtui.screens import ExplainScreen, PlanScreen
from kvtui.screens.dashboard import Dashboard
from kvtui.widgets.explained import Explained
from kvtui.widgets.ring import Ring
from tests.widgets import frozen, told
from tests.widgets.running import Running, running

pytestmark = pytest.mark.anyio


@dataclass
class TellingCluster(frozen.FrozenCluster):
    """A frozen cluster that explains and plans."""

    async def explain_put(self, key: bytes, value: bytes) -> Explanation:
        return told.PUT

    async def explain_get(self, key: bytes) -> Explanation:
        return told.REPAIRED

    async def explain_delete(self, key: bytes) -> Explanation:
        return told.UNKNOWN

    async def plan(self, change: Change) -> Plan:
        return told.plan(change)


def over(shown: Running, screen: type) -> bool:
    return isinstance(shown.app.screen, screen)


async def test_explain_covers_the_dashboard_until_escape_and_marks_the_key_on_the_ring() -> None:
    async with running(TellingCluster(frozen.healthy())) as shown:
        await shown.type("explain get apple")
        await shown.until(lambda: over(shown, ExplainScreen))
        sheet = shown.app.screen.query_one(Explained)
        drawn = "\n".join(sheet.render_line(y).text for y in range(sheet.size.height))
        assert "B repair" in drawn
        await shown.pilot.press("escape")
        await shown.until(lambda: over(shown, Dashboard))
        located = shown.dashboard.picture.located
        assert located is not None
        assert located.key == b"apple"
        assert "get apple" in shown.activity


async def test_a_sheet_that_is_higher_than_the_screen_scrolls_by_keys() -> None:
    async with running(TellingCluster(frozen.healthy()), (40, 15)) as shown:
        await shown.type("explain get apple")
        await shown.until(lambda: over(shown, ExplainScreen))
        frame = shown.app.screen.query_one(".sheet")
        assert frame.max_scroll_y > 0
        await shown.pilot.press("end")
        await shown.until(lambda: frame.scroll_offset.y == frame.max_scroll_y)


async def test_plan_shows_the_ring_afterwards_beside_the_ring_as_it_is() -> None:
    """It lay over the ring."""
    async with running(TellingCluster(frozen.healthy())) as shown:
        await shown.type("plan add D")
        await shown.until(lambda: over(shown, PlanScreen))
        ring, numbers = shown.app.screen.query_one("#planned-ring", Ring), shown.app.screen.query_one(".sheet")
        await shown.until(lambda: numbers.region.x >= shown.dashboard.query_one("#ring").region.right)
        assert [node.id for node in ring.picture.snapshot.nodes] == ["A", "B", "C", "D"]
        assert (ring.display, numbers.display) == (False, True)
        await shown.pilot.press("r")
        assert (ring.display, numbers.display) == (True, False)
        await shown.pilot.resize_terminal(160, 50)
        await shown.until(lambda: (ring.display, numbers.display) == (True, True))
        await shown.pilot.press("escape")
        await shown.until(lambda: over(shown, Dashboard))
        assert [node.id for node in shown.dashboard.picture.snapshot.nodes] == ["A", "B", "C"]


async def test_a_plan_that_would_be_refused_opens_nothing_and_says_why() -> None:
    @dataclass
    class Refusing(TellingCluster):
        async def plan(self, change: Change) -> Plan:
            return told.refused(change, "B has the last clean copy of 3 slots")

    async with running(Refusing(frozen.healthy())) as shown:
        await shown.type("plan remove B")
        await shown.until(lambda: "the last clean copy" in shown.activity)
        assert over(shown, Dashboard)
