"""What is drawn as arcs: the snapshot's ranges, joined where they look alike, as each view wants them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from kvtui.core.snapshot import ClusterSnapshot, NodeState, RangeView
from kvtui.widgets.ring.samples import STEPS, step_at
from kvtui.widgets.ring.view import View

FRACTIONS = 16
"""Progress is drawn in this many steps, so that a picture only changes when the eye can see it."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A part of the circle, ``start`` to ``stop`` (0..1), in the colour of ``node``."""

    start: float
    stop: float
    node: str
    """First replica; empty where nobody serves."""
    hollow: bool = False
    """Its node does not serve it: it is down, or may lack acknowledged writes."""
    lost: bool = False
    """No clean copy is left."""
    unserved: bool = False
    """Clean copies are left, and none of them can be reached: it waits for a node."""
    gaining: str = ""
    """The node that is being filled with it."""
    filled: int = 0
    """How far ``gaining`` has come, in ``FRACTIONS``."""
    handing_over: bool = False
    """``gaining`` takes the first replica's place, not a later one's."""
    dimmed: bool = False
    follower: str = ""
    """The node whose later copy shows at the inner rim: the one that serves a hollow arc instead, one that is being filled and
    has this part already, or the one in focus."""
    reach: float = 1.0
    """How much of the arc, from its start, has the follower's rim."""

    @property
    def length(self) -> float:
        return self.stop - self.start


Kind = tuple[str, str, bool, bool, bool, bool, bool, str]
"""Node, node that gains it, handed over, lost, unserved, dimmed, hollow, follower."""
Run = tuple[float, float, Kind]
"""Start, stop, and how it looks."""


def arcs_of(snapshot: ClusterSnapshot, view: View, selected: str) -> tuple[Arc, ...]:
    """The arcs of a view, in ring order, covering 0..1; none without nodes that serve or are being filled."""
    looks = looks_of(snapshot)
    runs = list(_runs(snapshot, looks, selected if view is View.FOCUS else ""))
    if view is View.SHARE:
        runs = _by_node(runs, [node.id for node in snapshot.nodes])
    elif len(runs) > STEPS // 4:
        runs = _seen(runs)
    filled = dict(looks.filled)
    return tuple(_arc(run, filled) for run in runs)


def count_arcs(snapshot: ClusterSnapshot, most: int) -> int:
    """How many runs of ranges there are with one first replica each, counted up to one more than ``most``."""
    runs = groupby(snapshot.ranges, key=lambda part: part.replicas[:1])
    return sum(1 for _ in islice(runs, most + 1))


@dataclass(frozen=True, slots=True)
class Looks:
    """All that arcs depend on beside the ranges: two equal ones, and the same ranges, give the same arcs."""

    down: frozenset[str]
    filled: tuple[tuple[str, int], ...]
    """How far each receiving node has come, in ``FRACTIONS``."""
    lost: bool


def looks_of(snapshot: ClusterSnapshot) -> Looks:
    """What the nodes of a snapshot contribute to its arcs."""
    return Looks(
        frozenset(node.id for node in snapshot.nodes if node.state is NodeState.DOWN),
        tuple(
            (node.id, int(node.receiving.fraction * FRACTIONS)) for node in snapshot.nodes if node.receiving is not None
        ),
        snapshot.lost > 0,
    )


def _runs(snapshot: ClusterSnapshot, looks: Looks, selected: str) -> Iterator[Run]:
    """Neighbouring ranges that look alike as one. There can be thousands of ranges: one look at each, no more."""
    before: Kind | None = None
    start = stop = 0.0
    filling = frozenset(node for node, _ in looks.filled)
    plain: dict[str, Kind] = {node.id: (node.id, "", False, False, False, False, False, "") for node in snapshot.nodes}
    for part in snapshot.ranges:
        kind = plain.get(part.replicas[0]) if part.replicas and part.replicas[:1] == part.clean[:1] else None
        if kind is None or selected or filling or part.receiving or part.waits_for or kind[0] in looks.down:
            kind = _kind(part, looks, filling, selected)
        if kind is not before and kind != before:
            if before is not None:
                yield start, stop, before
            before, start = kind, part.start
        stop = part.stop
    if before is not None:
        yield start, stop, before


def _seen(runs: Sequence[Run]) -> list[Run]:
    """Those long enough for a step of their own; the next one takes the place of one that isn't."""
    kept: list[Run] = []
    for start, stop, kind in runs:
        if step_at(start) < step_at(stop):
            kept.append((kept[-1][1] if kept else 0.0, stop, kind))
    return [*kept[:-1], (kept[-1][0], 1.0, kept[-1][2])]


def _by_node(runs: Sequence[Run], nodes: Sequence[str]) -> list[Run]:
    """The same lengths in order by node; what a node is being filled with lies at the end of its giver's."""
    order = {node: place for place, node in enumerate(nodes)}
    lengths: dict[Kind, float] = {}
    for start, stop, kind in runs:
        lengths[kind] = lengths.get(kind, 0.0) + stop - start
    kinds = sorted(lengths, key=lambda kind: (order.get(kind[0], len(order)), bool(kind[1]), order.get(kind[1], 0)))
    laid: list[Run] = []
    at = 0.0
    for kind in kinds:
        laid.append((at, at + lengths[kind], kind))
        at += lengths[kind]
    if laid:
        laid[-1] = laid[-1][0], 1.0, laid[-1][2]
    return laid


def _kind(part: RangeView, looks: Looks, filling: frozenset[str], selected: str) -> Kind:
    replicas = part.replicas
    node = replicas[0] if replicas else ""
    gaining = part.receiving[0] if part.receiving else ""
    lost = looks.lost and not part.clean and bool(replicas)
    unserved = bool(part.waits_for)
    if selected and selected not in (node, gaining):
        follower = selected if selected in replicas else ""
        return node, "", False, lost, unserved, True, unserved or node in looks.down, follower
    server = _server(part, looks.down)
    hollow = bool(node) and (unserved or server != node)
    if unserved:
        return node, gaining, False, lost, True, False, hollow, ""
    follower = server if hollow else next((later for later in replicas[1:] if later in filling), "") if filling else ""
    return node, gaining, bool(gaining) and (not node or node in part.giving), lost, False, False, hollow, follower


def _server(part: RangeView, down: frozenset[str]) -> str:
    """Who answers for a range: the first of its replicas that is up and holds every acknowledged write; empty: nobody."""
    if part.clean and part.clean[0] not in down:
        return part.clean[0]
    return next((node for node in part.clean if node not in down), "")


def _arc(run: Run, filled: Mapping[str, int]) -> Arc:
    start, stop, kind = run
    node, gaining, handing_over, lost, unserved, dimmed, hollow, follower = kind
    return Arc(
        start, stop, node, hollow=hollow, lost=lost, unserved=unserved, gaining=gaining, filled=filled.get(gaining, 0),
        handing_over=handing_over, dimmed=dimmed, follower=follower,
    )  # fmt: skip
