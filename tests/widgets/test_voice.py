"""The dashboard speaks in one voice: what was typed, what came of it and what happened by itself are told apart, and nothing comes
in the original's protocol lines."""

import re

import pytest

from kvtui.core.events import Event, Level
from kvtui.widgets.activity import Activity
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running

TYPED = (
    "put a 1",
    "get a",
    "del a",
    "setreplica 2",
    "rebalance",
    "stats",
    "show",
    "addnode D 5004",
    "removenode A --yes",
)
PROTOCOL = re.compile(r'\{"status"|\[[A-Z][A-Za-z ]*\]|Replicas for key|Node (added|removed)|Rebalancing after| -> ')


@pytest.mark.anyio
async def test_nothing_is_said_in_the_originals_lines_and_every_line_has_its_mark() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        for number, line in enumerate(TYPED):
            await shown.type(line)
            await shown.until(lambda number=number: shown.said.count("> ") == number + 1)  # type: ignore[misc]
        activity = shown.dashboard.activity
        await shown.until(lambda: activity.journal.entries[-1].text.startswith("A is forgotten"))
        assert PROTOCOL.search(shown.said) is None, shown.said
        assert "12:00:00 > put a 1\n  put a = 1 → A ✓ 0.3 ms  B ✓ 0.3 ms\n" in shown.said
        activity.add_event(Event(frozen.NOON, Level.BAD, "B is DOWN"))
        activity.add_answer("an answer that comes late")
        assert shown.said.endswith("12:00:00 · B is DOWN\n12:00:00   an answer that comes late")


def test_an_answer_that_comes_after_another_command_was_typed_names_its_own() -> None:
    """``16,384 slots move`` stood below ``stop n2``: it was of the ``addnode`` before."""
    activity = Activity()
    slow, quick = activity.add_command("addnode D 5004"), activity.add_command("stop B")
    activity.add_answer("start B brings it back", asked=quick)
    activity.add_answer("170 slots move", asked=slow)
    activity.add_answer("and more of it", asked=slow)
    activity.add_answer("and of the other", asked=quick)
    activity.add_note("screen saved", Level.GOOD)
    assert [entry.line for entry in activity.journal.entries] == [
        "12:00:00 > addnode D 5004",
        "12:00:00 > stop B",
        "  start B brings it back",
        "12:00:00   addnode D 5004: 170 slots move",
        "  and more of it",
        "12:00:00   stop B: and of the other",
        "12:00:00 · screen saved",
    ]
