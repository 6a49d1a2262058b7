"""Small topologies, made as a coordinator makes them: by records."""

from collections.abc import Iterable

from kvtui.core.placement import Placement
from kvtui.core.records import Created, Joined, Member, Opened, Placed, Planned, Record
from kvtui.core.ring import Balanced, Ring
from kvtui.core.topology import Topology, apply

SLOTS = 8


def after(topology: Topology, *records: Record) -> Topology:
    """The topology after ``records``."""
    for record in records:
        topology = apply(topology, record)
    return topology


def member(node: str, data_id: str = "", counter: int = 0, leaving: bool = False) -> Member:
    return Member(
        id=node, host="127.0.0.1", port=5001, data_id=data_id or f"data of {node}", counter=counter, leaving=leaving
    )


def planned(nodes: Iterable[str], replication: int = 1, slots: int = SLOTS) -> Ring:
    ring = Ring.empty(Balanced(), replication, slots)
    for node in nodes:
        ring = ring.join(node)
    return ring


def created(slots: int = SLOTS, replication: int = 1) -> Topology:
    """A cluster without nodes, opened for the first time."""
    ring = Ring.empty(Balanced(), replication, slots)
    return after(Topology(), Created("c0ffee", "default", ring.to_record()), Opened(1, "coordinator"))


def joined(nodes: Iterable[str], replication: int = 1, slots: int = SLOTS) -> Topology:
    """Nodes that are planned for, while no slot is placed yet."""
    names = list(nodes)
    ring = planned(names, replication, slots)
    return after(created(slots, replication), *(Joined(member(node)) for node in names), Planned(ring.to_record()))


def settled(nodes: Iterable[str], replication: int = 1, slots: int = SLOTS) -> Topology:
    """Every slot placed as planned, every replica clean."""
    topology = joined(nodes, replication, slots)
    table = topology.planned.table
    return after(topology, *(Placed(slot, slot + 1, Placement(on, on)) for slot, on in enumerate(table)))


def placed_as(topology: Topology, place: Placement) -> Topology:
    """The same topology with every slot at ``place``."""
    return after(topology, Placed(0, len(topology.places), place))
