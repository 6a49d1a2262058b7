"""The table of a balanced ring while it is being replanned, nodes as small integers."""

from __future__ import annotations

from collections.abc import Sequence

from kvtui.core.ring.quota import Bounds, bounds, lead_quotas, settle

VACANT = -1
"""First replica of a slot whose last one left the ring."""

SWAP = -2
"""In place of a slot on a path: a node hands its ceiling to another one that stands at its floor."""


class Draft:
    """The rows of the next table, and the counts that planning steers by.

    A node that left is simply absent: it has no quota, so all its copies go. `before` keeps what each
    slot's nodes held at the start, for giving a node back what it has costs no copy.
    """

    def __init__(self, rows: Sequence[Sequence[int]], heads: Sequence[int], weights: Sequence[int], copies: int):
        self.slots = len(rows)
        self.copies = copies
        self.nodes = len(weights)
        self.before: list[tuple[int, ...]] = [tuple(row) for row in rows]
        self.rows: list[list[int]] = [list(row) for row in rows]
        self.heads: list[int] = list(heads)
        self.held = [0] * self.nodes
        for row in rows:
            for node in row:
                self.held[node] += 1
        self.leading = [0] * self.nodes
        for head in heads:
            if head != VACANT:
                self.leading[head] += 1
        self.limits: Bounds = bounds(weights, copies, self.slots)
        self.lead_limits: Bounds = bounds(weights, 1, self.slots)
        self.quota = settle(self.limits, self.held)
        self.lead_quota = lead_quotas(self.lead_limits, self.leading, self.held, self.quota)
        self.pairs: list[dict[int, int]] = [{} for _ in range(self.nodes)]
        for row in rows:
            for node in row:
                shared = self.pairs[node]
                for other in row:
                    if other != node:
                        shared[other] = shared.get(other, 0) + 1
        self._scale = [self.slots / max(1, share) for share in self.quota]
        # Copies are placed in runs this long, so that ranges stay few, yet short against a pair's even share.
        self.grain = max(1, self.slots // (4 * self.nodes * self.nodes))

    def add(self, slot: int, node: int) -> None:
        """Give the slot one more copy, on `node`."""
        row = self.rows[slot]
        shared = self.pairs[node]
        for other in row:
            shared[other] = shared.get(other, 0) + 1
            self.pairs[other][node] = self.pairs[other].get(node, 0) + 1
        row.append(node)
        self.held[node] += 1

    def drop(self, slot: int, node: int) -> None:
        """Take the slot's copy from `node`; if it was first replica, the slot's place for one is vacant."""
        row = self.rows[slot]
        row.remove(node)
        shared = self.pairs[node]
        for other in row:
            shared[other] -= 1
            self.pairs[other][node] -= 1
        self.held[node] -= 1
        if self.heads[slot] == node:
            self.lead(slot, VACANT)

    def lead(self, slot: int, node: int) -> None:
        """Make `node` (or nobody: VACANT) the slot's first replica."""
        head = self.heads[slot]
        if head != VACANT:
            self.leading[head] -= 1
        if node != VACANT:
            self.leading[node] += 1
        self.heads[slot] = node

    def crowding(self, node: int, slot: int, leaver: int = VACANT) -> float:
        """How much `node` already shares with the slot's other nodes (without `leaver`), against even shares."""
        shared = self.pairs[node]
        scale = self._scale
        total = 0.0
        for other in self.rows[slot]:
            if other != node and other != leaver:
                total += shared.get(other, 0) * scale[other]
        return total * scale[node] / self.slots

    def wants(self, node: int) -> bool:
        """Whether the node holds less than its quota."""
        return self.held[node] < self.quota[node]

    def spares(self, node: int) -> bool:
        """Whether the node holds more than its quota."""
        return self.held[node] > self.quota[node]

    def below_ceiling(self) -> list[int]:
        """The nodes that hold their quota, and could hold one more if another node gave up its ceiling."""
        return [
            node for node in range(self.nodes) if self.quota[node] < self.limits.ceilings[node] and not self.wants(node)
        ]
