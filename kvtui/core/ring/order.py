"""Sets the first replicas right by reordering: who leads changes, who holds does not, so no data moves.

A node that leads too much hands a slot to another replica of it, that one may hand on one of its own, and
so on to a node that leads too little: an augmenting path of reorderings.
"""

from __future__ import annotations

from collections import deque

from kvtui.core.ring.draft import VACANT, Draft
from kvtui.core.ring.quota import settle


def settle_order(draft: Draft) -> None:
    """Make every node lead its quota, floor or ceiling."""
    draft.lead_quota = settle(draft.lead_limits, draft.leading, draft.held)
    _lead_vacant(draft)
    for node in range(draft.nodes):
        while draft.leading[node] > draft.lead_quota[node]:
            if not _pass_on(draft, node):
                _trade_copies(draft, node)


def _lead_vacant(draft: Draft) -> None:
    """Give every slot without a first replica one: a neighbour's if it may lead more, else the neediest."""
    for slot, row in enumerate(draft.rows):
        if draft.heads[slot] != VACANT or not row:
            continue
        beside = (draft.heads[slot - 1], draft.heads[(slot + 1) % draft.slots])

        def worth(node: int, beside: tuple[int, int] = beside) -> tuple[bool, bool, int]:
            lacking = draft.lead_quota[node] - draft.leading[node]
            return lacking > 0, node in beside, lacking

        draft.lead(slot, max(row, key=worth))


def _pass_on(draft: Draft, giver: int) -> bool:
    """Move one lead from `giver` along a shortest path to a node that lacks one; False if there is none."""
    led: dict[int, list[int]] = {}
    for slot, head in enumerate(draft.heads):
        led.setdefault(head, []).append(slot)
    came: dict[int, tuple[int, int]] = {}
    queue = deque([giver])
    while queue:
        node = queue.popleft()
        for reached, slot in _heirs(draft, node, led.get(node, [])):
            if reached == giver or reached in came:
                continue
            came[reached] = node, slot
            if draft.leading[reached] < draft.lead_quota[reached] or _take_ceiling(draft, reached, came):
                while reached != giver:
                    earlier, slot = came[reached]
                    draft.lead(slot, reached)
                    reached = earlier
                return True
            queue.append(reached)
    return False


def _heirs(draft: Draft, node: int, slots: list[int]) -> list[tuple[int, int]]:
    """Who else can lead slots that `node` leads, and in which slot, rather at the edge of an arc."""
    best: dict[int, tuple[int, int]] = {}
    for slot in slots:
        left, right = draft.heads[slot - 1], draft.heads[(slot + 1) % draft.slots]
        for other in draft.rows[slot]:
            if other == node:
                continue
            # Arcs more (or fewer) if `other` takes over here.
            arcs = (left == node) + (right == node) - (left == other) - (right == other)
            if other not in best or arcs < best[other][0]:
                best[other] = arcs, slot
    return [(other, slot) for other, (_, slot) in sorted(best.items(), key=lambda item: (item[1], item[0]))]


def _take_ceiling(draft: Draft, node: int, came: dict[int, tuple[int, int]]) -> bool:
    return False


def _trade_copies(draft: Draft, giver: int) -> None:
    raise AssertionError("no path")
