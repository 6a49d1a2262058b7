"""How many operations a second, now and over time."""

from collections.abc import Sequence

from kvtui.bench.view import BenchView, Phase
from kvtui.bench.wording import ends_words
from kvtui.widgets.bench.columns import filled, planned, spread
from kvtui.widgets.bench.digits import ROWS, large
from kvtui.widgets.bench.panel import BenchPanel
from kvtui.widgets.tints import Line
from kvtui.widgets.words import in_words

GAP = 3
SPARK_LEAST = 8
LARGE_LEAST = 40
"""Fewer cells have no room for large digits."""
TALL = 30
"""Rows of a screen that has room for large digits."""


class BenchThroughput(BenchPanel):
    """A large number, its history, and how operations ended."""

    BORDER_TITLE = "Throughput · operations/s"

    def __init__(self, *, letters: bool, id: str | None = None) -> None:
        """``letters``: the terminal has nothing to draw large digits with."""
        super().__init__(id=id)
        self._letters = letters

    def drawn(self, view: BenchView, width: int, height: int) -> Sequence[Line]:
        small = self._letters or width < LARGE_LEAST or self.app.size.height < TALL
        return throughput_lines(view, width, small=small)


def throughput_lines(view: BenchView, width: int, *, small: bool) -> list[Line]:
    """Two lines where it is ``small``, else four."""
    rates = [second.rate for second in view.seconds]
    rate = view.rate if view.phase in (Phase.DONE, Phase.CLEANING) else (rates[-1] if rates else 0.0)
    number = f"{rate:,.0f}" if rates else "-"
    ends = view.ends
    told = "bad" if ends.failed or ends.unknown else "warning" if ends.absent else "dim"
    begun, words = f"{ends.ok:,} ok", f", {ends_words(ends)}"
    if len(begun) + len(words) > width:
        words = f", {ends.failed:,} failed, {ends.unknown:,} unknown"
    counted: Line = ((begun, "text"), (in_words(words, max(0, width - len(begun))), told))
    if small:
        return [
            ((number, "bold"), (" " * GAP, "text"), (_history(view, width - len(number) - GAP, 1, 0), "accent")),
            counted,
        ]
    rows = large(number)
    room = width - len(rows[0]) - GAP
    lines: list[Line] = []
    for place, row in enumerate(rows):
        lines.append(((row, "bold"), (" " * GAP, "text"), (_history(view, room, ROWS, ROWS - 1 - place), "accent")))
    return [*lines, counted]


def _history(view: BenchView, width: int, rows: int, above: int) -> str:
    """One of the rows of the history, which is so many high, from zero to the highest rate; ``above`` others."""
    if width < SPARK_LEAST:
        return ""
    top = max((second.rate for second in view.seconds), default=0.0) or 1.0
    shown = spread(view.seconds, planned(view), width, lambda second: -second.rate)
    return "".join((filled(second.rate / top * rows, above) if second else "") or " " for second in shown)
