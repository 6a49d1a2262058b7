"""Lines of the nodes panel: a node with its state, place, keys and share, and below it what is going on with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len

from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView
from kvtui.widgets.bars import bar, progress_bar, scale
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import counted, harmless, percent, short

LONGEST_ID = 12
LEAST_SCALE = 10
"""Keys that a full bar stands for, at least."""
LEAST_BAR, MOST_BAR = 4, 60


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A line, and the node that it is about."""

    node: str
    line: Line


@dataclass(frozen=True, slots=True)
class Columns:
    """How many cells each column has; 0: left out."""

    id: int
    state: int
    address: int
    keys: int
    bar: int


def node_lines(snapshot: ClusterSnapshot, colours: Mapping[str, int], selected: str, width: int) -> list[NodeLine]:
    """One line a node in join order, and a second where it moves, lags or has something to say."""
    if not snapshot.nodes:
        return [
            NodeLine("", (("no nodes yet", "dim"),)),
            NodeLine("", (("addnode A 5001", "accent"), (" starts one", "dim"))),
        ]
    columns = _columns(snapshot, width)
    top = scale(max(LEAST_SCALE, *(node.keys for node in snapshot.nodes)))
    total = sum(node.share for node in snapshot.nodes)
    lines = []
    for node in snapshot.nodes:
        share = node.share / total if total else 0.0
        lines.append(
            NodeLine(
                node.id, _main(node, columns, colours.get(node.id, 0), node.keys / top, share, node.id == selected)
            )
        )
        lines += [NodeLine(node.id, line) for line in _details(node, colours.get(node.id, 0), width)]
    return lines


def state_of(node: NodeView) -> tuple[str, str, str]:
    """Glyph, word and colour of a node's state."""
    if node.state is NodeState.DOWN:
        return "○", "down", "bad"
    if node.state is NodeState.SUSPECT:
        return "◌", "suspect", "warning"
    if node.leaving:
        return "◑", "leaving", "warning"
    if node.receiving is not None and node.receiving.done < node.receiving.total:
        return "◐", "joining" if not node.share else "filling", "accent"
    return "●", "up", "good"


def address(node: NodeView) -> str:
    """Only the port on this machine, which goes without saying."""
    return f":{node.port}" if node.host in ("127.0.0.1", "localhost", "::1") else f"{node.host}:{node.port}"


def _columns(snapshot: ClusterSnapshot, width: int) -> Columns:
    """Bars take what is left; without enough of it the address goes first, then the bar."""
    ids = min(LONGEST_ID, max(cell_len(harmless(node.id)) for node in snapshot.nodes))
    states = max(len(state_of(node)[1]) for node in snapshot.nodes)
    keys = max(len(f"{node.keys:,}") for node in snapshot.nodes)
    addresses = max(len(address(node)) for node in snapshot.nodes)
    fixed = 2 + ids + 1 + states + 1 + keys + 1 + 6
    room = width - fixed - 1
    if room - addresses - 1 >= 2 * LEAST_BAR:
        return Columns(ids, states, addresses, keys, min(MOST_BAR, room - addresses - 1))
    return Columns(ids, states, 0, keys, min(MOST_BAR, room) if room >= LEAST_BAR else 0)


def _main(node: NodeView, columns: Columns, colour: int, fraction: float, share: float, selected: bool) -> Line:
    glyph, word, words = state_of(node)
    name = short(harmless(node.id), columns.id)
    spans: list[Span] = [
        (f"{glyph} ", f"node:{colour}"),
        (name + " " * (columns.id - cell_len(name)) + " ", f"node:{colour} bold" + (" reverse" if selected else "")),
        (f"{word:<{columns.state}} ", words),
    ]
    if columns.address:
        spans.append((f"{address(node):<{columns.address}} ", "dim"))
    if columns.bar:
        filled, empty = bar(fraction, columns.bar)
        spans += [(filled, "dim" if node.state is NodeState.DOWN else f"node:{colour}"), (empty + " ", "faint")]
    spans.append((f"{node.keys:>{columns.keys},} ", "text"))
    spans.append((f"{percent(share):>6}", "dim"))
    return tuple(spans)


def _details(node: NodeView, colour: int, width: int) -> list[Line]:
    """What is going on: slots on their way, writes it may lack, and what a person should know."""
    lines: list[Line] = []
    moving = node.receiving
    if moving is not None and moving.done < moving.total:
        words = f"  receiving {moving.done:,} of {counted(moving.total, 'slot')} "
        end = f" {moving.fraction:>4.0%}"
        room = width - len(words) - len(end)
        if room < LEAST_BAR:
            words, room = "  receiving ", width - len("  receiving ") - len(end)
        done, left = progress_bar(moving.fraction, max(0, min(MOST_BAR, room)))
        lines.append(((words, "dim"), (done, f"node:{colour}"), (left, "faint"), (end, "text")))
    if node.behind:
        lines.append(((short(f"  behind: {counted(node.behind, 'slot')} may lack writes", width), "warning"),))
    if not node.durable:
        lines.append((("  memory only", "dim"),))
    if node.fault:
        lines.append((("  " + short(f"by command: {node.fault}", width - 2), "warning"),))
    if node.note:
        lines.append((("  " + short(harmless(node.note), width - 2), "warning"),))
    return lines
