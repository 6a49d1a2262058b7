"""Settles what direct steps could not place: copies by successive shortest paths.

The table is a flow from nodes (each its quota) to slots (each its copies); a copy that a slot's node did not
have before costs 1. Every partial table that planning arrives at is cheapest for its size, and a shortest
augmenting path keeps it so: hence the finished table copies the minimum. Source: Ahuja, Magnanti, Orlin,
"Network Flows" (1993), section 9.7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from kvtui.core.ring.draft import SWAP, VACANT, Draft

Path = list[tuple[int, list[int]]]
"""The nodes of a path, each with the slots (or SWAP) in which the node before can displace it."""


def settle_rest(draft: Draft) -> None:
    """Place every missing copy, each along a shortest path of exchanges.

    No node has more than its quota, no slot more than its copies, and no copy can be had back for nothing.
    """
    # Shortest paths never get shorter from one to the next, so the first of the last length is good enough.
    price = 0
    while any(draft.wants(node) for node in range(draft.nodes)):
        path, ends, price = _shortest_path(draft, price)
        for end in ends:
            if not _augment(draft, path, end):
                break


def _shortest_path(draft: Draft, least: int) -> tuple[Path, list[int], int]:
    """From a node that wants a copy to an empty place, at the least price; none is below `least`.

    Returns the path, the slots with an empty place for its last node, and the price. Every slot named costs
    the same as any other for that step.
    """
    empty = [slot for slot, row in enumerate(draft.rows) if len(row) < draft.copies]
    cost = {node: 0 for node in range(draft.nodes) if draft.wants(node)}
    step: dict[int, tuple[int, list[int]]] = {}
    queue = deque(cost)
    best = _landing(draft, empty, queue, cost)
    searched = 0
    while queue and (best is None or best[2] > least):
        node = queue.popleft()
        searched += 1
        if searched > draft.nodes * draft.nodes:
            raise AssertionError("a cheapest partial table has no exchange that makes it cheaper")
        nearer: list[int] = []
        for reached, (price, slots) in _exchanges(draft, node).items():
            if reached not in cost or cost[node] + price < cost[reached]:
                cost[reached] = cost[node] + price
                step[reached] = node, slots
                nearer.append(reached)
        found = _landing(draft, empty, nearer, cost)
        if best is None or (found is not None and found[2] < best[2]):
            best = found
        queue.extend(reached for reached in nearer if reached not in queue)
    if best is None:
        raise AssertionError("a table with room for every quota has an augmenting path")
    node, ends, price = best
    path: Path = []
    while node in step:
        if len(path) > draft.nodes:
            raise AssertionError("a cheapest partial table has no exchange that makes it cheaper")
        path.append((node, step[node][1]))
        node = step[node][0]
    path.append((node, []))
    return path[::-1], ends, price


def _landing(
    draft: Draft, empty: list[int], nodes: Iterable[int], cost: dict[int, int]
) -> tuple[int, list[int], int] | None:
    """Which of these nodes ends a path at the least price: the node, the slots it can fill, the price."""
    best: tuple[int, list[int], int] | None = None
    for node in nodes:
        for slot in empty:
            if node in draft.rows[slot]:
                continue
            price = cost[node] + (node not in draft.before[slot])
            if best is None or price < best[2]:
                best = node, [slot], price
            elif price == best[2] and node == best[0]:
                best[1].append(slot)
    return best


def _exchanges(draft: Draft, node: int) -> dict[int, tuple[int, list[int]]]:
    """Whom `node` can displace, at what price, and in which slots at that price.

    Slots where the displaced node is first replica come first: they are taken from the end. [SWAP] means
    that it takes over the other's ceiling instead of a slot.
    """
    cheapest: dict[int, tuple[int, list[int]]] = {}
    leading: dict[int, list[int]] = {}
    for slot, row in enumerate(draft.rows):
        if node in row:
            continue
        before = draft.before[slot]
        entry = 0 if node in before else 1
        for other in row:
            price = entry if other in before else entry - 1
            known = cheapest.get(other)
            if known is None or price < known[0]:
                known = cheapest[other] = price, []
                leading[other] = []
            if price == known[0]:
                (leading[other] if draft.heads[slot] == other else known[1]).append(slot)
    for other, slots in leading.items():
        cheapest[other][1][:0] = slots
    if draft.quota[node] > draft.limits.floors[node]:
        for other in draft.below_ceiling():
            if other not in cheapest or cheapest[other][0] > 0:
                cheapest[other] = 0, [SWAP]
    return cheapest


def _augment(draft: Draft, path: Path, end: int) -> bool:
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
