"""The line on top of a bench: what runs, and how far it has come."""

from collections.abc import Sequence

from kvtui.bench.view import BenchView, Phase
from kvtui.bench.wording import ends_words
from kvtui.widgets.bars import progress_bar
from kvtui.widgets.bench.panel import BenchPanel
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import in_words

BAR_LEAST, BAR_MOST = 6, 24


class BenchHeadline(BenchPanel):
    """Workload and progress."""

    def drawn(self, view: BenchView, width: int, height: int) -> Sequence[Line]:
        return [headline(view, width)]


def headline(view: BenchView, width: int) -> Line:
    """The line in ``width`` cells; what the workload does goes first where there is no room."""
    name = f" bench {view.asked.workload.name}"
    right = _progress(view, width - len(name) - 2)
    used = sum(len(text) for text, _ in right)
    room = width - len(name) - used - 1
    words = in_words(f" · {view.asked.workload.words}", room) if room > 8 else ""
    gap = " " * max(1, width - len(name) - len(words) - used - 1)
    return ((name, "bold accent"), (words, "dim"), (gap, "text"), *right)


def _progress(view: BenchView, width: int) -> list[Span]:
    if view.phase is Phase.DONE:
        return [_end(view, width)]
    words = progress_words(view)
    if len(words) > width:
        words = words.removeprefix(f"{view.phase} ")
    bar = min(BAR_MOST, width - len(words) - 3)
    if bar < BAR_LEAST:
        return [(words, "text")]
    done, left = progress_bar(view.fraction, bar)
    return [(done, "accent"), (left, "faint"), (f"  {words}", "text")]


def progress_words(view: BenchView) -> str:
    """``7 of 10 s``; records or operations where those are what is counted."""
    if view.phase is not Phase.RUNNING:
        return f"{view.phase} {view.done:,} of {view.total:,}"
    if view.asked.operations is not None:
        return f"{min(view.ends.all, view.asked.operations):,} of {view.asked.operations:,}"
    return f"{min(view.elapsed, view.asked.seconds):.0f} of {view.asked.seconds:,} s"


def _end(view: BenchView, width: int) -> Span:
    ends = view.ends
    if not ends.all:
        return "nothing measured", "warning"
    if not ends.good:
        words = f"✗ {ends_words(ends)}"
        return words if len(words) <= width else f"✗ {ends.failed + ends.unknown + ends.absent:,} went wrong", "bad"
    early = view.asked.operations is None and view.elapsed < view.asked.seconds - 0.5
    return (f"stopped after {view.elapsed:.1f} s", "warning") if early else (f"✓ done in {view.elapsed:.1f} s", "good")
