"""A ring as plain data, to be logged and read back."""

from __future__ import annotations

import msgspec

from kvtui.core.ring.policy import Policy
from kvtui.core.ring.table import Range, Replicas, Table, ranges_of
from kvtui.core.ring.token import SLOTS, slot_shift


class RingRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ring as plain data: JSON or MessagePack of a few kilobytes, not one list a slot.

    `nodes` are (id, weight) in join order. `runs` cover the slots in order: each is the number of slots,
    then the positions in `nodes` of their replicas, first replica first.
    """

    policy: Policy
    replication: int
    nodes: tuple[tuple[str, int], ...] = ()
    runs: tuple[tuple[int, ...], ...] = ()
    slots: int = SLOTS


def runs_of(table: Table, weights: dict[str, int]) -> tuple[tuple[int, ...], ...]:
    """The table as a record's runs."""
    position = {node: index for index, node in enumerate(weights)}

    def run(part: Range) -> tuple[int, ...]:
        return (part.stop - part.start, *(position[node] for node in part.replicas))

    return tuple(run(part) for part in ranges_of(table))


def table_of(record: RingRecord) -> Table:
    """The record's table; ValueError, saying what is wrong, unless it is a whole and valid one."""
    slot_shift(record.slots)
    nodes = [node for node, _ in record.nodes]
    if len(set(nodes)) != len(nodes):
        raise ValueError("the ring record names a node twice")
    for node, weight in record.nodes:
        if weight < 1:
            raise ValueError(f"the ring record gives node {node} a weight of {weight}; the least is 1")
    if record.replication < 1:
        raise ValueError(f"the ring record asks for {record.replication} replicas; the least is 1")
    covered = sum(run[0] if run else 0 for run in record.runs)
    if covered != record.slots:
        raise ValueError(f"the ring record covers {covered} of {record.slots} slots")
    table: list[Replicas] = []
    for run in record.runs:
        table += [_replicas(run, nodes, min(record.replication, len(nodes)))] * run[0]
    return tuple(table)


def _replicas(run: tuple[int, ...], nodes: list[str], wanted: int) -> Replicas:
    length, *positions = run
    if length < 1:
        raise ValueError(f"the ring record has a run of {length} slots; the least is 1")
    if len(positions) != wanted or len(set(positions)) != wanted:
        raise ValueError(f"the ring record has a run without its {wanted} different replicas")
    if any(not 0 <= position < len(nodes) for position in positions):
        raise ValueError("the ring record has a run on a node that it does not name")
    return tuple(nodes[position] for position in positions)
