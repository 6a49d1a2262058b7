"""The way from a key to its replicas as the classic placement goes it, told from a snapshot. Pure values."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from kvtui.core.ring.classic import points_of
from kvtui.core.snapshot import ClusterSnapshot, RangeView

TOKENS = 1 << 64


class Met(Enum):
    """What a virtual node that is met on the way means for the key."""

    REPLICA = "replica"
    """The first that is met of a node that holds the key."""
    SKIPPED = "skipped"
    """Its node was met before."""
    COMING = "coming"
    """The first that is met of a node that is to hold the key, and does not yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """A virtual node on the way: its place on the ring (0..1), its node, and what it means."""

    position: float
    node: str
    met: Met


def virtual_nodes(snapshot: ClusterSnapshot) -> int:
    """Those of a node of weight 1; 0 on a balanced ring, which has none."""
    name, _, count = snapshot.policy.partition(" ")
    return int(count) if name == "classic" else 0


def range_at(snapshot: ClusterSnapshot, position: float) -> RangeView | None:
    """The range that a ring position lies in; None without nodes."""
    place = bisect_right(snapshot.ranges, position, key=lambda part: part.start) - 1
    return snapshot.ranges[place] if place >= 0 else None


def walk(snapshot: ClusterSnapshot, position: float) -> tuple[Step, ...]:
    """The virtual nodes from the slot of a ring position clockwise until all its replicas are met, in that order.

    Empty on a balanced ring, and where the replicas are not those that are met, in their order: a slot that was placed otherwise
    and has not moved yet.
    """
    part = range_at(snapshot, position)
    each = virtual_nodes(snapshot)
    if part is None or not each:
        return ()
    replicas = part.replicas
    # A node that leaves has no part in the plan, and holds what has not moved yet.
    weights = tuple((node.id, node.weight) for node in snapshot.nodes if node.quota or node.id in replicas)
    tokens, owners = _points(weights, each)
    if not tokens:
        return ()
    planned = sum(1 for node in snapshot.nodes if node.quota)
    wanted = min(snapshot.replication, planned)
    slot = int(position * snapshot.slots)
    first = bisect_left(tokens, slot * (TOKENS // snapshot.slots))
    steps: list[Step] = []
    found: list[str] = []
    missing = set(replicas)
    for place in range(first, first + len(tokens)):
        if not missing and len(found) >= wanted:
            break
        token, owner = tokens[place % len(tokens)], owners[place % len(tokens)]
        if owner in found:
            met = Met.SKIPPED
        else:
            met = Met.REPLICA if owner in replicas else Met.COMING
            found.append(owner)
            missing.discard(owner)
        steps.append(Step(token / TOKENS, owner, met))
    held = tuple(step.node for step in steps if step.met is Met.REPLICA)
    return tuple(steps) if held == replicas else ()


@lru_cache(maxsize=4)
def _points(weights: tuple[tuple[str, int], ...], each: int) -> tuple[Sequence[int], Sequence[str]]:
    """Tokens of all virtual nodes in ring order, and their nodes."""
    points = sorted(point for node, weight in weights for point in points_of(node, weight * each))
    return [token for token, _ in points], [node for _, node in points]
