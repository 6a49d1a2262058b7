"""history: what clients are told from now on goes to a file, as it happens; and what such a file proves."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import anyio.to_thread
import xxhash

from kvtui.check import HistoryError, HistoryWriter, Report, Verdict, read_history
from kvtui.check import Kind as Asked
from kvtui.check import Outcome as Told
from kvtui.check import check as check_history
from kvtui.commands.check import verdict_lines
from kvtui.commands.command import Argument, Command, CommandError, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.files import reason, typed_path
from kvtui.commands.wording import counted, harmless, shown_file
from kvtui.core.cluster import Cluster, ClusterError, Observable, Outcome
from kvtui.core.events import Level
from kvtui.core.version import NEVER, Version

OPERATIONS_MOST = 10_000_000
"""Operations after which a recording ends by itself."""
VALUE_CHARACTERS = 64
"""Longest value that is recorded as it is; of a longer one its hash is."""
BEFORE = 0
"""The client who is said to have written what was there before the recording began."""


class _Begun(NamedTuple):
    number: int
    client: int
    kind: Asked
    key: str
    value: str | None


class HistoryFile:
    """An observer that writes what it is told of to a file. Its clients are as many as ever were busy at once."""

    def __init__(self, path: Path, name: str, say: Callable[[Line], None]) -> None:
        """Raises OSError, FileExistsError among them."""
        self.name = name
        self.since = NEVER
        """Versions up to this one were given before the recording began."""
        self._say = say
        self._writer: HistoryWriter | None = HistoryWriter(path)
        self._began = time.monotonic()
        self._last = 0.0
        self._free: list[int] = []
        self._clients = BEFORE
        self._older: set[tuple[str, Version]] = set()

    def begin(self, kind: str, key: bytes, value: bytes | None) -> object:
        if self._writer is None:
            return None
        if self._writer.operations >= OPERATIONS_MOST:
            self.stop()
            self._say(Line(f"history: stopped after {OPERATIONS_MOST:,} operations", Level.WARNING))
            return None
        client = heapq.heappop(self._free) if self._free else self._clients + 1
        self._clients = max(self._clients, client)
        asked, name, text = Asked(kind), _text(key), None if value is None else _text(value)
        with _Written(self) as writer:
            return _Begun(writer.begin(client, asked, name, text, self._now()), client, asked, name, text)
        return None

    def end(self, begun: object, outcome: Outcome, value: bytes | None, version: Version | None, stale: bool) -> None:
        if not isinstance(begun, _Begun) or self._writer is None:
            return
        number, client, kind, key, asked = begun
        heapq.heappush(self._free, client)
        text = (None if value is None else _text(value)) if kind is Asked.GET else asked
        with _Written(self) as writer:
            if kind is Asked.GET and version is not None and NEVER < version <= self.since:
                self._tell_of_older(writer, key, text, version)
            writer.end(number, client, kind, key, self._now(), Told(outcome), text, version, stale)

    def event(self, text: str) -> None:
        if self._writer is not None:
            with _Written(self) as writer:
                writer.event(text, self._now())

    def stop(self) -> int:
        """End the recording; how many operations it holds. What is told of later is ignored. Raises OSError."""
        writer, self._writer = self._writer, None
        if writer is None:
            return 0
        writer.close()
        return writer.operations

    def closed(self) -> None:
        try:
            self.stop()
        except OSError as error:
            self.fail(error)

    def fail(self, error: OSError) -> None:
        """The disk takes no more."""
        self._writer = None
        self._say(Line(f"history: writing {self.name} failed: {reason(error)}; the recording ended", Level.BAD))

    def _tell_of_older(self, writer: HistoryWriter, key: str, text: str | None, version: Version) -> None:
        """What was there before anybody recorded: a put of it, or a delete, at time 0, so that the file can be checked."""
        if (key, version) not in self._older:
            self._older.add((key, version))
            kind = Asked.DELETE if text is None else Asked.PUT
            number = writer.begin(BEFORE, kind, key, text, 0.0)
            writer.end(number, BEFORE, kind, key, 0.0, Told.OK, text, version)

    def _now(self) -> float:
        """Seconds since the recording began, each above the last by a nanosecond at least."""
        self._last = max(time.monotonic() - self._began, self._last + 2e-9)
        return self._last

    @property
    def writer(self) -> HistoryWriter:
        assert self._writer is not None
        return self._writer


class _Written:
    """A disk that takes no more ends the recording, and nothing else."""

    def __init__(self, file: HistoryFile) -> None:
        self._file = file

    def __enter__(self) -> HistoryWriter:
        return self._file.writer

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, OSError):
            self._file.fail(error)
            return True
        return False


def _text(data: bytes) -> str:
    """Bytes as a history has them: short text as it is, everything else by its hash, which is as good for comparing."""
    if len(data) <= 4 * VALUE_CHARACTERS:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = ""
        if text and len(text) <= VALUE_CHARACTERS:
            return text
    return f"xxh3 {xxhash.xxh3_64_hexdigest(data)} of {len(data)} bytes"


async def history(invocation: Invocation, context: Context) -> bool:
    """``history``."""
    action, typed = invocation.values["action"], invocation.values.get("file", "")
    if action != "stop" and not typed:
        raise CommandError(f"file: history {action} needs the name of a file", "file")
    if action == "stop" and typed:
        raise CommandError("file: history stop takes none", "file")
    if action == "stop":
        return _stop(context)
    path = Path(typed_path(typed))
    match action:
        case "record":
            return _record(path, shown_file(typed), context)
        case _:
            return await _check(path, shown_file(typed), context)


def _record(path: Path, name: str, context: Context) -> bool:
    cluster = _observable(context.cluster)
    if cluster.observer is not None:
        raise ClusterError("a history is being recorded already; end that first with: history stop")
    try:
        file = HistoryFile(path, name, context.say)
    except FileExistsError:
        raise CommandError(f"file: {name} is there already, and no history is overwritten", "file") from None
    except OSError as error:
        raise CommandError(f"file: {name} can't be written: {reason(error)}", "file") from None
    try:
        file.since = cluster.observe(file)
    except ClusterError:
        file.closed()
        path.unlink(missing_ok=True)
        raise
    context.say(Line(f"Recording every put, get and del into {name}; end with: history stop", Level.GOOD))
    return True


def _stop(context: Context) -> bool:
    cluster = _observable(context.cluster)
    file = cluster.observer
    if not isinstance(file, HistoryFile):
        raise ClusterError("no history is being recorded; begin with: history record <file>")
    cluster.observe(None)
    try:
        operations = file.stop()
    except OSError as error:
        raise CommandError(f"file: writing {file.name} failed: {reason(error)}", "file") from None
    context.say(Line(f"Recorded {counted(operations, 'operation')} in {file.name}", Level.GOOD))
    return True


async def _check(path: Path, name: str, context: Context) -> bool:
    def decide() -> Report:
        return check_history(read_history(path))

    try:
        report = await anyio.to_thread.run_sync(decide)
    except HistoryError as error:
        raise CommandError(f"file: {harmless(str(error))}", "file") from None
    except OSError as error:
        raise CommandError(f"file: {name} can't be read: {reason(error)}", "file") from None
    for line in verdict_lines(report):
        context.say(line)
    return report.verdict is Verdict.LINEARIZABLE


def _observable(cluster: Cluster) -> Observable:
    if not isinstance(cluster, Observable):
        raise ClusterError("this cluster's operations can't be recorded")
    return cluster


COMMANDS: tuple[Command, ...] = (
    Command(
        "history",
        (
            Argument("action", "what to do", Kind.CHOICE, choices=("record", "stop", "check")),
            Argument(
                "file",
                "its name; a line of JSON an operation, as the tool Jepsen has them",
                Kind.FILE,
                optional=True,
                rest=True,
            ),
        ),
        "Record what really happens, and check it",
        "record writes every operation and event of this kvtui, and of those attached to it, to a new file until stop; values of"
        f" up to {VALUE_CHARACTERS} characters as they are, longer ones as their hash. check says whether such a file shows"
        " anything lost or read stale (so does python -m kvtui.check).",
        history,
        capability=Observable,
        changes=False,
    ),
)
