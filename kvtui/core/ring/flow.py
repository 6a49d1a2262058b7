"""Settles what direct steps could not place: copies by successive shortest paths.

The table is a flow from nodes (each its quota) to slots (each its copies); a copy that a slot's node did not
have before costs 1. Every partial table that planning arrives at is cheapest for its size, and a shortest
augmenting path keeps it so: hence the finished table copies the minimum. Source: Ahuja, Magnanti, Orlin,
"Network Flows" (1993), section 9.7.
"""

from __future__ import annotations

from collections import deque

from kvtui.core.ring.draft import VACANT, Draft
from kvtui.core.ring.fill import scattered_runs

SWAP = -1
"""In place of a slot: a node hands its ceiling to another one that stands at its floor."""

def shed(draft: Draft) -> None:
    """Drop copies until no slot and no node has too many. First replicas stay wherever it can be helped."""
    _shed_overfull(draft)
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


def _shed_overfull(draft: Draft) -> None:
    """Let overfull slots go: each drops nodes above their quota, those most in surplus and most crowded."""
    left = sum(max(0, len(row) - draft.copies) for row in draft.rows)
    if not left:
        return
    total = left
    surplus = [max(1, held - quota) for held, quota in zip(draft.held, draft.quota, strict=True)]
    for part in scattered_runs(draft.slots, draft.grain):
        choice = VACANT
        for slot in part:
            row = draft.rows[slot]
            while len(row) > draft.copies:
                if choice not in row or choice == draft.heads[slot] or not draft.spares(choice):
                    choice = _shed_choice(draft, slot, surplus, total / left)
                draft.drop(slot, choice)
                left -= 1


def _shed_choice(draft: Draft, slot: int, surplus: list[int], pressure: float) -> int:
    def worth(node: int) -> tuple[bool, float]:
        ahead = (draft.held[node] - draft.quota[node]) / surplus[node] * pressure
        return draft.spares(node), ahead + draft.crowding(node, slot)

    return max((node for node in draft.rows[slot] if node != draft.heads[slot]), key=worth)


def settle_rest(draft: Draft) -> None:
    """Place every missing copy, each along a shortest path of exchanges."""
    while any(draft.wants(node) for node in range(draft.nodes)):
        path, slots = _shortest_path(draft)
        for slot in slots:
            if not _augment(draft, path, slot):
                break


def _shortest_path(draft: Draft) -> tuple[list[tuple[int, list[int]]], list[int]]:
    """From a node that wants a copy to an empty place, at the least price.

    Returns the nodes on the way, each with the slots in which the one before can displace it, and the slots
    with an empty place for the last one. Every slot named costs the same as any other for that step.
    """
    cost = {node: 0 for node in range(draft.nodes) if draft.wants(node)}
    step: dict[int, tuple[int, list[int]]] = {}
    best: tuple[int, int, list[int]] | None = None
    queue = deque(cost)
    while queue:
        node = queue.popleft()
        for reached, (price, slots) in _exchanges(draft, node).items():
            total = cost[node] + price
            if reached == VACANT:
                if best is None or total < best[0]:
                    best = total, node, slots
            elif reached not in cost or total < cost[reached]:
                cost[reached] = total
                step[reached] = node, slots
                if reached not in queue:
                    queue.append(reached)
    if best is None:
        raise AssertionError("a table with room for every quota has an augmenting path")
    node = best[1]
    path: list[tuple[int, list[int]]] = []
    while node in step:
        path.append((node, step[node][1]))
        node = step[node][0]
    path.append((node, []))
    return path[::-1], best[2]


def _exchanges(draft: Draft, node: int) -> dict[int, tuple[int, list[int]]]:
    """Whom `node` can displace (VACANT: an empty place), at what price, and in which slots at that price.

    Slots where the displaced node is first replica come first: they are taken from the end. [SWAP] means that it takes over the
    other's ceiling instead of a slot.
    """
    cheapest: dict[int, tuple[int, list[int]]] = {}
    leading: dict[int, list[int]] = {}
    for slot, row in enumerate(draft.rows):
        if node in row:
            continue
        before = draft.before[slot]
        entry = 0 if node in before else 1
        for other in row if len(row) == draft.copies else (*row, VACANT):
            price = entry if other == VACANT or other in before else entry - 1
            known = cheapest.get(other)
            if known is None or price < known[0]:
                known = cheapest[other] = price, []
                leading[other] = []
            if price == known[0]:
                (leading[other] if draft.heads[slot] == other else known[1]).append(slot)
    for other, slots in leading.items():
        cheapest[other][1][:0] = slots
    floors, ceilings, quota = draft.limits.floors, draft.limits.ceilings, draft.quota
    if quota[node] > floors[node]:
        for other in range(draft.nodes):
            if quota[other] < ceilings[other] and not draft.wants(other):
                known = cheapest.get(other)
                if known is None or known[0] > 0:
                    cheapest[other] = 0, [SWAP]
    return cheapest


def _augment(draft: Draft, path: list[tuple[int, list[int]]], end: int) -> bool:
    """Place one copy along `path`, the last node in slot `end`; False if the path is used up."""
    node = path[0][0]
    if not draft.wants(node):
        return False
    places: list[int] = []
    for _, slots in path[1:]:
        if not slots:
            return False
        places.append(slots.pop())
    places.append(end)
    for (displaced, _), slot in zip([*path[1:], (VACANT, [])], places, strict=True):
        if slot == SWAP:
            draft.quota[node] -= 1
            draft.quota[displaced] += 1
        else:
            if displaced != VACANT:
                draft.drop(slot, displaced)
            draft.add(slot, node)
        node = displaced
    return True
