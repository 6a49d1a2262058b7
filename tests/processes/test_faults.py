"""Real processes under faults, single ones and pairs, under load: nothing acknowledged is lost, nothing hangs, and what is lost
says so."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
import pytest

from kvtui.check import Verdict
from kvtui.core.writes import DEADLINE_SECONDS
from tests.processes.faults.injuries import INJURIES, PAIRS, why_not
from tests.processes.faults.trial import Trial, trial

pytestmark = [pytest.mark.long, pytest.mark.anyio]
SECONDS = 3.0
SLACK_SECONDS = 1.0
"""What an operation may take beyond its deadline, on a machine that runs several clusters at once."""
FAILED_MOST = 0.05
"""Share of operations that may fail or end unknown where one node of several copies is harmed: the other copies serve."""


async def together(trials: Sequence[Callable[[], Awaitable[Trial]]]) -> list[Trial]:
    """Several clusters at once: they mostly wait."""
    ended: list[Trial] = []

    async def one(start: Callable[[], Awaitable[Trial]]) -> None:
        ended.append(await start())

    async with anyio.create_task_group() as tasks:
        for start in trials:
            tasks.start_soon(one, start)
    return ended


def judge(ended: Trial, faults: Sequence[str]) -> None:
    assert ended.report.verdict is Verdict.LINEARIZABLE, "\n".join(ended.report.lines())
    assert not ended.served, f"read although their slots are lost: {ended.served}"
    assert not ended.unreadable, f"not readable although all is well: {ended.unreadable}"
    assert ended.lost == 0 or "wiped" in faults
    assert ended.slowest < DEADLINE_SECONDS + SLACK_SECONDS
    assert ended.injuries
    assert ended.operations > 100


def skip_if_impossible(faults: Sequence[str], path: Path) -> None:
    for fault in faults:
        reason = why_not(fault, path)
        if reason:
            pytest.skip(reason)


@pytest.mark.parametrize("fault", INJURIES)
async def test_a_single_fault(fault: str, tmp_path: Path) -> None:
    skip_if_impossible([fault], tmp_path)
    trials = [lambda copies=copies: trial(tmp_path / f"{copies}", copies, [fault], SECONDS) for copies in (1, 2, 3)]
    for ended in await together(trials):
        judge(ended, [fault])
        if ended.copies > 1:
            assert ended.failed + ended.unknown <= ended.operations * FAILED_MOST


@pytest.mark.parametrize("faults", PAIRS, ids="-".join)
async def test_two_faults_at_once(faults: tuple[str, str], tmp_path: Path) -> None:
    skip_if_impossible(faults, tmp_path)
    trials = [lambda copies=copies: trial(tmp_path / f"{copies}", copies, faults, SECONDS) for copies in (2, 3)]
    for ended in await together(trials):
        judge(ended, faults)
