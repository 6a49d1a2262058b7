"""Latency over time: the median as an area, the 99th percentile as a line above it, on a logarithmic scale."""

from collections.abc import Sequence
from itertools import groupby
from math import log10

from textual.content import Content

from kvtui.bench.view import BenchView, Second
from kvtui.widgets.bench.columns import filled, planned, spread
from kvtui.widgets.bench.panel import BenchPanel
from kvtui.widgets.tints import Line, Span

AXIS = 7
"""Cells of a label and the axis."""
LEVELS = "▁─▔"
"""A line through a cell: at its foot, in its middle, at its head."""
LEAST_MS = 0.01


class BenchPlot(BenchPanel):
    """As wide and high as there is room."""

    BORDER_TITLE = "Latency over time · ms, logarithmic"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_subtitle = Content.assemble(("█", "$accent"), " p50   ", ("─", "$warning"), " p99")
        self._last: tuple[object, Sequence[Line]] = (None, ())

    def drawn(self, view: BenchView, width: int, height: int) -> Sequence[Line]:
        # What is drawn changes once a second, views come more often.
        about = (view.asked, view.phase, view.seconds, width, height)
        if self._last[0] != about:
            self._last = about, plot_lines(view, width, height)
        return self._last[1]


def plot_lines(view: BenchView, width: int, height: int) -> list[Line]:
    """The plot in ``width`` times ``height`` cells, the time below it."""
    columns, rows = width - AXIS, height - 1
    if columns < 4 or rows < 2:
        return []
    total = planned(view)
    shown = spread(view.seconds, total, columns, lambda second: second.p99)
    points = [second for second in shown if second is not None]
    low, high = bounds(points)
    labels = _labels(low, high, rows)
    drawn = _heights(shown, rows, low, high)
    lines: list[Line] = []
    for row in range(rows):
        above = rows - 1 - row
        label = labels.get(above, "")
        spans: list[Span] = [(f"{label:>{AXIS - 2}} ", "dim"), ("┤" if label else "│", "faint")]
        for cells, top, line in drawn:
            glyph, words = _cell(top, line, above, rows)
            if spans[-1][1] == words:
                spans[-1] = spans[-1][0] + glyph * cells, words
            else:
                spans.append((glyph * cells, words))
        lines.append(tuple(spans))
    drawn_to_the_end = total == len(view.seconds)
    return [*lines, _time_axis(max(1, round(view.elapsed)) if drawn_to_the_end else total, columns)]


def bounds(points: Sequence[Second]) -> tuple[float, float]:
    """The scale's ends in milliseconds, each 1, 2 or 5 times a power of ten, with all medians and 99th percentiles between."""
    if not points:
        return 0.1, 10.0
    low = min(max(LEAST_MS, second.p50) for second in points) / 1.5
    high = max(max(LEAST_MS, second.p99) for second in points) * 1.1
    below = max(step for step in _STEPS if step <= max(low, _STEPS[0]))
    return below, min(step for step in _STEPS if step >= min(high, _STEPS[-1]))


_STEPS = [step * 10.0**power for power in range(-3, 8) for step in (1, 2, 5)]


def _place(milliseconds: float, rows: int, low: float, high: float) -> float:
    """How many rows above the foot of the plot a latency is."""
    part = log10(max(milliseconds, low) / low) / log10(high / low)
    return min(1.0, part) * rows


def _labels(low: float, high: float, rows: int) -> dict[int, str]:
    """What stands at which row above the foot: the ends, and round steps between that are two rows apart at least."""
    labels: dict[int, str] = {0: _label(low)}
    taken = [0, rows - 1]
    for step in _STEPS:
        row = int(_place(step, rows, low, high))
        if low < step < high and all(abs(row - other) >= 2 for other in taken):
            labels[row] = _label(step)
            taken.append(row)
    if rows > 2:
        labels[rows - 1] = _label(high)
    return labels


def _label(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 1 else f"{milliseconds:g}"


def _heights(shown: Sequence[Second | None], rows: int, low: float, high: float) -> list[tuple[int, float, float]]:
    """How many columns in a row show the same second, and where its median and its 99th percentile are; below the foot: nowhere."""
    found: list[tuple[int, float, float]] = []
    for second, same in groupby(shown):
        columns = len(list(same))
        if second is None or not second.longest:
            found.append((columns, -1.0, -1.0))
        else:
            found.append((columns, _place(second.p50, rows, low, high), _place(second.p99, rows, low, high)))
    return found


def _cell(top: float, line: float, above: int, rows: int) -> Span:
    """What a cell shows of a median and a 99th percentile that are so high."""
    if above <= line < above + 1 or (line == rows and above == rows - 1):
        return LEVELS[min(2, int((line - above) * 3))], "warning"
    glyph = filled(top, above)
    return (glyph, "accent") if glyph else (" ", "text")


def _time_axis(total: int, columns: int) -> Line:
    middle = total / 2
    words = [f"{middle:g}" if total > 1 else "", f"{total:,} s"]
    axis = list("0" + " " * (columns - 1))
    if columns >= 24 and words[0]:
        at = columns // 2 - len(words[0]) // 2
        axis[at : at + len(words[0])] = words[0]
    axis[columns - len(words[1]) :] = words[1]
    return ((" " * AXIS + "".join(axis), "dim"),)
