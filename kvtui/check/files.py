"""Histories as files: JSON lines in the manner of Jepsen.

One entry a line: ``type`` is invoke, ok, fail or info; ``process``, ``f`` (put, get, delete), ``key``, ``value``, and ``time`` in
nanoseconds. Info ends an operation whose outcome is unknown; one that is never ended is unknown, too. An entry of process
"nemesis" is something else that happened, its ``value`` the text. Beyond Jepsen's: ``version`` as [epoch, seq], ``stale``,
``note``, and ``operation``, a number that an invocation and its end share, without which they belong together by their process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Literal

import msgspec

from kvtui.check.operation import History, Kind, Operation, Outcome
from kvtui.core.malformed import MALFORMED, what_is_wrong
from kvtui.named_files import open_named
from kvtui.notation import brief

NEMESIS = "nemesis"
LINE_BYTES = 16 * 1024 * 1024
"""The longest line that is read."""
SECOND = 1_000_000_000


class HistoryError(ValueError):
    """A file that holds no history. The text names the file, the line, and what is wrong there."""


class _Entry(msgspec.Struct, omit_defaults=True):
    type: Literal["invoke", "ok", "fail", "info"]
    process: int | str
    f: str
    time: int
    key: str | None = None
    value: str | None = None
    operation: int | None = None
    version: tuple[int, int] | None = None
    stale: bool = False
    note: str = ""


_TYPES = {Outcome.OK: "ok", Outcome.FAILED: "fail", Outcome.UNKNOWN: "info"}
_OUTCOMES = {kind: outcome for outcome, kind in _TYPES.items()}


class HistoryWriter:
    """Writes a history while it happens: each beginning, end and event goes to the file's end, through a buffer."""

    def __init__(self, path: str | PathLike[str]) -> None:
        """Makes the file. Raises OSError, FileExistsError among them: no history is overwritten."""
        self._file = os.fdopen(open_named(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb")
        self._operations = 0

    @property
    def operations(self) -> int:
        """How many have begun."""
        return self._operations

    def begin(self, process: int, kind: Kind, key: str, value: str | None, seconds: float) -> int:
        """The number by which to ``end`` it. Raises OSError."""
        number = self._operations
        self._operations += 1
        self._write(_Entry("invoke", process, kind.value, _nanoseconds(seconds), key, value, number))
        return number

    def end(
        self,
        number: int,
        process: int,
        kind: Kind,
        key: str,
        seconds: float,
        outcome: Outcome,
        value: str | None = None,
        version: tuple[int, int] | None = None,
        stale: bool = False,
    ) -> None:
        """``value`` as in ``Operation``. Raises OSError."""
        time = _nanoseconds(seconds)
        self._write(_Entry(_TYPES[outcome], process, kind.value, time, key, value, number, version, stale))  # type: ignore[arg-type]

    def event(self, text: str, seconds: float) -> None:
        """Raises OSError."""
        self._write(_Entry("info", NEMESIS, "event", _nanoseconds(seconds), value=text))

    def close(self) -> None:
        """Everything is in the file. Raises OSError."""
        self._file.close()

    def _write(self, entry: _Entry) -> None:
        self._file.write(msgspec.json.encode(entry) + b"\n")


def write_history(path: str | PathLike[str], history: History | Iterable[Operation]) -> None:
    """Write a history; a file of that name is replaced. Times are rounded to nanoseconds. Raises OSError."""
    history = history if isinstance(history, History) else History(tuple(history))
    entries: list[tuple[int, int, _Entry]] = []
    for number, operation in enumerate(history.operations):
        start = _nanoseconds(operation.start)
        written = None if operation.kind is Kind.GET else operation.value
        process, f, key = operation.process, operation.kind.value, operation.key
        entries.append((start, 0, _Entry("invoke", process, f, start, key, written, number)))
        ended = operation.outcome is not Outcome.UNKNOWN or operation.end is not None
        if ended and operation.end is not None:
            end = _nanoseconds(operation.end)
            kind = _TYPES[operation.outcome]
            extra = (operation.version, operation.stale, operation.note)
            entries.append((end, 1, _Entry(kind, process, f, end, key, operation.value, number, *extra)))  # type: ignore[arg-type]
    for seconds, text in history.events:
        time = _nanoseconds(seconds)
        entries.append((time, 0, _Entry("info", NEMESIS, "event", time, value=text)))
    entries.sort(key=lambda entry: entry[:2])
    encode = msgspec.json.encode
    with os.fdopen(open_named(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
        file.writelines(encode(entry) + b"\n" for _, _, entry in entries)


def _nanoseconds(seconds: float) -> int:
    whole = int(seconds)
    return whole * SECOND + round((seconds - whole) * SECOND)


def read_history(path: str | PathLike[str]) -> History:
    """Read a history. Raises HistoryError, with the line's number, for what is none; OSError when the file can't be read."""
    reading = _Reading()
    for number, line in _lines(Path(path)):
        try:
            reading.take(_DECODER.decode(line))
        except MALFORMED as error:
            raise HistoryError(f"{path}, line {number}: {what_is_wrong(error, line)}") from None
        except ValueError as error:
            raise HistoryError(f"{path}, line {number}: {error}") from None
    return reading.history()


_DECODER = msgspec.json.Decoder(_Entry)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    if path.is_fifo():
        raise HistoryError(f"{path}: a pipe, not an ordinary file")  # it could keep its reader waiting for ever
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LINE_BYTES + 1):
            number += 1
            if len(line) > LINE_BYTES:
                raise HistoryError(f"{path}, line {number}: longer than {LINE_BYTES:,} bytes")
            if line.strip():
                yield number, line


class _Reading:
    """Pairs invocations with their ends."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._open: dict[tuple[str, int], int] = {}
        self._events: list[tuple[float, str]] = []

    def take(self, entry: _Entry) -> None:
        """Raises ValueError for an entry that doesn't fit those before it."""
        seconds = entry.time / SECOND
        if isinstance(entry.process, str):
            if entry.process != NEMESIS:
                raise ValueError(f'a process is a number, or "{NEMESIS}"; this is {brief(entry.process)}')
            self._events.append((seconds, entry.f if entry.value is None else entry.value))
            return
        if entry.key is None:
            raise ValueError("an entry of a client needs a key")
        try:
            kind = Kind(entry.f)
        except ValueError:
            raise ValueError(f"f is put, get or delete; this is {brief(entry.f)}") from None
        by = ("process", entry.process) if entry.operation is None else ("operation", entry.operation)
        if entry.type == "invoke":
            if by in self._open:
                raise ValueError(f"{by[0]} {by[1]} begins again before it has ended")
            self._open[by] = len(self._operations)
            value = None if kind is Kind.GET else entry.value
            self._operations.append(
                Operation(entry.process, kind, entry.key, value, seconds, None, Outcome.UNKNOWN, entry.version)
            )
            return
        index = self._open.pop(by, None)
        if index is None:
            raise ValueError(f"{by[0]} {by[1]} ends without having begun")
        self._end(index, kind, entry, seconds)

    def _end(self, index: int, kind: Kind, entry: _Entry, seconds: float) -> None:
        begun = self._operations[index]
        if (begun.process, begun.kind, begun.key) != (entry.process, kind, entry.key):
            raise ValueError(
                f"an operation began as {begun.kind} of {brief(begun.key)} by process {begun.process} "
                f"and ends as {kind} of {brief(entry.key or '')} by process {entry.process}"
            )
        if kind is Kind.PUT and entry.value not in (None, begun.value):
            raise ValueError("a put ends with another value than it began with")
        value = entry.value if kind is Kind.GET else begun.value
        outcome = _OUTCOMES[entry.type]
        self._operations[index] = Operation(
            begun.process, kind, begun.key, value, begun.start, seconds, outcome, entry.version, entry.stale, entry.note
        )

    def history(self) -> History:
        return History(tuple(self._operations), tuple(self._events))
