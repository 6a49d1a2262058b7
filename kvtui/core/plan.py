"""What a change of the ring would do, before it is made: what moves, who gives and who gets, balance, risk. Pure decisions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from typing import Generic, NamedTuple, TypeVar

from kvtui.core.change import AddNode, Change, RemoveNode
from kvtui.core.events import Level
from kvtui.core.placement import Placement, without
from kvtui.core.quorum import write_quorum
from kvtui.core.ring import Replicas, Ring
from kvtui.core.snapshot import NodeState, RangeView
from kvtui.core.topology import Topology

T = TypeVar("T")


class Both(NamedTuple, Generic[T]):
    """Something as it is, and as it would be."""

    before: T
    after: T


@dataclass(frozen=True, slots=True)
class Known:
    """What a plan is made from."""

    topology: Topology
    states: Mapping[str, NodeState]
    """A node without one is DOWN."""
    density: Sequence[int] = ()
    """Distinct keys in equal parts of the ring, as last counted."""
    entry_bytes: float | None = None
    """The mean size of a key with its value; None where it isn't known."""
    keys_per_second: float | None = None
    """How fast the last moves copied; None where nothing was measured."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One node, as it is and as it would be. Keys are estimates from counts of parts of the ring."""

    node: str
    state: NodeState | None
    """None: the node is not there yet."""
    slots: Both[int]
    """Slots that it holds as any replica."""
    firsts: Both[int]
    """Slots that it holds as the first replica."""
    keys: Both[int]
    gains: int
    """Slots that would come to it."""
    drops: int
    """Slots that would leave it."""
    sends: int
    """Copies of slots that would be read from it."""
    weight: int = 1
    """As it would be."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What one node would copy to another; an empty ``source``: no clean replica can be reached now."""

    source: str
    receiver: str
    slots: int
    keys: int


@dataclass(frozen=True, slots=True)
class Risk:
    """Something to know before the change is made."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a change would do. One that is ``refused`` would do nothing."""

    change: Change
    slots: int
    """Slots of the whole ring."""
    refused: str = ""
    """Why the change can't be made, and what to do; empty when it can."""
    nodes: tuple[NodePlan, ...] = ()
    """Those that are, in join order, then those to come."""
    flows: tuple[Flow, ...] = ()
    """The largest first."""
    changed: int = 0
    """Slots whose ordered replicas would be others."""
    copies: Both[int]
    """Copies of every key."""
    quorum: Both[int]
    """Clean copies that a write needs (W)."""
    balance: Both[float]
    """Slots of the fullest node over the mean, both by weight; 1 at best."""
    first_balance: Both[float]
    """The same of first replicas alone."""
    risks: tuple[Risk, ...] = ()
    """The worst first."""
    bytes: int | None = None
    """What is copied, about; None where sizes aren't known."""
    seconds: float | None = None
    """How long that takes, at the rate of the last moves; None where none was measured."""
    ranges: tuple[RangeView, ...] = field(default=(), repr=False)
    """The ring as it would be."""

    @property
    def moved(self) -> int:
        """Copies of slots that must be made."""
        return sum(flow.slots for flow in self.flows)

    @property
    def moved_keys(self) -> int:
        """Copies of keys that must be made, about."""
        return sum(flow.keys for flow in self.flows)


def plan_of(known: Known, change: Change, after: Ring, refused: str = "") -> Plan:
    """What it means that ``after`` follows the ring that is planned now. A change that is refused is followed by the same ring."""
    ring = known.topology.planned
    pieces = _pieces(known.topology, after)
    keys = _Keys(known.density, ring.slots)
    flows = _flows(known, pieces, keys)
    both = Both(ring, after)
    copies, quorum = _promises(known.topology, both)
    moved_keys = sum(flow.keys for flow in flows)
    return Plan(
        change=change,
        slots=ring.slots,
        refused=refused,
        nodes=_nodes(known, both, pieces, flows, keys),
        flows=flows,
        changed=sum(piece.stop - piece.start for piece in pieces if piece.before != piece.after),
        copies=copies,
        quorum=quorum,
        balance=Both(balance(ring.table, ring.weights), balance(after.table, after.weights)),
        first_balance=Both(*(balance([row[:1] for row in one.table], one.weights) for one in both)),
        risks=() if refused else tuple(_risks(known, change, both, pieces, copies, quorum)),
        bytes=None if known.entry_bytes is None else round(moved_keys * known.entry_bytes),
        seconds=moved_keys / known.keys_per_second if known.keys_per_second else None,
        ranges=_ranges(after),
    )


def balance(table: Sequence[Replicas], weights: Mapping[str, int]) -> float:
    """The largest number of slots per weight over the mean; 1 where nothing is held."""
    held = Counter(node for row in table for node in row)
    if not held or not weights:
        return 1.0
    return max(held[node] / weight for node, weight in weights.items()) * sum(weights.values()) / held.total()


class _Piece(NamedTuple):
    """A run of slots with one placement, one plan and one that would follow."""

    start: int
    stop: int
    place: Placement
    before: Replicas
    after: Replicas

    @property
    def width(self) -> int:
        return self.stop - self.start

    @property
    def added(self) -> Replicas:
        """Who must get a copy. Slots that nobody holds have none to give: they are placed at once."""
        return without(self.after, self.before) if self.before else ()


class _Keys:
    """Estimates the keys of any run of slots: even within each part that was counted."""

    def __init__(self, density: Sequence[int], slots: int) -> None:
        self._upto = [0, *accumulate(density)]
        self._parts_a_slot = len(density) / slots

    def of(self, start: int, stop: int) -> float:
        return self._below(stop) - self._below(start)

    def _below(self, slot: int) -> float:
        at = slot * self._parts_a_slot
        whole = int(at)
        low, high = self._upto[whole], self._upto[min(whole + 1, len(self._upto) - 1)]
        return low + (at - whole) * (high - low)


def _pieces(topology: Topology, after: Ring) -> list[_Piece]:
    pieces: list[_Piece] = []
    start = 0
    for row, group in groupby(zip(topology.places, topology.planned.table, after.table, strict=True)):
        stop = start + sum(1 for _ in group)
        pieces.append(_Piece(start, stop, *row))
        start = stop
    return pieces


def _usable(known: Known, node: str) -> bool:
    return known.states.get(node, NodeState.DOWN) is not NodeState.DOWN


def _source(known: Known, place: Placement) -> str:
    """Whom the move of a slot is read from: its first clean replica that can be reached."""
    return next((node for node in place.clean if _usable(known, node)), "")


def _flows(known: Known, pieces: Sequence[_Piece], keys: _Keys) -> tuple[Flow, ...]:
    slots: Counter[tuple[str, str]] = Counter()
    weights: dict[tuple[str, str], float] = {}
    for piece in pieces:
        source = _source(known, piece.place)
        for receiver in piece.added:
            slots[source, receiver] += piece.width
            weights[source, receiver] = weights.get((source, receiver), 0.0) + keys.of(piece.start, piece.stop)
    flows = [Flow(*pair, number, round(weights[pair])) for pair, number in slots.items()]
    return tuple(sorted(flows, key=lambda flow: (-flow.slots, flow.source, flow.receiver)))


def _nodes(
    known: Known, ring: Both[Ring], pieces: Sequence[_Piece], flows: Sequence[Flow], keys: _Keys
) -> tuple[NodePlan, ...]:
    names = dict.fromkeys([*known.topology.members, *ring.before.weights, *ring.after.weights])
    held: Both[Counter[str]] = Both(Counter(), Counter())
    firsts: Both[Counter[str]] = Both(Counter(), Counter())
    weighed: Both[dict[str, float]] = Both({}, {})
    gains: Counter[str] = Counter()
    drops: Counter[str] = Counter()
    for piece in pieces:
        here = keys.of(piece.start, piece.stop)
        for side, row in enumerate((piece.before, piece.after)):
            firsts[side].update(dict.fromkeys(row[:1], piece.width))
            held[side].update(dict.fromkeys(row, piece.width))
            for node in row:
                weighed[side][node] = weighed[side].get(node, 0.0) + here
        gains.update(dict.fromkeys(without(piece.after, piece.before), piece.width))
        drops.update(dict.fromkeys(without(piece.before, piece.after), piece.width))
    sends: Counter[str] = Counter()
    for flow in flows:
        sends[flow.source] += flow.slots
    return tuple(
        NodePlan(
            node=node,
            state=known.states.get(node, NodeState.DOWN) if node in known.topology.members else None,
            slots=Both(held.before[node], held.after[node]),
            firsts=Both(firsts.before[node], firsts.after[node]),
            keys=Both(round(weighed.before.get(node, 0.0)), round(weighed.after.get(node, 0.0))),
            gains=gains[node],
            drops=drops[node],
            sends=sends[node],
            weight=ring.after.weights.get(node, 1),
        )
        for node in names
    )


def _promises(topology: Topology, ring: Both[Ring]) -> tuple[Both[int], Both[int]]:
    """Copies of every key, and how many a write needs."""
    before, after = (min(one.replication, len(one.weights)) for one in ring)
    return Both(before, after), Both(write_quorum(before, topology.quorum), write_quorum(after, topology.quorum))


def _ranges(ring: Ring) -> tuple[RangeView, ...]:
    if not ring.weights:
        return ()
    slots = ring.slots
    return tuple(
        RangeView(part.start / slots, part.stop / slots, part.replicas, part.replicas) for part in ring.ranges()
    )


def _risks(
    known: Known,
    change: Change,
    ring: Both[Ring],
    pieces: Sequence[_Piece],
    copies: Both[int],
    quorum: Both[int],
) -> list[Risk]:
    risks = [
        *_of_today(known, pieces),
        *_of_moves(known, change, pieces),
        *_of_promises(known, ring, copies, quorum),
    ]
    if isinstance(change, RemoveNode) and not _usable(known, change.node):
        risks.append(Risk(Level.WARNING, f"{change.node} is DOWN: it can only be removed by force."))
    order = [Level.BAD, Level.WARNING, Level.INFO, Level.GOOD]
    return sorted(risks, key=lambda risk: order.index(risk.level))


def _of_today(known: Known, pieces: Sequence[_Piece]) -> list[Risk]:
    """What is not well before anything is changed."""
    failing = pending = 0
    for piece in pieces:
        place = piece.place
        reached = sum(_usable(known, node) for node in place.clean)
        if place.replicas and reached < max(1, write_quorum(len(place.replicas), known.topology.quorum)):
            failing += piece.width
        if place.replicas and place.replicas != piece.before:
            pending += piece.width
    risks: list[Risk] = []
    if failing:
        risks.append(Risk(Level.BAD, f"Writes to {_slots(failing)} fail now: too few clean copies can be reached."))
    if pending:
        risks.append(Risk(Level.INFO, f"{_slots(pending)} of an earlier change have not moved yet."))
    return risks


def _of_moves(known: Known, change: Change, pieces: Sequence[_Piece]) -> list[Risk]:
    """What may keep slots from moving, and on how many copies they stand until they have."""
    stuck: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    unequal: Counter[str] = Counter()
    thin: Counter[int] = Counter()
    comes = change.node if isinstance(change, AddNode) else ""
    for piece in pieces:
        if not piece.added:
            continue
        place, width = piece.place, piece.width
        reached = sum(_usable(known, node) for node in place.clean)
        if not reached:
            stuck[", ".join(place.clean)] += width
            continue
        waiting.update({node: width for node in piece.added if node != comes and not _usable(known, node)})
        unequal.update({node: width for node in piece.after if node in place.behind})
        if reached < len(piece.before):
            thin[reached] += width
    risks = [
        Risk(Level.BAD, f"{_slots(number)} can't be copied: {_unreached(nodes)}.") for nodes, number in stuck.items()
    ]
    risks += [
        Risk(Level.WARNING, f"{_slots(number)} wait for {node}, which is DOWN.") for node, number in waiting.items()
    ]
    risks += [
        Risk(Level.WARNING, f"{_slots(number)} wait until {node}, which is behind, is equal again.")
        for node, number in unequal.items()
    ]
    risks += [
        Risk(Level.WARNING, f"{_slots(number)} stand on {_copies(reached)} that can be reached, until they are copied.")
        for reached, number in sorted(thin.items())
    ]
    if any(piece.added for piece in pieces) and not (stuck or thin):
        risks.append(
            Risk(Level.GOOD, "No key has fewer copies meanwhile: who gives stays until who gets has verified.")
        )
    return risks


def _of_promises(known: Known, ring: Both[Ring], copies: Both[int], quorum: Both[int]) -> list[Risk]:
    """What is promised afterwards."""
    risks: list[Risk] = []
    wanted, nodes = ring.after.replication, len(ring.after.weights)
    if copies.after < copies.before:
        risks.append(Risk(Level.WARNING, f"Every key has {_copies(copies.after)} afterwards, not {copies.before}."))
    if copies.after < wanted and nodes:
        risks.append(Risk(Level.WARNING, f"{_copies(wanted)} are wanted: {_nodes_hold(nodes)}."))
    asked = known.topology.quorum
    if quorum.after < asked:
        risks.append(Risk(Level.WARNING, f"A write needs {_copies(quorum.after)}, not the {asked} asked for."))
    up = sum(node not in known.topology.members or _usable(known, node) for node in ring.after.weights)
    if nodes and up < quorum.after:
        only = "1 node would be up" if up == 1 else f"{up} nodes would be up"
        text = f"{_copies(quorum.after)} can't be written while {only}: slots keep those that they have until then."
        risks.append(Risk(Level.WARNING, text))
    elif quorum.after > quorum.before > 0:
        spare = copies.after - quorum.after
        text = (
            f"A write needs {_copies(quorum.after)}, not {quorum.before}: it goes on with {spare} of its replicas down."
        )
        risks.append(Risk(Level.INFO, text))
    return risks


def _unreached(nodes: str) -> str:
    return f"the clean copies are on {nodes}, out of reach" if nodes else "no clean copy is left"


def _nodes_hold(number: int) -> str:
    return "1 node can hold 1" if number == 1 else f"{number} nodes can hold {number}"


def _slots(number: int) -> str:
    return "1 slot" if number == 1 else f"{number:,} slots"


def _copies(number: int) -> str:
    return "1 copy" if number == 1 else f"{number} copies"
