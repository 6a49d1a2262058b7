"""The numbers: nodes and keys first, then what tells whether the data is safe, then rates and latencies."""

from collections.abc import Sequence

from kvtui.commands.trouble import trouble_lines
from kvtui.commands.wording import harmless
from kvtui.core.balance import balance
from kvtui.core.events import Level
from kvtui.core.snapshot import ClusterSnapshot, OperationView
from kvtui.widgets.bars import sparkline
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import milliseconds
from kvtui.widgets.wrapping import wrapped_text

LEAST_SPARK, MOST_SPARK = 6, 60
NAME, RATE, LATENCY = 4, 9, 7
"""Cells of ``put``, of ``12,408/s`` and of one latency."""
GAP = 3
LATENCIES = ("p50", "p99", "p99.9", "max")
FIRST_TO_GO = ("p99.9", "p50", "max")
"""Latencies that are left out where there is no room."""


class Stats(LinesPanel):
    """The cluster in numbers."""

    BORDER_TITLE = "Stats"

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return stats_lines(picture.snapshot, width)


def stats_lines(snapshot: ClusterSnapshot, width: int) -> list[Line]:
    """The lines in ``width`` cells."""
    nodes = len(snapshot.nodes)
    average = snapshot.copies / nodes if nodes else 0.0
    shown, spark = _columns(width)
    lines: list[Line] = [
        _figures(
            [("nodes", f"{nodes:,}", ""), ("keys", f"{snapshot.keys:,}", ""), ("copies", f"{snapshot.copies:,}", "")],
            width,
        ),
        _figures(
            [
                ("copies/node", f"{average:,.0f}", ""),
                ("balance", f"{balance(snapshot):.2f}", ""),
                ("", snapshot.policy, "dim"),
            ],
            width,
        ),
        *_unserved(snapshot, width),
        *_safety(snapshot, width),
        _heading(shown, spark),
        _operation("put", snapshot.puts, shown, spark),
        _operation("get", snapshot.gets, shown, spark),
    ]
    if not snapshot.durable:
        lines.append((("memory only: nothing is durable", "warning"),))
    return lines


def _figures(figures: Sequence[tuple[str, str, str]], width: int) -> Line:
    """Names and numbers, as many as there is room for."""
    spans: list[Span] = []
    used = 0
    for name, value, words in figures:
        text = f"{name} " if name else ""
        needed = len(text) + len(value) + (GAP if spans else 0)
        if used + needed > width:
            break
        spans += [(" " * GAP if spans else "", "text"), (text, "dim"), (value, words or "bold")]
        used += needed
    return tuple(spans)


def _columns(width: int) -> tuple[list[str], int]:
    """Which latencies there is room for, and how many cells of a sparkline between rate and latencies."""
    shown = list(LATENCIES)
    for name in FIRST_TO_GO:
        if NAME + RATE + 1 + LEAST_SPARK + LATENCY * len(shown) <= width:
            break
        shown.remove(name)
    room = width - NAME - RATE - 1 - LATENCY * len(shown)
    return shown, max(0, min(MOST_SPARK, room))


def _heading(shown: Sequence[str], spark: int) -> Line:
    """What the columns below are: the last 10 seconds, in milliseconds."""
    words = next((text for text in ("ms, last 10 s", "ms, 10 s", "ms") if len(text) <= NAME + RATE + 1 + spark), "")
    names = "".join(f"{name:>{LATENCY}}" for name in shown)
    return ((f"{words:<{NAME + RATE + 1 + spark}}{names}", "dim"),)


def _operation(name: str, operation: OperationView, shown: Sequence[str], spark: int) -> Line:
    rate = f"{operation.rate:,.0f}/s"
    spans: list[Span] = [(f"{name:<{NAME}}", "dim"), (f"{rate:>{RATE}} ", "bold" if operation.rate else "dim")]
    spans.append((sparkline(operation.history, spark), "accent"))
    values = dict(zip(LATENCIES, (operation.p50, operation.p99, operation.p999, operation.longest), strict=True))
    for latency in shown:
        text = milliseconds(values[latency]) if values[latency] else "-"
        spans.append((f"{text:>{LATENCY}}", "text" if values[latency] else "dim"))
    return tuple(spans)


def _unserved(snapshot: ClusterSnapshot, width: int) -> list[Line]:
    """What is not served, and how many keys that leaves; nothing while all is."""
    return [
        ((part, "bad" if line.level is Level.BAD else "warning"),)
        for line in trouble_lines(snapshot)
        for part in wrapped_text(harmless(line.text), width)
    ]


def _safety(snapshot: ClusterSnapshot, width: int) -> list[Line]:
    """The numbers that say whether the data is safe: all of them 0. On two lines where there is no room for all on one."""
    figures = [
        ("lost", snapshot.lost, "bad"),
        ("behind", snapshot.behind, "warning"),
        ("hints", snapshot.hints, "warning"),
        ("under-replicated", snapshot.under_replicated, "warning"),
    ]
    if _width(figures) > width:
        figures[3] = ("under", *figures[3][1:])
    texts = [(name, f"{value:,}", f"{words} bold" if value else "good") for name, value, words in figures]
    if _width(figures) <= width:
        return [_figures(texts, width)]
    return [_figures(texts[:2], width), _figures(texts[2:], width)]


def _width(figures: Sequence[tuple[str, int, str]]) -> int:
    return sum(len(name) + 1 + len(f"{value:,}") for name, value, _ in figures) + GAP * (len(figures) - 1)
