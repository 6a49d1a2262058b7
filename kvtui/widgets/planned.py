"""What a change would do, drawn: a bar a node of what stays, comes and goes, who copies to whom, and what to know before."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

from rich.cells import cell_len

from kvtui.commands.plans import balance_words, copies_words, flow_words, most_changed, moves_words, share_of
from kvtui.commands.wording import harmless
from kvtui.core.events import Level
from kvtui.core.plan import NodePlan, Plan
from kvtui.core.snapshot import NodeState
from kvtui.widgets.folding import folded
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import in_words, percent, short

LABEL = 8
NARROW = 46
"""Fewer cells than these are few."""
NAME_MOST = 10
NODES_DRAWN = 50
"""Nodes that get a bar; those that change most."""
FLOWS_DRAWN = 12
BAR_LEAST, BAR_MOST = 6, 60
STAYS, COMES, GOES = "█", "▓", "░"
_MARKS = {
    Level.BAD: ("✗", "bad"),
    Level.WARNING: ("!", "warning"),
    Level.INFO: ("·", "text"),
    Level.GOOD: ("✓", "good"),
}


class Planned(LinesPanel):
    """Shows one plan."""

    def __init__(self, made: Plan, picture: Picture) -> None:
        """``picture`` has the nodes' colours, of those to come as well."""
        super().__init__()
        self._made = made
        self.set_reactive(Planned.picture, picture)

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return planned_lines(self._made, picture.colours, width)


def planned_lines(made: Plan, colours: Mapping[str, int], width: int) -> list[Line]:
    """The plan in lines of at most ``width`` cells."""
    lines: list[Line] = []
    for name, words in (("moves", moves_words(made)), ("copies", copies_words(made)), ("balance", balance_words(made))):
        lines += _labelled(name, _arrows(words), width)
    if made.nodes:
        lines += [(), *_node_lines(made, colours, width)]
    if made.flows:
        lines += [(), *_flow_lines(made, width)]
    if made.risks:
        lines.append(())
    for risk in made.risks:
        mark, words = _MARKS[risk.level]
        parts = wrap(risk.text, max(8, width - 2))
        lines += [
            ((f"{mark if place == 0 else ' '} ", f"bold {words}"), (part, words)) for place, part in enumerate(parts)
        ]
    return folded(lines, width, LABEL)


def node_bar(before: int, after: int, scale: int, width: int) -> tuple[str, str, str]:
    """What stays, comes and goes, in cells of a bar of ``width`` that stands for ``scale``. What changes shows at least a cell."""
    if not scale:
        return "", "", ""
    low, high = round(min(before, after) / scale * width), round(max(before, after) / scale * width)
    if before != after:
        high = max(1, high)
        low = min(low, high - 1)
    changing = high - low
    return STAYS * low, COMES * changing if after > before else "", GOES * changing if before > after else ""


def _node_lines(made: Plan, colours: Mapping[str, int], width: int) -> list[Line]:
    shown = most_changed(made, NODES_DRAWN)
    names = min(NAME_MOST, max(cell_len(harmless(node.node)) for node in shown))
    scale = max(max(node.slots) for node in shown)
    digits = max(len(f"{number:,}") for node in shown for number in node.slots)
    figures = [f"{node.slots.before:>{digits},} → {node.slots.after:>{digits},} slots" for node in shown]
    bar = width - names - 3 - len(figures[0]) - 1
    for columns, least in (
        (
            [
                f"{percent(share.before):>5} → {percent(share.after):>5}"
                for share in (share_of(one, made) for one in shown)
            ],
            12,
        ),
        ([_moved(node) for node in shown], 20),
    ):
        size = max(map(len, columns))
        if size and bar - size - 2 >= least:
            figures = [f"{known}  {more:>{size}}" for known, more in zip(figures, columns, strict=True)]
            bar -= size + 2
    bar = min(BAR_MOST, bar) if bar >= BAR_LEAST else 0
    lines: list[Line] = []
    if bar:
        lines.append(((" " * (names + 3) + f"{STAYS} stays  {COMES} comes  {GOES} goes", "dim"),))
    for node, figure in zip(shown, figures, strict=True):
        colour = f"node:{colours.get(node.node, 0)}"
        name = short(harmless(node.node), names)
        glyph, how = _state(node)
        stays, comes, goes = node_bar(*node.slots, scale, bar) if bar else ("", "", "")
        rest = bar - len(stays) - len(comes) - len(goes)
        spans: list[Span] = [
            (f"{glyph} ", how),
            (name + " " * (names - cell_len(name)) + " ", f"bold {colour}"),
            (stays + comes, colour),
            (goes, "dim"),
            (" " * (rest + (bar > 0)), "faint"),
            (in_words(figure, width - names - 3), "text"),
        ]
        lines.append(tuple(span for span in spans if span[0]))
    if len(shown) < len(made.nodes):
        lines.append(((f"  … and {len(made.nodes) - len(shown):,} nodes that change less", "dim"),))
    return lines


def _moved(node: NodePlan) -> str:
    """Slots that come and go."""
    parts = [f"+{node.gains:,}"] if node.gains else []
    parts += [f"−{node.drops:,}"] if node.drops else []
    return " ".join(parts)


def _state(node: NodePlan) -> tuple[str, str]:
    if node.state is None:
        return "+", "accent"
    return ("○", "bad") if node.state is NodeState.DOWN else ("●", "good")


def _flow_lines(made: Plan, width: int) -> list[Line]:
    lines: list[Line] = []
    for place, flow in enumerate(made.flows[:FLOWS_DRAWN]):
        words = in_words(_arrows(flow_words(flow)), width - LABEL)
        lines.append(
            ((f"{'copying' if place == 0 else '':<{LABEL}}", "dim"), (words, "text" if flow.source else "bad"))
        )
    rest = made.flows[FLOWS_DRAWN:]
    if rest:
        lines.append(((f"{'':<{LABEL}}… and {len(rest):,} more pairs", "dim"),))
    return lines


def _labelled(name: str, text: str, width: int) -> list[Line]:
    parts = wrap(text, max(8, width - LABEL)) or [""]
    return [((f"{name if place == 0 else '':<{LABEL}}", "dim"), (part, "text")) for place, part in enumerate(parts)]


def _arrows(words: str) -> str:
    return words.replace("->", "→")
