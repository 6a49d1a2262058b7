"""Gives nodes back copies that they had, at no cost, by exchanging them along augmenting paths.

After overfull slots let copies go, some nodes hold less than their quota while others hold more. A node takes
back a slot that it had, whoever makes way takes back one of its own, and so on to a node above its quota or
an empty place. When no such path is left, no table keeps more (augmenting paths for b-matching: Ahuja,
Magnanti, Orlin, "Network Flows" (1993), section 12.3).
"""

from __future__ import annotations

from collections import deque

from kvtui.core.ring.draft import SWAP, VACANT, Draft


def regain(draft: Draft, *, heads: bool) -> None:
    """Keep as many copies as any table within the quotas can. No slot has too many.

    First replicas make way only if `heads`.
    """
    lost: list[list[int]] = [[] for _ in range(draft.nodes)]
    for slot, before in enumerate(draft.before):
        for node in before:
            if node not in draft.rows[slot]:
                lost[node].append(slot)
    stuck: set[int] = set()
    for node in range(draft.nodes):
        while draft.wants(node) and node not in stuck:
            if not _regain_one(draft, lost, node, stuck, heads):
                break


def _regain_one(draft: Draft, lost: list[list[int]], wanting: int, stuck: set[int], heads: bool) -> bool:
    """Give `wanting` one copy back; False, and its whole search is `stuck`, if no path leads anywhere."""
    came: dict[int, tuple[int, int]] = {wanting: (VACANT, VACANT)}
    queue = deque([wanting])
    swapped = False
    while queue:
        node = queue.popleft()
        for slot in lost[node]:
            row = draft.rows[slot]
            if len(row) < draft.copies:
                _exchange(draft, lost, came, node, slot, VACANT)
                return True
            for other in row:
                if other in came or other in stuck or other not in draft.before[slot]:
                    continue
                if other == draft.heads[slot] and not heads:
                    continue
                if draft.spares(other):
                    _exchange(draft, lost, came, node, slot, other)
                    return True
                came[other] = node, slot
                queue.append(other)
        if not swapped and draft.quota[node] > draft.limits.floors[node]:
            swapped = True
            for other in draft.below_ceiling():
                if other in came or other in stuck:
                    continue
                if draft.spares(other):
                    _exchange(draft, lost, came, node, SWAP, other)
                    return True
                came[other] = node, SWAP
                queue.append(other)
    stuck.update(came)
    return False


def _exchange(
    draft: Draft, lost: list[list[int]], came: dict[int, tuple[int, int]], node: int, slot: int, leaver: int
) -> None:
    """`node` takes `slot` (or the ceiling, SWAP) from `leaver`, and so back along the path."""
    while node != VACANT:
        if slot == SWAP:
            draft.quota[node] -= 1
            draft.quota[leaver] += 1
        else:
            lost[node].remove(slot)
            if leaver != VACANT:
                draft.drop(slot, leaver)
                lost[leaver].append(slot)
            draft.add(slot, node)
        leaver = node
        node, slot = came[node]
