"""A bench carried out: measured, told, compared with an earlier one, and saved."""

from __future__ import annotations

import asyncio
import os
import platform
import stat
import time
from dataclasses import replace
from random import SystemRandom

import anyio.to_thread

from kvtui import __version__
from kvtui.bench.compare import compare
from kvtui.bench.drive import Bench
from kvtui.bench.result import RESULT_BYTES, BadResult, Guaranteed, Machine, Result, decode, encode, result_of
from kvtui.bench.view import BenchView, Phase
from kvtui.bench.wording import comparison_lines, result_lines
from kvtui.bench.workloads import Asked
from kvtui.commands.command import CommandError
from kvtui.commands.context import Context, Line
from kvtui.commands.files import NamedFile, Replacement, reason, typed_path
from kvtui.commands.records import Format
from kvtui.commands.wording import counted, harmless, shown_file
from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level

_measured: set[int] = set()
"""Clusters of this process that are being measured, by ``id``."""


async def measure(asked: Asked, context: Context, *, save: str | None = None, against: str | None = None) -> bool:
    """Run what was asked for; True when every operation ended well. ``save`` and ``against`` name files, as typed.

    Raises ClusterError, CommandError.
    """
    if id(context.cluster) in _measured:
        raise ClusterError("a bench runs already, and two would measure each other: wait until it is done, or stop it")
    _measured.add(id(context.cluster))
    file = None
    try:
        earlier = await anyio.to_thread.run_sync(read_result, against) if against is not None else None
        running = Bench(context.cluster, asked, SystemRandom(), tell=lambda view: _tell(running, view, context))
        file = _goal(save)
        return await _run(running, asked, earlier, file, context)
    finally:
        _measured.discard(id(context.cluster))
        context.progress("", 0, 0)
        if file is not None:
            file[1].discard()


async def _run(
    running: Bench, asked: Asked, earlier: Result | None, file: tuple[NamedFile, Replacement] | None, context: Context
) -> bool:
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    context.measured(running.view, running.stop)
    view = await running.run()
    if running.left_behind:
        left = counted(running.left_behind, "record")
        context.say(Line(f"bench: {left} could not be deleted: keys {running.prefix.decode()}…", Level.WARNING))
    elif asked.keep:
        context.say(Line(f"bench: its records stay: keys {running.prefix.decode()}0 and on"))
    if not view.ends.all:
        context.say(Line("bench: stopped before anything was measured", Level.WARNING))
        return False
    result = result_of(
        view,
        kvtui=__version__,
        began=began,
        machine=this_machine(),
        guaranteed=guaranteed(running),
        interval=running.interval,
        unbegun=running.unbegun,
        cpu_seconds=running.cpu_seconds,
        counted=running.counted,
    )
    comparison = compare(earlier, result) if earlier is not None else None
    if file is not None:
        await _save(result, file)
        view = replace(view, saved=file[0].name)
    context.measured(replace(view, result=result, comparison=comparison), running.stop)
    good = view.ends.good
    for place, text in enumerate(result_lines(result)):
        context.say(Line(text, (Level.GOOD if good else Level.WARNING) if place == 0 else Level.INFO))
    if comparison is not None:
        for text in comparison_lines(comparison):
            context.say(Line(text))
    if file is not None:
        context.say(Line(f"Saved as {file[0].name}", Level.GOOD))
    if view.ends.failed or view.ends.unknown:
        bad = counted(view.ends.failed + view.ends.unknown, "operation")
        context.say(Line(f"bench: {bad} did not end well", Level.BAD))
        return False
    return True


def _tell(running: Bench, view: BenchView, context: Context) -> None:
    context.measured(view, running.stop)
    if view.phase is Phase.DONE:
        return
    if view.phase is Phase.RUNNING:
        said = f"bench {view.asked.workload.name}: {view.seconds[-1].rate if view.seconds else 0.0:,.0f} operations/s"
        if view.seconds:
            said += f", p99 {view.seconds[-1].p99:,.2f} ms"
    else:
        said = f"bench {view.asked.workload.name}: {view.phase}"
    context.progress(said, round(1000 * view.fraction), 1000)


def this_machine() -> Machine:
    """Where this process runs; its loop included."""
    loop = "uvloop" if type(asyncio.get_running_loop()).__module__.startswith("uvloop") else "asyncio"
    return Machine(
        f"{platform.system()} {platform.release()}",
        platform.machine() or "unknown",
        os.cpu_count() or 1,
        platform.python_version(),
        loop,
    )


def guaranteed(running: Bench) -> Guaranteed:
    """The effective guarantee of a run that is over."""
    picture = running.picture
    return Guaranteed(
        picture.guarantee,
        running.weakened,
        picture.copies_each,
        picture.write_quorum,
        picture.durable,
        picture.reads,
        picture.policy,
        len(picture.nodes),
    )


def read_result(typed: str) -> Result:
    """The result that a file holds. Raises CommandError."""
    name = shown_file(typed)
    try:
        path = typed_path(typed, "against")
        kind = os.stat(path).st_mode
        if stat.S_ISFIFO(kind):  # opening it could wait for ever
            raise CommandError(f"against: {name} is not an ordinary file", "against")
        with open(path, "rb") as stream:
            if not stat.S_ISREG(kind):
                raise CommandError(f"against: {name} is not an ordinary file", "against")
            data = stream.read(RESULT_BYTES + 1)
    except OSError as error:
        raise CommandError(f"against: {name} can't be read: {reason(error)}", "against") from None
    if len(data) > RESULT_BYTES:
        raise CommandError(f"against: {name} is larger than any result", "against")
    try:
        return decode(data)
    except BadResult as error:
        raise CommandError(f"against: {name}: {harmless(str(error))}", "against") from None


def _goal(typed: str | None) -> tuple[NamedFile, Replacement] | None:
    """Where the result goes: made sure of before anything runs. Raises CommandError."""
    if typed is None:
        return None
    file = NamedFile(typed, typed_path(typed, "save"), Format.JSON_LINES)
    return file, Replacement(file)


async def _save(result: Result, file: tuple[NamedFile, Replacement]) -> None:
    file[1].write(encode(result))
    await anyio.to_thread.run_sync(file[1].commit)
