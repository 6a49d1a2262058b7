"""Draws operations as bars over time, as text: one row an operation, in the order of their starts."""

from __future__ import annotations

from collections.abc import Sequence

from kvtui.check.operation import Kind, Operation, Outcome
from kvtui.notation import brief, in_quotes

WIDTH = 80
LEAST_WIDTH = 40
VALUE_WIDTH = 16
NOTHING = "nothing"
"""What a get of a key that was not there is told."""
KEY_WIDTH = 12


def timeline(operations: Sequence[Operation], width: int = WIDTH) -> list[str]:
    """Lines of at most ``width`` columns (40 or more), the first a heading.

    Each row tells when the operation started (milliseconds after the first), which client it was, what it asked and was told, its
    version, and draws ``├──┤`` from start to end; ``├──···`` has no known end, ``┼`` no length, and ``╌`` bars are failed ones.
    Time is stretched where much happens, so that what came first is left of what came later wherever there is room.
    """
    if not operations:
        return []
    width = max(width, LEAST_WIDTH)
    ordered = sorted(operations, key=lambda operation: operation.start)
    several = len({operation.key for operation in ordered}) > 1
    origin = ordered[0].start
    cells = [_cells(operation, origin, several) for operation in ordered]
    heading = ("ms", "client", "operation", "version" if any(row[3] for row in cells) else "")
    widths = [max(len(row[column]) for row in [heading, *cells]) for column in range(4)]
    room = max(width - sum(widths) - 4, 10)
    text_width = width - room - 1
    columns = _columns(ordered, room)
    lines = [_label(heading, widths, text_width)]
    for operation, row in zip(ordered, cells, strict=True):
        lines.append(f"{_label(row, widths, text_width):<{text_width}} {_bar(operation, columns, room)}".rstrip())
    return lines


def _label(cells: Sequence[str], widths: list[int], width: int) -> str:
    text = f"{cells[0]:>{widths[0]}} {cells[1]:<{widths[1]}} {cells[2]:<{widths[2]}} {cells[3]:<{widths[3]}}"
    return _cut(text.rstrip(), width)


def _cells(operation: Operation, origin: float, several: bool) -> tuple[str, str, str, str]:
    version = "" if operation.version is None else f"{operation.version[0]}.{operation.version[1]}"
    milliseconds = f"{(operation.start - origin) * 1000:.1f}"
    return milliseconds, f"p{operation.process}", _asked(operation, several), version


def _asked(operation: Operation, several: bool) -> str:
    words: list[str] = [operation.kind.value]
    if several:
        words.append(brief(operation.key, KEY_WIDTH))
    if operation.kind is Kind.PUT and operation.value is not None:
        words.append(value_words(operation.value, VALUE_WIDTH))
    if operation.kind is Kind.GET and operation.outcome is Outcome.OK:
        words.append("-> " + (NOTHING if operation.value is None else value_words(operation.value, VALUE_WIDTH)))
    if operation.stale:
        words.append("stale")
    if operation.outcome is not Outcome.OK:
        words.append(operation.outcome.value)
    return " ".join(words)


def value_words(text: str, width: int = KEY_WIDTH * 3) -> str:
    """A value, cut where it is long."""
    return in_quotes(text) if text == NOTHING else brief(text, width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _columns(operations: Sequence[Operation], room: int) -> dict[float, int]:
    """The column of every start and end: one for each moment if there is room for it, the rest shared out by time."""
    moments = sorted(
        {operation.start for operation in operations}
        | {operation.end for operation in operations if operation.end is not None}
    )
    span = moments[-1] - moments[0]
    last = room - 1
    free = max(last - (len(moments) - 1), 0)
    steps = last - free
    columns: dict[float, int] = {}
    for rank, moment in enumerate(moments):
        by_rank = steps * rank / max(len(moments) - 1, 1)
        by_time = free * (moment - moments[0]) / span if span else 0.0
        columns[moment] = min(int(by_rank + by_time + 1e-6), last)
    return columns


def _bar(operation: Operation, columns: dict[float, int], room: int) -> str:
    first = columns[operation.start]
    if operation.end is None or operation.outcome is Outcome.UNKNOWN:
        told = room if operation.end is None else columns[operation.end]
        solid = max(min(told, room - 3) - first - 1, 0)
        return " " * first + ("├" + "─" * solid).ljust(room - first, "·")
    last = columns[operation.end]
    line = "╌" if operation.outcome is Outcome.FAILED else "─"
    if first == last:
        return " " * first + "┼"
    return " " * first + "├" + line * (last - first - 1) + "┤"
