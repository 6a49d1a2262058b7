"""The plain shell: the original's CLI for a person at a terminal, and a runner of scripts.

Neither Textual nor Rich is needed here. All functions return the exit status of the program.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from kvtui.commands import History, Level, Line
from kvtui.commands.wording import counted
from kvtui.core.background import start_soon
from kvtui.core.cluster import Cluster
from kvtui.core.seams.standard_streams import without_output
from kvtui.notation import use_ascii_alone
from kvtui.shell.editor import PROMPT, Editor, terminal_restored
from kvtui.shell.notices import watch
from kvtui.shell.piped import LINE_BYTES, InputLost, LineTooLong, PipedLines, each_line
from kvtui.shell.printer import Printer
from kvtui.shell.session import Session
from kvtui.shell.signals import Signals

__all__ = ["BANNER", "Signals", "run_commands", "run_shell"]

BANNER = (
    "Distributed KV Store with Consistent Hashing",
    "Commands: addnode <id> <port>, removenode <id>, put <k> <v>, get <k>, del <k>, setreplica <N>, show, stats, exit",
)

PROGRAM = "kvtui"
SUCCEEDED, FAILED = 0, 1


async def run_commands(cluster: Cluster, commands: Sequence[str], signals: Signals, *, readonly: bool = False) -> int:
    """Run command lines given with ``-c``, all of them unless one is ``exit`` or the output is lost; 1 if any failed."""
    _heed_encoding()
    printer = Printer(sys.stdout, sys.stderr, person=False, ended=lambda: signals.heard)
    session = Session(cluster, printer, readonly=readonly)
    status, done = SUCCEEDED, 0
    for command in commands:
        if not await session.execute(command):
            status = FAILED
        done += 1
        await printer.drained()
        if session.left or printer.lost:
            break
        if status == FAILED and cluster.snapshot().stopped:  # the rest would fail for the same reason
            break
    return _status(printer, status, f"{done} of {counted(len(commands), 'command')} done")


async def run_shell(cluster: Cluster, signals: Signals, *, history: Path | None, readonly: bool = False) -> int:
    """Run the lines of the standard input: typed by a person, with banner and prompt, or piped, with neither."""
    _heed_encoding()
    if sys.stdin.isatty():
        return await _run_typed(cluster, signals, History(history), readonly)
    return await _run_piped(cluster, signals, readonly)


def _heed_encoding() -> None:
    """Where the output takes no UTF-8, a question mark would stand for whatever it can't write."""
    use_ascii_alone(not (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf8"))


async def _run_piped(cluster: Cluster, signals: Signals, readonly: bool) -> int:
    printer = Printer(sys.stdout, sys.stderr, person=False, ended=lambda: signals.heard)
    session = Session(cluster, printer, readonly=readonly)
    lines = PipedLines(sys.stdin.fileno())
    status, done = SUCCEEDED, 0
    try:
        async for line in each_line(lines):
            done += 1
            if isinstance(line, LineTooLong):
                printer.say(Line(f"a line of more than {LINE_BYTES:,} bytes is no command; skipped", Level.BAD))
                status = FAILED
            elif not await session.execute(line):
                status = FAILED
            if not lines.ready:
                await printer.drained()
            if session.left or printer.lost:
                break
    except InputLost as lost:
        printer.say(Line(f"{PROGRAM}: the input can't be read: {lost}", Level.BAD))
        status = FAILED
    await printer.drained()
    return _status(printer, status, f"after line {done:,}")


def _status(printer: Printer, status: int, how_far: str) -> int:
    if printer.lost is None:
        return status
    return without_output(PROGRAM, printer.lost, after=how_far)


async def _run_typed(cluster: Cluster, signals: Signals, history: History, readonly: bool) -> int:
    printer = Printer(sys.stdout, sys.stderr, person=True, ended=lambda: signals.heard)
    session = Session(cluster, printer, readonly=readonly)
    editor = Editor(history, session.names)

    def notify(line: Line) -> None:
        """Above a prompt that waits, its line begun is written again below."""
        if editor.reading:
            printer.text(f"\n{line.text}\n{PROMPT}{editor.begun}")
        else:
            printer.say(line)

    def ctrl_c() -> bool:
        if printer.stuck:  # nobody sees what it would do
            return False
        if not session.interrupt() and editor.reading:
            printer.text(f"\n\n{PROMPT}")
        return True

    signals.ctrl_c = ctrl_c
    try:
        with terminal_restored():
            async with anyio.create_task_group() as tasks:
                start_soon(tasks, watch, cluster, notify)
                for text in BANNER:
                    printer.say(Line(text))
                await _prompted(session, editor, printer)
                await printer.drained()
                tasks.cancel_scope.cancel()
    finally:
        signals.ctrl_c = None
    if printer.lost and sys.stdout.isatty():  # the terminal went, and the signal may come a moment later
        return 128 + signal.SIGHUP
    return _status(printer, SUCCEEDED, "")


async def _prompted(session: Session, editor: Editor, printer: Printer) -> None:
    while not session.left and not printer.lost:
        printer.text("\n")
        await printer.drained()
        line = await editor.read()
        if line is None:
            printer.text("\n")
            return
        await session.execute(line)
