"""The ring as an immutable value: for each slot its ordered replicas, and the rings that can follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from xxhash import xxh3_64_intdigest

from kvtui.core.ring.balanced import balanced_table
from kvtui.core.ring.classic import classic_table
from kvtui.core.ring.policy import Classic, Policy
from kvtui.core.ring.record import RingRecord, runs_of, table_of
from kvtui.core.ring.table import Range, Replicas, Table, ranges_of
from kvtui.core.ring.token import SLOTS, slot_shift


class Ring:
    """Who holds which slot. Immutable; compared and hashed by value, the nodes' join order included.

    `replication` is the number of replicas that is wanted; with fewer nodes each slot has all of them.
    `weights` has each node's weight (1 and up), in join order. `table` has one tuple of distinct node ids
    a slot, first replica first; empty tuples on a ring without nodes. Make one with `Ring.empty`, then
    follow it: each next ring is a function of this one and the change alone, on every machine.
    """

    __slots__ = ("_hash", "_record", "_shift", "policy", "replication", "slots", "table", "weights")

    policy: Policy
    replication: int
    slots: int
    weights: Mapping[str, int]
    table: Table
    _shift: int
    _hash: int | None
    _record: RingRecord | None
    """As ``to_record`` made it: a large ring's takes long."""

    def __init__(self, policy: Policy, replication: int, slots: int, weights: dict[str, int], table: Table):
        put = object.__setattr__
        put(self, "policy", policy)
        put(self, "replication", replication)
        put(self, "slots", slots)
        put(self, "weights", MappingProxyType(weights))
        put(self, "table", table)
        put(self, "_shift", slot_shift(slots))
        put(self, "_hash", None)
        put(self, "_record", None)

    @classmethod
    def empty(cls, policy: Policy, replication: int, slots: int = SLOTS) -> Ring:
        """A ring without nodes. ValueError if `replication` is below 1 or `slots` is no power of two."""
        slot_shift(slots)
        _check_replication(replication)
        return cls(policy, replication, slots, {}, ((),) * slots)

    def join(self, node: str, weight: int = 1) -> Ring:
        """The ring with one more node. ValueError if it is there already, or its weight is below 1."""
        return self.join_all([node], weight)

    def join_all(self, nodes: Iterable[str], weight: int = 1) -> Ring:
        """The ring with more nodes, planned once for all. ValueError as for ``join``."""
        weights = dict(self.weights)
        for node in nodes:
            if node in weights:
                raise ValueError(f"node {node} is already in the ring")
            if not node:
                raise ValueError("a node needs an id that is not empty")
            _check_weight(node, weight)
            weights[node] = weight
        return self if len(weights) == len(self.weights) else self._next(weights, self.replication)

    def leave(self, node: str) -> Ring:
        """The ring without `node`. ValueError if it is not there."""
        self._check_known(node)
        return self._next({other: weight for other, weight in self.weights.items() if other != node}, self.replication)

    def reweigh(self, node: str, weight: int) -> Ring:
        """The ring with `node` at a new weight. ValueError if it is not there, or the weight is below 1."""
        self._check_known(node)
        _check_weight(node, weight)
        return self._next({**self.weights, node: weight}, self.replication)

    def replicate(self, replication: int) -> Ring:
        """The ring with another number of replicas wanted. ValueError if it is below 1."""
        _check_replication(replication)
        return self._next(dict(self.weights), replication)

    def under(self, policy: Policy) -> Ring:
        """The ring of the same nodes under another policy; a balanced one starts from the present table, to move little."""
        if policy == self.policy:
            return self
        replaced = Ring(policy, self.replication, self.slots, dict(self.weights), self.table)
        return replaced._next(dict(self.weights), self.replication)

    def replicas(self, key: bytes) -> Replicas:
        """The nodes that hold `key`, first replica first."""
        return self.table[xxh3_64_intdigest(key) >> self._shift]

    def ranges(self) -> tuple[Range, ...]:
        """The table as maximal runs of neighbouring slots with equal replicas, in slot order."""
        return ranges_of(self.table)

    def to_record(self) -> RingRecord:
        """The ring as plain data."""
        record = self._record
        if record is None:
            runs = runs_of(self.table, dict(self.weights))
            record = RingRecord(self.policy, self.replication, tuple(self.weights.items()), runs, self.slots)
            object.__setattr__(self, "_record", record)
        return record

    @classmethod
    def from_record(cls, record: RingRecord) -> Ring:
        """The ring that gave this record. ValueError, saying what is wrong, if no ring can have."""
        return cls(record.policy, record.replication, record.slots, dict(record.nodes), table_of(record))

    def _next(self, weights: dict[str, int], replication: int) -> Ring:
        if isinstance(self.policy, Classic):
            table = classic_table(weights, self.policy.vnodes, replication, self.slots)
        else:
            table = balanced_table(self.table, weights, replication)
        return Ring(self.policy, replication, self.slots, weights, table)

    def _check_known(self, node: str) -> None:
        if node not in self.weights:
            raise ValueError(f"node {node} is not in the ring")

    def _value(self) -> tuple[object, ...]:
        return self.policy, self.replication, self.slots, tuple(self.weights.items()), self.table

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Ring) and self._value() == other._value())

    def __hash__(self) -> int:
        if self._hash is None:
            object.__setattr__(self, "_hash", hash(self._value()))
        return self._hash  # type: ignore[return-value]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Ring can't be changed: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Ring can't be changed: {name}")

    def __repr__(self) -> str:
        return (
            f"Ring({self.policy!r}, replication={self.replication}, slots={self.slots}, weights={dict(self.weights)})"
        )


def _check_weight(node: str, weight: int) -> None:
    if weight < 1:
        raise ValueError(f"node {node} can't have a weight of {weight}; the least is 1")


def _check_replication(replication: int) -> None:
    if replication < 1:
        raise ValueError(f"a ring can't keep {replication} replicas; the least is 1")
