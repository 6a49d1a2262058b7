"""Lets copies go where a slot or a node has too many, so that as few as possible must be placed again."""

from __future__ import annotations

from kvtui.core.ring.draft import VACANT, Draft
from kvtui.core.ring.fill import scattered_runs


def shed_overfull(draft: Draft) -> None:
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
    """Who makes way: never a node that must hold every slot, and the first replica only if all others must."""
    free = [node for node in draft.rows[slot] if draft.limits.floors[node] < draft.slots]
    rest = [node for node in free if node != draft.heads[slot]]

    def worth(node: int) -> tuple[bool, float]:
        ahead = (draft.held[node] - draft.quota[node]) / surplus[node] * pressure
        return draft.spares(node), ahead + draft.crowding(node, slot)

    return max(rest or free, key=worth)


def shed_rich(draft: Draft) -> None:
    """Drop what nodes hold above their quotas; first replicas stay wherever it can be helped."""
    if not any(draft.spares(node) for node in range(draft.nodes)):
        return
    for heads in (False, True):
        for slot, row in enumerate(draft.rows):
            for node in list(row):
                if draft.spares(node) and (heads or draft.heads[slot] != node):
                    draft.drop(slot, node)
