"""Places the copies that direct steps can place, steering so that pairs of nodes stay evenly shared."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from kvtui.core.ring.draft import VACANT, Draft

RECEIVERS = 12
"""Nodes compared for one empty place."""

HASTE = 1.0
"""Weight of even progress against even pairs."""

OFFERS = 5
"""Slots compared for one copy that a node gives away."""


def carry_out(draft: Draft, planned: list[int]) -> None:
    """Give each slot its planned first replica, where that costs no copy above the minimum.

    Free if the planned node is there; else it must want copies, and the slot must have an empty place or a
    node that gives copies away. Where neither holds, the slot keeps what it has.
    """
    leaver = VACANT
    run = 0
    for slot, node in enumerate(planned):
        if draft.heads[slot] == node:
            continue
        row = draft.rows[slot]
        if node not in row:
            if not draft.wants(node):
                continue
            if len(row) >= draft.copies:
                givers = [member for member in row if draft.spares(member)]
                if not givers:
                    continue
                if leaver not in givers or run >= draft.grain:
                    leaver = max(givers, key=lambda giver: _relief(draft, giver, slot, node))
                    run = 0
                run += 1
                draft.drop(slot, leaver)
            draft.add(slot, node)
        draft.lead(slot, node)


def _relief(draft: Draft, giver: int, slot: int, receiver: int) -> float:
    return draft.crowding(giver, slot) - draft.crowding(receiver, slot, giver)


def fill_capped(draft: Draft) -> None:
    """Give the nodes that must hold every slot all that they lack, even where that overfills slots."""
    for node in range(draft.nodes):
        if draft.limits.floors[node] == draft.slots and draft.wants(node):
            for slot, row in enumerate(draft.rows):
                if node not in row:
                    draft.add(slot, node)


class Demand:
    """Who still needs copies, and how scarce the empty places are that each can take."""

    def __init__(self, draft: Draft):
        self._draft = draft
        self.needy = [node for node in range(draft.nodes) if draft.wants(node)]
        self._wanted = {node: draft.quota[node] - draft.held[node] for node in self.needy}
        self._total = self._left = sum(self._wanted.values())
        # Slots with an empty place that are still to come, and in how many of them each node is already.
        self._open = 0
        self._barred = [0] * draft.nodes
        for row in draft.rows:
            if len(row) < draft.copies:
                self._count(row, 1)

    def _count(self, row: list[int], step: int) -> None:
        self._open += step
        for node in row:
            self._barred[node] += step

    def passed(self, row: list[int]) -> None:
        """A slot with an empty place, held by `row`, is next: it is no longer to come."""
        self._count(row, -1)

    def place(self, slot: int, node: int) -> None:
        """Give `node` a copy of the slot."""
        self._draft.add(slot, node)
        self._left -= 1
        if not self._draft.wants(node):
            self.needy.remove(node)

    def urgency(self, node: int) -> float:
        """How much the node must come first: by how far it is behind, steeply if few places are left for it.

        Both weigh more as places run out: early the pairs count, in the end who still needs most.
        """
        need = self._draft.quota[node] - self._draft.held[node]
        places = self._open - self._barred[node] + 1
        behind = need / self._wanted[node] * self._total / self._left
        return HASTE * behind + 1 / max(0.02, 1.02 - need / places)


def fill_empty(draft: Draft) -> None:
    """Fill the slots' empty places with nodes that want copies and aren't there, where any is."""
    demand = Demand(draft)
    if not demand.needy:
        return
    turn = 0
    for part in scattered_runs(draft.slots, draft.grain):
        # The nodes chosen for this run: taken again for its next slots, so that ranges stay few.
        chosen: list[int] = []
        for slot in part:
            row = draft.rows[slot]
            if len(row) < draft.copies:
                demand.passed(row)
            while len(row) < draft.copies and demand.needy:
                node = next((node for node in chosen if node not in row and draft.wants(node)), VACANT)
                if node == VACANT:
                    node = _receiver(draft, slot, demand, turn)
                    turn += 1
                    if node == VACANT:
                        break
                    chosen.append(node)
                demand.place(slot, node)


def scattered_runs(slots: int, length: int) -> Iterator[range]:
    """All slots once, in runs of `length`, neighbouring runs far apart in time.

    So what is left of any node's slots at any time is spread evenly, and no node is left over at the end.
    """
    count = -(-slots // length)
    stride = next(step for step in range(max(1, int(count * 0.618)), count + 1) if gcd(step, count) == 1)
    for index in range(count):
        start = index * stride % count * length
        yield range(start, min(start + length, slots))


def _receiver(draft: Draft, slot: int, demand: Demand, turn: int) -> int:
    """The needy node that keeps pairs and progress most even; VACANT if all are in the slot."""
    row = draft.rows[slot]
    needy = demand.needy
    best, best_score = VACANT, 0.0
    looked = 0
    for offset in range(len(needy)):
        node = needy[(turn + offset) % len(needy)]
        if node in row:
            continue
        score = draft.crowding(node, slot) - demand.urgency(node)
        if best == VACANT or score < best_score:
            best, best_score = node, score
        looked += 1
        if looked == RECEIVERS:
            break
    return best


def hand_over(draft: Draft) -> None:
    """Let nodes above their quota give copies to nodes below it, slot by slot; first replicas stay."""
    rich = [node for node in range(draft.nodes) if draft.spares(node)]
    needy = [node for node in range(draft.nodes) if draft.wants(node)]
    if not rich or not needy:
        return
    given: dict[int, list[int]] = {node: [] for node in rich}
    for slot, row in enumerate(draft.rows):
        for node in row:
            if node in given and draft.heads[slot] != node:
                given[node].append(slot)
    turn = 0
    while rich and needy:
        giver = rich[turn % len(rich)]
        turn += 1
        offer = _offer(draft, giver, given[giver], needy, turn)
        if offer is None:
            rich.remove(giver)
            continue
        slot, receiver = offer
        for _ in range(draft.grain):
            row = draft.rows[slot]
            if giver not in row or draft.heads[slot] == giver or receiver in row:
                break
            draft.drop(slot, giver)
            draft.add(slot, receiver)
            slot = (slot + 1) % draft.slots
            if not draft.spares(giver) or not draft.wants(receiver):
                break
        if not draft.spares(giver):
            rich.remove(giver)
        if not draft.wants(receiver):
            needy.remove(receiver)


def _offer(draft: Draft, giver: int, slots: list[int], needy: list[int], turn: int) -> tuple[int, int] | None:
    """A slot that `giver` can give and who gets it: the best for even pairs of a few, spread over the ring."""
    best: tuple[int, int] | None = None
    best_score = 0.0
    looked = 0
    count = len(slots)
    stride = max(1, count // OFFERS)
    for step in range(count):
        # Strides from a start that turns with each call; coprime steps are not needed, the rest is scanned too.
        index = (turn * 7 + (step % OFFERS) * stride + step // OFFERS) % count
        slot = slots[index]
        row = draft.rows[slot]
        if giver not in row or draft.heads[slot] == giver:
            continue
        for offset in range(min(len(needy), OFFERS)):
            receiver = needy[(turn + offset) % len(needy)]
            if receiver in row:
                continue
            score = _relief(draft, giver, slot, receiver)
            if best is None or score > best_score:
                best, best_score = (slot, receiver), score
        looked += best is not None
        if looked >= OFFERS:
            break
    return best
