"""The line on top: whose cluster it is, how many nodes are up, and whether the data is safe."""

from collections.abc import Sequence

from rich.cells import cell_len

from kvtui.core.guarantee import unserved, unwritten
from kvtui.core.naming import awaited, named
from kvtui.core.read_mode import ReadMode
from kvtui.core.snapshot import ClusterSnapshot, NodeState, Progress
from kvtui.notation import as_word
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import counted, in_words, percent


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
    name: Line = ((" kvtui", "bold accent"), (f" · {as_word(snapshot.name)}" if snapshot.name else "", "dim"))
    if readonly:
        name = (*name, (" ", "text"), *READONLY)
    parts: list[Line] = [_nodes_up(snapshot), safety(snapshot)]
    extras: list[Line] = []
    if snapshot.moving is not None and snapshot.moving.total:
        extras.append(_moving(snapshot.moving, snapshot.moves_wait_for, snapshot.moves_lost))
    if snapshot.attached:
        extras.append((("attached", "accent"),))
    memory: Line = (("memory only", "warning"),)
    if not snapshot.durable:
        extras.append(memory)
    extras.append(((f"epoch {snapshot.epoch}", "dim"),))
    in_full = effective(snapshot)
    if in_full and _width(name) + sum(_width(part) + 3 for part in (parts[0], in_full, *extras)) + 1 <= width:
        parts[1] = in_full
        extras = [part for part in extras if part is not memory]  # the guarantee says so
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


def _moving(moving: Progress, waits_for: Sequence[str], lost: int) -> Line:
    """How far the moves are, and who or what keeps them from going on."""
    if waits_for:
        waits: Line = ((f", waits for {named(waits_for, 2)}", "warning"),)
    else:
        waits = ((", waits: accept-loss", "warning"),) if lost else ()
    return ((f"moving {percent(moving.fraction)}", "accent"), *waits)


def _narrow(snapshot: ClusterSnapshot, width: int, readonly: bool) -> Line:
    """Nodes up and safety, in the fullest words that have room; safety stays whole to the last."""
    badge: Line = (*READONLY, (" ", "text")) if readonly else ()
    gap: Line = (("  ", "text"),)
    nodes, few = _nodes_up(snapshot), _nodes_up(snapshot, short=True)
    forms = _forms(snapshot)
    ways = [(*badge, *up, *gap, *how) for how in forms for up in (nodes, few)] + [(*badge, *how) for how in forms]
    briefest = tuple((in_words(text, width), words) for text, words in forms[-1])
    plain = [(*few, *gap, *how) for how in forms] if readonly else []
    return next((way for way in [*ways, *plain, *forms] if _width(way) <= width), briefest)


def _nodes_up(snapshot: ClusterSnapshot, *, short: bool = False) -> Line:
    total = len(snapshot.nodes)
    if not total:
        return (("○ no nodes yet", "dim"),)
    up = sum(node.state is not NodeState.DOWN for node in snapshot.nodes)
    words = "good" if up == total else "bad" if up == 0 else "warning"
    told = f"{up}/{total}" if short else f"{up} of {counted(total, 'node')} up"
    return (("● " if up == total else "○ ", words), (told, words))


def safety(snapshot: ClusterSnapshot) -> Line:
    """Whether every key is on as many nodes as it should be, and served; else what is missing, the worst first."""
    return _forms(snapshot)[0]


def _forms(snapshot: ClusterSnapshot) -> list[Line]:
    """The same in full, then in fewer and fewer words."""
    if not snapshot.nodes and not snapshot.stopped:
        return [()]
    texts, words = _safety(snapshot)
    return [((text, words),) for text in texts]


def _safety(snapshot: ClusterSnapshot) -> tuple[list[str], str]:
    if snapshot.stopped:
        if snapshot.attached:
            return ["coordinator ended: takeup", "ended: takeup"], "bad bold"
        return ["stopped: leave, and open it again", "stopped: open it again"], "bad bold"
    copies = counted(snapshot.copies_each, "node")
    if snapshot.lost or snapshot.unavailable or snapshot.unwritable:
        return _missing(snapshot), "bad bold"
    if snapshot.log_full:
        return ["the coordinator's disk is full: changes wait", "disk full"], "bad bold"
    if snapshot.under_replicated:
        lack = "lacks" if snapshot.under_replicated == 1 else "lack"
        few = counted(snapshot.under_replicated, "slot")
        return [
            f"{snapshot.under_replicated:,} of {snapshot.slots:,} slots on fewer than {copies}",
            f"{few} {lack} copies",
        ], "warning"
    if any(node.state is NodeState.DOWN and node.share for node in snapshot.nodes):
        return [f"every key on {copies}, some of them down", "on nodes that are down"], "warning"
    if snapshot.copies_each < snapshot.replication:
        told = f"{copies}, {snapshot.replication} wanted"
        return [f"every key on {told}", f"on {told}"], "warning"
    if snapshot.reads is not ReadMode.STRICT:
        return [f"every key on {copies}, reads may be stale", "reads may be stale"], "warning"
    return [f"every key on {copies}"], "good"


def _missing(snapshot: ClusterSnapshot) -> list[str]:
    """What can't be served, or not be written: lost for good first, then what waits, and for whom."""
    lost = f"{counted(snapshot.lost, 'slot')} lost" if snapshot.lost else ""
    if snapshot.unavailable:
        waiting = [unserved(snapshot), unserved(snapshot, 2), unserved(snapshot, 1)]
        slots = counted(snapshot.unavailable, "slot")
        wait = "waits" if snapshot.unavailable == 1 else "wait"
        waiting += [f"{slots} {wait} for {awaited(snapshot.waits_for, most)}" for most in (3, 2, 1)]
        waiting += [f"{slots} not served", f"{slots} {wait}"]
    elif snapshot.unwritable:
        waiting = [unwritten(snapshot), unwritten(snapshot, 1), f"{counted(snapshot.unwritable, 'slot')} not written"]
    else:
        return [lost]
    return [f"{lost}; {text}" for text in waiting] + [lost] if lost else waiting


def effective(snapshot: ClusterSnapshot) -> Line:
    """The guarantee in full, where ``safety`` has nothing to say that it does not."""
    if not snapshot.clean_copies or snapshot.stopped:
        return ()
    ((_, words),) = safety(snapshot)
    if any(node.state is NodeState.DOWN and node.share for node in snapshot.nodes) and not snapshot.guarantee_weakened:
        return ()
    return ((snapshot.guarantee, words),)


def _width(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)
