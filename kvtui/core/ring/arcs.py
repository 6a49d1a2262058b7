"""The ring's arcs: runs of neighbouring slots with one first replica, as a list that can grow and shrink."""

from __future__ import annotations

from collections.abc import Sequence

from kvtui.core.ring.draft import VACANT

Take = tuple[int, int]
"""An arc, and how many of its slots are taken."""


class Arcs:
    """A circular linked list of arcs, and what each node leads too little (`need`) or too much (`spare`).

    `spare[VACANT]` counts the slots nobody leads: all of them are to be given away.
    """

    def __init__(self, heads: Sequence[int], quota: Sequence[int]):
        self.slots = len(heads)
        first = next((slot for slot in range(self.slots) if heads[slot] != heads[slot - 1]), 0)
        self.owner: list[int] = []
        self.start: list[int] = []
        self.size: list[int] = []
        for slot in (*range(first, self.slots), *range(first)):
            if self.owner and self.owner[-1] == heads[slot]:
                self.size[-1] += 1
            else:
                self.owner.append(heads[slot])
                self.start.append(slot)
                self.size.append(1)
        count = len(self.owner)
        self.prior = [(arc - 1) % count for arc in range(count)]
        self.next = [(arc + 1) % count for arc in range(count)]
        self.of: list[list[int]] = [[] for _ in quota]
        leading = [0] * len(quota)
        for arc, node in enumerate(self.owner):
            if node != VACANT:
                self.of[node].append(arc)
                leading[node] += self.size[arc]
        self.need = [max(0, share - now) for share, now in zip(quota, leading, strict=True)]
        self.spare = [max(0, now - share) for share, now in zip(quota, leading, strict=True)]
        self.spare.append(self.slots - sum(leading))

    def heads(self) -> list[int]:
        """The first replica of each slot."""
        laid = [VACANT] * self.slots
        for node, start, size in zip(self.owner, self.start, self.size, strict=True):
            stop = start + size
            laid[start:stop] = [node] * (min(stop, self.slots) - start)
            if stop > self.slots:
                laid[: stop - self.slots] = [node] * (stop - self.slots)
        return laid

    def gives(self, arc: int) -> bool:
        """Whether the arc is there, and its owner leads too much (or nobody owns it)."""
        return self.size[arc] > 0 and self.spare[self.owner[arc]] > 0

    def insert(self, prior: int, node: int) -> int:
        """A new, still empty arc of `node` right after `prior`."""
        new = len(self.owner)
        following = self.next[prior]
        self.owner.append(node)
        self.start.append(self.start[following] if following != prior else self._stop(prior))
        self.size.append(0)
        self.prior.append(prior)
        self.next.append(following)
        self.prior[following] = self.next[prior] = new
        self.of[node].append(new)
        return new

    def extend(self, arc: int, left: Sequence[Take], right: Sequence[Take]) -> None:
        """Let the arc grow into its neighbours: whole arcs, nearest first, and the edge of the last."""
        node = self.owner[arc]
        for takes, links in ((left, self.prior), (right, self.next)):
            for other, amount in takes:
                self._feed(arc, other, amount, links is self.prior)
            neighbour = links[arc]
            if takes and neighbour != arc and self.owner[neighbour] == node:
                self._feed(arc, neighbour, self.size[neighbour], links is self.prior)

    def _feed(self, arc: int, other: int, amount: int, from_left: bool) -> None:
        node, giver = self.owner[arc], self.owner[other]
        if giver != node:
            self.spare[giver] -= amount
            self.need[node] -= amount
        self.size[other] -= amount
        self.size[arc] += amount
        if from_left:
            self.start[arc] = (self.start[arc] - amount) % self.slots
        else:
            self.start[other] = (self.start[other] + amount) % self.slots
        if not self.size[other]:
            self.next[self.prior[other]] = self.next[other]
            self.prior[self.next[other]] = self.prior[other]
            if giver != VACANT:
                self.of[giver].remove(other)

    def _stop(self, arc: int) -> int:
        return (self.start[arc] + self.size[arc]) % self.slots
