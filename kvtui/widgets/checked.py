"""A live check in lines: how far it is, what clients were told, the newest faults, and at the end the verdict."""

from collections.abc import Sequence

from rich.cells import cell_len

from kvtui.check import Verdict
from kvtui.commands.wording import counted, harmless
from kvtui.widgets.bars import progress_bar
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.wrapping import wrapped_text
from kvtui.workload import CheckView, Phase

FAULTS_SHOWN = 8
"""The newest faults that are listed."""
BAR_MOST = 30
LABEL = 12
"""Cells of the words on the left; 2 where there are fewer than ``NARROW`` in all."""
NARROW = 50
GAP = 3
_VERDICTS = {
    Verdict.LINEARIZABLE: ("✓ linearizable: nothing acknowledged was lost, no read went back", "bold good"),
    Verdict.VIOLATED: ("✗ VIOLATED: what clients were told can't be", "bold bad"),
    Verdict.UNDECIDED: ("? undecided: no violation was found, and that is no pass", "bold warning"),
}


class Checked(LinesPanel):
    """Shows one check as it is now."""

    def __init__(self, view: CheckView) -> None:
        super().__init__(id="checked")
        self._view = view

    def show_view(self, view: CheckView) -> None:
        """Draw a newer view."""
        self._view = view
        self.show()

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return checked_lines(self._view, width)


def checked_lines(view: CheckView, width: int) -> list[Line]:
    """A view in lines of at most ``width`` cells."""
    lines = [*_progress(view, width), ()]
    lines += _labelled("operations", _operations(view), width)
    lines += _labelled("staleness", [_staleness(view)], width)
    lines += _labelled("guarantee", [(view.guarantee, "text")], width)
    if view.faults:
        lines += _faults(view, width)
    if view.report is not None:
        if view.unreadable:
            lines += [(), *_indented(f"{counted(view.unreadable, 'key')} could not be read at the end", "bad", width)]
        for violation in view.report.violations:
            lines.append(())
            for text in violation.lines(width):
                lines += _indented(harmless(text), "bad", width)
    return lines


def _progress(view: CheckView, width: int) -> list[Line]:
    if view.report is not None:
        return _indented(*_VERDICTS[view.report.verdict], width)
    told = f"{min(view.elapsed, view.seconds):.0f} of {view.seconds:g} s"
    done, left = progress_bar(min(1.0, view.elapsed / view.seconds), max(1, min(BAR_MOST, width - len(told) - 2)))
    line: Line = ((done, "accent"), (left, "faint"), (f"  {told}", "text"))
    phase = f"{view.phase}"
    if len(done + left) + 2 + len(told) + GAP + len(phase) <= width:
        return [(*line, (" " * GAP + phase, "dim"))]
    return [line, *_indented(phase, "dim", width)]


def _operations(view: CheckView) -> list[Span]:
    rate = f", {view.rate:,.0f}/s" if view.phase is Phase.RUNNING else ""
    return [
        (f"{view.operations:,}{rate}", "text"),
        (f"{view.ok:,} ok", "good"),
        (f"{view.failed:,} failed", "warning" if view.failed else "dim"),
        (f"{view.unknown:,} unknown", "warning" if view.unknown else "dim"),
        (f"slowest {1000 * view.slowest:,.0f} ms", "text"),
    ]


def _staleness(view: CheckView) -> Span:
    stale = view.staleness
    if not stale.reads:
        return "no stale read", "text"
    worst = f"by at most {counted(stale.versions, 'version')} and {stale.milliseconds:,.0f} ms"
    return f"{counted(stale.reads, 'stale read')}, {stale.behind:,} of them behind, {worst}", "warning"


def _faults(view: CheckView, width: int) -> list[Line]:
    lines: list[Line] = [(("faults", "dim"),)]
    for seconds, text in view.faults[-FAULTS_SHOWN:]:
        time = f"  {seconds:6.1f} s  " if width >= 2 * LABEL else f"{seconds:.0f} s "
        parts = wrapped_text(harmless(text), max(8, width - len(time)))
        lines += [
            ((time if place == 0 else " " * len(time), "dim"), (part, "text")) for place, part in enumerate(parts)
        ]
    return lines


def _indented(text: str, words: str, width: int) -> list[Line]:
    """A sentence in lines, those after the first indented."""
    parts = wrapped_text(text, max(8, width - 2))
    return [((part if place == 0 else f"  {part}", words),) for place, part in enumerate(parts)]


def _labelled(name: str, spans: Sequence[Span], width: int) -> list[Line]:
    """A name, and what there is to say, ``GAP`` apart, on as many lines as it takes."""
    label = LABEL if width >= NARROW else 2
    room = max(8, width - label)
    rows: list[list[Span]] = [[]]
    used = 0
    for text, words in spans:
        for place, part in enumerate(wrapped_text(text, room)):
            size = cell_len(part)
            if place or (used and used + GAP + size > room):
                rows.append([])
                used = 0
            if used:
                rows[-1].append((" " * GAP, "text"))
                used += GAP
            rows[-1].append((part, words))
            used += size
    if label < LABEL:
        return [((name, "dim"),), *(((" " * label, "dim"), *row) for row in rows)]
    return [((f"{name if place == 0 else '':<{label}}", "dim"), *row) for place, row in enumerate(rows)]
