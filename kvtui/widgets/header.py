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
    if snapshot.attached:
        extras.append((("attached", "accent"),))
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
        return _narrow(snapshot, width, readonly)
    return (*name, (" " * gap, "text"), *right)


def _narrow(snapshot: ClusterSnapshot, width: int, readonly: bool) -> Line:
    """Nodes up and safety, in the fullest words that have room; safety stays whole to the last."""
    badge: Line = (*READONLY, (" ", "text")) if readonly else ()
    gap: Line = (("  ", "text"),)
    nodes, few = _nodes_up(snapshot), _nodes_up(snapshot, short=True)
    safe, briefly = safety(snapshot), safety(snapshot, short=True)
    ways = [(*badge, *up, *gap, *how) for how in (safe, briefly) for up in (nodes, few)] + [(*badge, *briefly)]
    return next((way for way in ways if _width(way) <= width), briefly)


def _nodes_up(snapshot: ClusterSnapshot, *, short: bool = False) -> Line:
    total = len(snapshot.nodes)
    if not total:
        return (("○ no nodes yet", "dim"),)
    up = sum(node.state is not NodeState.DOWN for node in snapshot.nodes)
    words = "good" if up == total else "bad" if up == 0 else "warning"
    told = f"{up}/{total}" if short else f"{up} of {counted(total, 'node')} up"
    return (("● " if up == total else "◐ ", words), (told, words))


def safety(snapshot: ClusterSnapshot, *, short: bool = False) -> Line:
    """Whether every key is on as many nodes as it should be; else what is missing, the worst first. ``short``: in a few words."""
    if snapshot.stopped:
        if snapshot.attached:
            return (("ended: takeup" if short else "coordinator ended: takeup", "bad bold"),)
        return (("stopped: open it again" if short else "stopped: leave, and open it again", "bad bold"),)
    if not snapshot.nodes:
        return ()
    copies = counted(snapshot.copies_each, "node")
    if snapshot.lost:
        return ((f"{counted(snapshot.lost, 'slot')} lost", "bad bold"),)
    if snapshot.log_full:
        return (("disk full" if short else "the coordinator's disk is full: changes wait", "bad bold"),)
    if snapshot.under_replicated:
        if short:
            lack = "lacks" if snapshot.under_replicated == 1 else "lack"
            return ((f"{counted(snapshot.under_replicated, 'slot')} {lack} copies", "warning"),)
        return ((f"{snapshot.under_replicated:,} of {snapshot.slots:,} slots on fewer than {copies}", "warning"),)
    if any(node.state is NodeState.DOWN for node in snapshot.nodes):
        return (("on nodes that are down" if short else f"every key on {copies}, some of them down", "warning"),)
    if snapshot.copies_each < snapshot.replication:
        told = f"{copies}, {snapshot.replication} wanted"
        return ((f"on {told}" if short else f"every key on {told}", "warning"),)
    if snapshot.reads is not ReadMode.STRICT:
        return (("reads may be stale" if short else f"every key on {copies}, reads may be stale", "warning"),)
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
