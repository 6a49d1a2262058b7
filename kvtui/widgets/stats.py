"""The numbers: nodes and keys first, then rates and latencies, then what tells whether the data is safe."""

from collections.abc import Sequence

from kvtui.core.snapshot import ClusterSnapshot, OperationView
from kvtui.widgets.balance import balance
from kvtui.widgets.bars import sparkline
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import milliseconds

SPARK_WIDTH = 10


class Stats(LinesPanel):
    """The cluster in numbers."""

    BORDER_TITLE = "Stats"

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return stats_lines(picture.snapshot, width)


def stats_lines(snapshot: ClusterSnapshot, width: int) -> list[Line]:
    """The lines in ``width`` cells."""
    nodes = len(snapshot.nodes)
    average = snapshot.copies / nodes if nodes else 0.0
    lines: list[Line] = [
        _figures(
            [("nodes", f"{nodes:,}", ""), ("keys", f"{snapshot.keys:,}", ""), ("avg/node", f"{average:,.0f}", "")],
            width,
        ),
        _figures(
            [
                ("copies", f"{snapshot.copies:,}", ""),
                ("balance", f"{balance(snapshot):.2f}", ""),
                ("", snapshot.policy, "dim"),
            ],
            width,
        ),
        _operation("put", snapshot.puts, width),
        _operation("get", snapshot.gets, width),
        _safety(snapshot, width),
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
        needed = len(text) + len(value) + (3 if spans else 0)
        if used + needed > width:
            break
        spans += [("   " if spans else "", "text"), (text, "dim"), (value, words or "bold")]
        used += needed
    return tuple(spans)


def _operation(name: str, operation: OperationView, width: int) -> Line:
    rate = f"{operation.rate:,.0f}/s"
    spans: list[Span] = [(f"{name} ", "dim"), (f"{rate:>9} ", "bold" if operation.rate else "dim")]
    spans.append((sparkline(operation.history, SPARK_WIDTH), "accent"))
    latency = f"  p50 {milliseconds(operation.p50)}  p99 {milliseconds(operation.p99)} ms"
    if operation.p99 and 14 + SPARK_WIDTH + len(latency) <= width:
        spans.append((latency, "text"))
    return tuple(spans)


def _safety(snapshot: ClusterSnapshot, width: int) -> Line:
    wide = width >= 46
    figures = [
        ("behind", snapshot.behind, "warning"),
        ("hints", snapshot.hints, "warning"),
        ("under-replicated" if wide else "under", snapshot.under_replicated, "warning"),
    ]
    if snapshot.lost:
        figures.insert(0, ("lost", snapshot.lost, "bad"))
    return _figures(
        [(name, f"{value:,}", f"{words} bold" if value else "good") for name, value, words in figures], width
    )
