"""Lines of the nodes panel: a node with its state, place, a bar and share, and below it what is going on with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len

from kvtui.commands import duration
from kvtui.commands.wording import harmless
from kvtui.core.naming import named
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView
from kvtui.widgets.bars import bar, marked, progress_bar
from kvtui.widgets.measures import Measure, Order, Scale, ordered, text_of, value_of
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import counted, in_words, percent, short

LONGEST_ID = 12
LEAST_BAR, MOST_BAR = 4, 60
MARK = "│"
"""Where a node's bar would end if it held exactly its quota."""
SHARE = 6
"""Cells of ``33.3%``."""
QUOTA = len(" of 33.3%")


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
    value: int
    bar: int
    quota: int


class NodeLines:
    """The lines of a snapshot, each made only when it is asked for: of a thousand nodes a panel shows thirty.

    One line a node, and more where it moves, lags or has something to say.
    """

    def __init__(
        self,
        snapshot: ClusterSnapshot,
        colours: Mapping[str, int],
        selected: str,
        width: int,
        measure: Measure = Measure.COPIES,
        order: Order = Order.JOINED,
    ) -> None:
        self._colours, self._selected, self._width = colours, selected, width
        self._rows: list[tuple[NodeView, _Row]] = []
        self._first: dict[str, int] = {}
        self._total = sum(node.share for node in snapshot.nodes)
        self._quotas = sum(node.quota for node in snapshot.nodes)
        for node in ordered(snapshot.nodes, order, measure):
            self._first[node.id] = len(self._rows)
            self._rows += [(node, row) for row in _rows(node, snapshot.durable)]
        if self._rows:
            self._scale = Scale.of(measure, snapshot.nodes)
            self._columns = _columns(snapshot, width, self._scale)

    def __len__(self) -> int:
        return len(self._rows) or len(_NO_NODES)

    def __getitem__(self, row: int) -> NodeLine:
        """The line of a row that there is."""
        if not self._rows:
            return NodeLine("", _NO_NODES[row])
        node, make = self._rows[row]
        return NodeLine(node.id, make(self, node))

    @property
    def ids(self) -> list[str]:
        """The nodes from top to bottom."""
        return list(self._first)

    def row_of(self, node: str) -> int | None:
        """The first row of a node; None for one that isn't there."""
        return self._first.get(node)

    def node_at(self, row: int) -> str:
        """The node of a row; empty where there is none."""
        return self._rows[row][0].id if 0 <= row < len(self._rows) else ""

    def _main(self, node: NodeView) -> Line:
        columns = self._columns
        colour = self._colours.get(node.id, 0)
        glyph, word, words = state_of(node)
        name = short(harmless(node.id), columns.id)
        chosen = " reverse" if node.id == self._selected else ""
        spans: list[Span] = [
            (f"{glyph} ", f"node:{colour}"),
            (name + " " * (columns.id - cell_len(name)), f"node:{colour} bold{chosen}"),
            (f" {word:<{columns.state}} ", words),
        ]
        if columns.address:
            spans.append((f"{address(node):<{columns.address}} ", "dim"))
        value = value_of(self._scale.measure, node)
        if columns.bar:
            spans += self._bar(node, value, "dim" if node.state is NodeState.DOWN else f"node:{colour}")
        text = text_of(self._scale.measure, value)
        spans.append((f"{text:>{columns.value}} ", "text"))
        share = node.share / self._total if self._total else 0.0
        told = f"{percent(share):>{SHARE}}"
        if sum(cell_len(part) for part, _ in spans) + len(told) > self._width:
            return tuple(spans)  # a number that is cut would be another one
        spans.append((told, "dim"))
        if columns.quota:
            quota = node.quota / self._quotas if self._quotas else 0.0
            spans.append((f" of {percent(quota):<{columns.quota - 4}}", "dim"))
        return tuple(spans)

    def _bar(self, node: NodeView, value: int, words: str) -> list[Span]:
        filled, empty = bar(value / self._scale.top, self._columns.bar)
        planned = node.quota * self._scale.per_quota / self._scale.top
        if not planned:
            return [(filled, words), (f"{empty} ", "faint")]
        before, space, behind, rest = marked(filled, empty, planned)
        return [(before, words), (space, "faint"), (MARK, "text"), (behind, words), (f"{rest} ", "faint")]

    def _receiving(self, node: NodeView) -> Line:
        moving = node.receiving
        assert moving is not None
        end = f" {moving.fraction:>4.0%}"
        if moving.rate:
            end += f"  {moving.rate:,.{0 if moving.rate >= 10 else 1}f}/s"
        if moving.left is not None:
            end += f"  {duration(moving.left)} left"
        words = f"  receiving {moving.done:,} of {counted(moving.total, 'slot')} "
        if self._width - len(words) - len(end) < 2 * LEAST_BAR:
            words = "  receiving "
        room = self._width - len(words) - len(end)
        if room < LEAST_BAR:
            end = f" {moving.fraction:>4.0%}"
            room = self._width - len(words) - len(end)
        done, left = progress_bar(moving.fraction, max(0, min(MOST_BAR, room)))
        return ((words, "dim"), (done, f"node:{self._colours.get(node.id, 0)}"), (left, "faint"), (end, "text"))

    def _behind(self, node: NodeView) -> Line:
        missing = f", {counted(node.hints, 'key')} missing" if node.hints else ""
        text = f"  behind: {counted(node.behind, 'slot')} may lack writes"
        return ((in_words(text + missing if len(text + missing) <= self._width else text, self._width), "warning"),)

    def _awaited(self, node: NodeView) -> Line:
        wait = "waits" if node.awaited == 1 else "wait"
        text = f"  {counted(node.awaited, 'slot')} {wait} for it"
        return ((short(text, self._width), "bad"),)

    def _waits(self, node: NodeView) -> Line:
        others = [other for other in node.waits_for if other != node.id]
        text = f"  its moves wait for {named(others)}" if others else "  its moves wait until it is back"
        return ((short(harmless(text), self._width), "warning"),)

    def _damaged(self, node: NodeView) -> Line:
        text = f"  damaged: {counted(node.damaged, 'entry', 'entries')} not served"
        return ((in_words(text, self._width), "bad"),)

    def _memory(self, node: NodeView) -> Line:
        return (("  memory only", "dim"),)

    def _fault(self, node: NodeView) -> Line:
        return (("  " + in_words(f"by command: {node.fault}", self._width - 2), "warning"),)

    def _note(self, node: NodeView) -> Line:
        return (("  " + in_words(harmless(node.note), self._width - 2), "warning"),)


_Row = Callable[[NodeLines, NodeView], Line]
_NO_NODES: tuple[Line, ...] = (
    (("no nodes yet", "dim"),),
    (("addnode A 5001", "accent"), (" starts one", "dim")),
)


def _rows(node: NodeView, durable: bool) -> list[_Row]:
    """What there is to say of a node, a line each."""
    rows: list[_Row] = [NodeLines._main]
    if node.receiving is not None and node.receiving.done < node.receiving.total:
        rows.append(NodeLines._receiving)
    if node.waits_for:
        rows.append(NodeLines._waits)
    if node.awaited:
        rows.append(NodeLines._awaited)
    if node.behind:
        rows.append(NodeLines._behind)
    if node.damaged:
        rows.append(NodeLines._damaged)
    if durable and not node.durable:
        rows.append(NodeLines._memory)
    if node.fault:
        rows.append(NodeLines._fault)
    if node.note:
        rows.append(NodeLines._note)
    return rows


def row_count(snapshot: ClusterSnapshot) -> int:
    """How many lines a snapshot has, at any width."""
    return sum(len(_rows(node, snapshot.durable)) for node in snapshot.nodes) or len(_NO_NODES)


def hovered(node: NodeView) -> str:
    """A node in a few lines: state, address, every measure, and what troubles it, in full."""
    lines = [f"{harmless(node.id)} {state_of(node)[1]}, {node.host}:{node.port}"]
    lines += [f"{measure} {text_of(measure, value_of(measure, node))}" for measure in Measure]
    if node.awaited:
        lines.append(f"{counted(node.awaited, 'slot')} {'waits' if node.awaited == 1 else 'wait'} for it")
    if node.behind:
        lines.append(f"behind {counted(node.behind, 'slot')}")
    lines += [harmless(why) for why in (node.fault, node.note) if why]
    return "\n".join(lines)


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


@lru_cache(maxsize=4096)
def _id_width(node: str) -> int:
    return cell_len(harmless(node))


def _columns(snapshot: ClusterSnapshot, width: int, scale: Scale) -> Columns:
    """Bars take what is left; without enough of it the address goes first, then the bar. The quota's number comes last."""
    ids = min(LONGEST_ID, max(_id_width(node.id) for node in snapshot.nodes))
    states = max(len(state_of(node)[1]) for node in snapshot.nodes)
    addresses = max(len(address(node)) for node in snapshot.nodes)
    fixed = 2 + ids + 1 + states + 1 + scale.width + 1 + SHARE
    room = width - fixed - 1
    address_room = addresses if room - addresses - 1 >= 2 * LEAST_BAR else 0
    room -= address_room + 1 if address_room else 0
    quota_room = QUOTA if room - QUOTA >= 4 * LEAST_BAR and any(node.quota for node in snapshot.nodes) else 0
    room -= quota_room
    return Columns(ids, states, address_room, scale.width, min(MOST_BAR, room) if room >= LEAST_BAR else 0, quota_room)
