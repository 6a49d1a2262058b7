"""What a check looks like while it runs, and when it found something."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from kvtui.check import Kind, Operation, Outcome, Staleness, check
from kvtui.screens.check import CheckScreens
from kvtui.workload import CheckView, Phase
from tests.snapshots.test_screens import SIZES
from tests.widgets import frozen

RUNNING = CheckView(
    Phase.RUNNING,
    elapsed=4.2,
    seconds=10.0,
    ok=812,
    failed=3,
    unknown=11,
    rate=203.0,
    slowest=1.532,
    staleness=Staleness(4, 2, 3, 812.0),
    faults=((1.2, "kill n1"), (3.4, "start n1"), (4.1, "cut n3")),
    guarantee="5,461 slots on 1 node only; no stale reads",
)
LOST = check(
    [
        Operation(1, Kind.PUT, "kvtui-check/7/3", "1.17", 0.0, 0.004, Outcome.OK, (1, 7)),
        Operation(2, Kind.PUT, "kvtui-check/7/3", "2.21", 0.003, 0.009, Outcome.OK, (1, 8)),
        Operation(3, Kind.GET, "kvtui-check/7/3", "1.17", 0.012, 0.013, Outcome.OK, (1, 7)),
    ]
)
VIOLATED = replace(RUNNING, phase=Phase.DONE, elapsed=12.0, report=LOST)


def picture(snap_compare: Callable[..., bool], size: str, view: CheckView) -> bool:
    """Whether a check over the dashboard looks as it did."""
    app = KvtuiApp(frozen.FrozenCluster(frozen.healthy(), ()), state=None)

    async def show(pilot: Pilot[None]) -> None:
        CheckScreens(app).show(view, lambda: None)
        await pilot.pause()

    return snap_compare(app, terminal_size=SIZES[size], run_before=show)


@pytest.mark.parametrize("size", SIZES)
def test_a_check_under_way(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, RUNNING)


@pytest.mark.parametrize("size", SIZES)
def test_a_violation(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, VIOLATED)
