"""The line on top: whose cluster it is, how many nodes are up, and whether the data is safe."""

from collections.abc import Sequence

from kvtui.core.read_mode import ReadMode
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import counted, percent


class Header(LinesPanel):
    """Name, nodes up, safety, epoch, and that nothing can be changed from here."""

    def __init__(self, *, readonly: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._readonly = readonly

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return [header_line(picture.snapshot, width, readonly=self._readonly)]


READONLY: Line = ((" read-only ", "warning reverse"),)


def header_line(snapshot: ClusterSnapshot, width: int, *, readonly: bool = False) -> Line:
    """The line in ``width`` cells; what has no room goes from the least important on."""
    name: Line = ((" kvtui", "bold accent"), (f" · {snapshot.name}" if snapshot.name else "", "dim"))
    if readonly:
        name = (*name, (" ", "text"), *READONLY)
    parts: list[Line] = [_nodes_up(snapshot), safety(snapshot)]
    extras: list[Line] = []
    if snapshot.moving is not None and snapshot.moving.total:
        extras.append(((f"moving {percent(snapshot.moving.fraction)}", "accent"),))
    if not snapshot.durable:
        extras.append((("memory only", "warning"),))
    extras.append(((f"epoch {snapshot.epoch}", "dim"),))
    in_full = effective(snapshot)
    if in_full and _width(name) + sum(_width(part) + 3 for part in (parts[0], in_full, *extras)) + 1 <= width:
        parts[1] = in_full
    for part in extras:
        if _width(name) + sum(_width(known) + 3 for known in [*parts, part]) + 1 <= width:
            parts.append(part)
    right: list[Span] = []
    for part in parts:
        right += [*part, ("   ", "text")]
    right[-1:] = [(" ", "text")]
    gap = width - _width(name) - _width(tuple(right))
    if gap < 1:
        if readonly:
            return (*READONLY, (" ", "text"), *_nodes_up(snapshot, short=True), ("  ", "text"), *parts[1])
        return (*parts[0], ("  ", "text"), *parts[1])
    return (*name, (" " * gap, "text"), *right)


def _nodes_up(snapshot: ClusterSnapshot, *, short: bool = False) -> Line:
    total = len(snapshot.nodes)
    if not total:
        return (("○ no nodes yet", "dim"),)
    up = sum(node.state is not NodeState.DOWN for node in snapshot.nodes)
    words = "good" if up == total else "bad" if up == 0 else "warning"
    told = f"{up}/{total}" if short else f"{up} of {counted(total, 'node')} up"
    return (("● " if up == total else "◐ ", words), (told, words))


def safety(snapshot: ClusterSnapshot) -> Line:
    """Whether every key is on as many nodes as it should be; else what is missing, the worst first."""
    if snapshot.stopped:
        return (("stopped: leave, and open it again", "bad bold"),)
    if not snapshot.nodes:
        return ()
    copies = counted(snapshot.copies_each, "node")
    if snapshot.lost:
        return ((f"{counted(snapshot.lost, 'slot')} lost", "bad bold"),)
    if snapshot.under_replicated:
        return ((f"{snapshot.under_replicated:,} of {snapshot.slots:,} slots on fewer than {copies}", "warning"),)
    if any(node.state is NodeState.DOWN for node in snapshot.nodes):
        return ((f"every key on {copies}, some of them down", "warning"),)
    if snapshot.copies_each < snapshot.replication:
        return ((f"every key on {copies}, {snapshot.replication} wanted", "warning"),)
    if snapshot.reads is not ReadMode.STRICT:
        return ((f"every key on {copies}, reads may be stale", "warning"),)
    return ((f"every key on {copies}", "good"),)


def effective(snapshot: ClusterSnapshot) -> Line:
    """The guarantee in full, where ``safety`` has nothing to say that it does not."""
    if not snapshot.clean_copies or snapshot.stopped:
        return ()
    ((_, words),) = safety(snapshot)
    if any(node.state is NodeState.DOWN for node in snapshot.nodes) and not snapshot.guarantee_weakened:
        return ()
    return ((snapshot.guarantee, words),)


def _width(line: Line) -> int:
    return sum(len(text) for text, _ in line)
