"""Settles what direct steps could not place: copies by successive shortest paths.

The table is a flow from nodes (each its quota) to slots (each its copies); a copy that a slot's node did not
have before costs 1. Every partial table that planning arrives at is cheapest for its size, and a shortest
augmenting path keeps it so: hence the finished table copies the minimum. Source: Ahuja, Magnanti, Orlin,
"Network Flows" (1993), section 9.7.
"""

from __future__ import annotations

from collections import deque

from kvtui.core.ring.draft import VACANT, Draft

SWAP = -1
"""In place of a slot: a node hands its ceiling to another one that stands at its floor."""

Step = tuple[int, int]
"""The node before on the path, and the slot in which it takes over (or SWAP)."""


def shed(draft: Draft) -> None:
    """Drop copies until no slot and no node has too many. First replicas stay wherever it can be helped."""
    for slot, row in enumerate(draft.rows):
        while len(row) > draft.copies:
            draft.drop(slot, _shed_choice(draft, slot))
    rich = [node for node in range(draft.nodes) if draft.spares(node)]
    if not rich:
        return
    for slot, row in enumerate(draft.rows):
        for node in list(row):
            if draft.spares(node) and draft.heads[slot] != node:
                draft.drop(slot, node)
    for slot, row in enumerate(draft.rows):
        for node in list(row):
            if draft.spares(node):
                draft.drop(slot, node)


def _shed_choice(draft: Draft, slot: int) -> int:
    """Which node an overfull slot lets go: one above its quota, most in surplus and most crowded."""
    row = [node for node in draft.rows[slot] if node != draft.heads[slot]]

    def worth(node: int) -> tuple[bool, float]:
        surplus = (draft.held[node] - draft.quota[node]) / max(1, draft.quota[node])
        return draft.spares(node), 4 * surplus + draft.crowding(node, slot)

    return max(row, key=worth)


def settle_rest(draft: Draft) -> None:
    """Place every missing copy, each along a shortest path of exchanges."""
    while any(draft.wants(node) for node in range(draft.nodes)):
        _augment(draft)


def _augment(draft: Draft) -> None:
    """Place one copy: find the shortest path from a node that wants one to an empty place, and carry it out."""
    cost = {node: 0 for node in range(draft.nodes) if draft.wants(node)}
    step: dict[int, Step] = {}
    best: tuple[int, int, int] | None = None  # cost, node, slot with an empty place
    queue = deque(cost)
    queued = set(cost)
    while queue:
        node = queue.popleft()
        queued.discard(node)
        for reached, price, slot in _exchanges(draft, node):
            total = cost[node] + price
            if reached == VACANT:
                if best is None or total < best[0]:
                    best = total, node, slot
            elif reached not in cost or total < cost[reached]:
                cost[reached] = total
                step[reached] = node, slot
                if reached not in queued:
                    queued.add(reached)
                    queue.append(reached)
    if best is None:
        raise AssertionError("a table with room for every quota has an augmenting path")
    _apply(draft, step, best[1], best[2])


def _exchanges(draft: Draft, node: int) -> list[tuple[int, int, int]]:
    """Whom `node` can displace at what price: (node displaced, or VACANT for an empty place; price; slot)."""
    cheapest: dict[int, tuple[int, bool, int]] = {}
    for slot, row in enumerate(draft.rows):
        if node in row:
            continue
        before = draft.before[slot]
        price = 0 if node in before else 1
        if len(row) < draft.copies:
            offer = (price, False, slot)
            if VACANT not in cheapest or offer < cheapest[VACANT]:
                cheapest[VACANT] = offer
        for other in row:
            offer = (price if other in before else price - 1, draft.heads[slot] == other, slot)
            if other not in cheapest or offer < cheapest[other]:
                cheapest[other] = offer
    found = [(other, price, slot) for other, (price, _, slot) in cheapest.items()]
    floors, ceilings, quota = draft.limits.floors, draft.limits.ceilings, draft.quota
    if quota[node] > floors[node]:
        found += [
            (other, 0, SWAP)
            for other in range(draft.nodes)
            if quota[other] < ceilings[other] and not draft.wants(other) and other != node
        ]
    return found


def _apply(draft: Draft, step: dict[int, Step], node: int, slot: int) -> None:
    """Carry the path out from its end, where `node` takes the empty place in `slot`."""
    draft.add(slot, node)
    while node in step:
        earlier, slot = step[node]
        if slot == SWAP:
            draft.quota[earlier] -= 1
            draft.quota[node] += 1
        else:
            draft.drop(slot, node)
            draft.add(slot, earlier)
        node = earlier
