"""What is drawn as arcs: the snapshot's ranges, joined where they look alike, as each view wants them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kvtui.core.snapshot import ClusterSnapshot, NodeState, RangeView
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
    """Its node is down."""
    lost: bool = False
    """No clean copy is left."""
    gaining: str = ""
    """The node that is being filled with it."""
    filled: int = 0
    """How far ``gaining`` has come, in ``FRACTIONS``."""
    handing_over: bool = False
    """``gaining`` takes the first replica's place, not a later one's."""
    dimmed: bool = False
    follower: str = ""
    """The node in focus, where it holds a later copy."""

    @property
    def length(self) -> float:
        return self.stop - self.start


def arcs_of(snapshot: ClusterSnapshot, view: View, selected: str) -> tuple[Arc, ...]:
    """The arcs of a view, in ring order, covering 0..1; none without nodes that serve or are being filled."""
    arcs = _joined(_plain(snapshot))
    if view is View.SHARE:
        return _shares(arcs, [node.id for node in snapshot.nodes])
    if view is View.FOCUS and selected:
        return _joined(_focused(_plain_with_ranges(snapshot), selected))
    return arcs


def _plain(snapshot: ClusterSnapshot) -> Iterable[Arc]:
    return (arc for arc, _ in _plain_with_ranges(snapshot))


def _plain_with_ranges(snapshot: ClusterSnapshot) -> Iterable[tuple[Arc, RangeView]]:
    down = {node.id for node in snapshot.nodes if node.state is NodeState.DOWN}
    filled = {
        node.id: int(node.receiving.fraction * FRACTIONS) for node in snapshot.nodes if node.receiving is not None
    }
    for part in snapshot.ranges:
        first = part.replicas[0] if part.replicas else ""
        gaining = part.receiving[0] if part.receiving else ""
        yield (
            Arc(
                part.start,
                part.stop,
                first,
                hollow=first in down,
                lost=snapshot.lost > 0 and not part.clean and bool(part.replicas),
                gaining=gaining,
                filled=filled.get(gaining, 0) if gaining else 0,
                handing_over=bool(gaining) and (not first or first in part.giving),
            ),
            part,
        )


def _focused(parts: Iterable[tuple[Arc, RangeView]], selected: str) -> Iterable[Arc]:
    for arc, part in parts:
        if arc.node == selected or arc.gaining == selected:
            yield arc
        elif selected in part.replicas:
            yield replace(arc, dimmed=True, follower=selected, gaining="", filled=0, handing_over=False)
        else:
            yield replace(arc, dimmed=True, gaining="", filled=0, handing_over=False)


def _joined(arcs: Iterable[Arc]) -> tuple[Arc, ...]:
    """Neighbours that differ in nothing but their place, as one."""
    joined: list[Arc] = []
    for arc in arcs:
        if joined and replace(joined[-1], start=arc.start, stop=arc.stop) == arc:
            joined[-1] = replace(joined[-1], stop=arc.stop)
        else:
            joined.append(arc)
    return tuple(joined)


def _shares(arcs: tuple[Arc, ...], nodes: list[str]) -> tuple[Arc, ...]:
    """The same lengths, put in order by node: what a node is being filled with lies at the end of its giver's arc."""
    order = {node: place for place, node in enumerate(nodes)}
    lengths: dict[Arc, float] = {}
    for arc in arcs:
        kind = replace(arc, start=0.0, stop=0.0)
        lengths[kind] = lengths.get(kind, 0.0) + arc.length
    kinds = sorted(
        lengths,
        key=lambda arc: (order.get(arc.node, len(order)), arc.hollow, bool(arc.gaining), order.get(arc.gaining, 0)),
    )
    laid, at = [], 0.0
    for kind in kinds:
        laid.append(replace(kind, start=at, stop=at + lengths[kind]))
        at += lengths[kind]
    if laid:
        laid[-1] = replace(laid[-1], stop=1.0)
    return tuple(laid)
