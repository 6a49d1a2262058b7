"""A model of coordinators on copies of one log, and of the nodes that they reach: what they grant, note and store.

It follows the promises and not the code: only records, and what they make of a topology, are the product's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kvtui.core.cluster import ClusterError
from kvtui.core.notes import write_note
from kvtui.core.placement import Placement
from kvtui.core.protocol import Facts
from kvtui.core.rebuilding import HOME, Found, Rebuilt, rebuild
from kvtui.core.records import Behind, CutOver, Dual, Opened, Record, Recovered, Returning, Wiped
from kvtui.core.topology import Topology, apply
from kvtui.core.version import NEVER, Version
from tests.core.clusters import SLOTS, settled

NODES = "ABCD"


@dataclass
class ModelNode:
    """A node: whom it obeys, what it noted last, and the acknowledged writes that it holds, by slot."""

    name: str
    data_id: str
    granted: tuple[int, str] = (0, "")
    noted: Version = NEVER
    note: Topology | None = None
    counter: int = 0
    held: list[set[int]] = field(default_factory=lambda: [set() for _ in range(SLOTS)])


@dataclass
class ModelCoordinator:
    """A coordinator: its log, whom it reaches, and whether its log may be an old copy."""

    topology: Topology
    last: int
    cautious: bool
    home: str
    linked: set[str] = field(default_factory=set)
    granted: set[str] = field(default_factory=set)
    stopped: bool = False

    @property
    def opening(self) -> tuple[int, str]:
        return self.topology.epoch, self.topology.coordinator

    def log(self, *records: Record) -> None:
        for record in records:
            self.topology = apply(self.topology, record)
        self.last += len(records)

    def obeyed(self, place: Placement) -> bool:
        return not self.cautious or self.granted.issuperset(place.counted if place.replicas else self.topology.members)


class Takeovers:
    """A history. Every method does one thing, or nothing where it can't be done; numbers choose from what there is."""

    def __init__(self, replication: int = 2, nodes: str = NODES) -> None:
        self.nodes = {name: ModelNode(name, f"data of {name}") for name in nodes}
        self.acknowledged: list[set[int]] = [set() for _ in range(SLOTS)]
        self.wiped = False
        self.moved = False
        self._numbers = 0
        self._copies: list[tuple[Topology, int]] = []
        first = ModelCoordinator(settled(nodes, replication), 20, cautious=False, home="home")
        first.topology = apply(first.topology, Opened(1, "c1", "home"))
        self.coordinators = [first]
        for name in nodes:
            self.reach(0, self._index(name))
            self.note(0, self._index(name))

    # What happens.

    def reach(self, which: int, node: int) -> None:
        """Hello: the log is checked against what the node knows, then the node grants, and is sent a note."""
        one, there = self._active(which), self._node(node)
        if one is None or there.name in one.linked:
            return
        member = one.topology.members[there.name]
        if member.data_id == there.data_id:
            known = there.granted in one.topology.openings or there.granted[0] < one.topology.openings[0][0]
            relied = any(there.name in place.counted for place in one.topology.places)
            beyond = one.topology.outdated_by(there.noted) and (relied or one.topology.home != HOME)
            if (there.granted[0] < one.topology.epoch and there.granted[0] and not known) or beyond:
                one.stopped = True
                return
        if there.granted[0] > one.topology.epoch or (
            there.granted[0] == one.topology.epoch and there.granted != one.opening
        ):
            one.stopped = member.data_id == there.data_id
            return
        there.granted = one.opening
        if member.data_id != there.data_id or there.counter < member.counter:
            one.log(Wiped(there.name, there.data_id, there.counter, empty=True))
        one.linked.add(there.name)
        one.granted.add(there.name)
        if (one.cautious or one.topology.ends) and one.granted.issuperset(one.topology.members):
            one.log(Opened(one.topology.epoch, one.topology.coordinator, one.home))
            one.cautious = False

    def lose(self, which: int, node: int) -> None:
        """A link ends: the node is behind where others go on."""
        one, there = self._active(which), self._node(node)
        if one is None or (one.cautious and there.name not in one.granted):
            return
        one.linked.discard(there.name)
        runs = one.topology.shrinkable(there.name)
        if runs:
            one.log(Behind(there.name, runs))
        if any(there.name in place.returning for place in one.topology.places):
            one.log(Behind(there.name, one.topology.runs(lambda place: there.name in place.returning)))

    def note(self, which: int, node: int) -> bool:
        """The newest note arrives; whether it did."""
        one, there = self._active(which), self._node(node)
        if one is None or there.name not in one.linked:
            return False
        if there.granted != one.opening:
            one.stopped = True
            return False
        there.note, there.noted = one.topology, Version(one.topology.epoch, one.last)
        there.counter += 1
        return True

    def write(self, which: int, slot: int) -> None:
        """Acknowledged when all clean replicas noted who they are, and stored it."""
        one = self._active(which)
        place = None if one is None else one.topology.places[slot % SLOTS]
        if one is None or place is None or not place.clean or not one.obeyed(place):
            return
        self._numbers += 1
        if not all(self.note(which, self._index(name)) for name in place.clean):
            return
        for name in place.clean + place.followers:
            if name in one.linked and self.nodes[name].granted == one.opening:
                self.nodes[name].held[slot % SLOTS].add(self._numbers)
                self.nodes[name].counter += 1
        self.acknowledged[slot % SLOTS].add(self._numbers)

    def recover_node(self, which: int, slot: int, node: int) -> None:
        """A replica that is behind is made equal to a clean one, and clean."""
        one, there, slot = self._active(which), self._node(node), slot % SLOTS
        place = None if one is None else one.topology.places[slot]
        if one is None or place is None or there.name not in place.behind or there.name not in one.linked:
            return
        if there.name not in place.returning:
            one.log(Returning(there.name, [(slot, slot + 1)]))
        if self._made_equal(one, slot, there):
            one.log(Recovered(there.name, slot, slot + 1))

    def move(self, which: int, slot: int, node: int, *, cut_over: bool = True) -> None:
        """The slot's first replica that is not clean alone gives its place to the node, after those concerned noted that."""
        one, there, slot = self._active(which), self._node(node), slot % SLOTS
        place = None if one is None else one.topology.places[slot]
        if one is None or place is None or not place.clean or not one.obeyed(place):
            return
        if there.name in place.replicas or there.name not in one.linked:
            return
        self.moved = True
        target = (there.name, *place.replicas[1:])
        if place.target != target:
            one.log(Dual(slot, slot + 1, target))
        place = one.topology.places[slot]
        noted = [self.note(which, self._index(name)) for name in place.clean if name in one.linked]
        whole = set(target) <= set(place.clean + place.receiving)
        if cut_over and any(noted) and whole and self._made_equal(one, slot, there):
            one.log(CutOver(slot, slot + 1))

    def copy(self, which: int) -> None:
        """The log is copied as it is."""
        one = self.coordinators[which % len(self.coordinators)]
        self._copies.append((one.topology, one.last))

    def take_over(self, which: int) -> None:
        """A coordinator begins on a copy; whoever went on with the log sleeps, and may wake."""
        if self._copies:
            self._open(*self._copies[which % len(self._copies)], f"copy {len(self.coordinators)}")

    def restart(self, which: int) -> None:
        """A coordinator dies, and the next one opens its log where it was."""
        one = self.coordinators[which % len(self.coordinators)]
        one.stopped = True
        self._open(one.topology, one.last, one.home)

    def wipe(self, node: int) -> None:
        """A node comes back without its data."""
        there = self._node(node)
        for one in self.coordinators:
            if there.name in one.linked:
                self.lose(self.coordinators.index(one), node)
            one.linked.discard(there.name)
        self.wiped = True
        self._numbers += 1
        self.nodes[there.name] = ModelNode(there.name, f"data {self._numbers} of {there.name}")

    # What can be rebuilt.

    def rebuilt(self, names: Sequence[str]) -> Rebuilt | None:
        """What ``recover`` makes of those nodes, giving up whoever it names; None when it refuses altogether."""
        found = [self._found(name) for name in names]
        try:
            return rebuild(found)
        except ClusterError as error:
            without = str(error).split("--without ")[1:]
        try:
            return rebuild(found, [name.strip() for name in without]) if without else None
        except ClusterError:
            return None

    def missing_in(self, topology: Topology) -> str:
        """An acknowledged write that a clean replica of that topology lacks, in words; empty when there is none."""
        for slot, place in enumerate(topology.places):
            if not place.replicas and self.acknowledged[slot]:
                return f"slot {slot} looks empty"
            for name in place.clean:
                there = next(n for n in self.nodes.values() if n.data_id == topology.members[name].data_id)
                if not self.acknowledged[slot] <= there.held[slot]:
                    return f"slot {slot}: {name} is clean in {place} and lacks {self.acknowledged[slot] - there.held[slot]}"
        return ""

    def go_on_from(self, rebuilt: Rebuilt) -> None:
        """A coordinator opens the rebuilt log; the others may still wake."""
        self._open(rebuilt.topology, 30, f"rebuilt {len(self.coordinators)}")

    # Within.

    def _open(self, topology: Topology, last: int, home: str) -> None:
        ends = (*topology.ends, (topology.epoch, last))
        opened = Opened(topology.epoch + 1, f"c{len(self.coordinators) + 1}", topology.home or home, ends=ends)
        one = ModelCoordinator(apply(topology, opened), last + 1, cautious=topology.home != home, home=home)
        self.coordinators.append(one)

    def _made_equal(self, one: ModelCoordinator, slot: int, there: ModelNode) -> bool:
        source = next((name for name in one.topology.places[slot].clean if name in one.linked), None)
        if source is None or there.name not in one.linked:
            return False
        if any(self.nodes[name].granted != one.opening for name in (source, there.name)):
            one.stopped = True
            return False
        # What was told before it is noted before it.
        self.note(self.coordinators.index(one), self._index(source))
        there.held[slot] = set(self.nodes[source].held[slot])
        there.counter += 1
        return True

    def _found(self, name: str) -> Found:
        there = self.nodes[name]
        facts = Facts(
            cluster="c0ffee",
            data_id=there.data_id,
            counter=there.counter,
            noted=there.noted,
            epoch=there.granted[0],
            coordinator=there.granted[1],
        )
        return Found("127.0.0.1", 6000 + self._index(name), facts, write_note(there.note) if there.note else "")

    def _active(self, which: int) -> ModelCoordinator | None:
        one = self.coordinators[which % len(self.coordinators)]
        return None if one.stopped else one

    def _node(self, node: int) -> ModelNode:
        return list(self.nodes.values())[node % len(self.nodes)]

    def _index(self, name: str) -> int:
        return list(self.nodes).index(name)


def _reach_all(history: Takeovers, which: int, but: int) -> None:
    for node in range(len(history.nodes)):
        if node != but:
            history.reach(which, node)


def _write_all(history: Takeovers, which: int) -> None:
    for slot in range(SLOTS):
        history.write(which, slot)


def _take_over_from(history: Takeovers, which: int) -> None:
    history.copy(which)
    history.take_over(-1)


STEPS: dict[str, Callable[[Takeovers, int, int, int], object]] = {
    "reach": lambda history, which, node, slot: history.reach(which, node),
    "reach all": lambda history, which, node, slot: _reach_all(history, which, node),
    "lose": lambda history, which, node, slot: history.lose(which, node),
    "note": lambda history, which, node, slot: history.note(which, node),
    "write": lambda history, which, node, slot: history.write(which, slot),
    "write all": lambda history, which, node, slot: _write_all(history, which),
    "recover node": lambda history, which, node, slot: history.recover_node(which, slot, node),
    "move": lambda history, which, node, slot: history.move(which, slot, node),
    "begin to move": lambda history, which, node, slot: history.move(which, slot, node, cut_over=False),
    "copy": lambda history, which, node, slot: history.copy(which),
    "take over": lambda history, which, node, slot: _take_over_from(history, which),
    "take over from an old copy": lambda history, which, node, slot: history.take_over(which),
    "restart": lambda history, which, node, slot: history.restart(which),
    "wipe": lambda history, which, node, slot: history.wipe(node),
}
"""Each thing that may happen: which coordinator does it, with which node, and which slot."""
