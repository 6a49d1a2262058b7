"""Seconds as columns of cells."""

from collections.abc import Callable, Sequence

from kvtui.bench.view import BenchView, Phase, Second
from kvtui.widgets.bars import LOWER_EIGHTHS


def planned(view: BenchView) -> int:
    """How many seconds there are to draw: while clients run those to come included, where that is known."""
    ended = view.phase in (Phase.CLEANING, Phase.DONE) or view.asked.operations is not None
    return max(len(view.seconds), 0 if ended else view.asked.seconds, 1)


def spread(
    seconds: Sequence[Second], total: int, columns: int, worst: Callable[[Second], float]
) -> list[Second | None]:
    """A second a column, or several columns where there are few seconds, or the worst of several where there are many: that of
    which ``worst`` is the largest. None: a column whose time has not come."""
    found: list[Second | None] = []
    for column in range(columns):
        start = column * total // columns
        stop = max(start + 1, (column + 1) * total // columns)
        part = seconds[start:stop]
        found.append(max(part, key=worst) if part else None)
    return found


def filled(height: float, above: int) -> str:
    """What a column of so many rows fills of the cell that is ``above`` others; empty where it does not reach it."""
    eighths = int((height - above) * 8)
    return LOWER_EIGHTHS[min(7, eighths - 1)] if eighths > 0 else ""
