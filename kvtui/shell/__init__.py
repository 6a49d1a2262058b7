"""The plain shell: the original's CLI for a person at a terminal, and a runner of scripts.

Neither Textual nor Rich is needed here. All functions return the exit status of the program.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from kvtui.commands import History, Level, Line
from kvtui.core.cluster import Cluster
from kvtui.notation import use_ascii_alone
from kvtui.shell.editor import PROMPT, Editor, terminal_restored
from kvtui.shell.notices import watch
from kvtui.shell.piped import LINE_BYTES, LineTooLong, PipedLines, each_line
from kvtui.shell.printer import Printer
from kvtui.shell.session import Session
from kvtui.shell.signals import Signals

__all__ = ["BANNER", "Signals", "run_commands", "run_shell"]

BANNER = (
    "Distributed KV Store with Consistent Hashing",
    "Commands: addnode <id> <port>, removenode <id>, put <k> <v>, get <k>, del <k>, setreplica <N>, show, stats, exit",
)

SUCCEEDED, FAILED = 0, 1


async def run_commands(cluster: Cluster, commands: Sequence[str], *, readonly: bool = False) -> int:
    """Run command lines given with ``-c``, all of them unless one is ``exit``; 1 if any failed."""
    _heed_encoding()
    printer = Printer(sys.stdout, sys.stderr, person=False)
    session = Session(cluster, printer, readonly=readonly)
    status = SUCCEEDED
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(printer.keep_writing)
        for command in commands:
            if not await session.execute(command):
                status = FAILED
            if session.left or printer.broken:
                break
            if status == FAILED and cluster.snapshot().stopped:  # the rest would fail for the same reason
                break
        await printer.drained()
        tasks.cancel_scope.cancel()
    return FAILED if printer.broken else status


async def run_shell(cluster: Cluster, signals: Signals, *, history: Path | None, readonly: bool = False) -> int:
    """Run the lines of the standard input: typed by a person, with banner and prompt, or piped, with neither."""
    _heed_encoding()
    if sys.stdin.isatty():
        return await _run_typed(cluster, signals, History(history), readonly)
    return await _run_piped(cluster, readonly)


def _heed_encoding() -> None:
    """Where the output takes no UTF-8, a question mark would stand for whatever it can't write."""
    use_ascii_alone(not (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf8"))


async def _run_piped(cluster: Cluster, readonly: bool) -> int:
    printer = Printer(sys.stdout, sys.stderr, person=False)
    session = Session(cluster, printer, readonly=readonly)
    lines = PipedLines(sys.stdin.fileno())
    status = SUCCEEDED
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(printer.keep_writing)
        async for line in each_line(lines):
            if isinstance(line, LineTooLong):
                printer.say(Line(f"a line of more than {LINE_BYTES:,} bytes is no command; skipped", Level.BAD))
                status = FAILED
            elif not await session.execute(line):
                status = FAILED
            if not lines.ready:
                await printer.drained()
            if session.left or printer.broken:
                break
        await printer.drained()
        tasks.cancel_scope.cancel()
    return FAILED if printer.broken else status


async def _run_typed(cluster: Cluster, signals: Signals, history: History, readonly: bool) -> int:
    printer = Printer(sys.stdout, sys.stderr, person=True)
    session = Session(cluster, printer, readonly=readonly)
    editor = Editor(history, session.names)

    def notify(line: Line) -> None:
        """Above a prompt that waits, its line begun is written again below."""
        if editor.reading:
            printer.text(f"\n{line.text}\n{PROMPT}{editor.begun}")
        else:
            printer.say(line)

    def ctrl_c() -> None:
        if not session.interrupt() and editor.reading:
            printer.text(f"\n\n{PROMPT}")

    signals.ctrl_c = ctrl_c
    try:
        with terminal_restored():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(printer.keep_writing)
                tasks.start_soon(watch, cluster, notify)
                for text in BANNER:
                    printer.say(Line(text))
                await _prompted(session, editor, printer)
                await printer.drained()
                tasks.cancel_scope.cancel()
    finally:
        signals.ctrl_c = None
    return SUCCEEDED


async def _prompted(session: Session, editor: Editor, printer: Printer) -> None:
    while not session.left and not printer.broken:
        printer.text("\n")
        await printer.drained()
        line = await editor.read()
        if line is None:
            printer.text("\n")
            return
        await session.execute(line)
