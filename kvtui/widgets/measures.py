"""What the bars of nodes can show, in which unit, and in which order nodes can stand."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kvtui.commands import size
from kvtui.core.snapshot import NodeState, NodeView
from kvtui.widgets.bars import scale
from kvtui.widgets.words import milliseconds


class Measure(StrEnum):
    """What a bar is as long as."""

    COPIES = "copies"
    BYTES = "bytes"
    OPERATIONS = "operations"
    LATENCY = "latency p99"

    @property
    def next(self) -> "Measure":
        """The one that comes after it, round and round."""
        every = list(Measure)
        return every[(every.index(self) + 1) % len(every)]


@dataclass(frozen=True, slots=True)
class _Unit:
    value: Callable[[NodeView], int]
    text: Callable[[int], str]
    least: int
    """What a full bar stands for at least."""


_UNITS = {
    Measure.COPIES: _Unit(lambda node: node.keys, lambda value: f"{value:,}", 10),
    Measure.BYTES: _Unit(lambda node: node.bytes, size, 1_000),
    Measure.OPERATIONS: _Unit(lambda node: round(node.operations), lambda value: f"{value:,}/s", 10),
    # In microseconds.
    Measure.LATENCY: _Unit(
        lambda node: round(node.p99 * 1000), lambda value: f"{milliseconds(value / 1000)} ms" if value else "-", 100
    ),
}


def value_of(measure: Measure, node: NodeView) -> int:
    """What the node's bar stands for: keys, bytes, operations a second, microseconds."""
    return _UNITS[measure].value(node)


def text_of(measure: Measure, value: int) -> str:
    """The number beside the bar, with its unit."""
    return _UNITS[measure].text(value)


@dataclass(frozen=True, slots=True)
class Scale:
    """Makes bars of a measure's values."""

    measure: Measure
    top: int
    """What a full bar stands for."""
    width: int
    """Cells of the longest number."""
    per_quota: float
    """What a node would have whose quota is the whole ring; 0: a quota says nothing of this measure."""

    @classmethod
    def of(cls, measure: Measure, nodes: Sequence[NodeView]) -> "Scale":
        """The scale on which all ``nodes`` can be compared."""
        unit = _UNITS[measure]
        values = [unit.value(node) for node in nodes]
        per_quota = 0.0
        if measure in (Measure.COPIES, Measure.BYTES):
            quotas = sum(node.quota for node in nodes)
            per_quota = sum(values) / quotas if quotas else 0.0
        most = max(values, default=0)
        planned = max((node.quota for node in nodes), default=0.0) * per_quota
        texts = (
            {unit.text(most), unit.text(max(0, most - 1))} if measure is not Measure.LATENCY else {"888 ms", "0.88 ms"}
        )
        if measure is Measure.BYTES:
            texts = {"99.9 MiB"}
        return cls(measure, scale(max(unit.least, most, round(planned))), max(map(len, texts)), per_quota)


class Order(StrEnum):
    """How the nodes are sorted; the value is what the title says of it."""

    JOINED = ""
    """As they joined."""
    ID = "by id"
    VALUE = "most first"
    """By what the bars show."""
    SHARE = "fullest first"
    """By their share over their quota."""
    STATE = "worst first"

    @property
    def next(self) -> "Order":
        """The one that comes after it, round and round."""
        every = list(Order)
        return every[(every.index(self) + 1) % len(every)]


_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts ``n2`` before ``n10``."""
    parts = (part for part in _DIGITS.split(name.casefold()) if part)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def trouble(node: NodeView) -> int:
    """How bad a node's state is; 0 is the worst."""
    if node.state is not NodeState.UP:
        return 0 if node.state is NodeState.DOWN else 1
    if node.damaged:
        return 2
    if node.behind:
        return 3
    if node.fault or node.note:
        return 4
    if node.leaving:
        return 5
    return 6 if node.receiving is not None else 7


def ordered(nodes: Sequence[NodeView], order: Order, measure: Measure) -> list[NodeView]:
    """The nodes sorted; those that compare equal stay in join order."""
    if order is Order.ID:
        return sorted(nodes, key=lambda node: natural(node.id))
    if order is Order.VALUE:
        value = _UNITS[measure].value
        return sorted(nodes, key=lambda node: -value(node))
    if order is Order.SHARE:
        return sorted(nodes, key=lambda node: -(node.share / node.quota) if node.quota else -1e9 * node.share)
    if order is Order.STATE:
        return sorted(nodes, key=trouble)
    return list(nodes)
