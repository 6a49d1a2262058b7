"""Percentiles of latencies, a row a kind of operation."""

from collections.abc import Sequence

from kvtui.bench.view import NOTHING, BenchView, Percentiles
from kvtui.bench.wording import COLUMNS, latencies
from kvtui.widgets.bench.panel import BenchPanel
from kvtui.widgets.tints import Line

NAME, COUNT, COLUMN = 9, 12, 8
FIRST_TO_GO = ("p90", "p99.9", "p50")
"""Columns that are left out where there is no room."""
ALL, TIMED = "all", "as timed"


class BenchLatency(BenchPanel):
    """A table: what each kind of operation took, corrected for coordinated omission, and all of them as they were timed."""

    BORDER_TITLE = "Latency · ms"

    def drawn(self, view: BenchView, width: int, height: int) -> Sequence[Line]:
        return latency_lines(view, width)


def latency_lines(view: BenchView, width: int) -> list[Line]:
    """The table; it has as many rows before the first operation as after the last."""
    shown = list(COLUMNS)
    for name in FIRST_TO_GO:
        if NAME + COLUMN * len(shown) <= width:
            break
        shown.remove(name)
    counted = NAME + COUNT + COLUMN * len(shown) <= width
    heading = (
        f"{'':<{NAME}}" + (f"{'count':>{COUNT}}" if counted else "") + "".join(f"{name:>{COLUMN}}" for name in shown)
    )
    lines: list[Line] = [((heading, "dim"),)]
    known = {str(one.op): (one.ends.all, one.latency) for one in view.ops}
    rows = [(str(op), *known.get(str(op), (0, NOTHING)), "text") for op, _ in view.asked.workload.mix]
    if len(rows) > 1:
        rows.append((ALL, view.ends.all, view.whole, "bold"))
    rows.append((TIMED, view.ends.all, view.measured, "dim"))
    for name, count, found, words in rows:
        lines.append(_row(name, count if counted else None, found, shown, words))
    return lines


def _row(name: str, count: int | None, found: Percentiles, shown: Sequence[str], words: str) -> Line:
    texts = dict(zip(COLUMNS, latencies(found), strict=True))
    figures = "".join(f"{texts[column] if found.longest else '-':>{COLUMN}}" for column in shown)
    many = f"{count:>{COUNT},}" if count is not None else ""
    return (f"{name:<{NAME}}", "dim"), (many, "dim" if words == "dim" else "text"), (figures, words)
