"""What each node does of it."""

from collections.abc import Mapping, Sequence

from kvtui.bench.view import BenchView
from kvtui.bench.wording import latency
from kvtui.commands.wording import harmless
from kvtui.widgets.bars import bar, scale
from kvtui.widgets.bench.panel import BenchPanel
from kvtui.widgets.tints import Line
from kvtui.widgets.words import short

NAME_MOST, RATE, LATENCY = 10, 11, 8
BAR_LEAST, BAR_MOST = 5, 40
SHOWN_MOST = 32


class BenchNodes(BenchPanel):
    """A row a node: keys a second, and its own latency."""

    BORDER_TITLE = "Nodes · keys/s, ms"

    def drawn(self, view: BenchView, width: int, height: int) -> Sequence[Line]:
        return node_lines(view, self.colours, width)


def node_lines(view: BenchView, colours: Mapping[str, int], width: int) -> list[Line]:
    """The rows under a heading; the bar goes where there is no room for it."""
    nodes = view.nodes[:SHOWN_MOST]
    if not nodes:
        return [(("none", "dim"),)]
    names = min(NAME_MOST, max(len(harmless(node.id)) for node in nodes))
    room = min(BAR_MOST, width - 2 - names - RATE - 1 - 2 * LATENCY)
    room = room if room >= BAR_LEAST else 0
    top = scale(max(1, round(max(node.rate for node in nodes))))
    gap = " " * (room + 1) if room else ""
    lines: list[Line] = [((f"{'':<{2 + names}}{'keys/s':>{RATE}}{gap}{'p50':>{LATENCY}}{'p99':>{LATENCY}}", "dim"),)]
    for node in nodes:
        colour = f"node:{colours.get(node.id, 0)}"
        full, empty = bar(node.rate / top, room) if room else ("", "")
        lines.append(
            (
                ("● ", colour),
                (f"{short(harmless(node.id), names):<{names}}", f"bold {colour}"),
                (f"{node.rate:>{RATE},.0f}" + (" " if room else ""), "text"),
                (full, colour),
                (empty, "faint"),
                (f"{latency(node.p50) if node.p50 else '-':>{LATENCY}}", "text"),
                (f"{latency(node.p99) if node.p99 else '-':>{LATENCY}}", "text"),
            )
        )
    if len(view.nodes) > SHOWN_MOST:
        lines.append(((f"and {len(view.nodes) - SHOWN_MOST} more", "dim"),))
    return lines
