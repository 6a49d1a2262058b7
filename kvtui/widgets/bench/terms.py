"""What a run means: what was asked, under which guarantee, corrected how, and beside which earlier one."""

from collections.abc import Sequence
from textwrap import wrap

from kvtui.bench.compare import Comparison, Verdict
from kvtui.bench.view import BenchView
from kvtui.bench.wording import change_words, data_words, load_words, settings_words
from kvtui.widgets.bench.panel import BenchPanel
from kvtui.widgets.tints import Line

LABEL = 11
_COLOURS = {Verdict.BETTER: "good", Verdict.WORSE: "bad", Verdict.SAME: "dim", Verdict.UNKNOWN: "dim"}


class BenchTerms(BenchPanel):
    """Words about the run."""

    BORDER_TITLE = "Run"

    def drawn(self, view: BenchView, width: int, height: int) -> Sequence[Line]:
        return terms_lines(view, width)


def terms_lines(view: BenchView, width: int) -> list[Line]:
    """All that is known so far: more of it once the run is done."""
    lines = _labelled("clients", load_words(view.asked), "text", width)
    lines += _labelled("records", data_words(view.asked), "text", width)
    result = view.result
    if result is None:
        return lines + _labelled("guarantee", view.guarantee, "text", width)
    lines += _labelled("guarantee", result.guarantee.words, "text", width)
    if result.guarantee.weakened:
        lines += _labelled("", f"for a time less: {result.guarantee.weakened}", "warning", width)
    lines += _labelled("", settings_words(result.guarantee), "dim", width)
    lines += _labelled("latency", result.omission, "dim", width)
    lines += _labelled("", result.counted, "dim", width)
    lines += _labelled("where", result.clients, "dim", width)
    lines += _labelled("CPU", f"{result.cpu:,.1f} µs an operation", "dim", width)
    if view.saved:
        lines += _labelled("saved", view.saved, "good", width)
    if view.comparison is not None:
        lines += [(), *_compared(view.comparison, width)]
    return lines


def _compared(comparison: Comparison, width: int) -> list[Line]:
    lines = _labelled("against", f"the run of {comparison.began}", "dim", width)
    for change in comparison.changes:
        ratio, figures, verdict = change_words(change)
        colour = _COLOURS[change.verdict]
        line: Line = ((f"{change.name:<{LABEL}}", "dim"), (f"{ratio:>7}", f"bold {colour}" if verdict else "text"))
        if width >= LABEL + 8 + 26 + 12:
            line = (*line, (f"  {figures:<26}", "dim"), (verdict, colour))
        elif width >= LABEL + 8 + 13:
            line = (*line, (f"  {verdict}", colour))
        lines.append(line)
    if comparison.differences:
        lines += _labelled("not same", "; ".join(comparison.differences), "warning", width)
    return lines


def _labelled(name: str, text: str, words: str, width: int) -> list[Line]:
    parts = wrap(text, max(8, width - LABEL)) or [""]
    return [((f"{name if place == 0 else '':<{LABEL}}", "dim"), (part, words)) for place, part in enumerate(parts)]
