"""check: is what clients are told true, here and now?"""

from __future__ import annotations

import time
from pathlib import Path
from random import SystemRandom

import anyio
import anyio.to_thread

from kvtui.check import Report, Verdict, write_history
from kvtui.commands.command import Argument, Command, CommandError, Flag, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.files import reason
from kvtui.commands.wording import counted, harmless
from kvtui.core.events import Level
from kvtui.workload import SECONDS_MOST, CheckView, LiveCheck

SECONDS = 10
"""How long clients run, unless a person says more."""
FAULTS_NAMED = 20
WIDTH = 100
"""Columns of a violation's timeline."""


async def check(invocation: Invocation, context: Context) -> bool:
    """``check``."""
    seconds = int(invocation.values.get("seconds", SECONDS))
    if seconds > SECONDS_MOST:
        raise CommandError(f"seconds: {SECONDS_MOST} at most, not {seconds}", "seconds")
    with anyio.CancelScope() as scope:

        def tell(view: CheckView) -> None:
            context.checked(view, scope.cancel)
            said = f"{view.phase}: {counted(view.operations, 'operation')}"
            context.progress(said, min(int(1000 * view.elapsed), int(1000 * view.seconds)), int(1000 * view.seconds))

        live = LiveCheck(context.cluster, seconds, SystemRandom(), faults="--faults" in invocation.flags, tell=tell)
        try:
            view = await live.run()
        finally:
            context.progress("", 0, 0)
    if scope.cancelled_caught:
        context.say(Line("check: stopped before its end, no verdict; what it harmed is healed", Level.WARNING))
        return False
    return await _told(live, view, context)


async def _told(live: LiveCheck, view: CheckView, context: Context) -> bool:
    for line in check_lines(view):
        context.say(line)
    assert view.report is not None
    if view.report.verdict is not Verdict.LINEARIZABLE:
        path = Path.cwd() / f"kvtui-history-{time.strftime('%Y%m%d-%H%M%S')}.jsonl"
        try:
            await anyio.to_thread.run_sync(write_history, path, live.recorder.history())
        except OSError as error:
            context.say(Line(f"the history could not be saved as {path}: {reason(error)}", Level.BAD))
        else:
            context.say(Line(f"the history is saved as {path}", Level.WARNING))
        return False
    return not view.unreadable


def check_lines(view: CheckView) -> list[Line]:
    """A check that is done, in words: the verdict first."""
    assert view.report is not None
    lines = verdict_lines(view.report)
    ends = f"{view.ok:,} ok, {view.failed:,} failed, {view.unknown:,} unknown"
    lines.append(Line(f"  {ends}; the slowest took {1000 * view.slowest:,.0f} ms"))
    if view.faults:
        lines.append(Line("  faults:"))
        lines += [Line(f"    {seconds:5.1f} s  {harmless(text)}") for seconds, text in view.faults[:FAULTS_NAMED]]
        if len(view.faults) > FAULTS_NAMED:
            lines.append(Line(f"    … and {len(view.faults) - FAULTS_NAMED} more"))
    if view.unreadable:
        lines.append(Line(f"  {counted(view.unreadable, 'key')} could not be read at the end", Level.BAD))
    return lines


def verdict_lines(report: Report) -> list[Line]:
    """What the checker says: nothing lost, or the smallest counter-example as a timeline."""
    what = f"{counted(report.operations, 'operation')} on {counted(report.keys, 'key')}"
    lines: list[Line] = []
    if report.verdict is Verdict.LINEARIZABLE:
        lines.append(
            Line(f"Checked {what}: linearizable. Nothing acknowledged was lost, no read went back", Level.GOOD)
        )
    elif report.verdict is Verdict.UNDECIDED:
        lines.append(Line(f"Checked {what}: undecided, which is no pass", Level.WARNING))
    else:
        lines.append(Line(f"Checked {what}: VIOLATED", Level.BAD))
        for violation in report.violations:
            lines += [Line(harmless(text), Level.BAD) for text in violation.lines(WIDTH)]
    stale = report.staleness
    if stale.reads:
        words = f"{counted(stale.reads, 'stale read')}, {stale.behind:,} of them behind: by at most"
        lines.append(Line(f"  {words} {counted(stale.versions, 'version')} and {stale.milliseconds:,.0f} ms"))
    return lines


COMMANDS: tuple[Command, ...] = (
    Command(
        "check",
        (Argument("seconds", f"how long ({SECONDS}); {SECONDS_MOST} at most", Kind.COUNT, optional=True),),
        "Check that nothing is lost or stale, here and now",
        "Clients put, get and delete keys of their own, some 200 times a second; what they were told is recorded and its"
        " linearizability checked. The keys are deleted at the end. With --faults nodes that kvtui started are killed, paused,"
        " slowed and cut off meanwhile, one at a time, and all is healed at the end; that needs two copies of every key.",
        check,
        flags=(
            Flag(
                "--faults",
                "kill, pause, slow and cut nodes meanwhile",
                question="Harm nodes while the check runs? Nothing is wiped, and all is healed at the end; but your own reads and"
                " writes will meet the faults too.",
            ),
        ),
        changes=True,
    ),
)
