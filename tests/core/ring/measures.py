"""What the ring's tests measure on tables: copies, arcs, pairs and whether quotas are held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from kvtui.core.ring import Ring
from kvtui.core.ring.table import Replicas


def copies_made(before: Sequence[Replicas], after: Sequence[Replicas]) -> int:
    """Copies that have to be made to get from one table to the other; reordering makes none."""
    return sum(len(set(new) - set(old)) for old, new in zip(before, after, strict=True))


def arcs(ring: Ring) -> int:
    """Runs of neighbouring slots, round the ring, with one first replica."""
    heads = [replicas[0] for replicas in ring.table]
    return max(1, sum(heads[slot] != heads[slot - 1] for slot in range(len(heads))))


def busiest_pair(ring: Ring) -> float:
    """Slots shared by the pair of nodes that shares most, as a multiple of the even share."""
    nodes, wanted = len(ring.weights), min(ring.replication, len(ring.weights))
    shared: Counter[tuple[str, ...]] = Counter()
    for row, slots in Counter(ring.table).items():
        for pair in combinations(sorted(row), 2):
            shared[pair] += slots
    even = ring.slots * wanted * (wanted - 1) / (nodes * (nodes - 1))
    return max(shared.values()) / even


def shares(ring: Ring, copies: int) -> dict[str, Fraction]:
    """Each node's exact share of `copies` copies a slot, at most one copy a slot: plain water-filling."""
    exact: dict[str, Fraction] = {}
    left = dict(ring.weights)
    total = Fraction(ring.slots * copies)
    while left:
        level = total / sum(left.values())
        full = [node for node, weight in left.items() if weight * level >= ring.slots]
        if not full:
            exact.update({node: weight * level for node, weight in left.items()})
            break
        for node in full:
            exact[node] = Fraction(ring.slots)
            total -= ring.slots
            del left[node]
    return exact


def broken_quotas(ring: Ring) -> list[str]:
    """Every way in which the table breaks a quota or is no table of this ring; empty if it holds all."""
    if not ring.weights:
        return [] if ring.table == ((),) * ring.slots else ["a ring without nodes has replicas"]
    wanted = min(ring.replication, len(ring.weights))
    broken = [f"slot {slot}: {row}" for slot, row in enumerate(ring.table) if len(set(row)) != len(row)]
    broken += [f"slot {slot}: {row}" for slot, row in enumerate(ring.table) if len(row) != wanted]
    held = Counter(node for row in ring.table for node in row)
    leading = Counter(row[0] for row in ring.table)
    for what, counts, exact in (("holds", held, shares(ring, wanted)), ("leads", leading, shares(ring, 1))):
        broken += [
            f"{node} {what} {counts[node]}, share {float(share):.2f}"
            for node, share in exact.items()
            if abs(counts[node] - share) >= 1
        ]
        broken += [f"{node} {what} slots but is gone" for node in counts if node not in ring.weights]
    return broken
